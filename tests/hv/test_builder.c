/* SPDX-License-Identifier: MIT */
/*
 * Domains built on the hosted machine by engine and builder together, seen as their guest would see them; and the way
 * back from wherever building can fail.
 */
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
#include <abi/grant.h>
#include <abi/hypercall.h>
#include <abi/layout.h>
#include <abi/start.h>
#include <engine/engine.h>
#include <hv/build/builder.h>
#include <hv/build/hv_domain.h>
#include <hv/device/pci.h>
#include <hv/kernel/elf_format.h>
#include <hv/kernel/elf_image.h>
#include <hv/mem/paging.h>
#include <hv/service/services.h>
#include <tests/hv/lib/elf_maker.h>
#include <tests/hv/lib/hosted_domain.h>
#include <tests/hv/lib/objects.h>
#include <tests/hv/lib/pci_host.h>

#define KERNEL_BASE  UINT64_C(0xffffffff80000000)
#define KERNEL_START UINT64_C(0x200000)
#define KERNEL_SIZE  UINT64_C(0x5000)
#define P2M_BASE     UINT64_C(0x8000000000)
#define NR_PAGES     3001u /* not a multiple of 512: the P2M ends inside a page */
#define RAMDISK_SIZE 9000u

enum kind {
    KIND_PLAIN,   /* everything in one region */
    KIND_APART,   /* INIT_P2M and MOD_START_PFN, as Linux */
    KIND_SYMBOLS, /* with a hypercall page and symbols, as NetBSD */
};

static struct elf_maker maker;
static struct sim *sim;
static struct hv_domain *domain;
static struct vcpu *vcpu;
static struct bundle_domain description;
static struct start_info info;
static uint8_t ramdisk[RAMDISK_SIZE];
static const char *problem;

/* The interrupt controllers are where they always are. */
uint64_t paging_get(uint64_t vaddr)
{
    (void)vaddr;
    return 0;
}

static void make_kernel(enum kind kind)
{
    static const uint64_t symbols[] = {1, 2, 3, 4, 5, 6};
    struct note_list notes = {.size = 0};
    unsigned names;

    maker_begin(&maker, true, KERNEL_BASE + KERNEL_START + 0x10);
    maker_load(&maker, KERNEL_START, "the text of the kernel", 0x2000);
    maker_load(&maker, KERNEL_START + 0x2ffa, "twelve bytes", KERNEL_SIZE - 0x2ffa); /* over a boundary */
    note_kernel(&notes);
    note_number(&notes, XEN_ELFNOTE_VIRT_BASE, KERNEL_BASE, 8);
    if (kind == KIND_APART) {
        note_number(&notes, XEN_ELFNOTE_INIT_P2M, P2M_BASE, 8);
        note_number(&notes, XEN_ELFNOTE_MOD_START_PFN, 1, 4);
    }
    if (kind == KIND_SYMBOLS) {
        note_number(&notes, XEN_ELFNOTE_HYPERCALL_PAGE, KERNEL_BASE + KERNEL_START + 0x4000, 8);
        note_text(&notes, XEN_ELFNOTE_GUEST_OS, "NetBSD");
        note_text(&notes, XEN_ELFNOTE_BSD_SYMTAB, "yes");
        names = maker_section(
            &maker, (struct maker_section){".strtab", ELF_SECTION_STRINGS, 0, maker_append(&maker, "\0name", 6), 6});
        maker_section(&maker, (struct maker_section){".symtab", ELF_SECTION_SYMBOLS, names,
                                                     maker_append(&maker, symbols, sizeof(symbols)), sizeof(symbols)});
    }
    maker_notes(&maker, &notes);
    description.kernel = maker_finish(&maker);
}

static void begin(enum kind kind, bool privileged, bool with_ramdisk)
{
    sim = hosted_machine(4096, WIDTH_64);
    description = (struct bundle_domain){
        .id = privileged ? 0 : 1,
        .name = "guest",
        .memory_kib = NR_PAGES * 4,
        .maxmem_kib = NR_PAGES * 4,
        .nr_vcpus = 1,
        .max_vcpus = 2,
        .weight = 300,
        .uuid = {privileged ? 0xab : 0},
        .privileged = privileged,
        .command_line = "console=hvc0",
    };
    make_kernel(kind);
    for (size_t i = 0; i < sizeof(ramdisk); i++)
        ramdisk[i] = (uint8_t)(i * 7 + i / 4096 + 1);
    if (with_ramdisk)
        description.ramdisk = (struct blob){ramdisk, sizeof(ramdisk)};
}

