/* SPDX-License-Identifier: MIT */
/* What is said of kernels: files made by hand, each wrong in one way, and the sentence for it. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/elfnote.h>
#include <cli/verdict.h>
#include <tests/cli/lib/kernel_file.h>

static struct kernel_file made;
static struct verdict verdict;

/* Judge what has been made, in memory of exactly its size so that the sanitizer sees each byte too far. */
static void judge(struct start_request request)
{
    static struct bytes file;

    free(file.data);
    file = (struct bytes){malloc(made.size), made.size};
    assert_non_null(file.data);
    kernel_file_make(&made);
    memcpy(file.data, made.data, made.size);
    assert_int_equal(verdict_reach("kernel", &file, &request, &verdict), STATUS_GOOD);
}

static void judge_alone(void)
{
    judge((struct start_request){.nr_pages = START_PAGES_ANY});
}

/* The sentence for the one finding that there is, which has @part in it. */
static void assert_only(bool refuses, const char *part)
{
    char sentence[SENTENCE_MAX];

    for (unsigned i = 0; i < verdict.findings.count; i++) {
        verdict_word(&verdict, &verdict.findings.list[i], sentence);
        if (verdict.findings.count != 1 || !strstr(sentence, part))
            print_message("%s\n", sentence);
    }
    assert_int_equal(verdict.findings.count, 1);
    assert_int_equal(verdict_refuses(&verdict), refuses);
    assert_non_null(strstr(sentence, part));
}

static void assert_good(void)
{
    if (verdict.findings.count)
        assert_only(false, "");
    assert_int_equal(verdict.findings.count, 0);
}

static void good(void **state)
{
    (void)state;
    kernel_file_init(&made);
    kernel_file_end_notes(&made);
    judge_alone();
    assert_good();
    /* 64 KiB at 1 MiB, and half a MiB of slack: 4 MiB are mapped. */
    assert_int_equal(verdict.needed_mib, 4);
}

static void remark(void **state)
{
    (void)state;
    kernel_file_init(&made);
    kernel_file_add_note(&made, "Xen", XEN_ELFNOTE_PAE_MODE, "yes", 4, 12);
    kernel_file_end_notes(&made);
    judge_alone();
    assert_only(false, "note PAE_MODE claims to reach beyond the end");
    kernel_file_init(&made);
    kernel_file_add_text(&made, XEN_ELFNOTE_FEATURES, "!hvm_callback_vector");
    kernel_file_end_notes(&made);
    judge_alone();
    assert_only(false, "\"hvm_callback_vector\", which PV guests are not offered");
}

/* ---- One thing wrong each: a change to the good kernel, before its notes end. ---- */

static void another_machine(void)
{
    made.machine = EM_AARCH64;
}

static void another_order(void)
{
    made.data_order = ELFDATA2MSB;
    made.machine = __builtin_bswap16(EM_PPC64);
}

static void object_file(void)
{
    made.type = ET_REL;
}

static void no_loadable_segment(void)
{
    made.segments[0].type = PT_GNU_STACK;
}

static void beyond_the_file(void)
{
    made.segments[0].file_size = 0x3001;
}

static void far_beyond_the_file(void)
{
    made.segments[0].offset = UINT64_MAX - 0x100;
}

static void more_file_than_memory(void)
{
    made.segments[0].memory_size = 0xfff;
}

static void overlapping(void)
{
    made.segments[made.nr_segments++] = (struct made_segment){PT_LOAD, PF_R, 0x2000, 0x100, 0x10ffff, 0x100};
}

static void foreign_loader(void)
{
    kernel_file_add_text(&made, XEN_ELFNOTE_LOADER, "special");
}

static void foreign_version(void)
{
    kernel_file_add_text(&made, XEN_ELFNOTE_XEN_VERSION, "xen-2.0");
}

static void unknown_required_feature(void)
{
    kernel_file_add_note(&made, "Xen", XEN_ELFNOTE_FEATURES, "pae_pgdir_above_4gb|warp|!warp_drive", 36, 36);
}

static void only_initial_domain(void)
{
    kernel_file_add_text(&made, XEN_ELFNOTE_FEATURES, "!dom0|!writable_page_tables");
}

static void below_base(void)
{
    kernel_file_add_number(&made, XEN_ELFNOTE_PADDR_OFFSET, 0x100001);
    kernel_file_add_number(&made, XEN_ELFNOTE_ENTRY, 0xffffffff80000000);
}

