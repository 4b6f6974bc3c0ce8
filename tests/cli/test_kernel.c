/* SPDX-License-Identifier: MIT */
/* Reading and judging kernels: files made by hand, each wrong in one way. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/elfnote.h>

#include <cli/kernel_check.h>
#include <tests/cli/lib/elf_maker.h>

static struct elf_maker maker;
static struct kernel kernel;
static struct placement placement;
static struct findings findings;

/* Judge what has been made, in memory of exactly its size so that the sanitizer sees each byte too far. */
static void judge(const struct start_request *request)
{
    static uint8_t *file;
    const char *problem;

    free(file);
    file = malloc(maker.size);
    assert_non_null(file);
    elf_make(&maker);
    memcpy(file, maker.data, maker.size);
    assert_int_equal(kernel_read(file, maker.size, &kernel, &problem), 0);
    kernel_check(&kernel, request, &placement, &findings);
}

static void judge_alone(void)
{
    judge(&(struct start_request){.memory_kib = 0});
}

static bool has_finding(enum finding_id id)
{
    for (unsigned i = 0; i < findings.count; i++) {
        if (findings.list[i].id == id)
            return true;
    }
    return false;
}

static void print_findings(void)
{
    for (unsigned i = 0; i < findings.count; i++)
        print_message("%s\n", findings.list[i].text);
}

/* Refused for this one reason. */
static void assert_refused(enum finding_id id)
{
    unsigned refusals = 0;

    for (unsigned i = 0; i < findings.count; i++)
        refusals += findings.list[i].refuses;
    if (refusals != 1 || !has_finding(id) || !findings_refuse(&findings))
        print_findings();
    assert_true(has_finding(id));
    assert_true(findings_refuse(&findings));
    assert_int_equal(refusals, 1);
}

static void assert_good(void)
{
    if (findings.count)
        print_findings();
    assert_int_equal(findings.count, 0);
}

/* ---- Good kernels ---- */

static void good_by_segment(void **state)
{
    (void)state;
    elf_maker_init(&maker);
    elf_maker_end_notes(&maker);
    judge_alone();
    assert_good();
    assert_int_equal(kernel.origin, NOTES_SEGMENT);
    assert_int_equal(kernel.nr_notes, 5);
    assert_int_equal(placement.virt_base, 0xffffffff80000000);
    assert_int_equal(placement.start, 0xffffffff80100000);
    assert_int_equal(placement.end, 0xffffffff80110000);
    assert_int_equal(placement.entry, 0xffffffff80100000);
    assert_true(placement.ramdisk_is_mapped);
    assert_false(placement.has_init_p2m);
    /* 64 KiB at 1 MiB, and half a MiB of slack: 4 MiB are mapped. */
    assert_int_equal(placement.needed_mib, 4);
}

static void good_by_section(void **state)
{
    (void)state;
    elf_maker_init(&maker);
    elf_maker_end_notes_in_section(&maker);
    judge_alone();
    assert_good();
    assert_int_equal(kernel.origin, NOTES_SECTION);
}

static void good_legacy(void **state)
{
    (void)state;
    elf_maker_init(&maker);
    elf_maker_drop_notes(&maker);
    maker.entry = 0x100010;
    elf_maker_add_legacy(&maker, "GUEST_OS=Mini-OS,XEN_VER=xen-3.0,VIRT_BASE=0x0,ELF_PADDR_OFFSET=0x0,"
                                 "HYPERCALL_PAGE=0x102,LOADER=generic,UNKNOWN,PAE=yes[extended-cr3]");
    judge_alone();
    assert_good();
    assert_int_equal(kernel.origin, NOTES_LEGACY);
    assert_true(placement.has_hypercall_page);
    assert_int_equal(placement.hypercall_page, 0x102000);
    assert_int_equal(placement.entry, 0x100010);
}

/* Without ELF_PADDR_OFFSET the legacy form takes VIRT_BASE for it: p_paddr is virtual. */
static void good_legacy_without_offset(void **state)
{
    (void)state;
    elf_maker_init(&maker);
    elf_maker_drop_notes(&maker);
    maker.segments[0].paddr = 0xc0100000;
    maker.entry = 0xc0100000;
    elf_maker_add_legacy(&maker, "XEN_VER=xen-3.0,LOADER=generic,VIRT_BASE=3221225472");
    judge_alone();
    assert_good();
    assert_int_equal(placement.virt_base, 0xc0000000);
    assert_int_equal(placement.start, 0xc0100000);
}