static void end(void)
{
    free((void *)(uintptr_t)description.kernel.bytes);
    assert_int_equal(objects, 0);
    assert_int_equal(hosted_domains(), 0);
    assert_true(sim_pool_count(sim) == sim->pool_at_start);
    sim_destroy(sim);
}

static void expect_audit(void)
{
    struct audit_counts *counts = calloc(sim->machine.nr_frames, sizeof(*counts));
    struct audit_finding finding;

    if (!audit_machine(&sim->machine, counts, &finding))
        fail_msg("%s: frame %llx", finding.invariant, (unsigned long long)finding.frame.v);
    free(counts);
}

/* Read the guest's memory as its kernel would. */
static void load(uint64_t vaddr, void *to, size_t size)
{
    struct sim_fault fault;

    if (!sim_load(vcpu, VADDR(vaddr), to, size, &fault))
        fail_msg("page fault at %llx", (unsigned long long)fault.vaddr.v);
}

static void build(enum kind kind, bool privileged, bool with_ramdisk)
{
    begin(kind, privileged, with_ramdisk);
    domain = builder_build(&sim->machine, &description, &problem);
    if (!domain)
        fail_msg("%s", problem);
    assert_true(!sim->nr_refusals && domain->weight == 300 && domain->engine.linear_tables == (kind == KIND_SYMBOLS));
    vcpu = domain->vcpus[0];
    assert_true(hv_vcpu_of(vcpu)->initialised && !hv_vcpu_of(domain->vcpus[1])->initialised);
    assert_true(domain->engine.nr_vcpus == 2 && domain->vcpus_at_start == 1);
    assert_int_equal(objects, 6); /* the domain and its services, two vCPUs and their registers */
    load(hv_vcpu_of(vcpu)->frame->rsi, &info, sizeof(info));
    expect_audit();
}

static void release_all(void)
{
    assert_true(hv_domain_release(domain));
    end();
}

/*
 * ---- What the guest sees.
 */

static uint64_t p2m(uint64_t pfn)
{
    uint64_t mfn;

    load(info.mfn_list + pfn * 8, &mfn, sizeof(mfn));
    return mfn;
}

/* P2M and M2P agree, and behind the last page there is nothing.  Shows startofday.p2m, startofday.m2p, layout.p2m. */
static void check_p2m(void)
{
    assert_int_equal(info.nr_pages, NR_PAGES);
    for (uint64_t pfn = 0; pfn < NR_PAGES; pfn++) {
        uint64_t back;

        load(MACH2PHYS_VIRT_START + p2m(pfn) * 8, &back, sizeof(back));
        assert_true(back == pfn);
        assert_true(frame_owner(&sim->machine.frames[p2m(pfn)]) == description.id);
    }
    for (uint64_t pfn = NR_PAGES; pfn % 512 != 0; pfn++)
        assert_true(p2m(pfn) == UINT64_MAX);
}

/* Page by page: pfn n at VIRT_BASE + n pages, tables read-only.  Shows startofday.region, startofday.kernel-mode. */
static void check_region(void)
{
    uint64_t tables = (info.pt_base - KERNEL_BASE) / 4096, behind = tables + info.nr_pt_frames, pfn;
    bool writable;

    for (pfn = 0;; pfn++) {
        mfn_t mfn = sim_peek(vcpu, VADDR(KERNEL_BASE + pfn * 4096), &writable);

        if (mfn_is_none(mfn))
            break;
        assert_true(mfn.v == p2m(pfn));
        assert_true(writable == (pfn < tables || pfn >= behind));
    }
    assert_true(pfn % 1024 == 0 && pfn * 4096 >= (behind + 1) * 4096 + (512 << 10));
    assert_true(sim_vcpu_of(vcpu)->loaded_root.v == p2m(tables) && vcpu->kernel_root.v == p2m(tables));
    assert_true(mfn_is_none(vcpu->user_root) && !vcpu->user_mode);
    assert_true(type_is_pinned(sim->machine.frames[p2m(tables)].type));
    for (uint64_t table = tables + 1; table < behind; table++)
        assert_false(type_is_pinned(sim->machine.frames[p2m(table)].type));
}

