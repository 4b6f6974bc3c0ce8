/* SPDX-License-Identifier: MIT */
/*
 * Long work on page tables gives way, and what another vCPU does meanwhile with the tables under way changes nothing
 * but who is refused.
 */
#include <abi/errno.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guest/user.h>
#include <guests/tests/lessons/lessons.h>
#include <guests/tests/lessons/lessons_other.h>
#include <guests/tests/lib/test.h>

#define TABLES 96u /* L1s, each full */
#define PLACE  1u  /* a slot of the root that is free for programs */
#define WINDOW UINT64_C(0x31000000)

static struct {
    uint64_t *l1[TABLES], *l2, *root, *page;
} tree;

static void link(uint64_t *table, unsigned slot, const uint64_t *below, unsigned level)
{
    table[slot] = pte_make(virt_to_mfn(below), pte_table_flags(level));
}

/* The tables from the L2 up to the root, which has what the kernel needs. */
static void make_root(void)
{
    uint64_t *below = tree.l2;

    for (unsigned level = 3; level < TOP_LEVEL; level++) {
        uint64_t *table = page_alloc();

        link(table, 0, below, level);
        test_need(table_set_readonly(table), "read-only");
        below = table;
    }
    tree.root = page_alloc();
    for (unsigned slot = KERNEL_SLOTS; slot < ROOT_SLOTS; slot++)
        tree.root[slot] = table_root()[slot];
    if (ROOT_OWN_SLOT < ROOT_SLOTS) {
        uint64_t *own = page_alloc();

        test_need(table_set_readonly(own), "read-only");
        link(tree.root, ROOT_OWN_SLOT, own, TOP_LEVEL);
    }
    link(tree.root, PLACE, below, TOP_LEVEL);
    test_need(table_set_readonly(tree.root), "read-only");
}

static void make_tree(void)
{
    tree.page = page_alloc();
    tree.l2 = page_alloc();
    for (unsigned i = 0; i < TABLES; i++) {
        tree.l1[i] = page_alloc();
        for (unsigned j = 0; j < ENTRIES_PER_TABLE; j++)
            tree.l1[i][j] = pte_make(virt_to_mfn(tree.page), PTE_READONLY);
        test_need(table_set_readonly(tree.l1[i]), "read-only");
        link(tree.l2, i, tree.l1[i], 2);
    }
    test_need(table_set_readonly(tree.l2), "read-only");
    make_root();
}

/* As the library does it, but for what it remembers. */
static int pin(const uint64_t *table, unsigned level)
{
    return table_mmuext(MMUEXT_PIN_L1_TABLE + level - 1, table);
}

static int unpin(const uint64_t *table)
{
    return table_mmuext(MMUEXT_UNPIN_TABLE, table);
}

static int load(const uint64_t *root)
{
    return table_mmuext(MMUEXT_NEW_BASEPTR, root);
}

/*
 * ---- 45: who waits for the processor gets it from each of these as soon as from a loop.
 */

#define SPIN_NS UINT64_C(50000000)
#define MORE_NS UINT64_C(100000) /* for the work between two points */

static int spin(void)
{
    uint64_t until = time_now() + SPIN_NS;

    while (time_now() < until)
        cpu_relax();
    return 0;
}

static int pin_root(void)
{
    return pin(tree.root, TOP_LEVEL);
}

static int unpin_root(void)
{
    return unpin(tree.root);
}

static int load_root(void)
{
    return load(tree.root);
}

static int load_own(void)
{
    return load(table_root());
}

/* How late the other vCPU woke at worst during @operation. */
static uint64_t measure(const char *name, int (*operation)(void))
{
    uint64_t latest;
    unsigned wakes;
    int error;

    other_mark(true);
    error = operation();
    other_mark(false);
    latest = other_latest(&wakes);
    if (error || wakes < 20) {
        test_note("%s: %d, and the other was awake %u times", name, error, wakes);
        return UINT64_MAX;
    }
    test_note("%s: %" PRIu64 " ns late at worst, of %u times", name, latest, wakes);
    return latest;
}

static void long_work(void)
{
    static const struct {
        const char *name;
        int (*operation)(void);
    } steps[] = {
        {"pin", pin_root}, {"unpin", unpin_root}, {"load", load_root}, {"leave", load_own}, {"pin again", pin_root}};
    uint64_t usual = measure("a loop", spin);
    bool right = usual != UINT64_MAX;

    for (unsigned i = 0; i < ARRAY_SIZE(steps); i++)
        right &= measure(steps[i].name, steps[i].operation) <= usual + MORE_NS;
    right &= unpin(tree.root) == 0;
    test_check(right, "xsa_45_no_table_keeps_the_processor", "see above");
}

/*
 * ---- 299: others use, and want otherwise, what is being converted.
 */

#define ROUNDS   6u
#define ATTEMPTS 200u

static unsigned pins;                                 /* that the first vCPU had */
static unsigned granted, refused, wrong, at_the_time; /* of what the other asked for */
static bool inside;