/* Segments are placed by p_paddr; those without any access do not count. */
static void good_many_segments(void **state)
{
    (void)state;
    elf_maker_init(&maker);
    maker.segments[1] = (struct made_segment){PT_LOAD, PF_R | PF_W, 0x2000, 0x100, 0x110000, 0x5000};
    maker.segments[2] = (struct made_segment){PT_LOAD, 0, 0x2000, 0x100, 0x900000, 0x5000};
    maker.segments[3] = (struct made_segment){PT_GNU_STACK, PF_R, 0, 0, 0, 0};
    maker.nr_segments = 4;
    elf_maker_end_notes(&maker);
    judge_alone();
    assert_good();
    assert_int_equal(placement.end, 0xffffffff80115000);
}

static void good_foreign_notes_are_ignored(void **state)
{
    (void)state;
    elf_maker_init(&maker);
    elf_maker_add_note(&maker, "GNU", XEN_ELFNOTE_ENTRY, "\1\2\3\4", 4, 4);
    elf_maker_add_note(&maker, "Xenon", XEN_ELFNOTE_ENTRY, "\1\2\3\4", 4, 4);
    elf_maker_add_text(&maker, 4711, "whatever");
    elf_maker_end_notes(&maker);
    judge_alone();
    assert_good();
    assert_int_equal(placement.entry, 0xffffffff80100000);
}

static void good_clipped_last_note(void **state)
{
    (void)state;
    elf_maker_init(&maker);
    elf_maker_add_note(&maker, "Xen", XEN_ELFNOTE_PAE_MODE, "yes", 4, 12);
    elf_maker_end_notes(&maker);
    judge_alone();
    assert_int_equal(findings.count, 1);
    assert_true(has_finding(FINDING_CLIPPED_NOTE));
    assert_false(findings_refuse(&findings));
    assert_true(note_starts_with(kernel_find_note(&kernel, XEN_ELFNOTE_PAE_MODE), "yes"));
}

static void good_linux_needs_no_loader(void **state)
{
    (void)state;
    elf_maker_init(&maker);
    elf_maker_drop_notes(&maker);
    elf_maker_add_text(&maker, XEN_ELFNOTE_GUEST_OS, "linux");
    elf_maker_add_text(&maker, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    elf_maker_add_number(&maker, XEN_ELFNOTE_VIRT_BASE, 0);
    elf_maker_end_notes(&maker);
    judge_alone();
    assert_good();
}

static void numbers_of_each_size(void **state)
{
    static const uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 0x88};
    static const uint64_t wanted[9] = {0, 1, 0x201, 0, 0x4030201, 0, 0, 0, 0x8807060504030201};
    struct kernel notes = {.origin = NOTES_SEGMENT};

    (void)state;
    for (size_t size = 0; size <= 8; size++) {
        struct note note = {.data = data, .size = size};

        assert_int_equal(kernel_note_number(&notes, &note), wanted[size]);
    }
}

/* ---- One thing wrong each ---- */

/* A change to the good kernel, before its notes end, and what it must be refused for. */
struct wrong {
    const char *name;
    void (*change)(void);
    enum finding_id id;
};

static void another_machine(void)
{
    maker.machine = EM_AARCH64;
}

static void another_width(void)
{
    maker.width = 32;
}

static void object_file(void)
{
    maker.type = ET_REL;
}

static void no_loadable_segment(void)
{
    maker.segments[0].type = PT_GNU_STACK;
}

static void beyond_the_file(void)
{
    maker.segments[0].file_size = 0x3001;
}

static void far_beyond_the_file(void)
{
    maker.segments[0].offset = UINT64_MAX - 0x100;
}

static void more_file_than_memory(void)
{
    maker.segments[0].memory_size = 0xfff;
}

static void overlapping(void)
{
    maker.segments[maker.nr_segments++] = (struct made_segment){PT_LOAD, PF_R, 0x2000, 0x100, 0x10ffff, 0x100};
}

static void foreign_loader(void)
{
    elf_maker_add_text(&maker, XEN_ELFNOTE_LOADER, "special");
}

static void foreign_version(void)
{
    elf_maker_add_text(&maker, XEN_ELFNOTE_XEN_VERSION, "xen-2.0");
}

static void unknown_required_feature(void)
{
    elf_maker_add_note(&maker, "Xen", XEN_ELFNOTE_FEATURES, "pae_pgdir_above_4gb|warp|!warp_drive", 36, 36);
}

static void only_initial_domain(void)
{
    elf_maker_add_text(&maker, XEN_ELFNOTE_FEATURES, "!dom0|!writable_page_tables");
}