static void check_registers(void)
{
    const struct cpu_frame expected = {
        .rsi = hv_vcpu_of(vcpu)->frame->rsi,
        .rip = KERNEL_BASE + KERNEL_START + 0x10,
        .cs = 0xe033,
        .rflags = 0x202,
        .rsp = info.pt_base + (info.nr_pt_frames + 1) * 4096,
        .ss = 0xe02b,
    };

    assert_memory_equal(hv_vcpu_of(vcpu)->frame, &expected, sizeof(expected));
    assert_true(hv_vcpu_of(vcpu)->bounce.kernel_sp == expected.rsp && hv_vcpu_of(vcpu)->bounce.kernel_ss == 0xe02b);
}

/* What the file does not have is zero. */
static void check_kernel(bool patched)
{
    uint8_t seen[KERNEL_SIZE], expected[KERNEL_SIZE] = "the text of the kernel";

    memcpy(expected + 0x2ffa, "twelve bytes", 12);
    load(KERNEL_BASE + KERNEL_START, seen, sizeof(seen));
    assert_memory_equal(seen, expected, patched ? 0x4000 : sizeof(seen));
    for (uint64_t vaddr = KERNEL_BASE; vaddr < KERNEL_BASE + KERNEL_START; vaddr += 4096) {
        uint8_t zeroes[64];

        load(vaddr, zeroes, sizeof(zeroes));
        assert_true(memcmp(zeroes, (const uint8_t[64]){0}, sizeof(zeroes)) == 0);
    }
}

static void check_start_info(void)
{
    assert_string_equal(info.magic, "xen-3.0-x86_64");
    assert_string_equal(info.cmd_line, "console=hvc0");
    assert_true(info.shared_info == domain->shared_info_frame.v << 12);
    assert_true(hv_vcpu_of(vcpu)->frame->rsi % 4096 == 0);
    assert_true(hv_vcpu_of(vcpu)->frame->rsi >= KERNEL_BASE + KERNEL_START + KERNEL_SIZE);
    assert_true(hv_vcpu_of(vcpu)->frame->rsi < info.pt_base);
}

/* The frame that the domain grants by entry @ref from the start. */
static uint64_t granted(grant_ref_t ref)
{
    const struct grant_entry_v1 *table = port_frame_map(domain->engine.grants.frames[0]);

    assert_int_equal(domain->engine.grants.version, 1);
    return table[ref].flags == GTF_permit_access ? table[ref].frame : 0;
}

static void check_rings(void)
{
    uint64_t start = (hv_vcpu_of(vcpu)->frame->rsi - KERNEL_BASE) / 4096;

    assert_true(info.store_mfn == p2m(start + 1) && info.store_evtchn == 1);
    assert_true(info.console.domU.mfn == p2m(start + 2) && info.console.domU.evtchn == 2);
    assert_true(domain->services->store.frame.v == info.store_mfn &&
                domain->services->console.frame.v == info.console.domU.mfn);
    assert_true(granted(GNTTAB_RESERVED_CONSOLE) == info.console.domU.mfn &&
                granted(GNTTAB_RESERVED_XENSTORE) == info.store_mfn);
    assert_int_equal(domain->engine.nr_holds, 2);
}

static void check_all(bool patched)
{
    check_p2m();
    check_region();
    check_registers();
    check_kernel(patched);
    check_start_info();
}

static void test_plain(void **state)
{
    uint8_t seen[RAMDISK_SIZE];

    (void)state;
    build(KIND_PLAIN, false, true);
    check_all(false);
    check_rings();
    assert_int_equal(info.flags, 0);
    assert_true(info.mod_start == KERNEL_BASE + KERNEL_START + KERNEL_SIZE && info.mod_len == RAMDISK_SIZE);
    load(info.mod_start, seen, sizeof(seen));
    assert_memory_equal(seen, ramdisk, sizeof(seen));
    assert_true(info.mfn_list == info.mod_start + 3 * 4096); /* behind it, and start_info behind that */
    assert_true(hv_vcpu_of(vcpu)->frame->rsi == info.mfn_list + 6 * 4096);
    assert_true(info.first_p2m_pfn == 0 && info.nr_p2m_frames == 0);
    assert_string_equal(domain->name, "guest");
    assert_false(domain->initial || domain->engine.privileged || domain->engine.nr_iomem > 0 || domain->uuid[15] != 1);
    release_all();
}

