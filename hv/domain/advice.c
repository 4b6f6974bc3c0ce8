/* SPDX-License-Identifier: MIT */
/*
 * What to do about a refusal: of each reason of engine/refuse.h, how a guest comes to it and what it does instead.  For
 * whoever runs the guest, and for the pages of the reference, which take these texts from here.
 */
#include <engine/types.h>
#include <hv/domain/advice.h>

/* The reason, with the guests that alone can come to it; the text. */
#define ADVICE(name, text)    [REFUSE_##name] = (text)
#define ADVICE_32(name, text) ADVICE(name, text)
#define ADVICE_64(name, text) ADVICE(name, text)

static const char *const advice[REFUSAL_COUNT] = {
    ADVICE(GUEST_ADDRESS,
           "A list has to lie below the hypervisor's part of the address space as a whole, up to its last byte: look "
           "at the count as well as at the pointer. A physical address, or a pfn, in place of a virtual address ends "
           "here too."),
    ADVICE(GUEST_FAULT,
           "What the call reads or writes must be mapped by the tables that the vCPU runs on now, and writable where "
           "a result goes. Before the guest has changed to its own tables, use what the start of day has mapped."),
    ADVICE(NO_SUCH_DOMAIN,
           "To name yourself write DOMID_SELF: the own number is taken only where the call's text says so. Another "
           "domain may have ended; ask the xenstore which are there."),
    ADVICE(NOT_PRIVILEGED,
           "Leave foreigndom at DOMID_SELF and work on frames of your own; in a copy by the grant table, too, the "
           "own frames are those of DOMID_SELF. What another domain has granted is mapped with "
           "GNTTABOP_map_grant_ref, which needs no privilege."),
    ADVICE(DYING, "Stop using the domain: nothing that is done to it can succeed any more, and its grants and event "
                  "channels go with it."),
    ADVICE(UNKNOWN_COMMAND,
           "The number is none of the call's commands, or one that only tools have. Look for a feature bit of "
           "XENVER_get_features before a newer command is used, and fall back to the older one."),
    ADVICE(MISALIGNED,
           "Round the address down to what the command asks for: 4096 for a table of descriptors, 8 for one "
           "descriptor."),
    ADVICE(NOT_RAM,
           "An entry holds machine frame numbers: the most common cause is a pfn that was not turned into an mfn by "
           "the P2M. Device memory has to be given to the domain by its configuration first."),
    ADVICE(NO_SUCH_FRAME,
           "The number is no frame of RAM: often INVALID_P2M_ENTRY or an entry of the P2M that was never filled in. "
           "Look where the mfn came from."),
    ADVICE(NOT_OWNED,
           "The frame belongs to somebody else, or to nobody: a pfn in the place of an mfn, or a frame that was "
           "given back with XENMEM_decrease_reservation. A frame of another domain is mapped as a grant, or by its "
           "number in foreigndom."),
    ADVICE(REFERENCES_EXHAUSTED,
           "So many entries already map this frame, or hold it otherwise, that one more could not be counted. Only a "
           "runaway loop does that: look for mappings that are made again and again and never removed."),
    ADVICE(BAD_FLAGS,
           "Entries of L2 to L4 may have neither PSE, nor PWT, PCD or G, and those of a 32-bit guest's L3 no bit "
           "above 51 either. Mask the flags that the kernel uses on bare hardware, and map large pages as small "
           "ones."),
    ADVICE(CACHE_FLAGS,
           "Clear PWT, PCD and PAT: memory of a domain without devices is always cached. Where the guest is to drive "
           "a device, give it the device's memory in its configuration."),
    ADVICE(CACHE_FLAGS_SHARED,
           "Map shared_info and the grant table without PWT, PCD and PAT: the hypervisor has them mapped as cached "
           "memory."),
    ADVICE(L1TF,
           "Store 0, or the inverted frame number, in an entry that is not present, as kernels do on bare hardware "
           "with that flaw; and no PSE above L1."),
    ADVICE(HYPERVISOR_SLOT,
           "Leave these slots alone when tables are copied, cleared or torn down, even where you would write what is "
           "there: L4 slots 256 to 271 of a 64-bit guest, the top of the last L2 of a 32-bit one. The hypervisor "
           "fills them in by itself when the frame becomes a table."),
    ADVICE_32(SLOT_OUTSIDE_TABLE,
              "Only the first 32 bytes of a 32-bit guest's L3 are a table. Use another frame for other data."),
    ADVICE_32(SLOT_FIXED,
              "To change the last gigabyte's L2, build another L3, fill in its slot 3, and load that one; the slot can "
              "be written while the frame is not a table yet."),
    ADVICE_32(
        SLOT_MISSING,
        "Fill in all of slot 3 before the L3 is pinned or loaded: the L2 there shows the hypervisor's addresses."),
    ADVICE(FOREIGN_TABLE,
           "Give frames of the table's own domain for tables: foreigndom may name another owner for what L1 entries "
           "map, and for that alone."),
    ADVICE(TYPE_CONFLICT,
           "A frame is a table, a page of descriptors, or writable memory, one at a time. Before it becomes a table "
           "take away each writable mapping of it, the one in the direct map first; before it is written again unpin "
           "it and remove the entries that lead to it."),
    ADVICE(SELF_MAP,
           "Let no entry of L2 to L4 name its own table (linear, or recursive, page tables), and no L1 map itself "
           "writable. Reach tables through the direct map, where they are mapped read-only, and change them with "
           "mmu_update or update_va_mapping. A kernel that cannot do without such entries is started with `--linear-"
           "tables`."),
    ADVICE(LINEAR_WRITABLE,
           "Leave RW out of an entry that refers to a table of its own level: the table is read through it, and "
           "changed with mmu_update."),
    ADVICE(LINEAR_CHAIN,
           "Refer from one table to others of its level, and to itself, but not on from those: take one of the two "
           "links away first."),
    ADVICE(TYPE_UNDER_CONVERSION,
           "Another vCPU is just pinning, unpinning or loading a table that this frame belongs to. Serialise these "
           "with a lock of your own, or try again."),
    ADVICE(TYPE_COUNT_EXHAUSTED,
           "So many entries use the frame in this way that one more could not be counted. Look for a loop that maps "
           "and never unmaps."),
    ADVICE_32(TABLE_SHARED, "Give each L3 an L2 of its own for slot 3, a copy: the others may be shared."),
    ADVICE(NOT_A_TABLE,
           "Change descriptors with update_descriptor: the frame is part of a GDT or LDT, where each descriptor has "
           "to be checked."),
    ADVICE(NO_L1_ENTRY,
           "Build the tables down to an L1 for this address first, with mmu_update; or name the entry by its machine "
           "address there, where the table is not in use yet. The hypervisor's addresses have none."),
    ADVICE_32(WIDTH, "A 32-bit guest has one root for kernel and user mode: load it with MMUEXT_NEW_BASEPTR alone."),
    ADVICE(ALREADY_PINNED,
           "One pin is enough, and there is no count of them. Keep a flag of your own for tables that are pinned."),
    ADVICE(NOT_PINNED,
           "Unpin only what was pinned itself: a table that is merely referred to by a pinned one ceases to be a "
           "table by itself."),
    ADVICE_32(ROOT_ABOVE_4G,
              "Ask for VMASST_TYPE_pae_extended_cr3, as Linux does in its notes, or get a low frame with "
              "XENMEM_exchange and 32 address bits."),
    ADVICE_64(
        NO_USER_ROOT,
        "Load one with MMUEXT_NEW_USER_BASEPTR before the first iret to user mode, and again after each switch of "
        "address space."),
    ADVICE(USER_MODE, "Hypercalls are for the kernel. A program asks its kernel, by a system call or a device such as "
                      "/dev/xen/privcmd."),
    ADVICE(SUPERPAGE, "Map with L1 entries: PV guests have no large pages."),
    ADVICE(CACHE_RIGHTS,
           "Nothing has to be done: a domain without devices has only cached memory, so there is nothing to flush. A "
           "kernel can ignore the error."),
    ADVICE(VCPU_MASK,
           "The bitmap is in memory of the caller, named by its virtual address, one bit for each vCPU; it has to be "
           "mapped. To flush everywhere use the command for all vCPUs, which has no bitmap."),
    ADVICE(DESCRIPTOR,
           "Leave out what a guest cannot have: TSS, LDT and gates other than call gates, 64-bit code segments of a "
           "32-bit guest. Interrupts and traps go to set_trap_table, and the stack of the kernel to stack_switch."),
    ADVICE(TABLE_LIMIT,
           "Ask for less: 7168 descriptors in a GDT, 8192 in an LDT, as many frames of grants as GNTTABOP_query_size "
           "says. A command of grants that takes one structure wants a count of 1."),
    ADVICE(NOT_CANONICAL,
           "Give an address of the guest's own part: of its kernel, linked where the ABI's layout has room. A "
           "handler cannot lie in the hypervisor."),
    ADVICE(WRITE_FORM,
           "Write to a live table with mov, xchg, cmpxchg or the like, 1, 2, 4 or 8 bytes that are aligned to their "
           "number; or use mmu_update, which is cheaper for more than a few entries."),
    ADVICE(EXTENT_ORDER,
           "An extent is at most 2 MiB, order 9. Ask for smaller extents, and more of them; a device that needs more "
           "contiguous memory gets it in pieces."),
    ADVICE(EXCHANGE_COUNTS,
           "Both sides must have as many frames in all, and name the same domain; nr_exchanged must be 0 at first, "
           "and what the last call left when it is made again."),
    ADVICE(FRAME_IN_USE,
           "Take away all mappings of the frame, the direct map's too, unpin it, and end its grants; then exchange "
           "it."),
    ADVICE(NOT_ALLOCATED,
           "A frame can be given back once. It lives on while it is mapped, pinned or granted, and goes for good "
           "when the last of these ends; shared_info and the pages of the grant table are the hypervisor's to give."),
    ADVICE(NO_MEMORY,
           "Give frames back before others are asked for, and look at XENMEM_maximum_reservation. If that leaves "
           "room, the machine has none: ask for less, or wait."),
    ADVICE(HOLDS_EXHAUSTED,
           "Each vCPU needs one vcpu_info, and events one control block a vCPU and a few array pages: reuse those "
           "that are registered, and register them once."),
    ADVICE(ELEMENT_COUNT,
           "Most commands of the grant table take one structure, and a count of 1 with it. A count is an int: 2^31 "
           "and more would be negative."),
    ADVICE(GRANT_VERSION,
           "There are versions 1 and 2, and a table begins as version 1. Status frames belong to version 2: choose "
           "it with GNTTABOP_set_version before they are listed."),
    ADVICE(GRANT_REFERENCE,
           "Grow the table with GNTTABOP_setup_table before a reference of the new part is handed out. On the "
           "mapping side: the number came from the other domain, which may have it wrong, or not be ready."),
    ADVICE(GRANT_ENTRY,
           "The granting side fills in frame and domain first, then the flags, with a barrier between them, and "
           "keeps them until the other side is done. See whether the domain is the right one, and whether "
           "GTF_readonly is set where the other wants to write."),
    ADVICE(GRANT_PART, "Copy from or to it with GNTTABOP_copy; or the granting side grants all of the page, without "
                       "GTF_sub_page."),
    ADVICE(GRANT_IN_USE,
           "Wait until the other domain has unmapped it: GTF_reading and GTF_writing in the entry say so. To revoke "
           "a grant, ask the other side to let go, over your protocol. To change the version of the table no grant "
           "of it may be in use."),
    ADVICE(GRANT_FRAME,
           "Grant only frames of your own, by their mfn, and keep them as long as the grant stands: the frame was "
           "given back, or a pfn was written into the entry. In a copy, the frame that is named by number must be "
           "the caller's."),
    ADVICE(GRANT_FLAGS, "Set GNTMAP_host_map, GNTMAP_device_map or both."),
    ADVICE(GRANT_HANDLE,
           "Unmap with the handle that the mapping returned, once. Look at the status of the mapping before its "
           "handle is used."),
    ADVICE(GRANT_HANDLES_EXHAUSTED,
           "Unmap what is not needed any more, and map in portions. Each mapping counts until it is unmapped, though "
           "its entry has been overwritten."),
    ADVICE(GRANT_NOT_THERE,
           "Give the address at which it was mapped (with GNTMAP_contains_pte: that of the entry), and leave the "
           "entry alone meanwhile: what was written over it, or moved elsewhere, cannot be unmapped by that address."),
    ADVICE(GRANT_COPY,
           "Offset and length must stay within one page on both sides, and within the part of the page that a sub-"
           "page grant gives. Split what crosses a page."),
    ADVICE(NESTED, "Put the inner list's entries into the outer one: a multicall cannot be an entry of a multicall."),
    ADVICE(ADDRESS_BITS,
           "The machine has no such low frames to guarantee: ask for more address bits, or for none, and copy "
           "through a buffer where a device needs low memory."),
};

const char *advice_for(enum refusal_reason reason)
{
    return TABLE_FIND(advice, reason);
}
