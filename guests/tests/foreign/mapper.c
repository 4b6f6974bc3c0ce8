/* SPDX-License-Identifier: MIT */
/*
 * The initial domain, which may name others: what it does to a domain that lives, then what becomes of the frames of
 * domains that end at each step of that.
 */
#include <abi/errno.h>
#include <abi/memory.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/table.h>
#include <guests/tests/foreign/foreign.h>
#include <guests/tests/lib/test.h>

#define PATIENCE 1000000u /* turns given to others */

/* A victim, and where its mailbox is mapped. */
static unsigned victim;
static mfn_t mailbox_frame;
#define THEIRS      ((volatile struct mailbox *)WINDOW)
#define SECOND      (WINDOW + PAGE_SIZE)
#define THIRD       (WINDOW + 2 * PAGE_SIZE)
#define SECOND_WORD (*(volatile uint64_t *)SECOND)

/* As foreigndom: the victim's tables, and whose frames. */
#define TABLES(frames) ((victim + 1) << 16 | (frames))

static long map_other(uint64_t vaddr, uint64_t entry)
{
    return hypercall_update_va_mapping_otherdomain(vaddr, entry, UVMF_INVLPG, victim);
}

static long unmap(uint64_t vaddr)
{
    return hypercall_update_va_mapping(vaddr, 0, UVMF_INVLPG);
}

static long frames_of(unsigned domain, unsigned cmd)
{
    struct xen_memory_domain named = {.domid = (uint16_t)domain};

    return hypercall_memory_op(cmd, &named);
}

static long write_entry(uint64_t maddr, uint64_t value, unsigned foreigndom)
{
    const struct mmu_update request = {.ptr = maddr, .val = value};

    return hypercall_mmu_update(&request, 1, NULL, foreigndom);
}

static long mmuext(unsigned cmd, uint64_t mfn)
{
    const struct mmuext_op op = {.cmd = cmd, .arg1.mfn = (xen_pfn_t)mfn};

    return hypercall_mmuext_op(&op, 1, NULL, victim);
}

/* Every page of this kernel has one pfn in all domains that run it; of those in question, one is the victim's. */
static bool find_mailbox(void)
{
    uint64_t pfn = virt_to_pfn(&mailbox).v, end = (uint64_t)hypercall_memory_op(XENMEM_maximum_ram_page, NULL);

    for (uint64_t mfn = 0; mfn < end; mfn++) {
        if (mfn_to_pfn(MFN(mfn)).v != pfn || map_other(WINDOW, pte_make(MFN(mfn), PTE_KERNEL)) != 0)
            continue;
        mailbox_frame = MFN(mfn);
        if (THEIRS->magic == MAILBOX_MAGIC)
            return true;
    }
    return false;
}

static void meet(unsigned domain)
{
    victim = domain;
    for (unsigned i = 0; i < PATIENCE; i++) {
        if (find_mailbox())
            return;
        foreign_yield();
    }
    test_error("domain %u shows no mailbox", domain);
}

static void tell(enum mailbox_command command)
{
    __atomic_store_n(&THEIRS->command, command, __ATOMIC_RELEASE);
}

/* What the victim finds at its WINDOW. */
static uint64_t look(void)
{
    tell(COMMAND_LOOK);
    for (unsigned i = 0; i < PATIENCE; i++) {
        if (__atomic_load_n(&THEIRS->command, __ATOMIC_ACQUIRE) == COMMAND_NONE)
            return THEIRS->answer;
        foreign_yield();
    }
    test_error("domain %u does not answer", victim);
}

/* Wait until the victim has @frames, or for a negative number until that is the answer. */
static bool await_frames(long frames)
{
    for (unsigned i = 0; i < PATIENCE; i++) {
        if (frames_of(victim, XENMEM_current_reservation) == frames)
            return true;
        foreign_yield();
    }
    return false;
}

/*
 * ---- While it lives.
 */

