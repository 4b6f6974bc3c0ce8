/* SPDX-License-Identifier: MIT */
/* The operations one by one: entries, tables, protection, registers, translations. */
#include <guest/guest.h>
#include <guest/mmu.h>
#include <guest/processor.h>
#include <guests/paravirt/pool.h>
#include <guests/paravirt/test.h>

#define VADDR UINT64_C(0x70000000)

/* An address space with one page at VADDR. */
struct fixture {
    struct mmu_space space;
    uint64_t pages; /* that were free before */
    uint64_t *page;
    uint64_t *place;
};

static void begin(struct fixture *fixture)
{
    *fixture = (struct fixture){.pages = pool_count()};
    expect(mmu_space_create(&fixture->space) == 0, "no space");
    fixture->page = pool_take();
    page_zero(fixture->page);
    fixture->place = mmu_walk_make(&fixture->space, VADDR);
    mmu_entry_write(&fixture->space, fixture->place, 1,
                    mmu_entry_make(virt_to_pfn(fixture->page), PTE_P | PTE_RW | PTE_USER));
}

static void end(struct fixture *fixture)
{
    mmu_space_destroy(&fixture->space);
    pool_put(fixture->page);
    expect_nothing_lost(fixture->pages);
}

static uint64_t flags_at(const struct fixture *fixture, uint64_t mask)
{
    return mmu_entry_flags(mmu_entry_read(fixture->place)) & mask;
}

static void test_entries(void)
{
    static const uint64_t flags[] = {PTE_P, PTE_KERNEL, PTE_PROGRAM, PTE_TABLE, PTE_P | PTE_USER | PTE_NX};
    pfn_t pfn = virt_to_pfn(guest_main);

    for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
        mmu_entry_t entry = mmu_entry_make(pfn, flags[i]);

        expect(mmu_entry_pfn(entry).v == pfn.v, "flags %" PRIx64 ": pfn %" PRIx64 " became %" PRIx64, flags[i], pfn.v,
               mmu_entry_pfn(entry).v);
        expect(mmu_entry_flags(entry) == flags[i], "flags %" PRIx64 " became %" PRIx64, flags[i],
               mmu_entry_flags(entry));
    }
    expect(mmu_entry_make(PFN(0x123), PTE_RW).v == 0x123002, "an absent entry was translated");
}

static void check_levels(struct mmu_space *space, const char *world)
{
    for (unsigned level = 1; level <= TOP_LEVEL; level++) {
        uint64_t *place = mmu_walk(space, VADDR, level);
        mmu_entry_t entry = mmu_entry_read(place);

        expect(mmu_entry_present(entry), "%s: level %u is absent", world, level);
        mmu_entry_write(space, place, level, MMU_ENTRY_NONE);
        expect(!mmu_entry_present(mmu_entry_read(place)), "%s: level %u is present", world, level);
        mmu_entry_write(space, place, level, entry);
        expect(mmu_entry_read(place).v == entry.v, "%s: level %u: %" PRIx64 " became %" PRIx64, world, level, entry.v,
               mmu_entry_read(place).v);
    }
}

static void test_levels(void)
{
    struct fixture fixture;
    uint64_t value = 0;

    begin(&fixture);
    check_levels(&fixture.space, "before");
    mmu_space_activate(&fixture.space);
    check_levels(&fixture.space, "after activation");
    expect(test_read(VADDR, &value) && value == 0, "the page cannot be read");
    end(&fixture);
}

/* A write that the library would report: here it is expected. */
static bool takes_plain_write(uint64_t *place, uint64_t value)
{
    struct mmu_failure failure;
    bool written;

    test_failures_begin();
    written = test_write((uintptr_t)place, value);
    expect(test_failures_end(&failure) == !written, "the write is not reported");
    return written;
}

static void test_tables(void)
{
    struct fixture fixture;
    mmu_entry_t entry;
    uint64_t *place, *table, own;

    begin(&fixture);
    mmu_space_activate(&fixture.space);
    place = mmu_walk(&fixture.space, VADDR, 2);
    entry = mmu_entry_read(place);
    table = pfn_to_virt(mmu_entry_pfn(entry));
    /* An L1 may take a plain write that an update would accept: the hypervisor may emulate it.  Not this one. */
    own = mmu_entry_make(virt_to_pfn(table), PTE_PROGRAM).v;
    expect(takes_plain_write(&table[7], own) == guest.native, "a table in use can be written");
    mmu_entry_write(&fixture.space, place, 2, MMU_ENTRY_NONE);
    mmu_flush_all();
    mmu->table_release(table, 1, MMU_HERE);
    expect(test_write((uintptr_t)&table[7], 0), "a released table cannot be written");
    mmu->table_alloc(&fixture.space, table, 1, MMU_HERE);
    mmu_entry_write(&fixture.space, place, 2, entry);
    expect(takes_plain_write(&table[7], own) == guest.native, "an allocated table can be written");
    expect(test_write(VADDR, 1), "the page cannot be written");
    end(&fixture);
}

