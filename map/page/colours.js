/* SPDX-License-Identifier: MIT */
/* Colours of frames, by type or by owner, as the style sheet has them for light and dark. */

const KIND_SIGNS = ['free', 'hyp', '-', 'W', 'L1', 'L2', 'L3', 'L4', 'GDT'];
const KIND_WORDS = [
    'free', 'the hypervisor\'s', 'of a domain, no use that counts', 'writable', 'L1 tables', 'L2 tables', 'L3 tables',
    'L4 tables', 'descriptors'
];
const OWNER_COLOURS = 8;

/* Domains share colours from the ninth on. */
function colourName(look, by) {
    const kind = kindOf(look);
    return by === 'type' || kind < 2 ? `--${KINDS[kind].toLowerCase()}` : `--owner-${ownerOf(look) % OWNER_COLOURS}`;
}

function coloursNow() {
    const style = getComputedStyle(document.documentElement);
    const known = new Map();
    const css = name => {
        if (!known.has(name)) known.set(name, style.getPropertyValue(name).trim());
        return known.get(name);
    };
    const pixels = new Map();
    const pixel = name => {
        if (!pixels.has(name)) {
            const [r, g, b] = css(name).match(/[0-9a-f]{2}/gi).map(part => parseInt(part, 16));
            pixels.set(name, (0xff000000 | b << 16 | g << 8 | r) >>> 0);
        }
        return pixels.get(name);
    };
    return {
        css: (look, by) => css(colourName(look, by)),
        pixel: (look, by) => pixel(colourName(look, by)),
        text: look => css(kindOf(look) < 2 ? '--text' : '--cell-text'),
        back: css('--back'),
        mark: css('--text'),
    };
}
