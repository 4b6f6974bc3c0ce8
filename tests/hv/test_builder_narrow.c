/* SPDX-License-Identifier: MIT */
/* A 32-bit guest built on the hosted machine by engine and builder together, seen as it would see itself. */
/* links: hv/build/builder.c hv/build/builder_load.c hv/build/builder_memory.c hv/build/builder_start.c */
/* links: hv/build/builder_tables.c hv/kernel/judge.c hv/kernel/placement.c hv/kernel/notes.c hv/kernel/elf_image.c */
/* links: hv/kernel/findings.c hv/kernel/start_layout.c hv/kernel/start_symbols.c tests/hv/lib/elf_maker.c */
/* links: hv/build/rights.c hv/build/rights_pci.c hv/device/pci_scan.c hv/device/pci_measure.c */
/* links: tests/hv/lib/pci_host.c tests/hv/lib/objects.c tests/hv/lib/hosted_domain.c engine/access.c engine/audit.c */
/* links: engine/descriptor.c engine/domain.c engine/emulate.c engine/entry.c engine/exchange.c engine/flush.c */
/* links: engine/foreign.c engine/frame.c engine/grant_copy.c engine/grant_map.c engine/grant_mapping.c */
/* links: engine/grant_op.c engine/grant_table.c engine/grant_use.c engine/hold.c engine/hypercall.c engine/level.c */
/* links: engine/linear.c engine/memory.c engine/mmu_update.c engine/mmuext.c engine/op.c engine/pin.c */
/* links: engine/refuse.c engine/reservation.c engine/root.c engine/segment.c engine/table.c engine/tlb.c */
/* links: engine/trap.c engine/type.c engine/typeref.c engine/update.c engine/va_mapping.c engine/walk.c sim/cpu.c */
/* links: sim/current.c sim/hypervisor.c sim/pool.c sim/port.c sim/ram.c sim/random.c sim/report.c sim/rule.c */
/* links: sim/sim.c sim/speculate.c sim/stack.c sim/tasks.c sim/tlb.c sim/walk.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/elfnote.h>
#include <abi/layout.h>
#include <abi/start.h>
#include <abi/vm_assist.h>
#include <engine/engine.h>
#include <hv/build/builder.h>
#include <hv/build/hv_domain.h>
#include <hv/kernel/notes.h>
#include <hv/mem/paging.h>
#include <tests/hv/lib/elf_maker.h>
#include <tests/hv/lib/hosted_domain.h>
#include <tests/hv/lib/objects.h>

#define KERNEL_BASE  UINT64_C(0xc0000000)
#define KERNEL_START UINT64_C(0x100000)
#define KERNEL_SIZE  UINT64_C(0x5000)
#define NR_PAGES     3001u /* not a multiple of 1024: the P2M ends inside a page */

static struct elf_maker maker;
static struct sim *sim;
static struct hv_domain *domain;
static struct vcpu *vcpu;
static struct bundle_domain description;
static struct compat_start_info info;

/* The interrupt controllers are where they always are. */
uint64_t paging_get(uint64_t vaddr)
{
    (void)vaddr;
    return 0;
}

static void make_kernel(const char *pae)
{
    struct note_list notes = {.size = 0};

    maker_begin(&maker, false, KERNEL_BASE + KERNEL_START + 0x10);
    maker_load(&maker, KERNEL_START, "the text of the kernel", KERNEL_SIZE);
    note_kernel(&notes);
    note_number(&notes, XEN_ELFNOTE_VIRT_BASE, KERNEL_BASE, 4);
    note_text(&notes, XEN_ELFNOTE_PAE_MODE, pae);
    maker_notes(&maker, &notes);
    description.kernel = maker_finish(&maker);
}

/* The same as a text of an older image, whose root must lie below 4 GiB. */
static void make_legacy(void)
{
    static const char text[] = "LOADER=generic,XEN_VER=xen-3.0,VIRT_BASE=0xc0000000,ELF_PADDR_OFFSET=0x0,PAE=yes";

    maker_begin(&maker, false, KERNEL_BASE + KERNEL_START + 0x10);
    maker_load(&maker, KERNEL_START, "the text of the kernel", KERNEL_SIZE);
    maker_section(&maker, (struct maker_section){NOTES_LEGACY_SECTION, 1, 0, maker_append(&maker, text, sizeof(text)),
                                                 sizeof(text)});
    description.kernel = maker_finish(&maker);
}

static void load(uint64_t vaddr, void *to, size_t size)
{
    struct sim_fault fault;

    if (!sim_load(vcpu, VADDR(vaddr), to, size, &fault))
        fail_msg("page fault at %llx, code %x", (unsigned long long)fault.vaddr.v, fault.code);
}

static void build(void (*make)(void))
{
    const char *problem = NULL;

    sim = hosted_machine(4096, WIDTH_PAE);
    description = (struct bundle_domain){
        .id = 1,
        .name = "guest",
        .memory_kib = NR_PAGES * 4,
        .maxmem_kib = NR_PAGES * 4,
        .nr_vcpus = 1,
        .max_vcpus = 1,
        .cpus = 0xa,
        .weight = 256,
    };
    make();
    domain = builder_build(&sim->machine, &description, &problem);
    if (!domain)
        fail_msg("%s", problem);
    assert_true(sim->nr_refusals == 0 && domain->cpus.bits == 0xa);
    vcpu = domain->vcpus[0];
    load(hv_vcpu_of(vcpu)->frame->rsi, &info, sizeof(info));
}