static void memory(void)
{
    uint64_t *own = page_alloc();

    test_result("map a page of the other", map_other(SECOND, pte_make(MFN(THEIRS->page), PTE_KERNEL)), 0);
    test_equal("it is that page", SECOND_WORD, PAGE_WORD);
    test_result("as one's own: refused", hypercall_update_va_mapping(THIRD, pte_make(MFN(THEIRS->page), PTE_KERNEL), 0),
                -XEN_EBUSY);
    test_result("an own page as the other's: refused", map_other(THIRD, pte_make(virt_to_mfn(own), PTE_KERNEL)),
                -XEN_EBUSY);
    test_result("a table of the other, writable: refused",
                map_other(THIRD, pte_make(MFN(THEIRS->entry >> PAGE_SHIFT), PTE_KERNEL)), -XEN_EBUSY);
    test_result("clear it", mmuext(MMUEXT_CLEAR_PAGE, THEIRS->page), 0);
    test_equal("it is empty", SECOND_WORD, 0);
    SECOND_WORD = PAGE_WORD;
    test_result("unmap it", unmap(SECOND), 0);
    test_result("a table of the other, to be read",
                map_other(SECOND, pte_make(MFN(THEIRS->entry >> PAGE_SHIFT), PTE_READONLY)), 0);
    test_result("unmap that", unmap(SECOND), 0);
    page_free(own);
}

static void tables(void)
{
    uint64_t *own = page_alloc(), page = THEIRS->page, spare = THEIRS->spare;

    own[0] = 0x5555;
    test_result("map a page of the other in its tables",
                write_entry(THEIRS->entry, pte_make(MFN(page), PTE_READONLY), TABLES(victim)), 0);
    test_equal("it sees its page", look(), PAGE_WORD);
    test_result("map an own page there",
                write_entry(THEIRS->entry, pte_make(virt_to_mfn(own), PTE_READONLY), TABLES(DOMID_SELF)), 0);
    test_equal("it sees this page", look(), 0x5555);
    test_result("take it away", write_entry(THEIRS->entry, 0, TABLES(victim)), 0);
    test_result("its page as one's own: refused",
                write_entry(THEIRS->entry, pte_make(MFN(page), PTE_READONLY), TABLES(DOMID_SELF)), -XEN_EBUSY);
    test_result("pin a table of the other", mmuext(MMUEXT_PIN_L1_TABLE, spare), 0);
    test_result("again: refused", mmuext(MMUEXT_PIN_L1_TABLE, spare), -XEN_EINVAL);
    test_result("unpin it", mmuext(MMUEXT_UNPIN_TABLE, spare), 0);
    test_result("pin a page of its that is written: refused", mmuext(MMUEXT_PIN_L1_TABLE, mailbox_frame.v),
                -XEN_EINVAL);
    test_result("run on a table of the other: refused", mmuext(MMUEXT_NEW_BASEPTR, spare), -XEN_EPERM);
    test_result("flush the other's TLB: refused", mmuext(MMUEXT_TLB_FLUSH_ALL, 0), -XEN_EPERM);
    page_free(own);
}

static long change_reservation(unsigned cmd, uint64_t *extent)
{
    struct xen_memory_reservation extents = {
        .extent_start = arg_of(extent), .nr_extents = 1, .domid = (uint16_t)victim};

    return hypercall_memory_op(cmd, &extents);
}

/* It is full: what it gives back it can be given again. */
static void reservation(void)
{
    uint64_t extent = THEIRS->loose, own = virt_to_mfn(&mailbox).v;
    long frames = frames_of(victim, XENMEM_current_reservation);

    test_result("how much it may have", frames_of(victim, XENMEM_maximum_reservation), frames);
    test_result("give it more: it is full", change_reservation(XENMEM_populate_physmap, &extent), 0);
    test_result("take a frame that it has not", change_reservation(XENMEM_decrease_reservation, &own), 0);
    test_result("take one", change_reservation(XENMEM_decrease_reservation, &extent), 1);
    test_result("it has one less", frames_of(victim, XENMEM_current_reservation), frames - 1);
    test_result("give it another", change_reservation(XENMEM_populate_physmap, &extent), 1);
    test_result("which is its own", map_other(SECOND, pte_make(MFN(extent), PTE_KERNEL)), 0);
    test_equal("and empty", SECOND_WORD, 0);
    test_result("unmap it", unmap(SECOND), 0);
    test_check(hypercall_memory_op(XENMEM_add_to_physmap, &extent) == -XEN_ENOSYS, "no physmap is added to", "done");
}

static void live(void)
{
    meet(victim);
    memory();
    tables();
    reservation();
    tell(COMMAND_END);
    test_check(await_frames(1), "what is mapped is left of it", "%ld frames",
               frames_of(victim, XENMEM_current_reservation));
    test_result("unmap it", unmap(WINDOW), 0);
    test_check(await_frames(-XEN_ESRCH), "then nothing", "%ld", frames_of(victim, XENMEM_current_reservation));
}

