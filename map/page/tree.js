/* SPDX-License-Identifier: MIT */
/* The tables from a root down, at the moment: level by level, as far as somebody opens them. */

const TREE = {
    row: 22,
    column: 190,
    shown: 24
};

class Tree {
    constructor(place, data, choose) {
        Object.assign(this, {place, data, choose});
        this.svg = d3.select(place).append('svg').attr('role', 'group');
    }

    /* A node of the tree: a table, or the page that an L1 maps. */
    node(mfn, slot = null, entry = null, address = 0n, level = this.data.atMoment.get(mfn)?.level) {
        return {mfn, slot, entry, address, level, isOpen: false, from: 0};
    }

    start(mfn) {
        this.root = this.node(mfn);
        this.root.isOpen = true;
        this.draw();
    }

    childrenOf(node) {
        const entries = this.data.atMoment.get(node.mfn)?.entries;
        if (!node.isOpen || !entries) return null;
        const shown = entries.slice(node.from, node.from + TREE.shown);
        node.children ??= new Map();
        const children = shown.map(([slot, entry]) => {
            if (!node.children.has(slot)) {
                const address = node.address + (BigInt(slot) << BigInt(12 + 9 * (node.level - 1)));
                node.children.set(slot, this.node(frameIn(entry), slot, entry, address, node.level - 1));
            }
            return node.children.get(slot);
        });
        const rest = entries.length - node.from - shown.length;
        if (rest > 0 || node.from > 0) children.push({more: node, rest});
        return children;
    }

    draw() {
        const root = d3.hierarchy(this.root, node => node.more ? null : this.childrenOf(node));
        d3.tree().nodeSize([TREE.row, TREE.column])(root);
        const nodes = root.descendants();
        const top = Math.min(...nodes.map(node => node.x)) - TREE.row;
        const height = Math.max(...nodes.map(node => node.x)) - top + TREE.row;
        const width = (root.height + 1) * TREE.column + 40;
        this.svg.attr('viewBox', `-12 ${top} ${width} ${height}`)
            .attr('width', width)
            .attr('height', height)
            .attr('aria-label', `The tables from frame ${hex(this.root.mfn)} down`);
        this.svg.selectAll('*').remove();
        this.svg.selectAll('path')
            .data(root.links())
            .join('path')
            .attr('class', 'edge')
            .attr(
                'd',
                ({source, target}) =>
                    `M${source.y + 118},${source.x}C${source.y + 155},${source.x} ${target.y - 35},${target.x} ` +
                    `${target.y - 6},${target.x}`);
        const groups = this.svg.selectAll('g')
                           .data(nodes)
                           .join('g')
                           .attr('transform', node => `translate(${node.y},${node.x})`)
                           .attr('tabindex', 0)
                           .attr('role', 'button')
                           .attr('aria-label', node => this.inWords(node.data))
                           .on('click', (_, node) => this.press(node.data))
                           .on('keydown', (event, node) => {
                               if (event.key === 'Enter' || event.key === ' ') this.press(node.data, event);
                           });
        groups.append('rect')
            .attr('x', -6)
            .attr('y', -9)
            .attr('width', 124)
            .attr('height', 18)
            .attr('rx', 4)
            .attr('class', ({data}) => data.more ? 'more' : `node ${data.level ? `l${data.level}` : 'page'}`);
        groups.append('text').attr('dy', '0.32em').text(({data}) => this.words(data));
        groups.append('title').text(({data}) => this.inWords(data));
    }

    words(node) {
        if (node.more) return node.rest > 0 ? `${node.rest} more ...` : 'from the first';
        const closed = this.data.atMoment.get(node.mfn)?.entries && node.level ? node.isOpen ? ' ▾' : ' ▸' : '';
        return `${node.slot === null ? '' : `[${node.slot}] `}${node.level ? `L${node.level} ` : ''}${hex(node.mfn)}${
            closed}`;
    }

    inWords(node) {
        if (node.more) return 'Show other slots of this table';
        const where =
            node.slot === null ? 'The root' : `Slot ${node.slot}: entry ${hex(node.entry)} (${flagWords(node.entry)})`;
        const address = BigInt.asUintN(64, node.address >> 47n & 1n ? node.address | ~0n << 48n : node.address);
        return `${where}, frame ${hex(node.mfn)}, from address ${hex(address)}`;
    }

    /* A table opens and closes; whatever it is, it is chosen. */
    press(node, event) {
        event?.preventDefault();
        if (node.more) {
            node.more.from = node.rest > 0 ? node.more.from + TREE.shown : 0;
        } else {
            node.isOpen = !node.isOpen;
            this.choose(node.mfn);
        }
        this.draw();
    }
}