static void test_apart(void **state)
{
    uint64_t word = 0;

    (void)state;
    build(KIND_APART, false, true);
    check_all(false);
    check_rings();
    assert_int_equal(info.flags, SIF_MOD_START_PFN);
    assert_true(info.mfn_list == P2M_BASE && info.mod_len == RAMDISK_SIZE);
    assert_true(mfn_is_none(sim_peek(vcpu, VADDR(KERNEL_BASE + info.mod_start * 4096), NULL)));
    for (uint64_t i = 0; i < 3; i++) {
        size_t size = i < 2 ? 4096 : RAMDISK_SIZE - 8192;

        assert_memory_equal(sim_frame_entries(sim, MFN(p2m(info.mod_start + i))), ramdisk + i * 4096, size);
    }
    assert_true(info.first_p2m_pfn == info.mod_start + 3 && info.nr_p2m_frames == 6 + 3);
    for (uint64_t i = 0; i < 6; i++) {
        bool writable;

        assert_true(sim_peek(vcpu, VADDR(P2M_BASE + i * 4096), &writable).v == p2m(info.first_p2m_pfn + i));
        assert_true(writable);
    }
    assert_true(mfn_is_none(sim_peek(vcpu, VADDR(P2M_BASE + 6 * 4096), NULL)));
    assert_true(sim_store(vcpu, VADDR(P2M_BASE + 8 * 3001), &word, 8, NULL));
    release_all();
}

static void test_initial(void **state)
{
    (void)state;
    build(KIND_APART, true, false);
    check_all(false);
    assert_int_equal(info.flags, SIF_PRIVILEGED | SIF_INITDOMAIN);
    assert_true(info.store_mfn == 0 && info.store_evtchn == 0 && info.console.dom0.info_size == 0);
    assert_true(info.mod_start == 0 && info.mod_len == 0);
    assert_true(info.pt_base == hv_vcpu_of(vcpu)->frame->rsi + 4096);
    assert_true(domain->initial && domain->engine.privileged && domain->engine.id.v == 0 && domain->uuid[0] == 0xab);
    assert_true(domain->engine.nr_iomem == 1 && domain->engine.iomem[0].last.v == 0xff);
    assert_int_equal(domain->engine.nr_holds, 0);
    assert_true(granted(GNTTAB_RESERVED_CONSOLE) == 0 && granted(GNTTAB_RESERVED_XENSTORE) == 0);
    release_all();
}

static void check_hypercall_page(void)
{
    static const uint8_t mmu_update[] = {0x51, 0x41, 0x53, 0xb8, 1, 0, 0, 0, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3, 0xcc};
    static const uint8_t iret[] = {0x51, 0x41, 0x53, 0x50, 0xb8, 23, 0, 0, 0, 0x0f, 0x05, 0xcc};
    uint8_t page[4096];

    load(KERNEL_BASE + KERNEL_START + 0x4000, page, sizeof(page));
    assert_memory_equal(page + 32, mmu_update, sizeof(mmu_update));
    assert_memory_equal(page + 23 * 32, iret, sizeof(iret));
    for (unsigned i = 0; i < 128; i++)
        assert_true(i == 23 || (page[i * 32] == 0x51 && page[i * 32 + 4] == i && page[i * 32 + 13] == 0xc3));
}