/*
 * ---- As it ends.
 */

/* Before anything of it is mapped: nothing can be named any more. */
static void ends_before(void)
{
    uint64_t page;

    meet(victim);
    page = THEIRS->page;
    tell(COMMAND_END);
    test_result("let go of it before it ends", unmap(WINDOW), 0);
    test_check(await_frames(-XEN_ESRCH), "the domain is gone", "no");
    test_result("map a page of it", map_other(WINDOW, pte_make(MFN(page), PTE_KERNEL)), -XEN_ESRCH);
    test_result("clear a page of it", mmuext(MMUEXT_CLEAR_PAGE, page), -XEN_ESRCH);
}

/* While a page is mapped twice, once to be written: the page stays what it is until both are gone. */
static void ends_mapped(void)
{
    uint64_t page;

    meet(victim);
    page = THEIRS->page;
    test_result("map a page", map_other(SECOND, pte_make(MFN(page), PTE_READONLY)), 0);
    tell(COMMAND_END);
    test_check(await_frames(2), "two frames are left", "no");
    test_equal("one has what it had", SECOND_WORD, PAGE_WORD);
    THEIRS->answer = 0x7777;
    test_equal("the other can be written", THEIRS->answer, 0x7777);
    test_result("map another time: refused", map_other(THIRD, pte_make(MFN(page), PTE_READONLY)), -XEN_ESRCH);
    test_result("pin it: refused", mmuext(MMUEXT_PIN_L1_TABLE, page), -XEN_ESRCH);
    test_result("unmap one", unmap(SECOND), 0);
    test_check(await_frames(1), "one frame is left", "no");
    test_equal("the other is still there", THEIRS->answer, 0x7777);
    test_result("unmap the other", unmap(WINDOW), 0);
    test_check(await_frames(-XEN_ESRCH), "the domain is gone", "no");
}

/* With tables of it mapped to be read, and one pinned by the mapper: tables they are no more, frames they stay. */
static void ends_with_tables(void)
{
    uint64_t entry;

    meet(victim);
    entry = THEIRS->entry;
    test_result("pin a table of it", mmuext(MMUEXT_PIN_L1_TABLE, THEIRS->spare), 0);
    test_result("map a table of it", map_other(SECOND, pte_make(MFN(entry >> PAGE_SHIFT), PTE_READONLY)), 0);
    tell(COMMAND_END);
    test_check(await_frames(2), "two frames are left", "no");
    test_check(write_entry(entry, 0, TABLES(victim)) < 0, "nobody writes to its table", "done");
    test_result("unmap the mailbox", unmap(WINDOW), 0);
    test_result("unmap the table", unmap(SECOND), 0);
    test_check(await_frames(-XEN_ESRCH), "the domain is gone", "no");
}

/* With a frame of the mapper's in its tables: the frame is the mapper's alone again, and can become a table. */
static void ends_with_mine(void)
{
    uint64_t *own = page_alloc();

    meet(victim);
    test_result("map an own page there",
                write_entry(THEIRS->entry, pte_make(virt_to_mfn(own), PTE_KERNEL), TABLES(DOMID_SELF)), 0);
    test_need(table_set_readonly(own), "a page that is only read");
    test_check(table_pin(own, 1) < 0, "it is no table while the other may write it", "pinned");
    tell(COMMAND_END);
    test_result("unmap the mailbox", unmap(WINDOW), 0);
    test_check(await_frames(-XEN_ESRCH), "the domain is gone", "no");
    test_result("now it can be one", table_pin(own, 1), 0);
    test_result("and a page again", table_unpin(own), 0);
}

/* The mapper itself ends next, and never lets go. */
static void ends_for_good(void)
{
    meet(victim);
    test_result("map a page", map_other(SECOND, pte_make(MFN(THEIRS->page), PTE_KERNEL)), 0);
    tell(COMMAND_END);
    test_check(await_frames(2), "two frames are left", "no");
}

void foreign_mapper(void)
{
    static void (*const stages[])(void) = {live,           ends_before,  ends_mapped, ends_with_tables,
                                           ends_with_mine, ends_for_good};
    uint64_t victims = guest_option("victims", 0);

    test_equal("as many victims as stages", victims, ARRAY_SIZE(stages));
    for (victim = 1; victim <= victims; victim++)
        stages[victim - 1]();
}
