/* SPDX-License-Identifier: MIT */
/* Elements of the page, made in one expression; and texts in which frames and pages can be chosen. */

const $ = id => document.getElementById(id);

/* An element with properties (data-, aria- and the like by their names, on... by functions) and what is in it. */
function make(tag, properties = {}, ...inside) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (value === undefined || value === null || value === false) continue;
        if (name.startsWith('on'))
            element.addEventListener(name.slice(2), value);
        else if (name === 'class')
            element.className = value;
        else
            element.setAttribute(name, value === true ? '' : value);
    }
    element.append(...inside.flat().filter(one => one !== null && one !== undefined && one !== ''));
    return element;
}

/* A frame as a button that shows it. */
function frameLink(mfn, words = hex(mfn)) {
    return make('button', {type: 'button', class: 'link', 'data-frame': mfn, title: `show frame ${hex(mfn)}`}, words);
}

/* Words of the hypervisor's, in which each "frame 2a" is a button. */
function withFrames(text, nrFrames) {
    return text.split(/(\bframe [0-9a-f]+\b)/).map(part => {
        const mfn = part.startsWith('frame ') ? parseInt(part.slice(6), 16) : NaN;
        return mfn < nrFrames ? frameLink(mfn, part) : part;
    });
}

/* What shows a frame, wherever on the page it stands. */
function whenFrameChosen(choose) {
    document.addEventListener('click', event => {
        const button = event.target.closest?.('[data-frame]');
        if (button) choose(Number(button.dataset.frame), button);
    });
}