static void test_symbols(void **state)
{
    uint64_t at = KERNEL_BASE + KERNEL_START + KERNEL_SIZE;
    uint8_t bytes[4 + 64 + 3 * 64 + 48 + 8];
    struct elf_header_64 header;
    struct elf_section_64 sections[3];
    uint32_t length;

    (void)state;
    build(KIND_SYMBOLS, false, true);
    check_all(true);
    check_hypercall_page();
    load(at, bytes, sizeof(bytes));
    memcpy(&length, bytes, 4);
    memcpy(&header, bytes + 4, sizeof(header));
    assert_int_equal(length, sizeof(bytes) - 4);
    assert_true(header.nr_sections == 3 && header.section_size == 64 && header.sections_at == 64);
    memcpy(sections, bytes + 4 + 64, sizeof(sections));
    assert_true(sections[0].type == 0 && sections[1].type == 2 && sections[1].link == 2 && sections[2].type == 3);
    assert_true(sections[1].size == 48 && bytes[4 + sections[1].offset] == 1);
    assert_true(sections[2].size == 6 && memcmp(bytes + 4 + sections[2].offset, "\0name\0\0", 8) == 0);
    assert_true(info.mod_start == at + 4096); /* the image counts as that much longer */
    release_all();
}

/* As each kernel does once it has tables of its own.  Shows startofday.tables-freed. */
static void test_unpin(void **state)
{
    const struct mmuext_op op = {.cmd = MMUEXT_UNPIN_TABLE};
    struct mmuext_op copy = op;
    uint64_t args[6] = {0, 1, 0, DOMID_SELF};

    (void)state;
    build(KIND_APART, false, false);
    copy.arg1.mfn = p2m((info.pt_base - KERNEL_BASE) / 4096);
    args[0] = hv_vcpu_of(vcpu)->frame->rsp - sizeof(copy);
    assert_true(sim_store(vcpu, VADDR(args[0]), &copy, sizeof(copy), NULL));
    assert_int_equal(engine_hypercall(vcpu, __HYPERVISOR_mmuext_op, args), 0);
    assert_int_equal(engine_hypercall(vcpu, __HYPERVISOR_mmuext_op, args), -22);
    expect_audit();
    release_all();
}

/*
 * ---- What cannot be built.
 */

static void expect_refused(const char *part)
{
    problem = NULL;
    assert_null(builder_build(&sim->machine, &description, &problem));
    assert_non_null(problem);
    if (!strstr(problem, part))
        fail_msg("\"%s\" instead of \"...%s...\"", problem, part);
    assert_int_equal(objects, 0);
    assert_true(sim_pool_count(sim) == sim->pool_at_start);
}

static void test_sizes(void **state)
{
    uint64_t needed;

    (void)state;
    begin(KIND_PLAIN, false, true);
    description.memory_kib = description.maxmem_kib = 1;
    expect_refused("the domain has 1 KiB of memory, too little");
    needed = strtoull(strstr(problem, "need ") + 5, NULL, 10);
    description.memory_kib = description.maxmem_kib = needed - 1;
    expect_refused("too little");
    description.memory_kib = description.maxmem_kib = needed;
    domain = builder_build(&sim->machine, &description, &problem);
    assert_non_null(domain);
    assert_true(hv_domain_release(domain));
    description.memory_kib = description.maxmem_kib = sim->pool_at_start * 4 + 4;
    expect_refused("KiB left");
    description.memory_kib = description.maxmem_kib = UINT64_C(1) << 42;
    description.ramdisk.size = UINT64_MAX; /* never read */
    expect_refused("larger than the address space");
    end();
}

/* The pool runs dry at any point of building: nothing is kept. */
/* What the settings say is all that it gets, later as well. */
static void xsa_383_no_more_than_the_settings_say(void **state)
{
    mfn_t mfn;

    (void)state;
    build(KIND_PLAIN, false, false);
    assert_true(domain->engine.max_frames == NR_PAGES && domain->engine.nr_frames == NR_PAGES);
    assert_int_equal(domain_populate(&domain->engine, PFN(0), &mfn), -XEN_ENOMEM);
    release_all();
    begin(KIND_PLAIN, false, false); /* more, but not at once */
    description.maxmem_kib += 8;
    domain = builder_build(&sim->machine, &description, &problem);
    assert_true(domain->engine.max_frames == NR_PAGES + 2 && domain->engine.nr_frames == NR_PAGES);
    release_all();
}

