/* SPDX-License-Identifier: MIT */
/* Kernel images: what is read from them, each reason for which one is refused, and files that are damaged anywhere. */
/* links: hv/kernel/elf_image.c hv/kernel/notes.c hv/kernel/judge.c tests/hv/lib/elf_maker.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/layout.h>
#include <engine/port.h>
#include <hv/kernel/judge.h>
#include <hv/kernel/notes.h>
#include <tests/hv/lib/elf_maker.h>

#define LINUX_BASE UINT64_C(0xffffffff80000000)

static struct elf_maker maker;
static struct note_list notes;

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}

static void begin(bool is_64, uint64_t entry)
{
    maker_begin(&maker, is_64, entry);
    notes = (struct note_list){.size = 0};
}

/* Examine what has been made; NULL: accepted, otherwise the problem. */
static const char *finish(struct kernel *kernel, struct blob *file)
{
    const char *problem = "none was given";

    *file = maker_finish(&maker);
    return kernel_parse(*file, kernel, &problem) ? problem : NULL;
}

static void expect_refused(const char *part)
{
    struct kernel kernel;
    struct blob file;
    const char *problem = finish(&kernel, &file);

    assert_non_null(problem);
    if (!strstr(problem, part))
        fail_msg("refused with \"%s\" instead of \"...%s...\"", problem, part);
    free((void *)(uintptr_t)file.bytes);
}

static void expect_accepted(struct kernel *kernel)
{
    struct blob file;
    const char *problem = finish(kernel, &file);

    if (problem)
        fail_msg("refused: %s", problem);
    free((void *)(uintptr_t)file.bytes); /* what points into it is not looked at */
}

/* The least that is a kernel: one segment at 1 MiB. */
static void begin_small(void)
{
    begin(true, 0x100000);
    maker_load(&maker, 0x100000, "kernel", 0x8000);
    note_kernel(&notes);
}

/*
 * ---- What is read.
 */

