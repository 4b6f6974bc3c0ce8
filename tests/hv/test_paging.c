/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own page tables: hv/mem/paging.c writes them into a piece of memory that stands for the machine's,
 * and a walk of the test's own reads them as the processor would (Intel SDM volume 3, 4.5).  That the processor agrees
 * is seen by every boot; that no page is writable and executable in the image's own mappings, by hv/selftest.c.
 */
/* links: tests/hv/lib/fake_cpu.c */
#define _GNU_SOURCE /* memfd_create(), MAP_FIXED_NOREPLACE */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <hv/base/layout.h>

/* A process cannot have anything where the hypervisor has its image and its direct map: the same, at other places. */
#undef IMAGE_BASE
#undef DIRECT_BASE
#define IMAGE_BASE  UINT64_C(0x200000000000)
#define DIRECT_BASE UINT64_C(0x300000000000)
#include <hv/mem/paging.c>

#include <tests/hv/lib/fake_cpu.h>

#define MEMORY     0x800000u /* bytes of machine memory, from TABLES on */
#define TABLES     UINT64_C(0x1000000)
#define PAGE       UINT64_C(0x1000)
#define LARGE      UINT64_C(0x200000)
#define SLOT(n)    (UINT64_C(0xffff000000000000) | (uint64_t)(n) << 39)
#define FLAGS      UINT64_C(0x8000000000000fff)
#define ADDRESS(e) ((e)&UINT64_C(0x000ffffffffff000))

static uint8_t *memory;
static uint64_t next;
static jmp_buf halted;
static const void *at_first; /* where the hypervisor looked for memory when it started */

uint64_t early_take_table(void)
{
    assert_true(next + PAGE <= MEMORY);
    next += PAGE;
    memset(memory + next - PAGE, 0xa5, PAGE); /* whatever was there */
    return TABLES + next - PAGE;
}

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    (void)file;
    (void)line;
    (void)condition;
    longjmp(halted, 1);
}

/* The memory is where the hypervisor finds it: at IMAGE_BASE at first, at DIRECT_BASE later. */
static void make(void)
{
    fake_cpu_reset();
    next = 0;
    ram_base = IMAGE_BASE;
    paging_init();
}

struct leaf {
    uint64_t maddr, flags; /* with the offset; flags of the last entry; 0: nothing is mapped */
    unsigned level;
    bool writable, user, opened; /* opened: some table on the way is for guests */
};

static const uint64_t *table_at(uint64_t maddr)
{
    assert_in_range(maddr, TABLES, TABLES + next - 1);
    return (const uint64_t *)(const void *)(memory + (maddr - TABLES));
}

static struct leaf walk(uint64_t vaddr)
{
    struct leaf leaf = {.writable = true, .user = true};
    uint64_t table = paging_root();

    for (unsigned level = 4; level >= 1; level--) {
        unsigned shift = 12 + 9 * (level - 1);
        uint64_t entry = table_at(table)[vaddr >> shift & 511];

        if (!(entry & 1))
            return (struct leaf){.level = level};
        leaf.writable &= entry >> 1 & 1;
        leaf.user &= entry >> 2 & 1;
        leaf.level = level;
        leaf.flags = entry & FLAGS;
        leaf.maddr = ADDRESS(entry) + (vaddr & ((UINT64_C(1) << shift) - 1));
        if (level > 1 && (entry >> 7 & 1))
            return leaf;
        assert_true(level == 1 || !(entry >> 63)); /* tables leave it to their entries what may be executed */
        leaf.opened |= level > 1 && (entry >> 2 & 1);
        table = ADDRESS(entry);
    }
    return leaf;
}

static void assert_mapped(uint64_t vaddr, uint64_t maddr, uint64_t flags, unsigned level)
{
    struct leaf leaf = walk(vaddr);

    assert_int_equal(leaf.level, level);
    assert_int_equal(leaf.maddr, maddr);
    assert_int_equal(leaf.flags, flags | (level > 1 ? 0x80 : 0));
    assert_int_equal(leaf.writable, flags >> 1 & 1);
    assert_int_equal(leaf.user, flags >> 2 & 1);
}

static void assert_nothing(uint64_t vaddr)
{
    assert_int_equal(walk(vaddr).flags, 0);
}

/*
 * ---- The root.
 */