static void in_hypervisor(void)
{
    kernel_file_add_number(&made, XEN_ELFNOTE_VIRT_BASE, 0xffff800000000000);
    kernel_file_add_number(&made, XEN_ELFNOTE_ENTRY, 0xffff800000100000);
}

static void not_canonical(void)
{
    kernel_file_add_number(&made, XEN_ELFNOTE_VIRT_BASE, 0x00007fffffef1000);
    kernel_file_add_number(&made, XEN_ELFNOTE_ENTRY, 0x00007ffffffff000);
}

static void entry_before(void)
{
    kernel_file_add_number(&made, XEN_ELFNOTE_ENTRY, 0xffffffff800fffff);
}

static void entry_behind(void)
{
    kernel_file_add_number(&made, XEN_ELFNOTE_ENTRY, 0xffffffff80110001);
}

static void hypercall_page_outside(void)
{
    kernel_file_add_number(&made, XEN_ELFNOTE_HYPERCALL_PAGE, 0xffffffff80110000);
}

static void hypercall_page_half(void)
{
    kernel_file_add_number(&made, XEN_ELFNOTE_HYPERCALL_PAGE, 0xffffffff8010f800);
}

static void odd_base(void)
{
    kernel_file_add_number(&made, XEN_ELFNOTE_VIRT_BASE, 0xffffffff80000001);
    kernel_file_add_number(&made, XEN_ELFNOTE_ENTRY, 0xffffffff80100001);
}

static void p2m_above(void)
{
    kernel_file_add_number(&made, XEN_ELFNOTE_INIT_P2M, 0xffffffff90000000);
}

static void p2m_unaligned(void)
{
    kernel_file_add_number(&made, XEN_ELFNOTE_INIT_P2M, 0x8000000008);
}

static void p2m_in_kernels_region(void)
{
    kernel_file_add_number(&made, XEN_ELFNOTE_INIT_P2M, 0xffffff8000000000);
}

static void p2m_in_hypervisor(void)
{
    kernel_file_add_number(&made, XEN_ELFNOTE_INIT_P2M, 0xffff808000000000);
}

static void too_many_segments(void)
{
    made.segments[0].flags = 0;
    for (unsigned i = 0; i < KERNEL_SEGMENTS_MAX + 1; i++)
        made.segments[made.nr_segments++] = (struct made_segment){PT_LOAD, PF_R, 0, 0, 0x100000 + i * 0x1000, 0x1000};
}

static void wrapping(void)
{
    made.segments[made.nr_segments++] = (struct made_segment){PT_LOAD, PF_R, 0, 0, 0x200000, UINT64_MAX};
}

static void base_too_high(void)
{
    kernel_file_add_number(&made, XEN_ELFNOTE_VIRT_BASE, 0xfffffffffff00000);
}