static void make_linux(void)
{
    begin(true, 0x1000000);
    maker_load(&maker, 0x1000000, "text", 0x3000);
    maker_load(&maker, 0x1003000, "data", 0x2000);
    note_text(&notes, XEN_ELFNOTE_GUEST_OS, "linux");
    note_text(&notes, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    note_number(&notes, XEN_ELFNOTE_VIRT_BASE, LINUX_BASE, 8);
    note_number(&notes, XEN_ELFNOTE_INIT_P2M, UINT64_C(0x8000000000), 8);
    note_number(&notes, XEN_ELFNOTE_ENTRY, LINUX_BASE + 0x1004010, 8);
    note_text(&notes, XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb");
    note_number(&notes, XEN_ELFNOTE_SUPPORTED_FEATURES, 0x8801, 4);
    note_number(&notes, XEN_ELFNOTE_MOD_START_PFN, 1, 4);
    note_number(&notes, XEN_ELFNOTE_PADDR_OFFSET, 0, 8);
    note_number(&notes, XEN_ELFNOTE_PHYS32_ENTRY, 0x1000850, 4);
    note_add(&notes, "GNU", 3, "build id", 8);
    maker_notes(&maker, &notes);
}

static void test_linux(void **state)
{
    struct kernel kernel;

    (void)state;
    make_linux();
    expect_accepted(&kernel);
    assert_true(kernel.width == WIDTH_64);
    assert_true(kernel.virt_base == LINUX_BASE && kernel.entry == LINUX_BASE + 0x1004010);
    assert_true(kernel.start == 0x1000000 && kernel.end == 0x1005000);
    assert_int_equal(kernel.nr_segments, 2);
    assert_true(kernel.segments[1].start == 0x1003000 && kernel.segments[1].size == 0x2000);
    assert_int_equal(kernel.segments[1].contents.size, 4);
    assert_true(kernel.has_init_p2m && kernel.init_p2m == UINT64_C(0x8000000000));
    assert_true(kernel.ramdisk_unmapped && !kernel.has_hypercall_page && !kernel.has_symbols);
    assert_false(kernel.needs_initial || kernel.refuses_initial);
}

/* NetBSD's addresses are virtual ones in the file already. */
static void test_paddr_offset(void **state)
{
    struct kernel kernel;
    const uint64_t symbols[3] = {1, 2, 3};
    unsigned names;

    (void)state;
    begin(true, LINUX_BASE + 0x200000);
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
    maker_notes(&maker, &notes);
    expect_accepted(&kernel);
    assert_true(kernel.start == 0x200000 && kernel.end == 0x203000 && kernel.entry == LINUX_BASE + 0x200000);
    assert_true(kernel.has_hypercall_page && kernel.hypercall_page == 0x201000);
    assert_true(kernel.has_symbols && kernel.symbols.size == sizeof(symbols) && kernel.symbol_names.size == 6);
    assert_false(kernel.has_init_p2m || kernel.ramdisk_unmapped || kernel.refuses_initial);
}

static void test_number_sizes(void **state)
{
    struct kernel kernel;

    (void)state;
    for (size_t size = 0; size <= 16; size++) {
        bool is_number = size == 1 || size == 2 || size == 4 || size == 8;

        begin_small();
        note_number(&notes, XEN_ELFNOTE_MOD_START_PFN, 1, size);
        maker_notes(&maker, &notes);
        expect_accepted(&kernel);
        assert_int_equal(kernel.ramdisk_unmapped, is_number);
    }
}

/* GRUB's last note says that it is longer than the file. */
static void test_last_note_overruns(void **state)
{
    struct kernel kernel;
    uint32_t header[3] = {4, 12, XEN_ELFNOTE_PAE_MODE};

    (void)state;
    begin(false, 0x1000);
    maker_load(&maker, 0x1000, "kernel", 0x1000);
    note_kernel(&notes);
    note_text(&notes, XEN_ELFNOTE_PAE_MODE, "yes");
    memcpy(notes.bytes + notes.size - 20, header, sizeof(header));
    maker_notes(&maker, &notes);
    expect_accepted(&kernel);
    assert_true(kernel.width == WIDTH_PAE && kernel.extended_cr3);
}

static void test_notes_in_sections(void **state)
{
    struct kernel kernel;
    struct maker_section section = {".note.Xen", ELF_SECTION_NOTE, 0, 0, 0};
    struct note_list others = {.size = 0};

    (void)state;
    begin_small();
    section.offset = maker_append(&maker, notes.bytes, notes.size);
    section.size = notes.size;
    maker_section(&maker, section);
    note_add(&others, "GNU", 1, "abi", 4); /* a segment of notes without any of Xen's */
    maker_notes(&maker, &others);
    expect_accepted(&kernel);
    assert_true(kernel.virt_base == 0 && kernel.entry == 0x100000);
}

/* Notes of another name, which matter for where the next one begins, and of Xen's. */
static void note_mixture(struct note_list *list)
{
    note_text(list, XEN_ELFNOTE_GUEST_OS, "odd");
    note_add(list, "Xenophon", 1, "abc", 3);
    note_add(list, "", XEN_ELFNOTE_ENTRY, "", 0);
    note_kernel(list);
    note_number(list, XEN_ELFNOTE_VIRT_BASE, LINUX_BASE, 8);
    note_number(list, XEN_ELFNOTE_MOD_START_PFN, 1, 1);
    note_number(list, XEN_ELFNOTE_ENTRY, LINUX_BASE + 0x100008, 8);
}

/* Padded to 4 or 8 bytes, in what is aligned to as much, to more or to less; the last note whole or not. */
static void test_padding(void **state)
{
    static const unsigned units[] = {4, 8}, aligns[] = {0, 1, 4, 8, 16};

    (void)state;
    for (unsigned i = 0; i < 2 * ARRAY_SIZE(aligns) * 2; i++) {
        unsigned unit = units[i % 2], align = aligns[i / 2 % ARRAY_SIZE(aligns)];
        bool in_section = i >= 2 * ARRAY_SIZE(aligns);
        struct kernel kernel;

        if (unit == 8 && align != 8)
            continue;
        begin(true, 0x100000);
        maker_load(&maker, 0x100000, "kernel", 0x8000);
        maker.align = align;
        notes.unit = unit;
        note_mixture(&notes);
        if (in_section)
            maker_section(&maker, (struct maker_section){".note.Xen", ELF_SECTION_NOTE, 0,
                                                         maker_append(&maker, notes.bytes, notes.size), notes.size});
        else
            maker_notes(&maker, &notes);
        expect_accepted(&kernel);
        assert_true(kernel.virt_base == LINUX_BASE && kernel.entry == LINUX_BASE + 0x100008);
        assert_true(kernel.ramdisk_unmapped);
    }
}

static void test_notes_in_both(void **state)
{
    struct note_list others = {.size = 0};
    struct kernel kernel;

    (void)state;
    begin_small();
    maker_notes(&maker, &notes);
    note_number(&others, XEN_ELFNOTE_MOD_START_PFN, 1, 4);
    maker_section(&maker, (struct maker_section){".note.Xen", ELF_SECTION_NOTE, 0,
                                                 maker_append(&maker, others.bytes, others.size), others.size});
    expect_accepted(&kernel);
    assert_false(kernel.ramdisk_unmapped); /* sections count only without segments */
}

static void add_legacy(const char *text, size_t size)
{
    maker_section(&maker, (struct maker_section){"__xen_guest", 1, 0, maker_append(&maker, text, size), size});
}

static void test_legacy(void **state)
{
    static const char mini[] = "GUEST_OS=Mini-OS,XEN_VER=xen-3.0,VIRT_BASE=0x0,ELF_PADDR_OFFSET=0x0,HYPERCALL_PAGE=0x2,"
                               "SOMETHING=else,ALONE,PAE=yes[extended-cr3],LOADER=generic\0,HYPERCALL_PAGE=0x0";
    static const char offset[] = "XEN_VER=xen-3.0,VIRT_BASE=0xC0000000,VIRT_ENTRY=3221229568,PAE=yes,LOADER=generic";
    struct kernel kernel;

    (void)state;
    begin(false, 0);
    maker_load(&maker, 0, "kernel", 0x4000);
    add_legacy(mini, sizeof(mini));
    expect_accepted(&kernel);
    assert_true(kernel.has_hypercall_page && kernel.hypercall_page == 0x2000 && kernel.extended_cr3);
    begin(false, 0);
    maker_load(&maker, 0xc0001000, "kernel", 0x4000);
    add_legacy(offset, sizeof(offset) - 1);
    expect_accepted(&kernel);
    assert_true(kernel.virt_base == 0xc0000000 && kernel.start == 0x1000 && kernel.entry == 0xc0001000);
    assert_false(kernel.extended_cr3 || kernel.has_hypercall_page);
}

/* The section is found by its name, of which there need not be any. */
static void test_no_names(void **state)
{
    static const char text[] = "LOADER=generic,XEN_VER=xen-3.0";
    const uint16_t wrong[] = {0xffff, 3, 1};
    struct kernel kernel;
    const char *problem;
    struct blob file;

    (void)state;
    begin(true, 0);
    maker_load(&maker, 0, "kernel", 0x4000);
    add_legacy(text, sizeof(text));
    file = maker_finish(&maker);
    assert_int_equal(kernel_parse(file, &kernel, &problem), 0);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        memcpy((uint8_t *)(uintptr_t)file.bytes + 62, &wrong[i], sizeof(wrong[i]));
        assert_true(kernel_parse(file, &kernel, &problem) < 0);
        assert_non_null(strstr(problem, "no Xen notes"));
    }
    free((void *)(uintptr_t)file.bytes);
}

static void test_initial(void **state)
{
    struct kernel kernel;

    (void)state;
    begin_small();
    note_text(&notes, XEN_ELFNOTE_FEATURES, "!dom0|something");
    note_number(&notes, XEN_ELFNOTE_SUPPORTED_FEATURES, 0, 4);
    maker_notes(&maker, &notes);
    expect_accepted(&kernel);
    assert_true(kernel.needs_initial && !kernel.refuses_initial);
    begin_small();
    note_number(&notes, XEN_ELFNOTE_SUPPORTED_FEATURES, 1, 4);
    maker_notes(&maker, &notes);
    expect_accepted(&kernel);
    assert_true(!kernel.needs_initial && kernel.refuses_initial);
}

/*
 * ---- What is refused.
 */

static void test_refused_files(void **state)
{
    static const char script[] = "#!/bin/sh\n";
    static const struct {
        size_t offset;
        uint8_t value;
        const char *part;
    } damages[] = {
        {1, 'F', "not an ELF file"},
        {4, 3, "neither 32 nor 64 bits"},
        {5, 2, "another processor"},
        {18, 3, "another processor"},
        {16, 1, "not linked to run"},
        {54, 57, "table of segments"},   /* the size of an entry */
        {33, 0xff, "table of segments"}, /* where it lies */
        {39, 0x80, "table of segments"},
        {56, 0, "no segments"},
        {57, 1, "too many"},
        {58, 63, "table of sections"},
        {61, 0x10, "table of sections"}, /* how many */
        {41, 0xff, "table of sections"},
        {47, 0xff, "table of sections"},
    };
    struct kernel kernel;
    const char *problem;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
        struct blob file;
        uint8_t *bytes;

        make_linux();
        file = maker_finish(&maker);
        bytes = (uint8_t *)(uintptr_t)file.bytes;
        bytes[damages[i].offset] = damages[i].value;
        assert_true(kernel_parse(file, &kernel, &problem) < 0);
        if (!strstr(problem, damages[i].part))
            fail_msg("%zu: %s", i, problem);
        free(bytes);
    }
    assert_true(kernel_parse((struct blob){(const uint8_t *)script, sizeof(script)}, &kernel, &problem) < 0);
    assert_true(kernel_parse((struct blob){NULL, 0}, &kernel, &problem) < 0);
    assert_non_null(strstr(problem, "not an ELF file"));
}

