/* SPDX-License-Identifier: MIT */
/* The whole: a machine, what is chosen, what has been done, and the way back. */

const UNDO_MAX = 60;

class Playground {
    constructor(bytes) {
        this.bytes = bytes;
        this.tiles = new Tiles($('frames'));
        this.inspector = new Inspector($('inspector'), op => this.perform(op));
        this.panel = new Panel($('panel'), op => this.perform(op));
        this.view = new LessonView($('lesson'), $('lessons'), {
            begin: number => this.begin(number),
            choose: mfn => this.choose(mfn),
            fill: op => {
                this.panel.fill(op);
                $('call').focus();
            },
        });
        $('undo').addEventListener('click', () => this.undo());
        $('again').addEventListener('click', () => this.begin(this.lesson.number));
        whenFrameChosen(mfn => this.choose(mfn));
        document.addEventListener('keydown', event => {
            if (event.key === 'z' && (event.ctrlKey || event.metaKey) && event.target.tagName !== 'INPUT') this.undo();
        });
    }

    /* A new machine, for lesson @number or (-1) none. */
    async begin(number) {
        const options = number < 0 ? this.view.options : {};
        this.machine = await Machine.create(this.bytes, options);
        this.lesson = new Lesson(number, this.machine);
        this.past = [];
        this.log = [];
        this.state = this.machine.state();
        this.selected = this.state.page(this.state.firstFree).mfn;
        if (this.lesson.lesson?.steps[0].select) this.selected = this.state.cr3;
        this.panel.fill(OPS.map(this.state.window, this.selected, WRITABLE));
        history.replaceState(null, '', number < 0 ? '#free' : `#lesson-${number + 1}`);
        this.show();
    }

    choose(mfn) {
        this.selected = mfn;
        this.lesson.look(this.state, this.log[0], mfn);
        this.show(this.changed);
    }

    perform(op) {
        const before = this.state;
        this.past.push({memory: this.machine.remember(), step: this.lesson.step, selected: this.selected});
        if (this.past.length > UNDO_MAX) this.past.shift();
        const done = perform(this.machine, op);
        this.state = this.machine.state();
        done.changes = this.state.frames.filter(frame => differs(frame, before.frame(frame.mfn)))
                           .map(frame => [before.frame(frame.mfn), frame]);
        this.log.unshift(done);
        this.lesson.look(this.state, done, this.selected);
        this.show(new Set(done.changes.map(([, frame]) => frame.mfn)));
    }

    /* What @op would answer, though it is done: for those who write programs of calls.  Nothing of it is shown. */
    attempt(op) {
        return perform(this.machine, op);
    }

    undo() {
        const last = this.past.pop();
        if (!last) return;
        this.machine.restore(last.memory);
        this.log.shift();
        this.lesson.step = last.step;
        this.selected = last.selected;
        this.state = this.machine.state();
        this.show();
    }

    show(changed = new Set()) {
        const look = this.machine.look(this.selected);
        const related = new Map(look.holders.map(one => [one.table, 'above']));
        if (/^L/.test(this.state.frame(this.selected).type))
            for (const [, bits] of look.entries)
                if (bits & 1n) related.set(frameIn(bits), 'below');
        this.changed = changed;
        this.view.state = this.state;
        this.view.show(this.lesson);
        this.tiles.show(this.state, {selected: this.selected, changed, related});
        this.inspector.show(this.state, this.selected, look);
        $('undo').disabled = this.past.length === 0;
        showAnswer(this.log[0], this.state);
        showLog(this.log);
        showStatus(this.state);
        showMemory(this.state);
    }
}

function differs(one, other) {
    return ['owner', 'type', 'count', 'pinned', 'pfn', 'allocated'].some(name => one[name] !== other[name]);
}

/* ---- The answer, and those before. */

const RESULTS = {
    store: ['written', 'written, by emulation: the engine has checked the entry']
};

function resultOf(done) {
    if (done.error) return done.error;
    if (!done.ok) return done.op.kind === 'store' || done.op.kind === 'load' ? 'page fault' : String(done.result);
    if (done.op.kind === 'load') return done.said;
    return RESULTS[done.op.kind]?.[done.result] ?? String(done.result);
}

