/* SPDX-License-Identifier: MIT */
/* Kernel images: what is read from them, each reason for which one is refused, and files that are damaged anywhere. */
/* links: hv/kernel/judge.c hv/kernel/placement.c hv/kernel/notes.c hv/kernel/elf_image.c hv/kernel/findings.c */
/* links: hv/kernel/start_layout.c hv/kernel/start_symbols.c tests/hv/lib/elf_maker.c tests/hv/lib/made_kernel.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/kernel/elf_format.h>
#include <hv/kernel/placement.h>
#include <tests/hv/lib/made_kernel.h>

/* Shows elfnote.entry, elfnote.accepted. */
static void test_linux(void **state)
{
    struct kernel kernel;

    (void)state;
    made_linux();
    expect_accepted(&kernel);
    assert_true(kernel.image.width == WIDTH_64);
    assert_true(kernel.virt_base == LINUX_BASE && kernel.entry == LINUX_BASE + 0x1004010);
    assert_true(kernel.start == 0x1000000 && kernel.end == 0x1005000);
    assert_int_equal(kernel.nr_segments, 2);
    assert_true(kernel.segments[1].start == 0x1003000 && kernel.segments[1].size == 0x2000);
    assert_int_equal(kernel.segments[1].contents.size, 4);
    assert_true(kernel.has_init_p2m && kernel.init_p2m == UINT64_C(0x8000000000));
    assert_true(kernel.ramdisk_unmapped && !kernel.has_hypercall_page && !kernel.wants_symbols);
    assert_true(!kernel.needs_initial && kernel.can_be_initial && !kernel.wants_linear);
}

/*
 * NetBSD's addresses are virtual ones in the file already.  Shows elfnote.paddr-offset, elfnote.segments,
 * elfnote.entry, elfnote.linear-tables.
 */
static void test_paddr_offset(void **state)
{
    struct kernel kernel;
    const uint64_t symbols[3] = {1, 2, 3};
    unsigned names;

    (void)state;
    made_begin(true, LINUX_BASE + 0x200000);
    maker_load(&maker, LINUX_BASE + 0x200000, "text", 0x3000);
    names = maker_section(
        &maker, (struct maker_section){".strtab", ELF_SECTION_STRINGS, 0, maker_append(&maker, "\0name", 6), 6});
    maker_section(&maker, (struct maker_section){".symtab", ELF_SECTION_SYMBOLS, names,
                                                 maker_append(&maker, symbols, sizeof(symbols)), sizeof(symbols)});
    note_kernel(&notes);
    note_number(&notes, XEN_ELFNOTE_VIRT_BASE, LINUX_BASE, 8);
    note_number(&notes, XEN_ELFNOTE_PADDR_OFFSET, LINUX_BASE, 8);
    note_number(&notes, XEN_ELFNOTE_HYPERCALL_PAGE, LINUX_BASE + 0x201000, 8);
    note_text(&notes, XEN_ELFNOTE_BSD_SYMTAB, "yes");
    note_text(&notes, XEN_ELFNOTE_GUEST_OS, "NetBSD");
    maker_notes(&maker, &notes);
    expect_accepted(&kernel);
    assert_true(kernel.wants_linear);
    assert_true(kernel.start == 0x200000 && kernel.end == 0x203000 && kernel.entry == LINUX_BASE + 0x200000);
    assert_true(kernel.has_hypercall_page && kernel.hypercall_page == 0x201000);
    assert_true(kernel.has_symbols && kernel.symbols.size == sizeof(symbols) && kernel.symbol_names.size == 6);
    assert_false(kernel.has_init_p2m || kernel.ramdisk_unmapped || kernel.says_initial);
    assert_true(kernel.wants_symbols);
}

/* Shows elfnote.initial. */
static void test_initial(void **state)
{
    struct kernel kernel;

    (void)state;
    made_begin_small();
    note_text(&notes, XEN_ELFNOTE_FEATURES, "!dom0|something");
    note_number(&notes, XEN_ELFNOTE_SUPPORTED_FEATURES, 0, 4);
    maker_notes(&maker, &notes);
    expect_accepted(&kernel);
    assert_true(kernel.needs_initial && kernel.can_be_initial);
    made_begin_small();
    note_number(&notes, XEN_ELFNOTE_SUPPORTED_FEATURES, 1, 4);
    maker_notes(&maker, &notes);
    expect_accepted(&kernel);
    assert_true(!kernel.needs_initial && kernel.says_initial && !kernel.can_be_initial);
}