static void expect_audit(void)
{
    struct audit_counts *counts = calloc(sim->machine.nr_frames, sizeof(*counts));
    struct audit_finding finding;

    if (!audit_machine(&sim->machine, counts, &finding))
        fail_msg("%s: frame %llx", finding.invariant, (unsigned long long)finding.frame.v);
    free(counts);
}

static void release_all(void)
{
    expect_audit();
    assert_true(hv_domain_release(domain));
    free((void *)(uintptr_t)description.kernel.bytes);
    assert_int_equal(objects, 0);
    assert_true(sim_pool_count(sim) == sim->pool_at_start);
    sim_destroy(sim);
}

static uint32_t p2m(uint32_t pfn)
{
    uint32_t mfn;

    load(info.mfn_list + pfn * sizeof(mfn), &mfn, sizeof(mfn));
    return mfn;
}

/* P2M and the M2P of its width agree.  Shows startofday.p2m, startofday.m2p, layout.m2p, layout.p2m. */
static void check_p2m(void)
{
    assert_int_equal(info.nr_pages, NR_PAGES);
    for (uint32_t pfn = 0; pfn < NR_PAGES; pfn++) {
        uint32_t back;

        load(COMPAT_MACH2PHYS_VIRT_START + p2m(pfn) * sizeof(back), &back, sizeof(back));
        assert_int_equal(back, pfn);
        assert_int_equal(frame_owner(&sim->machine.frames[p2m(pfn)]), 1);
    }
    for (uint32_t pfn = NR_PAGES; pfn % 1024 != 0; pfn++)
        assert_int_equal(p2m(pfn), UINT32_MAX);
}

/* Page by page: pfn n at VIRT_BASE + n pages, tables read-only.  Shows startofday.region, startofday.mapped. */
static void check_region(void)
{
    uint32_t tables = (uint32_t)((info.pt_base - KERNEL_BASE) / 4096), behind = tables + info.nr_pt_frames, pfn;
    bool writable;

    for (pfn = 0;; pfn++) {
        mfn_t mfn = sim_peek(vcpu, VADDR(KERNEL_BASE + pfn * 4096), &writable);

        if (mfn_is_none(mfn))
            break;
        assert_int_equal(mfn.v, p2m(pfn));
        assert_true(writable == (pfn < tables || pfn >= behind));
    }
    assert_true(pfn % 1024 == 0 && pfn * 4096 >= (behind + 1) * 4096 + (512 << 10));
}

/* L3, four L2, one L1 for each 2 MiB; the L2 behind slot 3 is the one of its own type, and has the M2P. */
static void check_tables(void)
{
    const struct frame *frames = sim->machine.frames;
    uint32_t root = p2m((uint32_t)((info.pt_base - KERNEL_BASE) / 4096));
    uint64_t entries[4];

    load(info.pt_base, entries, sizeof(entries));
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(entries[i] & 1, 1);
        assert_int_equal(type_of(frames[entries[i] >> 12].type), i == 3 ? TYPE_L2_TOP : TYPE_L2);
        assert_false(type_is_pinned(frames[entries[i] >> 12].type));
    }
    assert_int_equal(type_of(frames[root].type), TYPE_L3);
    assert_true(type_is_pinned(frames[root].type));
    assert_true(vcpu->kernel_root.v == root && mfn_is_none(vcpu->user_root) && !vcpu->user_mode);
    assert_int_equal(info.nr_pt_frames, 1 + 4 + 2);
}

static void check_start(void)
{
    uint32_t start = (uint32_t)((hv_vcpu_of(vcpu)->frame->rsi - KERNEL_BASE) / 4096);
    const struct cpu_frame expected = {
        .rsi = hv_vcpu_of(vcpu)->frame->rsi,
        .rip = KERNEL_BASE + KERNEL_START + 0x10,
        .cs = 0xe019,
        .rflags = 0x202,
        .rsp = info.pt_base + (info.nr_pt_frames + 1) * 4096,
        .ss = 0xe021,
    };

    assert_memory_equal(hv_vcpu_of(vcpu)->frame, &expected, sizeof(expected));
    assert_string_equal(info.magic, "xen-3.0-x86_32p");
    assert_true(info.shared_info == domain->shared_info_frame.v << 12);
    assert_int_equal(info.mfn_list, KERNEL_BASE + KERNEL_START + KERNEL_SIZE);
    assert_int_equal(hv_vcpu_of(vcpu)->frame->rsi, info.mfn_list + 3 * 4096);
    assert_true(info.store_mfn == p2m(start + 1) && info.store_evtchn == 1);
    assert_true(info.console.domU.mfn == p2m(start + 2) && info.console.domU.evtchn == 2);
}

static void make_yes(void)
{
    make_kernel("yes");
}

/* Shows startofday.slots-32, startofday.assists. */
static void test_notes(void **state)
{
    (void)state;
    build(make_yes);
    check_p2m();
    check_region();
    check_tables();
    check_start();
    assert_true(domain->engine.extended_cr3 && domain->vm_assist == 1 << VMASST_TYPE_pae_extended_cr3);
    release_all();
}

/* Shows elfnote.legacy, elfnote.pae, startofday.assists. */
static void test_legacy(void **state)
{
    (void)state;
    build(make_legacy);
    check_p2m();
    check_tables();
    assert_true(!domain->engine.extended_cr3 && domain->vm_assist == 0);
    release_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_notes), cmocka_unit_test(test_legacy)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
