/* SPDX-License-Identifier: MIT */
/*
 * The lessons.  Each begins with a machine as it is after the guest's boot and `begin` has been done to it, and has
 * steps: what to read, what to do (`op`, which "Show me" fills in), and when it is done, by the engine's own state and
 * answer. In texts, {a} is a page by its letter, which becomes a button; `code` is code.
 *
 *   op(s)          s: the state, with s.a to s.e: the lesson's pages, of which each has a frame (s.a.mfn)
 *   done(s, last)  last: what perform() gave
 */

/* A tree of four tables, a: L4 to d: L1, which maps page e read-only at address 0; written while it is plain memory. */
const writeTree = s =>
    [OPS.store(s.address(s.d.pfn), entryOf(s.e.mfn, READ_ONLY)),
     OPS.store(s.address(s.c.pfn), entryOf(s.d.mfn, TABLE)),
     OPS.store(s.address(s.b.pfn), entryOf(s.c.mfn, TABLE)),
     OPS.store(s.address(s.a.pfn), entryOf(s.b.mfn, TABLE)),
];
const protect = (s, ...pages) => pages.map(page => OPS.map(s.address(page.pfn), page.mfn, READ_ONLY));
const pinnedTree = s => [...writeTree(s), ...protect(s, s.a, s.b, s.c, s.d), OPS.extended('PIN_L4_TABLE', s.a.mfn)];

const is = (frame, type, count, pinned = false) =>
    frame.type === type && frame.count === count && frame.pinned === pinned;
const refused = (last, reason) => !last.ok && last.reason === reason;
const atEntry = (last, kind) => last.op.kind === kind;

