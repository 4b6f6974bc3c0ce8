/* SPDX-License-Identifier: MIT */
/*
 * The self-test of engine and port together: a domain of 64 bits with one vCPU and a few pages, in the hypervisor's
 * hands where a guest will be.  Its tables are written as plain memory, and the engine must accept them.
 */
#include <abi/errno.h>
#include <abi/hypercall.h>
#include <abi/layout.h>
#include <abi/mmu.h>
#include <abi/segment.h>
#include <engine/engine.h>
#include <engine/level.h>
#include <hv/base/asm.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/trap.h>
#include <hv/domain/refusals.h>
#include <hv/domain/vcpu.h>
#include <hv/mem/pool.h>
#include <hv/mem/ram.h>
#include <hv/mem/window.h>
#include <hv/selftest.h>
#include <hv/selftest_expect.h>

#define DOMAIN_ID  1u
#define MAX_FRAMES 64u
#define GUEST_BASE UINT64_C(0x40000000) /* slot 0 of the L4, 1 of the L3, 0 of L2 and L1 */
#define L3_SLOT    1u

/* What the slots of the L1 map; the rest is not present. */
enum page {
    PAGE_DATA,
    PAGE_SECOND,
    PAGE_CONSTANT, /* read-only */
    PAGE_L1,       /* the L1 table itself, read-only */
    PAGE_ABSENT,
};

#define TABLE_FLAGS (ENTRY_PRESENT | ENTRY_RW | ENTRY_USER)

/* A data segment for ring 3, not accessed yet. */
#define TEST_DESCRIPTOR UINT64_C(0x00cff2000000ffff)
#define TEST_ACCESSED   (UINT64_C(1) << 40)
#define TEST_SELECTOR   0x0bu /* descriptor 1 */

static struct guest {
    struct machine *machine;
    struct hv_domain domain;
    struct hv_vcpu vcpu;
    struct vcpu *vcpus[1];
    mfn_t l4, l3, l2, l1;
    mfn_t data, second, constant;
    uint64_t nr_populated;
} guest;

static uint64_t page_address(enum page page)
{
    return GUEST_BASE + (uint64_t)page * PAGE_SIZE;
}

static uint64_t *entries(mfn_t table)
{
    return port_frame_map(table);
}

static uint64_t entry(mfn_t mfn, uint64_t flags)
{
    return mfn.v << PAGE_SHIFT | flags;
}

static mfn_t populate(void)
{
    mfn_t mfn = MFN_NONE;
    uint64_t pfn = guest.nr_populated++;

    EXPECT(domain_populate(&guest.domain.engine, PFN(pfn), &mfn) == 0);
    cpu_user_access_begin();
    EXPECT(((const uint64_t *)MACH2PHYS_VIRT_START)[mfn.v] == pfn);
    cpu_user_access_end();
    EXPECT(entries(mfn)[0] == 0 && entries(mfn)[ENTRIES_PER_TABLE - 1] == 0);
    return mfn;
}

/*
 * ---- Building.
 */

static void create_domain(struct machine *machine)
{
    guest.machine = machine;
    guest.domain.engine = (struct domain){
        .machine = machine,
        .id = DOMID(DOMAIN_ID),
        .width = WIDTH_64,
        .max_frames = MAX_FRAMES,
        .vcpus = guest.vcpus,
        .nr_vcpus = 1,
    };
    guest.domain.lock = (struct lock)LOCK_INIT(LOCK_DOMAIN, DOMAIN_ID);
    guest.vcpus[0] = &guest.vcpu.engine;
    guest.vcpu.engine.domain = &guest.domain.engine;
    guest.vcpu.window = WINDOW_OF_VCPUS;
    domain_init(&guest.domain.engine);
    vcpu_init(&guest.vcpu.engine);
    machine->domains[DOMAIN_ID] = &guest.domain.engine;
}

static void write_tables(void)
{
    guest.l4 = populate();
    guest.l3 = populate();
    guest.l2 = populate();
    guest.l1 = populate();
    guest.data = populate();
    guest.second = populate();
    guest.constant = populate();
    entries(guest.l4)[0] = entry(guest.l3, TABLE_FLAGS);
    entries(guest.l3)[L3_SLOT] = entry(guest.l2, TABLE_FLAGS);
    entries(guest.l2)[0] = entry(guest.l1, TABLE_FLAGS);
    entries(guest.l1)[PAGE_DATA] = entry(guest.data, TABLE_FLAGS);
    entries(guest.l1)[PAGE_SECOND] = entry(guest.second, TABLE_FLAGS);
    entries(guest.l1)[PAGE_CONSTANT] = entry(guest.constant, TABLE_FLAGS & ~ENTRY_RW);
}

