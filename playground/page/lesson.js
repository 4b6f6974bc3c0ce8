/* SPDX-License-Identifier: MIT */
/* The list of lessons, and the one that is under way: which step, which of the pages, what is done. */

const LETTERS = ['a', 'b', 'c', 'd', 'e'];

/* What of the lessons has been done once, if the browser keeps that. */
const kept = {
    read: () => {
        try {
            return JSON.parse(localStorage.getItem('paravane-lessons')) ?? [];
        } catch {
            return [];
        }
    },
    write: done => {
        try {
            localStorage.setItem('paravane-lessons', JSON.stringify(done));
        } catch { /* not here */
        }
    },
};

class Lesson {
    /* @number: -1 for none, the free play. */
    constructor(number, machine) {
        this.number = number;
        this.lesson = LESSONS[number];
        this.step = 0;
        if (!this.lesson) return;
        const state = machine.state();
        const pages = Object.fromEntries(LETTERS.map((letter, i) => [letter, state.firstFree + i]));
        Object.assign(pages, this.lesson.pages?.(state));
        this.frames = Object.fromEntries(LETTERS.map(letter => [letter, state.page(pages[letter]).mfn]));
        this.pfns = pages;
        for (const op of this.lesson.begin?.(this.named(state)) ?? []) {
            const done = perform(machine, op);
            if (!done.ok) throw new Error(`lesson ${number + 1} does not begin: ${done.said}`);
        }
    }

    get steps() {
        return this.lesson?.steps ?? [];
    }

    get isDone() {
        return this.step >= this.steps.length;
    }

    /* @state, in which the lesson's pages have their letters. */
    named(state) {
        return Object.assign(
            state, Object.fromEntries(LETTERS.map(letter => [letter, state.frame(this.frames[letter])])));
    }

    /* Is the step done that is under way?  Then the next one is. */
    look(state, last, selected) {
        if (!this.lesson || this.isDone || (!last && !this.steps[this.step].select)) return false;
        if (!this.steps[this.step].done(this.named(state), last, selected)) return false;
        this.step++;
        return true;
    }

    /* A text of the lesson as elements; its marks are the lessons' own, and no input's. */
    text(source, tag) {
        const element = make(tag);
        element.innerHTML = source.replace(
            /\{([a-e])\}/g,
            (_, letter) => `<button type="button" class="link" data-frame="${this.frames[letter]}">${
                hex(this.pfns[letter])}</button>`);
        return element;
    }
}

class LessonView {
    constructor(place, list, {begin, fill, choose}) {
        Object.assign(this, {place, list, begin, fill, choose, doneOnce: kept.read()});
    }

    showList(current) {
        const item = (number, words, title) => make(
            'li', {},
            make(
                'button', {
                    type: 'button',
                    'data-lesson': number,
                    title,
                    'aria-current': number === current ? 'step' : null,
                    class: this.doneOnce.includes(number) ? 'done' : '',
                    onclick: () => this.begin(number),
                },
                words));
        this.list.replaceChildren(
            ...LESSONS.map((lesson, i) => item(i, String(i + 1), `${i + 1}: ${lesson.title}`)),
            item(-1, 'Free play', 'All calls, and nothing to do'));
    }

    show(lesson) {
        if (lesson.lesson && lesson.isDone && !this.doneOnce.includes(lesson.number)) {
            this.doneOnce.push(lesson.number);
            kept.write(this.doneOnce);
        }
        this.showList(lesson.number);
        this.place.replaceChildren(...(lesson.lesson ? this.lessonParts(lesson) : this.freeParts()));
    }

    lessonParts(lesson) {
        const steps = lesson.steps.map((step, i) => {
            const item = lesson.text(step.text, 'li');
            item.className = i < lesson.step ? 'done' : i === lesson.step ? 'now' : 'later';
            item.setAttribute('data-step', i);
            if (i < lesson.step) item.prepend(make('span', {class: 'hidden'}, 'Done: '));
            if (i === lesson.step) {
                item.setAttribute('aria-current', 'step');
                item.append(make(
                    'button', {type: 'button', id: 'show', class: 'hint', onclick: () => this.hint(lesson)},
                    step.select ? 'Choose it for me' : 'Show me the call'));
            }
            return item;
        });
        const last = lesson.number === LESSONS.length - 1;
        return [
            make('p', {class: 'quiet'}, `Lesson ${lesson.number + 1} of ${LESSONS.length}`),
            make('h2', {id: 'lesson-title'}, lesson.lesson.title),
            lesson.text(lesson.lesson.text, 'div'),
            make('ol', {class: 'steps'}, steps),
            lesson.isDone ? make(
                                'p', {class: 'finished', role: 'status'}, 'Done. ',
                                make(
                                    'button', {
                                        type: 'button',
                                        id: 'next',
                                        class: 'main',
                                        onclick: () => this.begin(last ? -1 : lesson.number + 1),
                                    },
                                    last ? 'Free play' : `Next: ${LESSONS[lesson.number + 1].title}`)) :
                                           '',
        ].filter(one => one);
    }

    hint(lesson) {
        const step = lesson.steps[lesson.step];
        const state = lesson.named(this.state);
        if (step.select)
            this.choose(step.select(state));
        else
            this.fill(step.op(state));
    }

    freeParts() {
        const option = (id, words) => make(
            'label', {class: 'option'}, make('input', {
                type: 'checkbox',
                id,
                checked: this.options?.[id],
                onchange: event => {
                    this.options = {...this.options, [id]: event.target.checked};
                    this.begin(-1);
                },
            }),
            words);
        return [
            make('h2', {id: 'lesson-title'}, 'Free play'),
            make(
                'p', {},
                'A guest that has just booted, and every call. Choose a frame, and do something with it; each ' +
                    'refusal says why. After each call all counts are counted anew, from the roots, by the audit.'),
            make('p', {}, 'Try to get a writable mapping of a page table: advisories have been written about less.'),
            option('narrow', 'A guest of 32 bits (three levels)'),
            option('linear', 'Linear page tables allowed, as for NetBSD'),
        ];
    }
}
