/* SPDX-License-Identifier: MIT */
/* What is known of one frame: at the time that is shown, at the moment, and over its life. */

const HOLDERS_SHOWN = 12, LIFE_SHOWN = 200;

function holderItem(holder) {
    return make(
        'li', {}, `slot ${holder.slot} of the L${holder.level} table in `,
        frameLink(holder.table, `frame ${hex(holder.table)}`), ` (${flagWords(holder.entry)})`);
}

function atMoment(data, mfn, openTree) {
    const frame = data.atMoment.get(mfn);
    if (!frame) return [make('p', {class: 'quiet'}, 'No domain\'s.')];
    const holders = data.holders.get(mfn) ?? [];
    const roots = data.roots.filter(root => root.mfn === mfn);
    return [
        make(
            'p', {},
            `${frame.uses} use${frame.uses === 1 ? '' : 's'} of its type, ${frame.refs} reference` +
                `${frame.refs === 1 ? '' : 's'}${frame.pfn === null ? '' : `; the domain's page ${hex(frame.pfn)}`}.`),
        frame.entries ? make(
                            'p', {},
                            make(
                                'button', {type: 'button', id: 'open-tree', onclick: () => openTree(mfn)},
                                `The tree from here: ${frame.entries.length} entries`)) :
                        '',
        make(
            'ul', {class: 'holders'}, roots.map(root => make('li', {}, `root of ${root.words}`)),
            holders.slice(0, HOLDERS_SHOWN).map(holderItem),
            holders.length > HOLDERS_SHOWN ? make('li', {}, `and ${holders.length - HOLDERS_SHOWN} more`) : ''),
    ];
}

function lifeList(data, mfn, time, goTo) {
    const life = data.lifeOf(mfn);
    const now = life.findLastIndex(one => one.number <= time);
    const item = (one, i) => make(
        'li', {class: i === now ? 'now' : '', 'aria-current': i === now ? 'time' : null},
        make(
            'button', {type: 'button', class: 'link', 'data-time': one.number, onclick: () => goTo(one.number)},
            one.number ? `operation ${one.number}` : 'the beginning'),
        one.name ? ` ${one.name}` : '', make('br'), lookInWords(one.look));
    const first = Math.max(0, Math.min(now - LIFE_SHOWN / 2, life.length - LIFE_SHOWN));
    return [
        make('p', {class: 'quiet'}, `${life.length - 1} changes of owner, type, use or pin.`),
        make('ol', {id: 'life'}, life.slice(first, first + LIFE_SHOWN).map((one, i) => item(one, i + first)))
    ];
}

function showDetails(place, data, {selected, look, time}, {openTree, goTo}) {
    place.replaceChildren(
        make('h2', {}, `Frame ${hex(selected)}`),
        make('p', {id: 'now'}, make('b', {}, lookInWords(look[selected])), ` after operation ${time}.`),
        make('h3', {}, `At operation ${data.moment}`), ...atMoment(data, selected, openTree).filter(one => one),
        make('h3', {}, 'Its life'), ...lifeList(data, selected, time, goTo));
}