const LESSONS = [
    {
        title: 'One type for each frame',
        text: `<p>Each tile is a frame of the machine's memory: 4096 bytes. A PV guest's page tables are its own,
            and the processor walks them as they stand. So that a guest cannot give itself what is not its own, the
            engine knows of each frame what it is in use as, its <em>type</em>, and how many uses there are.</p>
            <p>Most of your frames are <b>writable</b>, once: the kernel maps all of its memory. A few are
            tables.</p>`,
        steps: [
            {
                text: 'Look at page {a}: choose its tile. Beside it stands what it is, and which entry is its use.',
                select: s => s.a.mfn,
                done: (s, last, selected) => selected === s.a.mfn,
            },
            {
                text: `Map it a second time, writable, at another address: an entry is written with
                    <code>update_va_mapping</code>. The count goes to 2.`,
                op: s => OPS.map(s.window, s.a.mfn, WRITABLE),
                done: s => is(s.a, 'writable', 2),
            },
            {
                text: 'Make that mapping read-only. An entry that only reads is a reference to the frame, and no use.',
                op: s => OPS.map(s.window, s.a.mfn, READ_ONLY),
                done: s => is(s.a, 'writable', 1),
            },
            {
                text: `And the first one as well. Now nobody can write the page: the count is 0, and only now may it
                    become something else. What it was last is remembered, for what processors may still have
                    cached.`,
                op: s => OPS.map(s.address(s.a.pfn), s.a.mfn, READ_ONLY),
                done: s => is(s.a, 'writable', 0),
            },
        ],
    },
    {
        title: 'The first pin',
        text: `<p>To <em>pin</em> a page is to say: this is a page table now. The engine reads all of it, checks
            each entry, takes the references that the entries need, and gives the frame the type of a table. The pin
            itself is one use, which stays until you unpin.</p>`,
        steps: [
            {
                text: `Pin page {a} as an L1 table, as it is. It is refused: read why, and what to do. The words are
                    those of <code>paravane run --explain</code>.`,
                op: s => OPS.extended('PIN_L1_TABLE', s.a.mfn),
                done: (s, last) => refused(last, 'TYPE_CONFLICT') && atEntry(last, 'mmuext_op'),
            },
            {
                text: 'Make the kernel\'s own mapping of the page read-only.',
                op: s => OPS.map(s.address(s.a.pfn), s.a.mfn, READ_ONLY),
                done: s => s.a.count === 0,
            },
            {
                text:
                    'Pin it again. An empty table is a good table: the page is an L1 table now, pinned, with one use.',
                op: s => OPS.extended('PIN_L1_TABLE', s.a.mfn),
                done: s => is(s.a, 'L1', 1, true),
            },
            {
                text: 'Pin it once more: there is one pin, and no count of them.',
                op: s => OPS.extended('PIN_L1_TABLE', s.a.mfn),
                done: (s, last) => refused(last, 'ALREADY_PINNED'),
            },
        ],
    },
    {
        title: 'No table can be written',
        text: `<p>Page {a} is an L1 table. Whoever could write it could map any frame of the machine, another
            guest's or the hypervisor's. So it is mapped read-only, if at all, and changed by asking.</p>`,
        begin: s => [...protect(s, s.a), OPS.extended('PIN_L1_TABLE', s.a.mfn)],
        steps: [
            {
                text: 'Ask for a writable mapping of it. The frame has a use as L1: it cannot have one as writable.',
                op: s => OPS.map(s.window, s.a.mfn, WRITABLE),
                done: (s, last) => refused(last, 'TYPE_CONFLICT') && atEntry(last, 'update_va_mapping'),
            },
            {
                text:
                    'Just write to it, as on bare hardware. That is a page fault, like any write to what is read-only.',
                op: s => OPS.store(s.address(s.a.pfn), entryOf(s.b.mfn, WRITABLE)),
                done: (s, last) => atEntry(last, 'store') && last.result < 0,
            },
            {
                text: `Ask for an entry instead: slot 0 is to map page {b}, writable. <code>mmu_update</code> checks
                    it, and writes it: page {b} has a second use.`,
                op: s => OPS.entry(s.a.mfn, 0, s.b.mfn, WRITABLE),
                done: s => is(s.b, 'writable', 2),
            },
            {
                text: `Each entry is judged by what it would be. Let slot 1 map page {a} itself, writable: the table
                    would be writable through itself.`,
                op: s => OPS.entry(s.a.mfn, 1, s.a.mfn, WRITABLE),
                done: (s, last) =>
                    refused(last, 'SELF_MAP') || (refused(last, 'TYPE_CONFLICT') && atEntry(last, 'mmu_update')),
            },
        ],
    },
    {
        title: 'Two kinds of numbers',
        text: `<p>A kernel numbers its pages from 0, without gaps: <b>pfn</b>. The machine has numbers of its own
            for the frames behind them: <b>mfn</b>. Entries of page tables hold mfns. The kernel's P2M turns a pfn
            into an mfn, the hypervisor's M2P, which everybody can read, an mfn into a pfn. A tile shows both.</p>
            <p>To forget one look-up is the mistake that all authors of PV kernels make.</p>`,
        /* a: its pfn, taken for an mfn, is a frame of somebody else's; b: one of the guest's own, by accident. */
        pages: s => {
            const free = s.frames.filter(frame => frame.owner === s.domain && frame.pfn >= s.firstFree);
            const owner = frame => s.frame(frame.pfn).owner;
            const a = free.find(frame => owner(frame) !== s.domain);
            const b = free.find(
                frame =>
                    owner(frame) === s.domain && s.role(s.frame(frame.pfn)) === '' && s.frame(frame.pfn) !== frame);
            return {a: a.pfn, b: b.pfn};
        },
        steps: [
            {
                text: `Map page {a} at the window, and write its <em>pfn</em> into the entry. The frame of that
                    number is not yours, and the engine guesses what you have done.`,
                op: s => OPS.map(s.window, s.a.pfn, WRITABLE),
                done: (s, last) => refused(last, 'NOT_OWNED'),
            },
            {
                text: `The same mistake with page {b}. No word from anybody: the frame of that number is yours as
                    well, by accident, and so some other page of yours is mapped twice now. Nobody but you can find
                    that.`,
                op: s => OPS.map(s.window, s.b.pfn, WRITABLE),
                done: (s, last) => last.ok && atEntry(last, 'update_va_mapping') && s.frame(s.b.pfn).count === 2,
            },
            {
                text: 'Now rightly: the entry holds the mfn of page {a}.',
                op: s => OPS.map(s.window, s.a.mfn, WRITABLE),
                done: s => is(s.a, 'writable', 2),
            },
        ],
    },
    {
        title: 'A whole tree at once',
        text: `<p>Four pages have been filled in with plain writes, while they are ordinary memory: {b} is to be an
            L3 that leads to {c}, an L2, and that to {d}, an L1, which maps page {e}. All of them but {a} are
            read-only already.</p>
            <p>One pin of the top makes tables of all of them: the engine goes down, and a table that an entry leads
            to gets the type of its level. To build first and pin last costs one call; to ask for each entry costs
            hundreds.</p>`,
        begin: s => [...writeTree(s).slice(0, 3), ...protect(s, s.b, s.c, s.d)],
        steps: [
            {
                text: 'Write the last entry: slot 0 of page {a} leads to page {b}. It is your memory: just write.',
                op: s => OPS.store(s.address(s.a.pfn), entryOf(s.b.mfn, TABLE)),
                done: (s, last) => last.ok && atEntry(last, 'store'),
            },
            {
                text: 'Make page {a} read-only.',
                op: s => OPS.map(s.address(s.a.pfn), s.a.mfn, READ_ONLY),
                done: s => s.a.count === 0,
            },
            {
                text: 'Pin it as an L4 table, and look at all four.',
                op: s => OPS.extended('PIN_L4_TABLE', s.a.mfn),
                done: s => is(s.a, 'L4', 1, true) && is(s.b, 'L3', 1) && is(s.c, 'L2', 1) && is(s.d, 'L1', 1),
            },
            {
                text: `Only the top has a pin. What makes page {d} a table is the entry in {c}: ask for a writable
                    mapping of it, and read what is said of that.`,
                op: s => OPS.map(s.window, s.d.mfn, WRITABLE),
                done: (s, last) => refused(last, 'TYPE_CONFLICT'),
            },
        ],
    },
    {
        title: 'Loading a root',
        text: `<p>Page {a} is the top of a tree that is pinned. The processor still uses the first root, which its
            tile says with <b>cr3</b>. A kernel changes address spaces with <code>MMUEXT_NEW_BASEPTR</code>, and to
            be a root is one more use.</p>
            <p>Slots 256 to 271 of each root are the hypervisor's, which it fills in itself. All others are yours,
            the kernel's own mapping among them: it has to be in the new root before that is loaded.</p>`,
        begin: pinnedTree,
        steps: [
            {
                text: `Copy the kernel's entry: slot 272 of the new root leads to the L3 table that slot 272 of the
                    old one leads to. That table has two uses then.`,
                op: s => ({...OPS.entry(s.a.mfn, 272, s.page(s.root + 1).mfn, TABLE)}),
                done: s => is(s.page(s.root + 1), 'L3', 2),
            },
            {
                text: 'Load it. (Had you not copied that entry, the kernel\'s next instruction would not be there.)',
                op: s => OPS.extended('NEW_BASEPTR', s.a.mfn),
                done: s => s.cr3 === s.a.mfn && s.alive,
            },
            {
                text: 'Try to write a slot of the hypervisor\'s: 256 is where it shows the M2P.',
                op: s => OPS.entry(s.a.mfn, 256, s.b.mfn, TABLE),
                done: (s, last) => refused(last, 'HYPERVISOR_SLOT'),
            },
            {
                text: 'Go back to the first root. The new one keeps its pin, and with it its type.',
                op: s => OPS.extended('NEW_BASEPTR', s.page(s.root).mfn),
                done: s => s.cr3 === s.page(s.root).mfn && is(s.a, 'L4', 1, true),
            },
        ],
    },
    {
        title: 'Tables that lead to themselves',
        text: `<p>On bare hardware many kernels let a slot of the root lead to the root itself: all tables can then
            be seen at one place (a recursive, or linear, page table). Under direct paging an entry of an L4 leads
            to an L3, that of an L3 to an L2, that of an L2 to an L1. Page {a} is a pinned root, with {b}, {c} and
            {d} below.</p>`,
        begin: pinnedTree,
        steps: [
            {
                text: 'Let slot 1 of the root lead to the root.',
                op: s => OPS.entry(s.a.mfn, 1, s.a.mfn, TABLE),
                done: (s, last) => refused(last, 'SELF_MAP'),
            },
            {
                text: 'Leave out a level: slot 1 of the L4 leads to {c}, which is an L2.',
                op: s => OPS.entry(s.a.mfn, 1, s.c.mfn, TABLE),
                done: (s, last) => refused(last, 'TYPE_CONFLICT'),
            },
            {
                text: `To see a table, map it like any page, read-only: the root at the window. References to read
                    from are no uses, whatever the frame is.`,
                op: s => OPS.map(s.window, s.a.mfn, READ_ONLY),
                done: (s, last) => last.ok && atEntry(last, 'update_va_mapping') && is(s.a, 'L4', 1, true),
            },
            {
                text: 'And read its slot 0: the entry that leads to {b}, as the processor sees it.',
                op: s => OPS.load(s.window),
                done: (s, last) => last.ok && atEntry(last, 'load') && frameIn(big(last.said)) === s.b.mfn,
            },
        ],
    },
    {
        title: 'What the processor remembers',
        text: `<p>A processor caches translations, and memory may change without its noticing. Below the tiles
            stands what it remembers. The window maps page {a}, whose first bytes are <code>aaaa</code>; those of
            page {b} are <code>bbbb</code>.</p>
            <p>What your own kernel sees is your own affair: you say when to flush. What keeps the machine safe the
            engine flushes itself.</p>`,
        begin: s =>
            [OPS.store(s.address(s.a.pfn), 0xaaaan), OPS.store(s.address(s.b.pfn), 0xbbbbn),
             {kind: 'mmuext_op', command: 'MMUEXT_TLB_FLUSH_LOCAL', frame: 0, address: 0n},
             OPS.map(s.window, s.a.mfn, WRITABLE)],
        steps: [
            {
                text: 'Read at the window: the processor walks the tables, and remembers where it came to.',
                op: s => OPS.load(s.window),
                done: (s, last) => last.said === '000000000000aaaa' && s.tlb.some(one => one.vaddr === s.window),
            },
            {
                text: 'Let the window map page {b}, without a flush. What is remembered is stale.',
                op: s => OPS.map(s.window, s.b.mfn, WRITABLE, 'UVMF_NONE'),
                done: s => s.tlb.some(one => one.vaddr === s.window && one.frame === s.a.mfn) && is(s.b, 'writable', 2),
            },
            {
                text: 'Read again: still <code>aaaa</code>.',
                op: s => OPS.load(s.window),
                done: (s, last) => last.said === '000000000000aaaa',
            },
            {
                text: 'Have the translation of that one address forgotten.',
                op: s => OPS.invlpg(s.window),
                done: s => !s.tlb.some(one => one.vaddr === s.window),
            },
            {
                text: 'Read once more: <code>bbbb</code>.',
                op: s => OPS.load(s.window),
                done: (s, last) => last.said === '000000000000bbbb',
            },
            {
                text: `Now what matters to others. Write to page {a}, so that the processor remembers its address as
                    writable.`,
                op: s => OPS.store(s.address(s.a.pfn), 0n),
                done: s => s.tlb.some(one => one.frame === s.a.mfn && one.writable),
            },
            {
                text: 'Make its mapping read-only without a flush. The processor could still write.',
                op: s => OPS.map(s.address(s.a.pfn), s.a.mfn, READ_ONLY, 'UVMF_NONE'),
                done: s => s.a.count === 0 && s.tlb.some(one => one.frame === s.a.mfn && one.writable),
            },
            {
                text: 'Pin it as an L1 table. Before the type counts, the engine has every such translation forgotten.',
                op: s => OPS.extended('PIN_L1_TABLE', s.a.mfn),
                done: s => is(s.a, 'L1', 1, true) && !s.tlb.some(one => one.frame === s.a.mfn && one.writable),
            },
        ],
    },
    {
        title: 'Unpin, and the types go',
        text: `<p>A tree of four tables is pinned: {a}, {b}, {c}, {d}. When a process ends, its kernel wants the
            pages back.</p>`,
        begin: pinnedTree,
        steps: [
            {
                text: `Unpin the root. Its only use ends, and with it its type; its entries' references are dropped,
                    and so on down. All four are untyped pages again.`,
                op: s => OPS.extended('UNPIN_TABLE', s.a.mfn),
                done: s => [s.a, s.b, s.c, s.d].every(frame => frame.count === 0 && !frame.pinned),
            },
            {
                text: 'Map page {d} writable again, where the kernel has its memory.',
                op: s => OPS.map(s.address(s.d.pfn), s.d.mfn, WRITABLE),
                done: s => is(s.d, 'writable', 1),
            },
            {
                text: `Pin the root once more. What stands in the pages has not changed, but {d} is writable now:
                    the refusal names the slot, two levels down. All that had been taken has been given back.`,
                op: s => OPS.extended('PIN_L4_TABLE', s.a.mfn),
                done: (s, last) => refused(last, 'TYPE_CONFLICT') && [s.a, s.b, s.c].every(frame => frame.count === 0),
            },
            {
                text: 'Unpin page {b}, which has no pin: not every mistake is about types.',
                op: s => OPS.extended('UNPIN_TABLE', s.b.mfn),
                done: (s, last) => refused(last, 'NOT_PINNED'),
            },
            {
                text: 'Give page {d} back to the hypervisor: it stays yours while the kernel still maps it.',
                op: s => OPS.memory('decrease_reservation', s.d.mfn),
                done: (s, last) => last.ok && atEntry(last, 'memory_op'),
            },
        ],
    },
    {
        title: 'Pages of descriptors',
        text: `<p>Segment descriptors give rights as page tables do: one of the wrong kind would let a program into
            the hypervisor. So pages of a GDT or LDT have a type of their own, and the same rule: what is in use as
            one is not written.</p>`,
        steps: [
            {
                text: 'Load page {a} as the GDT. It is refused, for the reason that you know by now.',
                op: s => OPS.gdt(s.a.mfn),
                done: (s, last) => refused(last, 'TYPE_CONFLICT'),
            },
            {
                text: 'Make its mapping read-only.',
                op: s => OPS.map(s.address(s.a.pfn), s.a.mfn, READ_ONLY),
                done: s => s.a.count === 0,
            },
            {
                text: 'Load it: all 512 descriptors have been looked at.',
                op: s => OPS.gdt(s.a.mfn),
                done: s => s.a.type === 'descriptors' && s.a.count > 0 && s.gdt[0] === s.a.mfn,
            },
            {
                text: 'Write the descriptor of a task state segment into it, which a guest cannot have.',
                op: s => OPS.descriptor(s.a.mfn, 1, 0x0000890000000067n),
                done: (s, last) => refused(last, 'DESCRIPTOR'),
            },
            {
                text: 'Write one of ordinary data, for programs: <code>00cff3000000ffff</code>.',
                op: s => OPS.descriptor(s.a.mfn, 1, 0x00cff3000000ffffn),
                done: (s, last) => last.ok && atEntry(last, 'update_descriptor'),
            },
        ],
    },
];
