/* SPDX-License-Identifier: MIT */
/* Notes wherever they are, padded however: what is read of them. */
/* links: hv/kernel/judge.c hv/kernel/placement.c hv/kernel/notes.c hv/kernel/elf_image.c hv/kernel/findings.c */
/* links: hv/kernel/start_layout.c hv/kernel/start_symbols.c tests/hv/lib/elf_maker.c tests/hv/lib/made_kernel.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tests/hv/lib/made_kernel.h>

/* Shows elfnote.numbers. */
static void test_number_sizes(void **state)
{
    struct kernel kernel;

    (void)state;
    for (size_t size = 0; size <= 16; size++) {
        bool is_number = size == 1 || size == 2 || size == 4 || size == 8;

        made_begin_small();
        note_number(&notes, XEN_ELFNOTE_MOD_START_PFN, 1, size);
        maker_notes(&maker, &notes);
        expect_accepted(&kernel);
        assert_int_equal(kernel.ramdisk_unmapped, is_number);
    }
}

/* GRUB's last note says that it is longer than the file.  Shows elfnote.overrun. */
static void test_last_note_overruns(void **state)
{
    struct kernel kernel;
    uint32_t header[3] = {4, 12, XEN_ELFNOTE_PAE_MODE};

    (void)state;
    made_begin(false, 0x1000);
    maker_load(&maker, 0x1000, "kernel", 0x1000);
    note_kernel(&notes);
    note_text(&notes, XEN_ELFNOTE_PAE_MODE, "yes");
    memcpy(notes.bytes + notes.size - 20, header, sizeof(header));
    maker_notes(&maker, &notes);
    expect_accepted(&kernel);
    assert_true(kernel.image.width == WIDTH_PAE && kernel.extended_cr3);
}

/* Shows elfnote.places. */
static void test_notes_in_sections(void **state)
{
    struct kernel kernel;
    struct maker_section section = {".note.Xen", ELF_SECTION_NOTE, 0, 0, 0};
    struct note_list others = {.size = 0};

    (void)state;
    made_begin_small();
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

/*
 * Padded to 4 or 8 bytes, in what is aligned to as much, to more or to less; the last note whole or not.  Shows
 * elfnote.padding.
 */
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
        made_begin(true, 0x100000);
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

/* Shows elfnote.places. */
static void test_notes_in_both(void **state)
{
    struct note_list others = {.size = 0};
    struct kernel kernel;

    (void)state;
    made_begin_small();
    maker_notes(&maker, &notes);
    note_number(&others, XEN_ELFNOTE_MOD_START_PFN, 1, 4);
    maker_section(&maker, (struct maker_section){".note.Xen", ELF_SECTION_NOTE, 0,
                                                 maker_append(&maker, others.bytes, others.size), others.size});
    expect_accepted(&kernel);
    assert_false(kernel.ramdisk_unmapped); /* sections count only without segments */
}

/* All of Xen's notes in the order of the file, the unknown and the repeated too.  Shows elfnote.unknown. */
static void test_walk(void **state)
{
    static const uint32_t types[] = {XEN_ELFNOTE_LOADER, XEN_ELFNOTE_XEN_VERSION, 4711, XEN_ELFNOTE_LOADER};
    struct findings findings;
    struct notes_walk walk;
    struct kernel kernel;
    struct note note;
    struct blob file;

    (void)state;
    made_begin_small();
    note_add(&notes, "GNU", 3, "build id", 8);
    note_text(&notes, 4711, "unknown");
    note_text(&notes, XEN_ELFNOTE_LOADER, "generic too");
    maker_notes(&maker, &notes);
    file = maker_finish(&maker);
    judge_kernel(file, &kernel, &findings);
    walk = notes_walk(&kernel.image, kernel.notes.origin);
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        assert_true(notes_next(&walk, &note));
        assert_int_equal(note.type, types[i]);
        assert_true(note.is_whole);
    }
    assert_false(notes_next(&walk, &note));
    assert_true(blob_equals(kernel.notes.values[XEN_ELFNOTE_LOADER], "generic too"));
    free((void *)(uintptr_t)file.bytes);
}

/* Shows elfnote.legacy. */
static void test_legacy(void **state)
{
    static const char mini[] = "GUEST_OS=Mini-OS,XEN_VER=xen-3.0,VIRT_BASE=0x0,ELF_PADDR_OFFSET=0x0,HYPERCALL_PAGE=0x2,"
                               "SOMETHING=else,ALONE,PAE=yes[extended-cr3],LOADER=generic\0,HYPERCALL_PAGE=0x0";
    static const char offset[] = "XEN_VER=xen-3.0,VIRT_BASE=0xC0000000,VIRT_ENTRY=3221229568,PAE=yes,LOADER=generic";
    struct kernel kernel;

    (void)state;
    made_begin(false, 0);
    maker_load(&maker, 0, "kernel", 0x4000);
    made_legacy(mini, sizeof(mini));
    expect_accepted(&kernel);
    assert_true(kernel.has_hypercall_page && kernel.hypercall_page == 0x2000 && kernel.extended_cr3);
    made_begin(false, 0);
    maker_load(&maker, 0xc0001000, "kernel", 0x4000);
    made_legacy(offset, sizeof(offset) - 1);
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
    struct findings findings;
    struct blob file;

    (void)state;
    made_begin(true, 0);
    maker_load(&maker, 0, "kernel", 0x4000);
    made_legacy(text, sizeof(text));
    file = maker_finish(&maker);
    judge_kernel(file, &kernel, &findings);
    assert_null(findings_refusal(&findings));
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        memcpy((uint8_t *)(uintptr_t)file.bytes + 62, &wrong[i], sizeof(wrong[i]));
        expect_file_refused(file, FINDING_NO_NOTES);
    }
    free((void *)(uintptr_t)file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_sizes),
        cmocka_unit_test(test_last_note_overruns),
        cmocka_unit_test(test_notes_in_sections),
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_notes_in_both),
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_legacy),
        cmocka_unit_test(test_no_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