static void below_base(void)
{
    elf_maker_add_number(&maker, XEN_ELFNOTE_PADDR_OFFSET, 0x100001);
    elf_maker_add_number(&maker, XEN_ELFNOTE_ENTRY, 0xffffffff80000000);
}

static void in_hypervisor(void)
{
    elf_maker_add_number(&maker, XEN_ELFNOTE_VIRT_BASE, 0xffff800000000000);
    elf_maker_add_number(&maker, XEN_ELFNOTE_ENTRY, 0xffff800000100000);
}

static void not_canonical(void)
{
    elf_maker_add_number(&maker, XEN_ELFNOTE_VIRT_BASE, 0x00007fffffef1000);
    elf_maker_add_number(&maker, XEN_ELFNOTE_ENTRY, 0x00007ffffffff000);
}

static void entry_before(void)
{
    elf_maker_add_number(&maker, XEN_ELFNOTE_ENTRY, 0xffffffff800fffff);
}

static void entry_behind(void)
{
    elf_maker_add_number(&maker, XEN_ELFNOTE_ENTRY, 0xffffffff80110001);
}

static void hypercall_page_outside(void)
{
    elf_maker_add_number(&maker, XEN_ELFNOTE_HYPERCALL_PAGE, 0xffffffff80110000);
}

static void hypercall_page_half(void)
{
    elf_maker_add_number(&maker, XEN_ELFNOTE_HYPERCALL_PAGE, 0xffffffff8010f800);
}

static void odd_base(void)
{
    elf_maker_add_number(&maker, XEN_ELFNOTE_VIRT_BASE, 0xffffffff80000001);
    elf_maker_add_number(&maker, XEN_ELFNOTE_ENTRY, 0xffffffff80100001);
}

static void p2m_above(void)
{
    elf_maker_add_number(&maker, XEN_ELFNOTE_INIT_P2M, 0xffffffff90000000);
}

static void p2m_unaligned(void)
{
    elf_maker_add_number(&maker, XEN_ELFNOTE_INIT_P2M, 0x8000000008);
}

static void p2m_in_kernels_region(void)
{
    elf_maker_add_number(&maker, XEN_ELFNOTE_INIT_P2M, 0xffffff8000000000);
}

static void p2m_in_hypervisor(void)
{
    elf_maker_add_number(&maker, XEN_ELFNOTE_INIT_P2M, 0xffff808000000000);
}

static const struct wrong wrongs[] = {
    {"another machine", another_machine, FINDING_MACHINE},
    {"an x86-64 file of the 32-bit class", another_width, FINDING_MACHINE},
    {"an object file", object_file, FINDING_TYPE},
    {"beyond the file", beyond_the_file, FINDING_TRUNCATED},
    {"far beyond the file", far_beyond_the_file, FINDING_TRUNCATED},
    {"no loadable segment", no_loadable_segment, FINDING_NO_SEGMENTS},
    {"more file than memory", more_file_than_memory, FINDING_SEGMENTS},
    {"overlapping segments", overlapping, FINDING_OVERLAP},
    {"a foreign loader", foreign_loader, FINDING_LOADER},
    {"a foreign version", foreign_version, FINDING_VERSION},
    {"an unknown required feature", unknown_required_feature, FINDING_FEATURE},
    {"only as initial domain", only_initial_domain, FINDING_FEATURE},
    {"below VIRT_BASE", below_base, FINDING_EXTENT},
    {"in the hypervisor's addresses", in_hypervisor, FINDING_RESERVED},
    {"no canonical addresses", not_canonical, FINDING_RESERVED},
    {"entry before the image", entry_before, FINDING_ENTRY},
    {"entry behind the image", entry_behind, FINDING_ENTRY},
    {"hypercall page outside", hypercall_page_outside, FINDING_HYPERCALL_PAGE},
    {"an odd VIRT_BASE", odd_base, FINDING_EXTENT},
    {"hypercall page not a whole page", hypercall_page_half, FINDING_HYPERCALL_PAGE},
    {"p2m above VIRT_BASE", p2m_above, FINDING_INIT_P2M},
    {"p2m not aligned", p2m_unaligned, FINDING_INIT_P2M},
    {"p2m beside the kernel", p2m_in_kernels_region, FINDING_INIT_P2M},
    {"p2m in the hypervisor's addresses", p2m_in_hypervisor, FINDING_INIT_P2M},
};

static void each_wrong_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        print_message("%s\n", wrongs[i].name);
        elf_maker_init(&maker);
        wrongs[i].change();
        elf_maker_end_notes(&maker);
        judge_alone();
        assert_refused(wrongs[i].id);
    }
}