/* Each of its slots has a table, which is empty; guests may go through the one of the M2P, never to write. */
static void test_root(void **state)
{
    const uint64_t *top;
    uint64_t slots[HYPERVISOR_ROOT_SLOTS];

    (void)state;
    make();
    top = table_at(paging_root());
    for (unsigned i = 0; i < 512; i++) {
        const uint64_t *table;

        if (i < 256 || i >= 272) {
            assert_int_equal(top[i], 0);
            continue;
        }
        assert_int_equal(top[i] & FLAGS, i == 256 ? 0x65 : 0x63);
        table = table_at(ADDRESS(top[i]));
        for (unsigned j = 0; j < 512; j++)
            assert_int_equal(table[j], 0);
        for (unsigned j = 256; j < i; j++)
            assert_int_not_equal(ADDRESS(top[i]), ADDRESS(top[j]));
    }
    paging_root_slots(slots);
    assert_memory_equal(slots, top + 256, sizeof(slots));
    assert_int_equal(fake_cpu.root_loads, 0);
}

/* No mapping ever adds to the root: guests' roots hold copies of its slots. */
static void test_slots_stay(void **state)
{
    uint64_t before[HYPERVISOR_ROOT_SLOTS], after[HYPERVISOR_ROOT_SLOTS];

    (void)state;
    make();
    paging_root_slots(before);
    for (unsigned i = 256; i < 272; i++) {
        paging_map(SLOT(i), 0x200000, 3 * PAGE, i == 256 ? MAP_GUEST : MAP_DATA);
        paging_prepare(SLOT(i) + 511 * LARGE, 2 * PAGE);
        paging_set(SLOT(i), 0);
    }
    paging_root_slots(after);
    assert_memory_equal(before, after, sizeof(before));
}

/*
 * ---- Mapping.
 */

static const uint64_t kinds[] = {MAP_CODE, MAP_CONSTANT, MAP_DATA};

static void test_pages(void **state)
{
    (void)state;
    make();
    for (unsigned i = 0; i < 3; i++) {
        uint64_t at = SLOT(259 + i) + 5 * PAGE;

        paging_map(at, 0x123000, 2 * PAGE, kinds[i]);
        assert_mapped(at, 0x123000, kinds[i], 1);
        assert_mapped(at + 0x1234, 0x124234, kinds[i], 1);
        assert_nothing(at - 1);
        assert_nothing(at + 2 * PAGE);
    }
    assert_true(MAP_CODE & MAP_CONSTANT & MAP_DATA & ENTRY_GLOBAL);
    assert_false((MAP_GUEST | MAP_GUEST_32) & ENTRY_GLOBAL); /* the M2P is not in each root */
    assert_false((MAP_CODE & ENTRY_RW) || !(MAP_DATA & ENTRY_NX) || !(MAP_CONSTANT & ENTRY_NX));
}

/* Large pages where both addresses allow it, and only where all of one is asked for. */
static void test_large_pages(void **state)
{
    uint64_t at = SLOT(262);

    (void)state;
    make();
    paging_map(at + LARGE - PAGE, 3 * LARGE - PAGE, LARGE + 3 * PAGE, MAP_DATA);
    assert_nothing(at + LARGE - PAGE - 1);
    assert_mapped(at + LARGE - 1, 3 * LARGE - 1, MAP_DATA, 1);
    assert_mapped(at + LARGE, 3 * LARGE, MAP_DATA, 2);
    assert_mapped(at + 2 * LARGE - 1, 4 * LARGE - 1, MAP_DATA, 2);
    assert_mapped(at + 2 * LARGE, 4 * LARGE, MAP_DATA, 1);
    assert_mapped(at + 2 * LARGE + 2 * PAGE - 1, 4 * LARGE + 2 * PAGE - 1, MAP_DATA, 1);
    assert_nothing(at + 2 * LARGE + 2 * PAGE);

    at = SLOT(263);
    paging_map(at, 3 * LARGE + PAGE, LARGE, MAP_DATA);
    assert_mapped(at, 3 * LARGE + PAGE, MAP_DATA, 1);
    assert_mapped(at + LARGE - 1, 4 * LARGE + PAGE - 1, MAP_DATA, 1);
    at = SLOT(264) + PAGE;
    paging_map(at, 4 * LARGE, LARGE, MAP_DATA);
    assert_mapped(at + LARGE - PAGE, 5 * LARGE - PAGE, MAP_DATA, 1);
    at = SLOT(265);
    paging_map(at, 4 * LARGE, LARGE - PAGE, MAP_DATA);
    assert_mapped(at, 4 * LARGE, MAP_DATA, 1);
}