static void test_out_of_memory(void **state)
{
    (void)state;
    begin(KIND_APART, false, true);
    description.memory_kib = description.maxmem_kib = sim->pool_at_start * 4;
    expect_refused("KiB left"); /* the records of the domain itself take the frame that is missing */
    description.memory_kib = description.maxmem_kib = NR_PAGES * 4;
    for (uint64_t i = 1; i <= NR_PAGES; i += 97) {
        sim->pool_fail_after = i; /* the first one is shared_info's */
        expect_refused("KiB left");
    }
    sim->pool_fail_after = UINT64_MAX;
    end();
}

static void test_no_services(void **state)
{
    (void)state;
    begin(KIND_APART, false, true);
    for (unsigned i = 0; i < 2; i++) {
        hosted_fail_service(i);
        expect_refused("rings and grant table");
    }
    hosted_fail_service(HOSTED_NEVER_FAILS);
    sim->pool_fail_after = NR_PAGES + 1; /* shared_info's, and all of the guest's */
    expect_refused("rings and grant table");
    sim->pool_fail_after = UINT64_MAX;
    end();
}

/* The function is its own and so is its memory, behind what its settings name; without room for the former nothing. */
static void test_functions(void **state)
{
    struct fake_function *function;

    (void)state;
    pci_host_begin();
    function = pci_host_add(3 << 3, 0x1af4);
    fake_bar(function, 4, true, UINT64_C(0xfe000000), 0x4000);
    begin(KIND_PLAIN, false, false);
    description.pci[0] = 0x1af4;
    description.nr_pci = 1;
    hosted_devices(0);
    expect_refused("not enough memory");
    hosted_devices(1);
    domain = builder_build(&sim->machine, &description, &problem);
    assert_non_null(domain);
    assert_ptr_equal(pci_find(PCI_PLACE(3 << 3))->owner, domain);
    assert_int_equal(domain->engine.nr_iomem, 1);
    assert_true(domain->engine.iomem[0].first.v == 0xfe000 && domain->engine.iomem[0].last.v == 0xfe003);
    assert_true(hv_domain_release(domain));
    expect_refused("pci: another domain"); /* nobody has taken it from the one before */
    end();
}

static void test_numbers(void **state)
{
    (void)state;
    begin(KIND_PLAIN, false, false);
    description.id = 0;
    expect_refused("domain 0 is privileged");
    description.id = 1;
    description.iomem[0] = (struct bundle_frames){5, 1};
    description.nr_iomem = 1;
    expect_refused("RAM");
    description.nr_iomem = 0;
    description.privileged = true;
    expect_refused("domain 0 is privileged");
    description.privileged = false;
    description.id = sim->machine.nr_domains;
    expect_refused("too large");
    description.id = 1;
    domain = builder_build(&sim->machine, &description, &problem);
    assert_non_null(domain);
    assert_null(builder_build(&sim->machine, &description, &problem));
    assert_non_null(strstr(problem, "already"));
    assert_true(hv_domain_release(domain));
    end();
}

/* Kernels that are good, for somebody else. */
static void test_wrong_kernels(void **state)
{
    static const struct {
        bool is_64, privileged;
        uint32_t type;
        const char *text, *part;
    } kernels[] = {
        {false, false, XEN_ELFNOTE_PAE_MODE, "no", "without PAE"},
        {true, false, XEN_ELFNOTE_FEATURES, "!dom0", "can only be the initial domain"},
        {true, true, XEN_ELFNOTE_SUPPORTED_FEATURES, "\1", "cannot be the initial domain"},
        {true, false, XEN_ELFNOTE_XEN_VERSION, "xen-4.0", "another interface"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kernels); i++) {
        struct note_list notes = {.size = 0};

        begin(KIND_PLAIN, kernels[i].privileged, false);
        free((void *)(uintptr_t)description.kernel.bytes);
        maker_begin(&maker, kernels[i].is_64, 0x1000);
        maker_load(&maker, 0x1000, "text", 0x1000);
        note_kernel(&notes);
        note_text(&notes, kernels[i].type, kernels[i].text);
        maker_notes(&maker, &notes);
        description.kernel = maker_finish(&maker);
        expect_refused(kernels[i].part);
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_apart),
        cmocka_unit_test(test_initial),
        cmocka_unit_test(test_symbols),
        cmocka_unit_test(test_unpin),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(xsa_383_no_more_than_the_settings_say),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_no_services),
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_wrong_kernels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