static void test_refused_kinds(void **state)
{
    (void)state;
    begin_small();
    expect_refused("no Xen notes");
    begin_small();
    notes.size = 0;
    note_text(&notes, XEN_ELFNOTE_GUEST_OS, "linux");
    note_text(&notes, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    note_number(&notes, XEN_ELFNOTE_PHYS32_ENTRY, 0x100000, 4);
    maker_notes(&maker, &notes);
    expect_refused("PVH-only");
    begin_small();
    notes.size = 0;
    note_text(&notes, XEN_ELFNOTE_LOADER, "gener");
    note_text(&notes, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    maker_notes(&maker, &notes);
    expect_refused("LOADER");
    begin_small();
    note_text(&notes, XEN_ELFNOTE_XEN_VERSION, "xen-2.0");
    maker_notes(&maker, &notes);
    expect_refused("XEN_VERSION");
    begin_small();
    note_text(&notes, XEN_ELFNOTE_FEATURES, "writable_page_tables|!time_travel");
    maker_notes(&maker, &notes);
    expect_refused("feature that is not known");
}

static void test_refused_without_pae(void **state)
{
    static const char *const modes[] = {NULL, "no"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        begin(false, 0x100000);
        maker_load(&maker, 0x100000, "kernel", 0x8000);
        note_kernel(&notes);
        if (modes[i])
            note_text(&notes, XEN_ELFNOTE_PAE_MODE, modes[i]);
        maker_notes(&maker, &notes);
        expect_refused("without PAE");
    }
}

/* begin_small() with one segment more. */
static void expect_segment_refused(struct maker_segment segment, const char *part)
{
    begin_small();
    maker_notes(&maker, &notes);
    maker_segment(&maker, segment);
    expect_refused(part);
}

static void test_refused_segments(void **state)
{
    struct kernel kernel;

    (void)state;
    expect_segment_refused((struct maker_segment){ELF_SEGMENT_LOAD, 4, 64, 0x200000, 65, 64}, "larger in the file");
    expect_segment_refused((struct maker_segment){ELF_SEGMENT_LOAD, 4, 1 << 20, 0x200000, 1, 1}, "beyond the end");
    expect_segment_refused((struct maker_segment){ELF_SEGMENT_LOAD, 4, UINT64_MAX, 0x200000, 2, 2}, "beyond the end");
    expect_segment_refused((struct maker_segment){ELF_SEGMENT_LOAD, 4, 64, 0x200000, UINT64_MAX, UINT64_MAX},
                           "beyond the end");
    expect_segment_refused((struct maker_segment){ELF_SEGMENT_LOAD, 4, 0, 0x200000, 0, UINT64_MAX}, "no memory can be");
    expect_segment_refused((struct maker_segment){ELF_SEGMENT_LOAD, 4, 0, UINT64_MAX, 0, 2}, "no memory can be");
    expect_segment_refused((struct maker_segment){ELF_SEGMENT_LOAD, 4, 0, 0x107fff, 0, 1}, "overlap");
    expect_segment_refused((struct maker_segment){ELF_SEGMENT_LOAD, 4, 0, 0xff000, 0, 0x1001}, "overlap");
    expect_segment_refused((struct maker_segment){ELF_SEGMENT_LOAD, 4, 0, (UINT64_C(1) << 47) - 1, 0, 2},
                           "addresses that are the hypervisor's");
    begin_small();
    maker_notes(&maker, &notes);
    maker_segment(&maker, (struct maker_segment){ELF_SEGMENT_LOAD, 0, 0, 0x100000, 0, 2}); /* no access: not loaded */
    maker_segment(&maker, (struct maker_segment){ELF_SEGMENT_LOAD, 4, 0, 0x100000, 0, 0});
    maker_segment(&maker, (struct maker_segment){ELF_SEGMENT_LOAD, 4, 0, 0x108000, 0, 1});
    expect_accepted(&kernel);
    assert_int_equal(kernel.nr_segments, 2);
    begin(true, 0);
    note_kernel(&notes);
    maker_notes(&maker, &notes);
    expect_refused("nothing to load");
    begin_small();
    maker_notes(&maker, &notes);
    for (uint64_t i = 0; i < KERNEL_SEGMENTS_MAX; i++)
        maker_segment(&maker, (struct maker_segment){ELF_SEGMENT_LOAD, 4, 0, 0x200000 + i, 0, 1});
    expect_refused("more segments");
}

/* begin_small() with notes of numbers, up to one with type 0. */
struct number_note {
    uint32_t type;
    uint64_t value;
};

static void expect_numbers_refused(const struct number_note *numbers, const char *part)
{
    begin_small();
    for (; numbers->type; numbers++)
        note_number(&notes, numbers->type, numbers->value, 8);
    maker_notes(&maker, &notes);
    if (part) {
        expect_refused(part);
    } else {
        struct kernel kernel;

        expect_accepted(&kernel);
    }
}

#define EXPECT_NUMBERS(part, ...) expect_numbers_refused((const struct number_note[]){__VA_ARGS__, {0, 0}}, part)

static void test_refused_places(void **state)
{
    (void)state;
    EXPECT_NUMBERS("outside the kernel", {XEN_ELFNOTE_ENTRY, 0xfffff});
    EXPECT_NUMBERS(NULL, {XEN_ELFNOTE_ENTRY, 0x107fff});
    EXPECT_NUMBERS("outside the kernel", {XEN_ELFNOTE_ENTRY, 0x108000});
    EXPECT_NUMBERS("needs VIRT_BASE", {XEN_ELFNOTE_PADDR_OFFSET, 0x1000});
    EXPECT_NUMBERS("below the start", {XEN_ELFNOTE_PADDR_OFFSET, 0x101000}, {XEN_ELFNOTE_VIRT_BASE, 0x1000});
    EXPECT_NUMBERS("VIRT_BASE is not the address of a page", {XEN_ELFNOTE_VIRT_BASE, 0x1001},
                   {XEN_ELFNOTE_ENTRY, 0x101002});
    EXPECT_NUMBERS("addresses that are the hypervisor's", {XEN_ELFNOTE_VIRT_BASE, HYPERVISOR_VIRT_START});
    EXPECT_NUMBERS("addresses that are the hypervisor's", {XEN_ELFNOTE_VIRT_BASE, HYPERVISOR_VIRT_END - 0x1000});
    EXPECT_NUMBERS("addresses that are the hypervisor's", {XEN_ELFNOTE_VIRT_BASE, UINT64_C(0x7ffffffff000)});
    EXPECT_NUMBERS("addresses that are the hypervisor's", {XEN_ELFNOTE_VIRT_BASE, UINT64_C(0xfffffffffffff000)});
    EXPECT_NUMBERS(NULL, {XEN_ELFNOTE_VIRT_BASE, HYPERVISOR_VIRT_END},
                   {XEN_ELFNOTE_ENTRY, HYPERVISOR_VIRT_END + 0x100000});
    EXPECT_NUMBERS("does not begin where a page begins", {XEN_ELFNOTE_HYPERCALL_PAGE, 0x100008});
    EXPECT_NUMBERS("hypercall page lies outside", {XEN_ELFNOTE_HYPERCALL_PAGE, 0xff000});
    EXPECT_NUMBERS("hypercall page lies outside", {XEN_ELFNOTE_HYPERCALL_PAGE, 0x108000});
    EXPECT_NUMBERS("hypercall page lies outside", {XEN_ELFNOTE_HYPERCALL_PAGE, UINT64_C(0xfffffffffffff000)});
    EXPECT_NUMBERS(NULL, {XEN_ELFNOTE_HYPERCALL_PAGE, 0x107000});
}

static void test_refused_init_p2m(void **state)
{
    const struct number_note base = {XEN_ELFNOTE_VIRT_BASE, LINUX_BASE};
    const struct number_note entry = {XEN_ELFNOTE_ENTRY, LINUX_BASE + 0x100000};

    (void)state;
    EXPECT_NUMBERS(NULL, base, entry, {XEN_ELFNOTE_INIT_P2M, UINT64_C(0x8000000000)});
    EXPECT_NUMBERS("not the address of a page", base, entry, {XEN_ELFNOTE_INIT_P2M, UINT64_C(0x8000000008)});
    EXPECT_NUMBERS("not the address of a page", base, entry, {XEN_ELFNOTE_INIT_P2M, UINT64_C(0x800000000000)});
    EXPECT_NUMBERS("not the address of a page", base, entry, {XEN_ELFNOTE_INIT_P2M, HYPERVISOR_VIRT_START});
    EXPECT_NUMBERS("below VIRT_BASE", base, entry, {XEN_ELFNOTE_INIT_P2M, LINUX_BASE});
    EXPECT_NUMBERS("below VIRT_BASE", {XEN_ELFNOTE_INIT_P2M, 0});
}

static void test_refused_legacy(void **state)
{
    static const char pages[][24] = {"0x3", "0x5", "0x8000000000000", "0xfffffffffffffffff", "8z", "5"};
    char text[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        begin(true, 0x4000);
        maker_load(&maker, 0x4000, "kernel", 0x1000);
        add_legacy(text, (size_t)sprintf(text, "LOADER=generic,XEN_VER=xen-3.0,HYPERCALL_PAGE=%s", pages[i]));
        expect_refused("hypercall page lies outside");
    }
}

/*
 * ---- Damage anywhere.
 */

static bool is_inside(struct blob part, struct blob file)
{
    return part.size == 0 || (part.bytes >= file.bytes && part.size <= file.size &&
                              (size_t)(part.bytes - file.bytes) <= file.size - part.size);
}

/* Either it is refused, with a problem, or all that the builder relies on holds. */
static void check_anything(struct blob file)
{
    const char *problem = NULL;
    struct kernel kernel;

    if (kernel_parse(file, &kernel, &problem)) {
        assert_non_null(problem);
        return;
    }
    assert_true(kernel.start < kernel.end && kernel_may_use(kernel.width, kernel.virt_base, kernel.end));
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
    make_linux();
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
    make_linux();
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
        cmocka_unit_test(test_number_sizes),
        cmocka_unit_test(test_last_note_overruns),
        cmocka_unit_test(test_notes_in_sections),
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_notes_in_both),
        cmocka_unit_test(test_legacy),
        cmocka_unit_test(test_no_names),
        cmocka_unit_test(test_initial),
        cmocka_unit_test(test_refused_files),
        cmocka_unit_test(test_refused_kinds),
        cmocka_unit_test(test_refused_without_pae),
        cmocka_unit_test(test_refused_segments),
        cmocka_unit_test(test_refused_places),
        cmocka_unit_test(test_refused_init_p2m),
        cmocka_unit_test(test_refused_legacy),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_each_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