function change([before, after]) {
    const words = frame =>
        `${typeSign(frame)}${frame.count ? ` ×${frame.count}` : ''}${frame.pinned ? ', pinned' : ''}`;
    const owner = before.owner === after.owner ? '' : `, ${ownerName(before.owner)} → ${ownerName(after.owner)}`;
    return make(
        'li', {}, frameLink(after.mfn, `frame ${hex(after.mfn)}`), `: ${words(before)} → ${words(after)}${owner}`);
}

function showAnswer(done, state) {
    if (!done) {
        $('answer').replaceChildren(make('p', {class: 'quiet'}, 'Nothing has been asked yet.'));
        return;
    }
    const [advice, rest] = [done.said.match(/What to do: ([^]*)/)?.[1], done.said.replace(/\s*What to do: [^]*/, '')];
    const lines = rest.trimEnd().split('\n').map(line => line.trim()).filter(line => line);
    $('answer').replaceChildren(
        make(
            'p', {class: done.ok ? 'verdict good' : 'verdict bad', id: 'verdict'}, done.ok ? '✓ ' : '✗ ',
            resultOf(done), done.reason ? ` ${done.reason}` : ''),
        done.ok ? '' : make('p', {class: 'headline'}, lines[0] ?? 'The call has failed.'),
        done.ok || lines.length < 2 ?
            '' :
            make(
                'ul', {class: 'facts'},
                lines.slice(1).map(line => make('li', {}, withFrames(line, state.frames.length)))),
        advice ? make('p', {class: 'advice'}, make('b', {}, 'What to do: '), advice.replace(/\s+/g, ' ').trim()) : '',
        done.changes.length ?
            make('ul', {class: 'changes', 'aria-label': 'Frames that have changed'}, done.changes.map(change)) :
            done.ok ? make('p', {class: 'quiet'}, 'No frame has another type or count.') :
                      '');
}

function showLog(log) {
    $('log').replaceChildren(...log.map(
        done => make(
            'li', {class: done.ok ? 'good' : 'bad'}, make('code', {}, KINDS[done.op.kind].written(done.op)),
            make(
                'span', {class: 'result'},
                ` → ${resultOf(done)}` +
                    `${done.reason ? ` ${done.reason}` : ''}`))));
}

/* ---- The machine as a whole. */

function showStatus(state) {
    const tables = state.frames.filter(frame => frame.owner === state.domain && /^L/.test(frame.type) && frame.count);
    $('status').className = state.broken || !state.alive ? 'bad' : 'good';
    $('status').textContent = state.broken ?
        `An invariant does not hold: ${state.broken}` :
        !state.alive ?
        'The kernel no longer maps itself: its next instruction would not be there. Undo takes that back.' :
        `All counts agree with what refers to each frame, and no processor remembers what it must not: counted anew ` +
            `after each call. ${tables.length} page tables are in use.`;
}

function showMemory(state) {
    if (!state.tlb.length) {
        $('tlb').replaceChildren(make('p', {class: 'quiet'}, 'No translation. Read or write something.'));
        return;
    }
    const row = one => {
        const stale = one.now !== one.frame || (one.writable && !one.nowWritable);
        return make(
            'tr', {class: stale ? 'stale' : ''}, make('td', {}, make('code', {}, hex(one.vaddr))),
            make('td', {}, frameLink(one.frame)), make('td', {}, one.writable ? 'writable' : 'read-only'),
            make(
                'td', {},
                !stale ? 'as the tables say' :
                    one.now < 0 ?
                         'stale: not mapped any more' :
                         `stale: the tables say frame ${hex(one.now)}, ${one.nowWritable ? 'writable' : 'read-only'}`));
    };
    $('tlb').replaceChildren(make(
        'div', {class: 'scrolls', tabindex: '0', role: 'region', 'aria-labelledby': 'tlb-title'},
        make(
            'table', {},
            make(
                'thead', {},
                make('tr', {}, ['Address', 'Frame', 'Rights', ''].map(text => make('th', {scope: 'col'}, text)))),
            make('tbody', {}, state.tlb.map(row)))));
}

/* ---- The beginning. */

function firstLesson() {
    const wanted = location.hash.match(/^#lesson-(\d+)$/);
    if (location.hash === '#free') return -1;
    return wanted && LESSONS[wanted[1] - 1] ? wanted[1] - 1 : 0;
}

const playground = new Playground(Uint8Array.from(atob(MODULE), byte => byte.charCodeAt(0)));
playground.begin(firstLesson());
/* For those who look from a console, and for the tests. */
Object.assign(window, {playground, OPS, FLUSHES, entryOf});
