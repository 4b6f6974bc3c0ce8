/* SPDX-License-Identifier: MIT */
/* The frames as tiles, by owner; what a tile says it says in words and signs too, not by its colour alone. */

const TYPE_CLASS = {
    none: 'none',
    L1: 'l1',
    L2: 'l2',
    L3: 'l3',
    L4: 'l4',
    'L2 top': 'l2',
    descriptors: 'segdesc',
    writable: 'writable'
};
const TYPE_SHORT = {
    none: '·',
    descriptors: 'GDT/LDT',
    writable: 'W',
    'L2 top': 'L2+'
};
const LEGEND = [
    ['writable', 'W: mapped writable'], ['l1', 'L1 table'], ['l2', 'L2 table'], ['l3', 'L3 table'], ['l4', 'L4 table'],
    ['segdesc', 'descriptors'], ['none', '·: no use'], ['retired', 'of no use any more']
];

const isIdle = frame => frame.count === 0 && !frame.busy;

/* The type in a few signs: that of a use which has ended is in brackets. */
function typeSign(frame) {
    const name = TYPE_SHORT[frame.type] ?? frame.type;
    return isIdle(frame) && frame.type !== 'none' ? `(${name})` : name;
}

function inWords(frame, state) {
    const owner = frame.owner === state.domain ? 'yours' : ownerName(frame.owner);
    const uses = `${frame.count} use${frame.count === 1 ? '' : 's'}`;
    const type = frame.type === 'none' ? 'no type' :
        isIdle(frame)                  ? `no use, last ${frame.type}` :
                                         `${frame.type}, ${uses}`;
    const page = frame.pfn === null ? '' : `, page ${hex(frame.pfn)}`;
    return `frame ${hex(frame.mfn)}${page}, ${owner}, ${type}${frame.pinned ? ', pinned' : ''}` +
        `${frame.mfn === state.cr3 ? ', root of the processor' : ''}`;
}

class Tiles {
    constructor(place) {
        this.place = place;
        this.tiles = new Map();
        place.addEventListener('keydown', event => this.move(event));
        $('legend').replaceChildren(
            make('li', {}, 'On a tile: above the mfn, below the pfn'),
            ...LEGEND.map(
                ([type, words]) =>
                    make('li', {}, make('span', {class: `swatch ${type}`, 'aria-hidden': 'true'}), words)));
    }

    /* Tiles of frames that have changed are marked, and so are those that the chosen one has to do with. */
    show(state, {selected, changed = new Set(), related = new Map()}) {
        const groups = [
            [`Your domain, number ${state.domain}`, frame => frame.owner === state.domain],
            ['Another domain, number 0', frame => frame.owner === 0],
            ['Nobody\'s', frame => frame.owner === OWNER.nobody],
            ['The hypervisor\'s', frame => frame.owner === OWNER.hypervisor]
        ];
        const focused = this.place.contains(document.activeElement) ? document.activeElement.dataset.frame : null;
        this.tiles.clear();
        this.place.replaceChildren(...groups.map(([title, has]) => {
            const frames =
                state.frames.filter(has).sort((one, other) => (one.pfn ?? one.mfn) - (other.pfn ?? other.mfn));
            return make(
                'div', {class: 'group', role: 'group', 'aria-label': title},
                make('h3', {}, title, make('span', {class: 'count'}, `${frames.length} frames`)),
                make(
                    'div', {class: 'tiles'}, frames.map(frame => this.tile(frame, state, selected, changed, related))));
        }));
        const first = this.tiles.get(selected) ?? [...this.tiles.values()][0];
        first.tabIndex = 0;
        if (focused !== null) this.tiles.get(Number(focused))?.focus();
    }

    tile(frame, state, selected, changed, related) {
        const classes = ['tile', TYPE_CLASS[frame.type], isIdle(frame) ? 'idle' : 'used'];
        const role = state.role(frame);
        if (frame.mfn === selected) classes.push('selected');
        if (changed.has(frame.mfn)) classes.push('changed');
        if (related.has(frame.mfn)) classes.push(related.get(frame.mfn));
        if (role === 'kernel data' || role === 'shared_info') classes.push('dull');
        const count = frame.count > 1 ? make('small', {}, `×${frame.count}`) : '';
        const tile = make(
            'button', {
                type: 'button',
                class: classes.join(' '),
                'data-frame': frame.mfn,
                tabindex: '-1',
                'aria-pressed': frame.mfn === selected ? 'true' : 'false',
                'aria-label': inWords(frame, state),
                title: inWords(frame, state) + (role ? ` (${role})` : ''),
            },
            make('span', {class: 'mfn'}, hex(frame.mfn)),
            make(
                'span', {class: 'marks'},
                [frame.mfn === state.cr3 ? 'cr3' : '', frame.pinned ? 'pin' : ''].filter(mark => mark).join(' ')),
            make('span', {class: 'type'}, typeSign(frame), count),
            make('span', {class: 'pfn'}, frame.pfn === null ? '' : `pfn ${hex(frame.pfn)}`));
        this.tiles.set(frame.mfn, tile);
        return tile;
    }

    /* Arrows go from tile to tile, as they lie. */
    move(event) {
        const ways = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
        const way = ways[event.key];
        const from = event.target.closest('.tile');
        if (!way || !from) return;
        event.preventDefault();
        const here = from.getBoundingClientRect();
        const distance = tile => {
            const there = tile.getBoundingClientRect();
            const along = (there.left - here.left) * way[0] + (there.top - here.top) * way[1];
            const aside =
                Math.abs(there.left - here.left) * Math.abs(way[1]) + Math.abs(there.top - here.top) * Math.abs(way[0]);
            return along > 1 ? along + aside * 4 : Infinity;
        };
        const next = [...this.tiles.values()].reduce((best, tile) => distance(tile) < distance(best) ? tile : best);
        if (distance(next) === Infinity) return;
        for (const tile of this.tiles.values()) tile.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
    }
}