/* Across the borders of tables of each level. */
static void test_borders(void **state)
{
    const uint64_t borders[] = {SLOT(262) + LARGE, SLOT(262) + 512 * LARGE, SLOT(263)};

    (void)state;
    make();
    for (unsigned i = 0; i < 3; i++) {
        paging_map(borders[i] - PAGE, 0x777000, 2 * PAGE, MAP_DATA);
        assert_mapped(borders[i] - PAGE, 0x777000, MAP_DATA, 1);
        assert_mapped(borders[i], 0x778000, MAP_DATA, 1);
    }
}

/*
 * What guests may read they cannot write, by any entry on the way; and nothing else can be reached by them.  Shows
 * layout.m2p-readonly.
 */
static void test_guest_pages(void **state)
{
    (void)state;
    make();
    paging_map(SLOT(256), 4 * LARGE, LARGE + PAGE, MAP_GUEST);
    assert_mapped(SLOT(256), 4 * LARGE, MAP_GUEST, 2);
    assert_mapped(SLOT(256) + LARGE, 5 * LARGE, MAP_GUEST, 1);
    assert_false(walk(SLOT(256)).writable || walk(SLOT(256) + LARGE).writable);
    paging_map(SLOT(257), 4 * LARGE, LARGE + PAGE, MAP_DATA);
    assert_false(walk(SLOT(257)).user || walk(SLOT(257) + LARGE).user || walk(SLOT(257) + LARGE).opened);
}

/* Addresses that are no pages, and a small page inside a large one, are mistakes of our own. */
static void test_mistakes(void **state)
{
    static const uint64_t bad[][3] = {{1, 0, PAGE}, {0, 8, PAGE}, {0, 0, PAGE - 1}};

    (void)state;
    make();
    for (unsigned i = 0; i < 3; i++) {
        if (setjmp(halted) == 0) {
            paging_map(SLOT(262) + bad[i][0], bad[i][1], bad[i][2], MAP_DATA);
            fail();
        }
    }
    paging_map(SLOT(262), 0, LARGE, MAP_DATA);
    if (setjmp(halted) == 0) {
        paging_set(SLOT(262) + PAGE, 0);
        fail();
    }
}

/*
 * ---- Single entries.
 */

static void test_entries(void **state)
{
    uint64_t at = SLOT(258) + 3 * LARGE, tables;

    (void)state;
    make();
    paging_prepare(at - PAGE, 2 * PAGE);
    tables = next;
    assert_nothing(at);
    assert_int_equal(paging_get(at), 0);
    paging_set(at, 0x456000 | MAP_DATA);
    paging_set(at - PAGE, 0x455000 | MAP_DATA);
    assert_mapped(at, 0x456000, MAP_DATA, 1);
    assert_mapped(at - PAGE, 0x455000, MAP_DATA, 1);
    assert_int_equal(paging_get(at + 17), 0x456000 | MAP_DATA);
    paging_set(at, 0);
    assert_nothing(at);
    assert_int_equal(next, tables); /* all tables were there: nothing is taken once there are guests */
}

/* From here on memory is reached through the direct map. */
static void test_activate(void **state)
{
    uint64_t at = SLOT(258);

    (void)state;
    make();
    assert_ptr_equal(at_first, IMAGE_BASE);
    assert_ptr_equal(paging_ram(0x1234), IMAGE_BASE + 0x1234);
    paging_activate();
    assert_int_equal(fake_cpu.root_loads, 1);
    assert_int_equal(fake_cpu.cr[3], paging_root());
    assert_ptr_equal(paging_ram(0x1234), DIRECT_BASE + 0x1234);
    paging_map(at, 0x456000, PAGE, MAP_DATA);
    assert_mapped(at, 0x456000, MAP_DATA, 1);
}

static bool map_memory(int file, uint64_t base)
{
    void *at = (void *)(base + TABLES);

    return mmap(at, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, file, 0) == at;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_root),        cmocka_unit_test(test_slots_stay), cmocka_unit_test(test_pages),
        cmocka_unit_test(test_large_pages), cmocka_unit_test(test_borders),    cmocka_unit_test(test_guest_pages),
        cmocka_unit_test(test_mistakes),    cmocka_unit_test(test_entries),    cmocka_unit_test(test_activate),
    };
    int file = memfd_create("memory", 0);

    if (file < 0 || ftruncate(file, MEMORY) || !map_memory(file, IMAGE_BASE) || !map_memory(file, DIRECT_BASE))
        return 1;
    at_first = paging_ram(0);
    memory = (uint8_t *)(IMAGE_BASE + TABLES);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