static void test_modify(void)
{
    struct fixture fixture;
    mmu_entry_t entry;
    uint64_t value;

    begin(&fixture);
    mmu_space_activate(&fixture.space);
    expect(flags_at(&fixture, PTE_A | PTE_D) == 0, "accessed or dirty from the beginning");
    expect(test_read(VADDR, &value) && flags_at(&fixture, PTE_A | PTE_D) == PTE_A, "not accessed by a read");
    entry = mmu_modify_begin(fixture.place);
    mmu_modify_commit(&fixture.space, fixture.place, mmu_entry_change(entry, 0, PTE_RW));
    mmu_flush_page(VADDR);
    expect(flags_at(&fixture, PTE_A | PTE_RW) == PTE_A, "accessed lost, or still writable");
    expect(!test_write(VADDR, 1), "a write to a page that is read-only");
    entry = mmu_modify_begin(fixture.place);
    mmu_modify_commit(&fixture.space, fixture.place, mmu_entry_change(entry, PTE_RW, 0));
    mmu_flush_page(VADDR);
    expect(test_write(VADDR, 1) && flags_at(&fixture, PTE_D) == PTE_D, "not dirty by a write");
    entry = mmu_modify_begin(fixture.place);
    mmu_modify_commit(&fixture.space, fixture.place, mmu_entry_change(entry, 0, PTE_RW | PTE_D));
    mmu_flush_page(VADDR);
    /* Bare hardware cannot set the bit between begin and commit, and the commit decides. */
    expect(flags_at(&fixture, PTE_D) == (guest.native ? 0 : PTE_D), "dirty, which came before the commit");
    end(&fixture);
}

static const uint64_t *user_root_of(const struct mmu_space *space)
{
    return guest.native || !USER_ROOT ? space->tree.root : space->tree.user_root;
}

static void test_registers(void)
{
    struct fixture fixture;
    pfn_t root = mmu->cr3_read();
    uint64_t value;

    begin(&fixture);
    mmu_space_activate(&fixture.space);
    expect(mmu->cr3_read().v == virt_to_pfn(fixture.space.tree.root).v, "cr3 is not the root that was loaded");
    expect(mmu->user_root_read().v == virt_to_pfn(user_root_of(&fixture.space)).v, "the user root is another");
    expect(!test_read(VADDR + 0x123450, &value), "a page that is not there can be read");
    expect(mmu->cr2_read() == VADDR + 0x123450, "cr2 is %" PRIx64, mmu->cr2_read());
    mmu->cr2_write(0x1234);
    expect(mmu->cr2_read() == 0x1234, "cr2 is %" PRIx64 ", not what was written", mmu->cr2_read());
    mmu->cr3_write(root, MMU_HERE);
    mmu->user_root_write(PFN_NONE, MMU_HERE);
    expect(mmu->cr3_read().v == root.v && !test_read(VADDR, &value), "the old root is not back");
    mmu->cr3_write(virt_to_pfn(fixture.space.tree.root), MMU_HERE);
    expect(test_read(VADDR, &value), "the page cannot be read");
    end(&fixture);
}

static void flush_one_way(unsigned way)
{
    static const uint64_t cpus[1] = {1};

    switch (way) {
    case 0:
        mmu_flush_page(VADDR);
        break;
    case 1:
        mmu_flush_user();
        break;
    case 2:
        mmu_flush_all();
        break;
    case 3:
        mmu_flush_page_everywhere(VADDR);
        break;
    case 4:
        mmu_flush_all_everywhere();
        break;
    case 5:
        mmu_flush_cpus(cpus, VADDR);
        break;
    default:
        mmu_flush_cpus(cpus, MMU_ALL_ADDRESSES);
    }
}

/* The page behind an address is exchanged, and after each kind of flush the other one is seen. */
static void test_flushes(void)
{
    struct fixture fixture;
    uint64_t *other = pool_take();
    uint64_t value;

    begin(&fixture);
    *other = 1;
    mmu_space_activate(&fixture.space);
    for (unsigned way = 0; way < 7; way++) {
        for (unsigned which = 0; which < 2; which++) {
            uint64_t *page = which ? other : fixture.page;

            mmu_entry_write(&fixture.space, fixture.place, 1,
                            mmu_entry_make(virt_to_pfn(page), PTE_P | PTE_RW | PTE_USER));
            flush_one_way(way);
            expect(test_read(VADDR, &value) && value == which, "way %u: the page before is seen", way);
        }
    }
    end(&fixture);
    pool_put(other);
}

const struct test tests_mmu[] = {
    {"entries are made and taken apart", test_entries},
    {"entries of each level are written and read, in both worlds", test_levels},
    {"tables change worlds", test_tables},
    {"protection changes and keeps accessed and dirty", test_modify},
    {"cr2, cr3 and the user root", test_registers},
    {"translations are forgotten", test_flushes},
    {NULL, NULL},
};