/* A builder's mistake does not get through. */
static void test_bad_tables(void)
{
    uint64_t before = refusals_noted().count;

    entries(guest.l1)[PAGE_L1] = entry(guest.l1, TABLE_FLAGS);
    EXPECT(domain_pin(&guest.domain.engine, guest.l4, 4) < 0);
    EXPECT(refusals_noted().count == before + 1);
    entries(guest.l1)[PAGE_L1] = entry(MFN(0), TABLE_FLAGS);
    EXPECT(domain_pin(&guest.domain.engine, guest.l4, 4) == -XEN_EPERM);
    EXPECT(refusals_noted().last.reason == REFUSE_NOT_RAM);
    EXPECT(vcpu_set_roots(&guest.vcpu.engine, guest.l1, MFN_NONE) < 0);
    entries(guest.l1)[PAGE_L1] = entry(guest.l1, TABLE_FLAGS & ~ENTRY_RW);
}

/* The tables are accepted and loaded; that we are still here says that the hypervisor's slots are in them. */
static void test_load(void)
{
    EXPECT(domain_pin(&guest.domain.engine, guest.l4, 4) == 0);
    EXPECT(vcpu_set_roots(&guest.vcpu.engine, guest.l4, MFN_NONE) == 0);
    hv_vcpu_switch(guest.machine, &guest.vcpu);
    EXPECT(asm_read_cr3() == guest.l4.v << PAGE_SHIFT);
    for (unsigned i = 0; i < HYPERVISOR_ROOT_SLOTS; i++)
        EXPECT(((entries(guest.l4)[HYPERVISOR_L4_SLOT + i] ^ guest.machine->root_slots[i]) & ~ENTRY_AD) == 0);
}

/*
 * ---- Running.
 */

static void test_copies(void)
{
    struct vcpu *vcpu = &guest.vcpu.engine;
    uint64_t word = UINT64_C(0x0123456789abcdef), seen = 0;
    uint8_t odd[12] = {0}; /* a word, and bytes behind it */

    EXPECT(port_copy_to_guest(vcpu, VADDR(page_address(PAGE_DATA) + 8), &word, sizeof(word)));
    EXPECT(entries(guest.data)[1] == word);
    EXPECT(port_copy_from_guest(vcpu, &seen, VADDR(page_address(PAGE_DATA) + 8), sizeof(seen)) && seen == word);
    EXPECT(port_copy_to_guest(vcpu, VADDR(page_address(PAGE_SECOND) - 4), &word, sizeof(word)));
    EXPECT((uint32_t)entries(guest.second)[0] == (uint32_t)(word >> 32));
    EXPECT(!port_copy_to_guest(vcpu, VADDR(page_address(PAGE_L1)), &word, sizeof(word)));
    EXPECT(!port_copy_to_guest(vcpu, VADDR(page_address(PAGE_CONSTANT)), &word, sizeof(word)));
    EXPECT(!port_copy_from_guest(vcpu, &seen, VADDR(page_address(PAGE_ABSENT)), sizeof(seen)));
    EXPECT(!port_copy_from_guest(vcpu, &seen, VADDR(page_address(PAGE_ABSENT) - 4), sizeof(seen)));
    EXPECT(port_copy_from_guest(vcpu, odd, VADDR(page_address(PAGE_DATA)), sizeof(odd)));
    EXPECT(odd[11] == (uint8_t)(word >> 24));
    EXPECT(!port_copy_from_guest(vcpu, odd, VADDR(page_address(PAGE_ABSENT) - 8), sizeof(odd)));
    /* By any other way the hypervisor does not touch a guest's pages, where the processor can see to that. */
    EXPECT((copy_recover(&seen, (const void *)page_address(PAGE_DATA), 8) != 0) == cpu_features()->smap);
}