static void offset_without_base(void)
{
    kernel_file_drop_notes(&made);
    kernel_file_add_text(&made, XEN_ELFNOTE_LOADER, "generic");
    kernel_file_add_text(&made, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    kernel_file_add_number(&made, XEN_ELFNOTE_PADDR_OFFSET, 0);
}

static void no_notes(void)
{
    kernel_file_drop_notes(&made);
}

static void pvh_only(void)
{
    kernel_file_drop_notes(&made);
    kernel_file_add_text(&made, XEN_ELFNOTE_GUEST_OS, "linux");
    kernel_file_add_number(&made, XEN_ELFNOTE_PHYS32_ENTRY, 0x100000);
}

static void of_32_bits(const char *pae)
{
    made.width = 32;
    made.machine = EM_386;
    kernel_file_drop_notes(&made);
    kernel_file_add_text(&made, XEN_ELFNOTE_LOADER, "generic");
    kernel_file_add_text(&made, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    if (pae)
        kernel_file_add_text(&made, XEN_ELFNOTE_PAE_MODE, pae);
}

static void another_width(void)
{
    of_32_bits(NULL);
    made.machine = EM_X86_64;
}

static void high_start(void)
{
    of_32_bits("bimodal");
    kernel_file_add_number(&made, XEN_ELFNOTE_HV_START_LOW, 0xf5c00000);
}

static void without_pae(void)
{
    of_32_bits(NULL);
}

static const struct {
    void (*change)(void);
    const char *part;
} wrongs[] = {
    {another_machine, "another processor (64-bit, ELF machine number 183)"},
    {another_width, "another processor (32-bit, ELF machine number 62)"},
    {another_order, "another processor (64-bit, ELF machine number 21)"},
    {object_file, "type 1: an object file or a module"},
    {beyond_the_file, "segment 0 is 12289 bytes at byte 4096, but the file has 16384 bytes"},
    {far_beyond_the_file, "segment 0 is 4096 bytes at byte 18446744073709551359"},
    {no_loadable_segment, "no loadable segments"},
    {too_many_segments, "more than 16 loadable segments"},
    {more_file_than_memory, "Segment 0 has more bytes in the file (4096) than in memory (4095)"},
    {overlapping, "Segments 0 and 1 overlap: 0x100000-0x110000 and 0x10ffff-0x1100ff"},
    {wrapping, "Segment 1, of 18446744073709551615 bytes at 0x200000, wraps around"},
    {no_notes, "not a Xen guest"},
    {pvh_only, "a PVH guest, not a PV guest"},
    {foreign_loader, "the loader \"special\""},
    {foreign_version, "the interface \"xen-2.0\""},
    {unknown_required_feature, "the feature \"warp_drive\", which is not known"},
    {only_initial_domain, "Start it with --privileged"},
    {offset_without_base, "a PADDR_OFFSET but no VIRT_BASE"},
    {below_base, "PADDR_OFFSET 0x100001 is more than the p_paddr"},
    {base_too_high, "would begin at 0x0 and end at 0x10000"},
    {in_hypervisor, "(0xffff800000000000-0xffff800000110000) would take addresses of the hypervisor"},
    {not_canonical, "(0x7fffffef1000-0x800000001000) would take addresses"},
    {odd_base, "VIRT_BASE 0xffffffff80000001 is not the address of a page"},
    {entry_before, "begin at 0xffffffff800fffff, outside the image (0xffffffff80100000-0xffffffff80110000)"},
    {entry_behind, "begin at 0xffffffff80110001, outside the image"},
    {hypercall_page_outside, "hypercall page, 0xffffffff80110000, is not a page of the image"},
    {hypercall_page_half, "hypercall page, 0xffffffff8010f800, is not a page of the image"},
    {p2m_above, "INIT_P2M 0xffffffff90000000 must be a page-aligned address below VIRT_BASE 0xffffffff80000000"},
    {p2m_unaligned, "INIT_P2M 0x8000000008 must be a page-aligned address"},
    {p2m_in_kernels_region, "INIT_P2M 0xffffff8000000000 shares its 512 GiB"},
    {p2m_in_hypervisor, "INIT_P2M 0xffff808000000000 is an address of the hypervisor"},
    {high_start, "HV_START_LOW 0xf5c00000 lies above 0xf5800000"},
    {without_pae, "does not use PAE"},
};

static void each_wrong_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++) {
        kernel_file_init(&made);
        wrongs[i].change();
        if (wrongs[i].change != no_notes)
            kernel_file_end_notes(&made);
        judge_alone();
        assert_only(true, wrongs[i].part);
    }
}

/* A 32-bit kernel's memory is as much as its M2P has entries for. */
static void good_narrow(void **state)
{
    (void)state;
    kernel_file_init(&made);
    of_32_bits("yes");
    kernel_file_end_notes(&made);
    judge_alone();
    assert_good();
    judge((struct start_request){.nr_pages = UINT64_C(0x2980100)});
    assert_only(true, "169985 MiB is more memory than this kernel has addresses for. Say --memory 169984M or less");
}

/* All that is wrong is told at once. */
static void several_wrongs(void **state)
{
    (void)state;
    kernel_file_init(&made);
    overlapping();
    foreign_loader();
    unknown_required_feature();
    entry_before();
    kernel_file_end_notes(&made);
    judge_alone();
    assert_int_equal(verdict.findings.count, 4);
}

/* Every finding has its sentence, whatever it is about. */
static void no_finding_is_mute(void **state)
{
    (void)state;
    kernel_file_init(&made);
    kernel_file_end_notes(&made);
    judge_alone();
    for (unsigned id = FINDING_CLASS + 1; id < NR_FINDINGS; id++) {
        const struct finding finding = {.id = id, .index = 1};
        char sentence[SENTENCE_MAX];

        verdict_word(&verdict, &finding, sentence);
        assert_true(strlen(sentence) > 20 && strlen(sentence) < SENTENCE_MAX - 1);
    }
}