/* The remarks on a kernel with these FEATURES: the name of one in it, or NULL. */
static void expect_remark(const char *list, const char *name)
{
    struct findings findings;
    struct kernel kernel;
    struct blob file;

    made_begin_small();
    note_text(&notes, XEN_ELFNOTE_FEATURES, list);
    maker_notes(&maker, &notes);
    file = maker_finish(&maker);
    judge_kernel(file, &kernel, &findings);
    assert_int_equal(findings.count, name ? 1 : 0);
    if (name) {
        assert_int_equal(findings.list[0].id, FINDING_FEATURE_ABSENT);
        assert_false(finding_refuses(findings.list[0].id));
        assert_true(blob_equals(findings.list[0].text, name));
    }
    free((void *)(uintptr_t)file.bytes);
}

/* Shows elfnote.features-absent. */
static void test_features_that_are_not_offered(void **state)
{
    (void)state;
    expect_remark("!writable_page_tables|pae_pgdir_above_4gb", NULL);
    expect_remark("auto_translated_physmap|supervisor_mode_kernel", NULL);
    expect_remark("!auto_translated_physmap", "auto_translated_physmap");
    expect_remark("dom0|!hvm_callback_vector|warp", "hvm_callback_vector");
    expect_remark("!supervisor_mode_kernel", "supervisor_mode_kernel");
    expect_remark("!writable_descriptor_tables", "writable_descriptor_tables");
}