static void wrapping_segment(void **state)
{
    (void)state;
    elf_maker_init(&maker);
    maker.segments[0].memory_size = UINT64_MAX;
    elf_maker_end_notes(&maker);
    judge_alone();
    assert_true(has_finding(FINDING_SEGMENTS));
    assert_true(findings_refuse(&findings));
}

static void no_notes(void **state)
{
    (void)state;
    elf_maker_init(&maker);
    elf_maker_drop_notes(&maker);
    judge_alone();
    assert_refused(FINDING_NO_NOTES);
}

static void pvh_only(void **state)
{
    (void)state;
    elf_maker_init(&maker);
    elf_maker_drop_notes(&maker);
    elf_maker_add_number(&maker, XEN_ELFNOTE_PHYS32_ENTRY, 0x100000);
    elf_maker_end_notes(&maker);
    judge_alone();
    assert_refused(FINDING_PVH_ONLY);
}

/* Linux without CONFIG_XEN_PV names itself as a guest all the same. */
static void pvh_only_linux(void **state)
{
    (void)state;
    elf_maker_init(&maker);
    elf_maker_drop_notes(&maker);
    elf_maker_add_text(&maker, XEN_ELFNOTE_GUEST_OS, "linux");
    elf_maker_add_text(&maker, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    elf_maker_add_text(&maker, XEN_ELFNOTE_LOADER, "generic");
    elf_maker_add_number(&maker, XEN_ELFNOTE_PHYS32_ENTRY, 0x100000);
    elf_maker_end_notes(&maker);
    judge_alone();
    assert_refused(FINDING_PVH_ONLY);
}

static void offset_without_base(void **state)
{
    (void)state;
    elf_maker_init(&maker);
    elf_maker_drop_notes(&maker);
    elf_maker_add_text(&maker, XEN_ELFNOTE_LOADER, "generic");
    elf_maker_add_text(&maker, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    elf_maker_add_number(&maker, XEN_ELFNOTE_PADDR_OFFSET, 0);
    elf_maker_end_notes(&maker);
    judge_alone();
    assert_refused(FINDING_PADDR_OFFSET);
}

static void width_32(const char *pae, enum finding_id id)
{
    elf_maker_init(&maker);
    maker.width = 32;
    maker.machine = EM_386;
    elf_maker_drop_notes(&maker);
    elf_maker_add_text(&maker, XEN_ELFNOTE_LOADER, "generic");
    elf_maker_add_text(&maker, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    if (pae)
        elf_maker_add_text(&maker, XEN_ELFNOTE_PAE_MODE, pae);
    elf_maker_end_notes(&maker);
    judge_alone();
    assert_refused(id);
}

static void guests_of_32_bits(void **state)
{
    (void)state;
    width_32("yes", FINDING_WIDTH);
    width_32("bimodal", FINDING_WIDTH);
    width_32("no", FINDING_PAE);
    width_32(NULL, FINDING_PAE);
}

static void initial_domain(void **state)
{
    (void)state;
    elf_maker_init(&maker);
    elf_maker_end_notes(&maker);
    judge(&(struct start_request){.privileged = true});
    assert_true(has_finding(FINDING_NOT_PRIVILEGED));
    assert_false(findings_refuse(&findings));

    elf_maker_init(&maker);
    elf_maker_add_number(&maker, XEN_ELFNOTE_SUPPORTED_FEATURES, 0x8001);
    elf_maker_end_notes(&maker);
    judge(&(struct start_request){.privileged = true});
    assert_refused(FINDING_NOT_PRIVILEGED);

    elf_maker_init(&maker);
    elf_maker_add_number(&maker, XEN_ELFNOTE_SUPPORTED_FEATURES, 0x8801);
    elf_maker_end_notes(&maker);
    judge(&(struct start_request){.privileged = true});
    assert_good();

    elf_maker_init(&maker);
    elf_maker_add_text(&maker, XEN_ELFNOTE_FEATURES, "!dom0");
    elf_maker_end_notes(&maker);
    judge(&(struct start_request){.privileged = true});
    assert_good();
}

static void memory(void **state)
{
    (void)state;
    elf_maker_init(&maker);
    elf_maker_end_notes(&maker);
    judge(&(struct start_request){.memory_kib = 4096});
    assert_good();
    judge(&(struct start_request){.memory_kib = 4096 - 4});
    assert_refused(FINDING_MEMORY);
    judge(&(struct start_request){.memory_kib = 4});
    assert_refused(FINDING_MEMORY);
    judge(&(struct start_request){.memory_kib = 16384, .ramdisk_size = 16384 * 1024});
    assert_refused(FINDING_MEMORY);
    judge(&(struct start_request){.memory_kib = placement.needed_mib * 1024, .ramdisk_size = 16384 * 1024});
    assert_good();
    judge(&(struct start_request){.memory_kib = 16384, .ramdisk_size = UINT64_MAX / 4});
    assert_refused(FINDING_MEMORY);
    /* A ramdisk that is not mapped, and a p2m elsewhere, take pages but no addresses. */
    elf_maker_init(&maker);
    elf_maker_add_number(&maker, XEN_ELFNOTE_MOD_START_PFN, 1);
    elf_maker_add_number(&maker, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
    elf_maker_end_notes(&maker);
    judge(&(struct start_request){.ramdisk_size = 3ull << 30});
    assert_good();
    /* 4 MiB are mapped; 3 GiB of ramdisk; 8 bytes for each of the pages of some 3 GiB are a good 6 MiB. */
    assert_int_equal(placement.needed_mib, 4 + 3072 + 7);
}

/* ---- Damage ---- */

static void every_truncation(void **state)
{
    (void)state;
    elf_maker_init(&maker);
    elf_maker_end_notes(&maker);
    elf_maker_add_legacy(&maker, "LOADER=generic");
    elf_make(&maker);
    for (size_t size = 0; size < maker.size; size += size < 0x1200 ? 1 : 61) {
        uint8_t *file = malloc(size ? size : 1);
        const char *problem;

        assert_non_null(file);
        memcpy(file, maker.data, size);
        if (!kernel_read(file, size, &kernel, &problem)) {
            kernel_check(&kernel, &(struct start_request){.memory_kib = 0}, &placement, &findings);
            /* Behind the segment, which ends at 0x2000, is the table of sections: none, legacy, names. */
            assert_int_equal(findings_refuse(&findings), size < 0x3000 + 3 * sizeof(Elf64_Shdr));
        }
        free(file);
    }
}

/* Three bytes of the headers and notes, anything. */
static void damage(uint8_t *file, uint64_t *seed)
{
    static const unsigned begins[] = {16, 0x1000, 0x2000, 0x3000};

    for (unsigned i = 0; i < 3; i++) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        file[begins[*seed >> 62] + (*seed >> 40) % 160] = (uint8_t)(*seed >> 32);
    }
}

/* Whatever is in the headers and notes, nothing is read out of bounds, and the judgement comes to an end. */
static void random_damage(void **state)
{
    uint64_t seed = 1;
    uint8_t *file;
    const char *problem;

    (void)state;
    elf_maker_init(&maker);
    elf_maker_add_number(&maker, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
    elf_maker_end_notes(&maker);
    elf_maker_add_legacy(&maker, "LOADER=generic,VIRT_BASE=0x1000");
    elf_make(&maker);
    file = malloc(maker.size);
    assert_non_null(file);
    for (unsigned round = 0; round < 50000; round++) {
        memcpy(file, maker.data, maker.size);
        damage(file, &seed);
        if (!kernel_read(file, maker.size, &kernel, &problem))
            kernel_check(&kernel, &(struct start_request){.memory_kib = 65536, .ramdisk_size = 12345678}, &placement,
                         &findings);
    }
    free(file);
}

static void not_elf(void **state)
{
    const char *problem = NULL;

    (void)state;
    assert_int_equal(kernel_read((const uint8_t *)"hello, world, hello", 19, &kernel, &problem), -1);
    assert_non_null(problem);
    assert_int_equal(kernel_read((const uint8_t *)ELFMAG "\2\1\1", 7, &kernel, &problem), -1);
    assert_int_equal(kernel_read((const uint8_t *)ELFMAG "\2\1\1\0\0\0\0\0\0\0\0\0\0\0", 18, &kernel, &problem), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_by_segment),
        cmocka_unit_test(good_by_section),
        cmocka_unit_test(good_legacy),
        cmocka_unit_test(good_legacy_without_offset),
        cmocka_unit_test(good_many_segments),
        cmocka_unit_test(good_foreign_notes_are_ignored),
        cmocka_unit_test(good_clipped_last_note),
        cmocka_unit_test(good_linux_needs_no_loader),
        cmocka_unit_test(numbers_of_each_size),
        cmocka_unit_test(each_wrong_is_refused),
        cmocka_unit_test(wrapping_segment),
        cmocka_unit_test(no_notes),
        cmocka_unit_test(pvh_only),
        cmocka_unit_test(pvh_only_linux),
        cmocka_unit_test(offset_without_base),
        cmocka_unit_test(guests_of_32_bits),
        cmocka_unit_test(initial_domain),
        cmocka_unit_test(memory),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(random_damage),
        cmocka_unit_test(not_elf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
