/* SPDX-License-Identifier: MIT */
/*
 * What a guest can do: each operation with its fields, how it is called, and how it would be written in C.  An
 * operation is {kind, and a value for each field}.
 */

const MMU_COMMANDS = [['MMU_NORMAL_PT_UPDATE', 0], ['MMU_MACHPHYS_UPDATE', 1], ['MMU_PT_UPDATE_PRESERVE_AD', 2]];
const FLUSHES = [['UVMF_NONE', 0], ['UVMF_INVLPG', 2], ['UVMF_TLB_FLUSH', 1]];
const EXTENDED = [
    ['MMUEXT_PIN_L1_TABLE', 0, 'frame'],
    ['MMUEXT_PIN_L2_TABLE', 1, 'frame'],
    ['MMUEXT_PIN_L3_TABLE', 2, 'frame'],
    ['MMUEXT_PIN_L4_TABLE', 3, 'frame'],
    ['MMUEXT_UNPIN_TABLE', 4, 'frame'],
    ['MMUEXT_NEW_BASEPTR', 5, 'frame'],
    ['MMUEXT_NEW_USER_BASEPTR', 15, 'frame'],
    ['MMUEXT_CLEAR_PAGE', 16, 'frame'],
    ['MMUEXT_TLB_FLUSH_LOCAL', 6, ''],
    ['MMUEXT_INVLPG_LOCAL', 7, 'address'],
    ['MMUEXT_TLB_FLUSH_ALL', 10, ''],
];
const MEMORY = [
    ['XENMEM_decrease_reservation', 1, 'frame'], ['XENMEM_populate_physmap', 6, 'page'], ['XENMEM_exchange', 11, 'page']
];

const COMMANDS = new Map(
    [...MMU_COMMANDS, ...FLUSHES, ...EXTENDED, ...MEMORY].map(([name, number, takes]) => [name, {number, takes}]));
const numberOf = name => COMMANDS.get(name).number;

/* What a command takes: the name of the field, '' for none; and the number in it. */
const takes = op => COMMANDS.get(op.command).takes;
const taken = op => BigInt(takes(op) ? op[takes(op)] : 0);

const choice = (name, label, table) => ({name, type: 'choice', label, choices: table.map(row => row[0])});
/* A field that is shown with those commands that take it. */
const argument = (type, label) => ({name: type, type, label, when: op => takes(op) === type});

/* The machine address of a slot of a table, or of a descriptor. */
const slotAddress = op => BigInt(op.table) * PAGE + BigInt(op.slot) * 8n;
const x = value => `0x${hex(value)}`;