/* mmu_update of one entry, as the guest would call it. */
static int64_t update(uint64_t slot, uint64_t value)
{
    const uint64_t request[2] = {(guest.l1.v << PAGE_SHIFT) + slot * 8, value};
    const uint64_t args[6] = {page_address(PAGE_DATA), 1, 0, DOMID_SELF};

    EXPECT(port_copy_to_guest(&guest.vcpu.engine, VADDR(args[0]), request, sizeof(request)));
    return engine_hypercall(&guest.vcpu.engine, __HYPERVISOR_mmu_update, args);
}

static void test_updates(void)
{
    const uint64_t none[6] = {0};
    uint64_t seen;

    EXPECT(update(PAGE_L1, entry(guest.l1, TABLE_FLAGS)) == -XEN_EBUSY);
    EXPECT(refusals_noted().last.reason == REFUSE_SELF_MAP && refusals_noted().last.slot.index == PAGE_L1);
    EXPECT(update(PAGE_ABSENT, entry(guest.data, TABLE_FLAGS)) == 0);
    EXPECT(port_copy_from_guest(&guest.vcpu.engine, &seen, VADDR(page_address(PAGE_ABSENT)), sizeof(seen)));
    EXPECT(seen == (guest.l1.v << PAGE_SHIFT) + PAGE_ABSENT * 8); /* the request itself, through a second mapping */
    EXPECT(update(PAGE_ABSENT, 0) == 0);
    EXPECT(engine_hypercall(&guest.vcpu.engine, __HYPERVISOR_xsm_op, none) == -XEN_ENOSYS);
}

static int64_t extended(unsigned cmd, uint64_t arg1, uint64_t arg2)
{
    const struct mmuext_op op = {.cmd = cmd, .arg1.linear_addr = arg1, .arg2.vcpumask = arg2};
    const uint64_t args[6] = {page_address(PAGE_DATA), 1, 0, DOMID_SELF};

    EXPECT(port_copy_to_guest(&guest.vcpu.engine, VADDR(args[0]), &op, sizeof(op)));
    return engine_hypercall(&guest.vcpu.engine, __HYPERVISOR_mmuext_op, args);
}

/* A page that is remapped and flushed shows its new frame. */
static void test_flushes(void)
{
    const cpumask_t here = cpumask_of(0);
    uint32_t marks[2] = {0};

    EXPECT(extended(MMUEXT_COPY_PAGE, guest.second.v, guest.data.v) == 0);
    EXPECT(entries(guest.second)[1] == guest.second.v && entries(guest.data)[1] == guest.second.v);
    EXPECT(extended(MMUEXT_CLEAR_PAGE, guest.second.v, 0) == 0 && entries(guest.second)[1] == 0);
    entries(guest.second)[64] = 1;
    entries(guest.data)[64] = 2;
    for (unsigned i = 0; i < 2; i++) {
        EXPECT(update(PAGE_ABSENT, entry(i == 0 ? guest.second : guest.data, TABLE_FLAGS)) == 0);
        EXPECT(extended(MMUEXT_INVLPG_LOCAL, page_address(PAGE_ABSENT), 0) == 0);
        EXPECT(port_copy_from_guest(&guest.vcpu.engine, &marks[i], VADDR(page_address(PAGE_ABSENT) + 512), 4));
    }
    EXPECT(marks[0] == 1 && marks[1] == 2);
    EXPECT(update(PAGE_ABSENT, 0) == 0 && extended(MMUEXT_TLB_FLUSH_LOCAL, 0, 0) == 0);
    EXPECT(!port_copy_from_guest(&guest.vcpu.engine, &marks[0], VADDR(page_address(PAGE_ABSENT)), 4));
    port_cache_flush(here);
}

/*
 * What direct paging is about: a frame that has become a page table is not writable, not even through a translation
 * that the processor still has from before, and that of a global page.
 */