/* The only answers that there are to such a wish. */
static bool note(long result)
{
    wrong += result != 0 && result != -XEN_EINVAL && result != -XEN_EBUSY;
    granted += result == 0;
    refused += result != 0;
    at_the_time += READ_ONCE(inside);
    return result == 0;
}

/* While one of the tables is memory that can be written, no pin of the tree succeeds. */
static void other_writes(const uint64_t *table)
{
    unsigned before;

    if (!note(table_map(WINDOW, pte_make(virt_to_mfn(table), PTE_KERNEL))))
        return;
    before = READ_ONCE(pins);
    for (unsigned i = 0; i < 4; i++)
        other_sleep();
    wrong += READ_ONCE(pins) != before;
    wrong += table_map(WINDOW, 0) != 0;
}

static void other_pins(const uint64_t *table, unsigned level)
{
    if (note(pin(table, level)))
        wrong += unpin(table) != 0;
}

/* As descriptors these entries are absent ones. */
static void other_wants_descriptors(const uint64_t *table)
{
    xen_pfn_t frame = (xen_pfn_t)virt_to_mfn(table).v;

    if (note(hypercall_set_gdt(&frame, 8)))
        wrong += hypercall_set_gdt(NULL, 0) != 0;
}

/* As it was: a table changes, memory does. */
static void other_updates(uint64_t *table)
{
    (void)note(table_write(&table[7], pte_make(virt_to_mfn(tree.page), PTE_READONLY)));
}

static void other_wants(void)
{
    static unsigned turn;
    uint64_t *table = tree.l1[++turn * 7 % TABLES];

    if (turn % 600 == 0) { /* of which there must be few, or no pin succeeds */
        other_writes(table);
        return;
    }
    if (turn % 100 == 0) { /* this one waits until the pin is over */
        other_pins(tree.l2, 2);
        return;
    }
    switch (turn % 4) {
    case 0:
        other_pins(table, 1);
        break;
    case 1:
        other_pins(table, 2);
        break;
    case 2:
        other_wants_descriptors(table);
        break;
    default:
        other_updates(table);
        break;
    }
}

/* Pin and unpin; what is pinned is no memory. */
static bool pin_round(void)
{
    int error;

    WRITE_ONCE(inside, true);
    error = pin(tree.root, TOP_LEVEL);
    WRITE_ONCE(inside, false);
    if (error)
        return error == -XEN_EINVAL || error == -XEN_EBUSY;
    WRITE_ONCE(pins, pins + 1);
    for (unsigned i = 0; i < TABLES; i += 5) {
        if (table_set_writable(tree.l1[i]) == 0)
            return false;
    }
    WRITE_ONCE(inside, true);
    error = unpin(tree.root);
    WRITE_ONCE(inside, false);
    return error == 0;
}

static void contended(void)
{
    bool right = true;

    other_do(other_wants);
    for (unsigned i = 0; i < ATTEMPTS && pins < ROUNDS; i++) {
        right &= pin_round();
        (void)hypercall_sched_op(SCHEDOP_yield, NULL);
    }
    other_do(NULL);
    test_note("%u pins; the other: %u granted, %u refused, %u of them meanwhile", pins, granted, refused, at_the_time);
    test_check(right && wrong == 0 && pins == ROUNDS && granted > 0 && refused > 0 && at_the_time > 20,
               "xsa_299_another_wants_what_a_pin_converts", "%u wrong answers", wrong);
}

/* Both try; nobody gets through, however often the other was interrupted at the entry. */
static void other_pins_root(void)
{
    int error = pin(tree.root, TOP_LEVEL);

    wrong += error != -XEN_EINVAL && error != -XEN_EBUSY;
}

static void bad_entry(void)
{
    uint64_t *last = tree.l1[TABLES - 1];

    test_need(table_set_writable(last), "memory");
    last[ENTRIES_PER_TABLE - 1] = pte_make(virt_to_mfn(tree.l2), PTE_KERNEL);
    test_need(table_set_readonly(last), "read-only");
    wrong = 0;
    other_do(other_pins_root);
    for (unsigned i = 0; i < ROUNDS; i++) {
        int error = pin(tree.root, TOP_LEVEL);

        wrong += error != -XEN_EINVAL && error != -XEN_EBUSY;
    }
    other_do(NULL);
    test_check(wrong == 0, "xsa_299_a_bad_entry_is_found_by_two", "%u times not", wrong);
}

/* Whatever happened, nothing is in use any more. */
static void all_memory(void)
{
    unsigned kept = table_set_writable(tree.root) != 0;

    kept += table_set_writable(tree.l2) != 0;
    for (unsigned i = 0; i < TABLES; i++)
        kept += table_set_writable(tree.l1[i]) != 0;
    test_check(kept == 0, "xsa_299_and_nothing_is_left_of_it", "%u tables", kept);
}

void lessons_preempt(void)
{
    if (!other_start()) {
        test_note("not with one vCPU: lessons about two");
        return;
    }
    test_need(user_map(WINDOW, page_alloc(), PTE_READONLY), "a window");
    make_tree();
    long_work();
    contended();
    bad_entry();
    all_memory();
}
