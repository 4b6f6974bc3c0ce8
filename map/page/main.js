/* SPDX-License-Identifier: MIT */
/* The whole: what is chosen, which time is shown, what is looked for, and files for those who only look. */

class FrameMap {
    constructor(data) {
        this.data = data;
        this.picture =
            new Picture($('picture'), data, {choose: mfn => this.choose(mfn), hover: mfn => this.hover(mfn)});
        this.timeline = new Timeline($('timeline'), data, time => this.goTo(time));
        this.tree = new Tree($('tree'), data, mfn => this.choose(mfn, false));
        this.listen();
        this.selected = data.roots[0]?.mfn ?? data.ram[0];
        $('summary').textContent = `${data.operations} operations, ${data.ram.length} frames of RAM, ` +
            `${data.domains.length} domain${data.domains.length === 1 ? '' : 's'} at operation ${data.moment}`;
        $('tree-title').textContent = `The tables from a root, at operation ${data.moment}`;
        $('time').max = data.operations;
        $('roots').replaceChildren(
            ...data.roots.map(root => make('option', {value: root.mfn}, `${root.words}: frame ${hex(root.mfn)}`)));
        if (data.roots.length) this.tree.start(data.roots[0].mfn);
        this.goTo(data.moment);
    }

    listen() {
        whenFrameChosen(mfn => this.choose(mfn));
        $('time').addEventListener('input', event => this.goTo(Number(event.target.value)));
        $('search').addEventListener('submit', event => {
            event.preventDefault();
            this.search($('wanted').value);
        });
        $('roots').addEventListener('change', event => this.openTree(Number(event.target.value)));
        for (const name of ['colour', 'order']) {
            $(name).addEventListener('change', event => {
                this.picture[name] = event.target.value;
                if (name === 'order') this.picture.resize();
                this.show();
            });
        }
        $('tables-only').addEventListener('change', event => {
            this.timeline.tablesOnly = event.target.checked;
            this.timeline.draw();
        });
        $('closer').addEventListener('click', () => this.picture.zoom(1.6));
        $('farther').addEventListener('click', () => this.picture.zoom(1 / 1.6));
        $('whole').addEventListener('click', () => this.picture.fit());
        $('png').addEventListener('click', () => $('picture').toBlob(blob => save('map.png', blob)));
        $('svg').addEventListener(
            'click', () => save('map.svg', new Blob([this.picture.svg()], {type: 'image/svg+xml'})));
        matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.picture.paint());
    }

    goTo(time) {
        this.time = time;
        this.look = this.data.lookAt(time);
        this.show();
    }

    choose(mfn, moves = true) {
        this.selected = mfn;
        if (moves && this.picture.scale > READABLE) this.picture.goTo(mfn);
        this.show();
    }

    openTree(mfn) {
        this.tree.start(mfn);
        $('tree').scrollIntoView({block: 'nearest'});
    }

    /* "1f4", "mfn 1f4", "pfn 20": numbers are hexadecimal. */
    search(text) {
        const found = text.trim().match(/^(?:(mfn|pfn|frame|page)\s*)?(?:0x)?([0-9a-f]+)$/i);
        const number = found ? parseInt(found[2], 16) : NaN;
        const isPage = found && /^p/i.test(found[1] ?? '');
        const mfn = isPage ? this.data.byPfn.get(number) : number;
        const known = this.picture.placeOf.has(mfn);
        $('found').textContent = known ? (isPage ? `page ${hex(number)} is frame ${hex(mfn)}` : '') :
            found ? `there is no ${isPage ? 'page' : 'frame'} ${hex(number)}` :
                    'a hexadecimal number: 1f4, or pfn 20';
        if (!known) return;
        this.selected = mfn;
        this.picture.goTo(mfn);
        this.show();
    }

    hover(mfn) {
        $('hovered').textContent =
            mfn === null || mfn === undefined ? '' : `frame ${hex(mfn)}: ${lookInWords(this.look[mfn])}`;
    }

    show() {
        this.picture.show(this.look, this.selected);
        this.timeline.show(this.time);
        $('time').value = this.time;
        $('time-words').textContent = `after operation ${this.time}`;
        showDetails(
            $('details'), this.data, this, {openTree: mfn => this.openTree(mfn), goTo: time => this.goTo(time)});
        showLegend(this.data, this.look, this.picture.colour);
    }
}

function showLegend(data, look, by) {
    const counts = new Map();
    for (const mfn of data.ram) {
        const name = colourName(look[mfn], by);
        if (!counts.has(name)) counts.set(name, {count: 0, pins: 0, look: look[mfn]});
        counts.get(name).count++;
        counts.get(name).pins += isPinned(look[mfn]) ? 1 : 0;
    }
    const words = one =>
        by === 'type' || kindOf(one.look) < 2 ? KIND_WORDS[kindOf(one.look)] : ownerName(ownerOf(one.look));
    const sorted = [...counts].sort(([, one], [, other]) => kindOf(one.look) - kindOf(other.look));
    $('legend').replaceChildren(...sorted.map(
        ([name, one]) => make(
            'li', {}, make('span', {class: 'swatch', style: `background: var(${name})`, 'aria-hidden': 'true'}),
            `${words(one)}: `, make('b', {}, String(one.count)), one.pins ? ` (${one.pins} pinned)` : '')));
}

function save(name, blob) {
    const link = make('a', {href: URL.createObjectURL(blob), download: name});
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

unpack(DATA)
    .then(values => {
        /* For those who look from a console, and for the tests. */
        Object.assign(window, {map: new FrameMap(new Data(values)), ownerOf, typeOf, isPinned, frameIn});
        document.body.classList.add('ready');
    })
    .catch(error => {
        $('summary').textContent = `The data cannot be read: ${error.message}`;
    });