static void test_stale_translation(void)
{
    const uint64_t word = 0;
    const vaddr_t place = VADDR(page_address(PAGE_SECOND));

    port_frame_clear(guest.second);
    EXPECT(entries(guest.l1)[PAGE_SECOND] & ENTRY_GLOBAL);
    EXPECT(port_copy_to_guest(&guest.vcpu.engine, place, &word, sizeof(word)));
    EXPECT(extended(MMUEXT_PIN_L1_TABLE, guest.second.v, 0) < 0);
    EXPECT(update(PAGE_SECOND, 0) == 0);
    EXPECT(extended(MMUEXT_PIN_L1_TABLE, guest.second.v, 0) == 0);
    EXPECT(!port_copy_to_guest(&guest.vcpu.engine, place, &word, sizeof(word)));
    EXPECT(extended(MMUEXT_UNPIN_TABLE, guest.second.v, 0) == 0);
    EXPECT(update(PAGE_SECOND, entry(guest.second, TABLE_FLAGS)) == 0);
    EXPECT(port_copy_to_guest(&guest.vcpu.engine, place, &word, sizeof(word)));
}

/*
 * Two roots, one for each mode of the guest.  A page of the kernel that it has used is not there in user mode: unlike
 * one of the user, which is global, no processor may keep it.
 */
static void test_modes(void)
{
    const uint64_t kernels = page_address(PAGE_ABSENT);
    mfn_t user = populate();
    uint8_t seen;

    EXPECT(update(PAGE_ABSENT, entry(guest.second, TABLE_FLAGS & ~ENTRY_USER)) == 0);
    EXPECT(port_copy_from_guest(&guest.vcpu.engine, &seen, VADDR(kernels), 1));
    EXPECT(vcpu_enter_user(&guest.vcpu.engine) == -XEN_EINVAL);
    EXPECT(extended(MMUEXT_NEW_USER_BASEPTR, user.v, 0) == 0);
    EXPECT(vcpu_enter_user(&guest.vcpu.engine) == 0 && asm_read_cr3() == user.v << PAGE_SHIFT);
    cpu_user_access_begin();
    EXPECT(copy_recover(&seen, (const void *)kernels, 1) != 0);
    cpu_user_access_end();
    vcpu_enter_kernel(&guest.vcpu.engine);
    EXPECT(asm_read_cr3() == guest.l4.v << PAGE_SHIFT);
    EXPECT(update(PAGE_ABSENT, 0) == 0 && extended(MMUEXT_TLB_FLUSH_LOCAL, 0, 0) == 0);
}

/* The processor takes a segment from the guest's frame, and the hypervisor's from behind it. */
static void test_gdt(void)
{
    const uint64_t args[6] = {page_address(PAGE_DATA), FIRST_RESERVED_GDT_ENTRY / FIRST_RESERVED_GDT_PAGE};
    uint64_t base = window_base(guest.vcpu.window), seen = 0;
    uint16_t selector;

    entries(guest.constant)[1] = TEST_DESCRIPTOR;
    EXPECT(port_copy_to_guest(&guest.vcpu.engine, VADDR(args[0]), &guest.constant.v, sizeof(uint64_t)));
    EXPECT(engine_hypercall(&guest.vcpu.engine, __HYPERVISOR_set_gdt, args) == 0);
    EXPECT(copy_recover(&seen, (const void *)(base + 8), sizeof(seen)) == 0 && seen == TEST_DESCRIPTOR);
    EXPECT(copy_recover(&seen, (const void *)(base + PAGE_SIZE), sizeof(seen)) == 0 && seen == 0);
    __asm__ volatile("mov %1, %%fs; mov %%fs, %0" : "=r"(selector) : "r"((uint16_t)TEST_SELECTOR));
    EXPECT(selector == TEST_SELECTOR);
    EXPECT(entries(guest.constant)[1] == (TEST_DESCRIPTOR | TEST_ACCESSED));
    __asm__ volatile("mov %0, %%fs" : : "r"(0));
}

/*
 * ---- The end.
 */

static void expect_clean_audit(void)
{
    struct audit_finding finding;

    EXPECT(audit_machine(guest.machine, ram_audit_counts(), &finding));
}

void selftest_domain(struct machine *machine)
{
    create_domain(machine);
    write_tables();
    test_bad_tables();
    test_load();
    test_copies();
    test_updates();
    test_flushes();
    test_stale_translation();
    test_modes();
    test_gdt();
    expect_clean_audit();
    vcpu_destroy(&guest.vcpu.engine);
    EXPECT(asm_read_cr3() != guest.l4.v << PAGE_SHIFT);
    hv_vcpu_switch(machine, NULL);
    EXPECT(domain_destroy(&guest.domain.engine) == 0);
    machine->domains[DOMAIN_ID] = NULL;
}