static void initial_domain(void **state)
{
    static const struct start_request privileged = {.nr_pages = START_PAGES_ANY, .privileged = true};

    (void)state;
    kernel_file_init(&made);
    kernel_file_end_notes(&made);
    judge(privileged);
    assert_only(false, "does not say that it can be the initial domain");
    kernel_file_init(&made);
    kernel_file_add_number(&made, XEN_ELFNOTE_SUPPORTED_FEATURES, 0x8001);
    kernel_file_end_notes(&made);
    judge(privileged);
    assert_only(true, "Leave --privileged out");
    kernel_file_init(&made);
    only_initial_domain();
    kernel_file_end_notes(&made);
    judge(privileged);
    assert_good();
}

static void judge_sizes(uint64_t nr_pages, uint64_t ramdisk_size)
{
    judge((struct start_request){.nr_pages = nr_pages, .ramdisk_size = ramdisk_size});
}

static void memory(void **state)
{
    uint64_t most_mib;

    (void)state;
    kernel_file_init(&made);
    kernel_file_end_notes(&made);
    judge_sizes(1024, 0);
    assert_good();
    judge_sizes(1023, 0);
    assert_only(true, "does not fit into 3 MiB of memory. Say --memory 4M or more");
    judge_sizes(0, 0);
    assert_only(true, "does not fit into 0 MiB");
    judge_sizes(4096, 16 * MIB);
    assert_only(true, "and the ramdisk (16 MiB) do not fit into 16 MiB of memory. Say --memory 54M or more");
    judge_sizes(verdict.needed_mib * 256, 16 * MIB);
    assert_good();
    judge_sizes(4096, UINT64_MAX / 4);
    assert_only(true, "From VIRT_BASE 0xffffffff80000000 on there are not enough addresses");
    judge_sizes(1ull << 29, 0);
    assert_only(true, "2097152 MiB is more memory than this kernel has addresses for");
    most_mib = verdict.most_mib;
    judge_sizes(most_mib * 256, 0);
    assert_good();
    judge_sizes((most_mib + 1) * 256, 0);
    assert_only(true, "or less");
    assert_int_equal(verdict.most_mib, most_mib);
    /* A ramdisk that is not mapped, and a p2m elsewhere, take pages but no addresses. */
    kernel_file_init(&made);
    kernel_file_add_number(&made, XEN_ELFNOTE_MOD_START_PFN, 1);
    kernel_file_add_number(&made, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
    kernel_file_end_notes(&made);
    judge_sizes(START_PAGES_ANY, 3ull << 30);
    assert_good();
    /* 4 MiB are mapped; 3 GiB of ramdisk; 8 bytes for each of the pages of some 3 GiB are a good 6 MiB. */
    assert_int_equal(verdict.needed_mib, 4 + 3072 + 7);
    /* Up to the kernel's 512 GiB there is one page of addresses. */
    kernel_file_init(&made);
    kernel_file_add_number(&made, XEN_ELFNOTE_INIT_P2M, 0xffffff7ffffff000);
    kernel_file_end_notes(&made);
    judge_alone();
    assert_only(true, "Between INIT_P2M 0xffffff7ffffff000 and VIRT_BASE 0xffffffff80000000");
}

static void no_kernels(void **state)
{
    static const char *const files[] = {"hello, world, hello", ELFMAG "\2\1\1", ELFMAG "\3\1\1", ELFMAG "\2\1\7",
                                        ELFMAG "\2\3\1"};
    const struct start_request request = {.nr_pages = START_PAGES_ANY};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        uint8_t data[64] = {0};

        memcpy(data, files[i], strlen(files[i]));
        assert_int_equal(verdict_reach("file", &(struct bytes){data, i == 1 ? 7 : sizeof(data)}, &request, &verdict),
                         STATUS_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),           cmocka_unit_test(remark),         cmocka_unit_test(each_wrong_is_told),
        cmocka_unit_test(good_narrow),    cmocka_unit_test(several_wrongs), cmocka_unit_test(no_finding_is_mute),
        cmocka_unit_test(initial_domain), cmocka_unit_test(memory),         cmocka_unit_test(no_kernels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