const KINDS = {
    mmu_update: {
        title: 'mmu_update',
        words: 'Write one entry of a page table that is in use.',
        fields: [
            {name: 'table', type: 'frame', label: 'Table (frame)'},
            {name: 'slot', type: 'slot', label: 'Slot'},
            {name: 'entry', type: 'entry', label: 'New entry'},
            choice('command', 'Command', MMU_COMMANDS),
        ],
        run: (machine, op) => machine.call('play_mmu_update', slotAddress(op) | BigInt(numberOf(op.command)), op.entry),
        written: op => `HYPERVISOR_mmu_update(&(struct mmu_update){.ptr = ${x(slotAddress(op))} | ` +
            `${op.command}, .val = ${x(op.entry)}}, 1, NULL, DOMID_SELF)`,
    },
    update_va_mapping: {
        title: 'update_va_mapping',
        words: 'Write the L1 entry of an address of the tables that are loaded.',
        fields: [
            {name: 'address', type: 'address', label: 'Virtual address'},
            {name: 'entry', type: 'entry', label: 'New entry'},
            choice('flush', 'Flush', FLUSHES),
        ],
        run: (machine, op) => machine.call('play_va_mapping', op.address, op.entry, numberOf(op.flush)),
        written: op => `HYPERVISOR_update_va_mapping(${x(op.address)}, ${x(op.entry)}, ${op.flush})`,
    },
    mmuext_op: {
        title: 'mmuext_op',
        words: 'Pin and unpin tables, load roots, flush.',
        fields: [
            choice('command', 'Command', EXTENDED),
            argument('frame', 'Frame'),
            argument('address', 'Virtual address'),
        ],
        run: (machine, op) => machine.call('play_mmuext', numberOf(op.command), taken(op), 0n),
        written: op => {
            const member = {frame: 'mfn', address: 'linear_addr'}[takes(op)];
            return `HYPERVISOR_mmuext_op(&(struct mmuext_op){.cmd = ${op.command}` +
                `${member ? `, .arg1.${member} = ${x(taken(op))}` : ''}}, 1, NULL, DOMID_SELF)`;
        },
    },
    memory_op: {
        title: 'memory_op',
        words: 'Give a frame back, ask for one, or exchange the one that a page has.',
        fields: [
            choice('command', 'Command', MEMORY),
            argument('frame', 'Frame'),
            argument('page', 'Page (pfn)'),
        ],
        run: (machine, op) => machine.call('play_memory', numberOf(op.command), taken(op)),
        written: op => `HYPERVISOR_memory_op(${op.command}, {${takes(op)} ${x(taken(op))}})`,
        /* What was done is a count there, but for an exchange. */
        succeeded: (op, result) => result === (op.command === 'XENMEM_exchange' ? 0 : 1),
    },
    set_gdt: {
        title: 'set_gdt',
        words: 'Load a table of segment descriptors, one frame long at most here.',
        fields: [
            {name: 'frame', type: 'frame', label: 'Frame'},
            {name: 'count', type: 'number', label: 'Descriptors', max: 512},
        ],
        run: (machine, op) => machine.call('play_set_gdt', BigInt(op.frame), op.count),
        written: op => `HYPERVISOR_set_gdt((unsigned long[]){${x(op.frame)}}, ${op.count})`,
    },
    update_descriptor: {
        title: 'update_descriptor',
        words: 'Write one descriptor of a table that is loaded, or will be.',
        fields: [
            {name: 'table', type: 'frame', label: 'Frame'},
            {name: 'slot', type: 'slot', label: 'Descriptor'},
            {name: 'value', type: 'word', label: 'Value'},
        ],
        run: (machine, op) => machine.call('play_descriptor', slotAddress(op), op.value),
        written: op => `HYPERVISOR_update_descriptor(${x(slotAddress(op))}, ${x(op.value)})`,
    },
    store: {
        title: 'write',
        words: 'An instruction: write 8 bytes of memory, by the mapping that the processor finds.',
        fields: [
            {name: 'address', type: 'address', label: 'Virtual address'},
            {name: 'entry', type: 'entry', label: 'Value, as an entry'},
        ],
        run: (machine, op) => machine.call('play_store', op.address, op.entry),
        written: op => `*(uint64_t *)${x(op.address)} = ${x(op.entry)}`,
        succeeded: (op, result) => result >= 0,
    },
    load: {
        title: 'read',
        words: 'An instruction: read 8 bytes of memory, by the mapping that the processor finds.',
        fields: [{name: 'address', type: 'address', label: 'Virtual address'}],
        run: (machine, op) => machine.call('play_load', op.address),
        written: op => `*(uint64_t *)${x(op.address)}`,
    },
};

/* ---- Operations, as lessons and the buttons beside a frame make them. */

const OPS = {
    map: (address, frame, flags, flush = 'UVMF_INVLPG') =>
        ({kind: 'update_va_mapping', address, entry: entryOf(frame, flags), flush}),
    entry: (table, slot, frame, flags) =>
        ({kind: 'mmu_update', table, slot, entry: entryOf(frame, flags), command: 'MMU_NORMAL_PT_UPDATE'}),
    extended: (command, frame) => ({kind: 'mmuext_op', command: `MMUEXT_${command}`, frame, address: 0n}),
    invlpg: address => ({kind: 'mmuext_op', command: 'MMUEXT_INVLPG_LOCAL', frame: 0, address}),
    gdt: (frame, count = 512) => ({kind: 'set_gdt', frame, count}),
    descriptor: (table, slot, value) => ({kind: 'update_descriptor', table, slot, value}),
    store: (address, entry) => ({kind: 'store', address, entry}),
    load: address => ({kind: 'load', address}),
    memory: (command, what) => ({kind: 'memory_op', command: `XENMEM_${command}`, frame: what, page: what}),
};

const REFUSED = /^refused: .*?: (-\w+), (\w+): (.*)$/m;

/* Do it: {op, result, ok, said, reason, error}. */
function perform(machine, op) {
    const kind = KINDS[op.kind];
    const {result, said} = kind.run(machine, op);
    const refused = said.match(REFUSED);
    const ok = kind.succeeded ? kind.succeeded(op, result) : result === 0;

    return {op, result, ok, said, error: refused?.[1] ?? null, reason: refused?.[2] ?? null};
}
