/* SPDX-License-Identifier: MIT */
/* What is known of the frame that is chosen: what it is, who refers to it, what stands in it, what can be done with it.
 */

const ENTRIES_SHOWN = 40;
const HYPERVISOR_SLOTS = {
    first: 256,
    end: 272
};

function sentence(frame, state) {
    if (frame.owner === OWNER.io) return 'There is no RAM of this number.';
    if (frame.owner === OWNER.hypervisor) return 'The hypervisor\'s own: no domain can name it in a call.';
    if (frame.owner === OWNER.nobody) return 'Free: it is wiped before anybody gets it.';
    const uses = `${frame.count} use${frame.count === 1 ? '' : 's'}`;
    if (frame.type === 'none') return 'Of no type: nothing uses it in a way that matters.';
    if (isIdle(frame)) return `No use any more; the last was ${frame.type}. It may become anything.`;
    if (frame.type === 'writable')
        return `Mapped writable: ${uses}. While there is one, it can be neither a page table nor descriptors.`;
    return `${frame.type === 'descriptors' ? 'Part of a GDT or LDT' : `An ${frame.type} page table`}: ${uses}` +
        `${frame.pinned ? ', one of them its pin' : ''}. While there is one, nobody can map it writable.`;
}

/* Buttons for what is mostly done with a frame of the guest's; each makes a real call. */
function actions(frame, state) {
    if (frame.owner !== state.domain || frame.pfn === null) return [];
    const address = state.address(frame.pfn);
    const top = state.narrow ? 3 : 4;
    return [
        ['Map read-only', OPS.map(address, frame.mfn, READ_ONLY)],
        ['Map writable', OPS.map(address, frame.mfn, WRITABLE)],
        ...[1, 2, 3, 4]
            .filter(level => level <= top)
            .map(level => [`Pin as L${level}`, OPS.extended(`PIN_L${level}_TABLE`, frame.mfn)]),
        ['Unpin', OPS.extended('UNPIN_TABLE', frame.mfn)],
        ['Load as root', OPS.extended('NEW_BASEPTR', frame.mfn)],
        ['Give back', OPS.memory('decrease_reservation', frame.mfn)],
    ];
}

function holderItem(holder) {
    const rights = flagsOf(holder.entry).includes('RW') ? 'writable' : 'read-only';
    return make(
        'li', {}, `slot ${holder.index} of the L${holder.level} table in `,
        frameLink(holder.table, `frame ${hex(holder.table)}`), holder.level === 1 ? `, ${rights}` : '',
        holder.vaddr === null ? '' : make('code', {}, ` ${hex(holder.vaddr)}`));
}

function others(frame, state) {
    return [
        frame.pinned ? 'its pin' : '',
        state.cr3 === frame.mfn ? 'vCPU 0, whose root it is' : '',
        state.userCr3 === frame.mfn ? 'vCPU 0, whose root of user mode it is' : '',
        state.gdt.includes(frame.mfn) ? 'vCPU 0, as part of its GDT' : '',
        frame.shared ? 'the hypervisor, which shares it with the guest' : '',
    ].filter(text => text)
        .map(text => make('li', {}, text));
}

function entryRow([slot, bits], frame, state) {
    const target = frameIn(bits);
    const isTable = /^L/.test(frame.type) && !isIdle(frame);
    const shown = isTable || bits & 1n; /* other words are seldom entries */
    const link = target < state.frames.length && bits & 1n ? frameLink(target) : hex(target);
    return make(
        'tr', {}, make('td', {}, String(slot)), make('td', {}, make('code', {}, hex(bits).padStart(16, '0'))),
        make('td', {}, shown ? link : ''), make('td', {}, shown ? flagWords(bits) : ''));
}

function entriesTable(frame, state, entries) {
    const isRoot = frame.type === 'L4' && !isIdle(frame);
    const own = entries.filter(([slot]) => !isRoot || slot < HYPERVISOR_SLOTS.first || slot >= HYPERVISOR_SLOTS.end);
    const hidden = entries.length - own.length;
    const rows = own.slice(0, ENTRIES_SHOWN).map(entry => entryRow(entry, frame, state));
    const notes = [
        hidden ? `${hidden} slots of the hypervisor's are left out.` : '',
        own.length > ENTRIES_SHOWN ? `And ${own.length - ENTRIES_SHOWN} more.` : ''
    ].filter(text => text);
    if (!own.length) return [make('p', {class: 'quiet'}, hidden ? notes[0] : 'All zeroes.')];
    return [
        make(
            'div', {class: 'scrolls', tabindex: '0', role: 'region', 'aria-label': 'Entries'},
            make(
                'table', {},
                make(
                    'thead', {},
                    make('tr', {}, ['Slot', 'Bits', 'Frame', 'Flags'].map(text => make('th', {scope: 'col'}, text)))),
                make('tbody', {}, rows))),
        ...notes.map(text => make('p', {class: 'quiet'}, text))
    ];
}

class Inspector {
    constructor(place, act) {
        this.place = place;
        this.act = act;
    }

    show(state, mfn, look) {
        const frame = state.frame(mfn);
        const holders = [...others(frame, state), ...look.holders.map(holderItem)];
        const buttons =
            actions(frame, state).map(([words,
                                        op]) => make('button', {type: 'button', onclick: () => this.act(op)}, words));
        const role = state.role(frame);
        this.place.replaceChildren(
            make(
                'h2', {}, `Frame ${hex(mfn)}`, frame.pfn === null ? '' : `, page ${hex(frame.pfn)}`,
                make('span', {class: 'count'}, role)),
            make(
                'p', {}, make('span', {class: `swatch ${TYPE_CLASS[frame.type]}`, 'aria-hidden': 'true'}),
                sentence(frame, state)),
            frame.owner === state.domain && frame.pfn !== null ?
                make(
                    'p', {class: 'quiet'}, 'The kernel has it at ', make('code', {}, hex(state.address(frame.pfn))),
                    '.') :
                '',
            buttons.length ?
                make('div', {class: 'actions', role: 'group', 'aria-label': 'Calls about this frame'}, buttons) :
                '',
            make('h3', {}, 'Who refers to it'),
            holders.length ? make('ul', {class: 'holders'}, holders) : make('p', {class: 'quiet'}, 'Nobody.'),
            make('h3', {}, 'What stands in it'), ...entriesTable(frame, state, look.entries));
    }
}