static void test_refused_files(void **state)
{
    static const char script[] = "#!/bin/sh\n";
    static const struct {
        size_t offset;
        uint8_t value;
        enum finding_id id;
    } damages[] = {
        {1, 'F', FINDING_NOT_ELF},
        {4, 3, FINDING_CLASS},
        {5, 2, FINDING_MACHINE},
        {18, 3, FINDING_MACHINE},
        {16, 1, FINDING_TYPE},
        {54, 57, FINDING_SEGMENT_TABLE},   /* the size of an entry */
        {33, 0xff, FINDING_SEGMENT_TABLE}, /* where it lies */
        {39, 0x80, FINDING_SEGMENT_TABLE},
        {56, 0, FINDING_NO_SEGMENTS},
        {57, 1, FINDING_SEGMENT_TABLE}, /* how many: more than the file has room for */
        {58, 63, FINDING_SECTION_TABLE},
        {61, 0x10, FINDING_SECTION_TABLE}, /* how many */
        {41, 0xff, FINDING_SECTION_TABLE},
        {47, 0xff, FINDING_SECTION_TABLE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
        struct blob file;
        uint8_t *bytes;

        made_linux();
        file = maker_finish(&maker);
        bytes = (uint8_t *)(uintptr_t)file.bytes;
        bytes[damages[i].offset] = damages[i].value;
        expect_file_refused(file, damages[i].id);
        free(bytes);
    }
    expect_file_refused((struct blob){(const uint8_t *)script, sizeof(script)}, FINDING_NOT_ELF);
    expect_file_refused((struct blob){NULL, 0}, FINDING_NOT_ELF);
}

/* A table that is all there, but too long. */
static void test_many_headers(void **state)
{
    static const uint8_t room[66 * sizeof(struct elf_segment_64)];
    struct blob file;

    (void)state;
    made_linux();
    maker_append(&maker, room, sizeof(room));
    file = maker_finish(&maker);
    ((uint8_t *)(uintptr_t)file.bytes)[offsetof(struct elf_header_64, nr_segments)] = 65;
    expect_file_refused(file, FINDING_HEADERS);
    free((void *)(uintptr_t)file.bytes);
}

/* Shows elfnote.accepted, elfnote.features-unknown. */
static void test_refused_kinds(void **state)
{
    (void)state;
    made_begin_small();
    expect_refused(FINDING_NO_NOTES);
    made_begin_small();
    notes.size = 0;
    note_text(&notes, XEN_ELFNOTE_GUEST_OS, "linux");
    note_text(&notes, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    note_number(&notes, XEN_ELFNOTE_PHYS32_ENTRY, 0x100000, 4);
    maker_notes(&maker, &notes);
    expect_refused(FINDING_PVH_ONLY);
    made_begin_small();
    notes.size = 0;
    note_text(&notes, XEN_ELFNOTE_LOADER, "gener");
    note_text(&notes, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    maker_notes(&maker, &notes);
    expect_refused(FINDING_LOADER);
    made_begin_small();
    note_text(&notes, XEN_ELFNOTE_XEN_VERSION, "xen-2.0");
    maker_notes(&maker, &notes);
    expect_refused(FINDING_VERSION);
    made_begin_small();
    note_text(&notes, XEN_ELFNOTE_FEATURES, "writable_page_tables|!time_travel");
    maker_notes(&maker, &notes);
    expect_refused(FINDING_FEATURE);
}

/* Shows elfnote.pae. */
static void test_refused_without_pae(void **state)
{
    static const char *const modes[] = {NULL, "no"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        made_begin(false, 0x100000);
        maker_load(&maker, 0x100000, "kernel", 0x8000);
        note_kernel(&notes);
        if (modes[i])
            note_text(&notes, XEN_ELFNOTE_PAE_MODE, modes[i]);
        maker_notes(&maker, &notes);
        expect_refused(FINDING_NO_PAE);
    }
}

/* What there is to say of the start of a kernel that is not refused before. */
static enum finding_id start_finding(const struct kernel *kernel, struct start_request request, uint64_t *minimum)
{
    struct findings findings = {.count = 0};

    judge_start(kernel, &request, minimum, &findings);
    assert_true(findings.count <= 1);
    return findings.count == 0 ? NR_FINDINGS : findings.list[0].id;
}

static void test_start_of_an_initial_domain(void **state)
{
    static const struct {
        const char *features;
        uint64_t supported;
        bool privileged;
        enum finding_id id;
    } cases[] = {
        {"", 0, false, NR_FINDINGS},      {"!dom0", 0, false, FINDING_ONLY_INITIAL},
        {"!dom0", 0, true, NR_FINDINGS},  {"dom0", 0, true, NR_FINDINGS},
        {"", 0x8001, false, NR_FINDINGS}, {"", 0x8001, true, FINDING_NEVER_INITIAL},
        {"", 0x8801, true, NR_FINDINGS},  {"", 0, true, FINDING_PERHAPS_INITIAL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct kernel kernel;
        uint64_t minimum;

        made_begin_small();
        note_text(&notes, XEN_ELFNOTE_FEATURES, cases[i].features);
        if (cases[i].supported)
            note_number(&notes, XEN_ELFNOTE_SUPPORTED_FEATURES, cases[i].supported, 4);
        maker_notes(&maker, &notes);
        expect_accepted(&kernel);
        assert_int_equal(
            start_finding(&kernel, (struct start_request){START_PAGES_ANY, 0, cases[i].privileged}, &minimum),
            cases[i].id);
    }
}

/* Shows elfnote.widths. */
static void test_start_of_32_bits(void **state)
{
    struct kernel kernel;
    uint64_t minimum;

    (void)state;
    made_begin(false, 0x100000);
    maker_load(&maker, 0x100000, "kernel", 0x8000);
    note_kernel(&notes);
    note_text(&notes, XEN_ELFNOTE_PAE_MODE, "yes");
    maker_notes(&maker, &notes);
    expect_accepted(&kernel);
    assert_int_equal(start_finding(&kernel, (struct start_request){START_PAGES_ANY, 0, false}, &minimum), NR_FINDINGS);
    assert_int_equal(minimum, 1024);
    assert_int_equal(start_finding(&kernel, (struct start_request){UINT64_C(1) << 26, 0, false}, &minimum),
                     FINDING_TOO_MUCH);
}

static void test_start_memory(void **state)
{
    struct start_request request = {START_PAGES_ANY, 0, false};
    struct kernel kernel;
    uint64_t minimum, least;

    (void)state;
    made_begin_small();
    note_number(&notes, XEN_ELFNOTE_VIRT_BASE, LINUX_BASE, 8);
    note_number(&notes, XEN_ELFNOTE_ENTRY, LINUX_BASE + 0x100000, 8);
    maker_notes(&maker, &notes);
    expect_accepted(&kernel);
    assert_int_equal(start_finding(&kernel, request, &least), NR_FINDINGS);
    assert_int_equal(least, 1024); /* 4 MiB are mapped at least */
    request.nr_pages = least;
    assert_int_equal(start_finding(&kernel, request, &minimum), NR_FINDINGS);
    request.nr_pages = least - 1;
    assert_int_equal(start_finding(&kernel, request, &minimum), FINDING_TOO_LITTLE);
    assert_int_equal(minimum, least);
    request.nr_pages = 0;
    assert_int_equal(start_finding(&kernel, request, &minimum), FINDING_TOO_LITTLE);
    request.nr_pages = UINT64_C(1) << 28; /* whose P2M is larger than the addresses behind VIRT_BASE */
    assert_int_equal(start_finding(&kernel, request, &minimum), FINDING_TOO_MUCH);
    request.ramdisk_size = UINT64_C(2) << 30;
    assert_int_equal(start_finding(&kernel, request, &minimum), FINDING_ADDRESSES);
    assert_int_equal(minimum, 0);
    request.ramdisk_size = UINT64_MAX;
    assert_int_equal(start_finding(&kernel, request, &minimum), FINDING_RAMDISK);
}

/* Just enough for the kernel, but for a P2M that is a page longer. */
static void test_start_without_room(void **state)
{
    struct start_request request = {START_PAGES_ANY, 0, false};
    struct kernel kernel;
    uint64_t minimum, pages = 0;

    (void)state;
    for (uint64_t size = 0x8000; pages == 0; size += 0x1000) {
        made_begin(true, 0x100000);
        maker_load(&maker, 0x100000, "kernel", size);
        note_kernel(&notes);
        maker_notes(&maker, &notes);
        expect_accepted(&kernel);
        assert_int_equal(start_finding(&kernel, request, &minimum), NR_FINDINGS);
        for (request.nr_pages = minimum; request.nr_pages < minimum + 1024; request.nr_pages++) {
            if (start_finding(&kernel, request, &minimum) == FINDING_NO_ROOM)
                pages = request.nr_pages;
        }
        request.nr_pages = START_PAGES_ANY;
    }
}

static bool is_inside(struct blob part, struct blob file)
{
    return part.size == 0 || (part.bytes >= file.bytes && part.size <= file.size &&
                              (size_t)(part.bytes - file.bytes) <= file.size - part.size);
}

/* Either it is refused, or all that the builder relies on holds. */
static void check_anything(struct blob file)
{
    struct findings findings;
    struct kernel kernel;

    judge_kernel(file, &kernel, &findings);
    if (findings_refusal(&findings))
        return;
    assert_true(kernel.start < kernel.end && placement_is_guests(kernel.image.width, kernel.virt_base, kernel.end));
    assert_in_range(kernel.nr_segments, 1, KERNEL_SEGMENTS_MAX);
    for (unsigned i = 0; i < kernel.nr_segments; i++) {
        const struct kernel_segment *segment = &kernel.segments[i];

        assert_true(is_inside(segment->contents, file) && segment->contents.size <= segment->size);
        assert_true(segment->start >= kernel.start && segment->size <= kernel.end - segment->start);
    }
    assert_true(!kernel.has_symbols || (is_inside(kernel.symbols, file) && is_inside(kernel.symbol_names, file)));
    assert_true(!kernel.has_hypercall_page || kernel.hypercall_page < kernel.end);
}

static void test_cut_short(void **state)
{
    struct blob file;

    (void)state;
    made_linux();
    file = maker_finish(&maker);
    for (uint64_t size = 0; size < file.size; size++) {
        struct blob part = {malloc(size ? size : 1), size};

        memcpy((void *)(uintptr_t)part.bytes, file.bytes, size);
        check_anything(part);
        free((void *)(uintptr_t)part.bytes);
    }
    free((void *)(uintptr_t)file.bytes);
}

static void test_each_byte(void **state)
{
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    struct blob file;
    uint8_t *bytes;

    (void)state;
    made_linux();
    notes.size = 0;
    note_text(&notes, XEN_ELFNOTE_BSD_SYMTAB, "yes");
    maker_notes(&maker, &notes);
    maker_section(&maker, (struct maker_section){"__xen_guest", ELF_SECTION_SYMBOLS, 1, 64, 64});
    file = maker_finish(&maker);
    bytes = (uint8_t *)(uintptr_t)file.bytes;
    for (uint64_t i = 0; i < file.size; i++) {
        uint8_t old = bytes[i];

        for (size_t j = 0; j < ARRAY_SIZE(values); j++) {
            bytes[i] = values[j];
            check_anything(file);
        }
        bytes[i] = old;
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linux),
        cmocka_unit_test(test_paddr_offset),
        cmocka_unit_test(test_initial),
        cmocka_unit_test(test_features_that_are_not_offered),
        cmocka_unit_test(test_refused_files),
        cmocka_unit_test(test_many_headers),
        cmocka_unit_test(test_refused_kinds),
        cmocka_unit_test(test_refused_without_pae),
        cmocka_unit_test(test_start_of_an_initial_domain),
        cmocka_unit_test(test_start_of_32_bits),
        cmocka_unit_test(test_start_memory),
        cmocka_unit_test(test_start_without_room),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_each_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
