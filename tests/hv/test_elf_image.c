/* SPDX-License-Identifier: MIT */
/* Tables at the end of an ELF file, and numbers of sections: what is accepted can be read as a whole. */
/* links: tests/hv/lib/elf_maker.c hv/kernel/judge.c hv/kernel/placement.c hv/kernel/notes.c hv/kernel/elf_image.c */
/* links: hv/kernel/findings.c hv/kernel/start_layout.c hv/kernel/start_symbols.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/elfnote.h>
#include <hv/kernel/elf_format.h>
#include <hv/kernel/elf_image.h>
#include <hv/kernel/judge.h>
#include <hv/kernel/notes.h>
#include <tests/hv/lib/elf_maker.h>

#define SEGMENTS 3u

static struct elf_maker maker;

static struct blob make_file(bool is_64)
{
    maker_begin(&maker, is_64, 0x100000);
    for (unsigned i = 0; i < SEGMENTS; i++)
        maker_load(&maker, 0x100000 * (i + 1), "text", 0x1000);
    return maker_finish(&maker);
}

/* Where the header says that a table lies. */
static void set_place(struct blob file, bool is_64, size_t place_64, size_t place_32, uint64_t at)
{
    uint8_t *bytes = (uint8_t *)(uintptr_t)file.bytes;

    memcpy(bytes + (is_64 ? place_64 : place_32), &at, is_64 ? 8 : 4);
}

/* Read every element and one more: beyond the end of the file the sanitizer would say so. */
static void read_all(const struct elf_image *image)
{
    for (unsigned i = 0; i <= image->nr_segments; i++)
        (void)elf_segment(image, i);
    for (unsigned i = 0; i <= image->nr_sections; i++)
        (void)elf_section(image, i);
}

/* A table is accepted where all of it lies in the file, and not a byte further. */
static void test_tables_at_the_end(void **state)
{
    (void)state;
    for (unsigned is_64 = 0; is_64 < 2; is_64++) {
        const size_t sizes[] = {
            SEGMENTS * (is_64 ? sizeof(struct elf_segment_64) : sizeof(struct elf_segment_32)),
            2 * (is_64 ? sizeof(struct elf_section_64) : sizeof(struct elf_section_32)), /* none, and the names */
        };
        static const size_t places_64[] = {offsetof(struct elf_header_64, segments_at),
                                           offsetof(struct elf_header_64, sections_at)};
        static const size_t places_32[] = {offsetof(struct elf_header_32, segments_at),
                                           offsetof(struct elf_header_32, sections_at)};

        for (unsigned table = 0; table < 2; table++) {
            struct blob file = make_file(is_64);

            for (uint64_t at = file.size - sizes[table] - 8; at <= file.size + 8; at++) {
                struct elf_image image;
                bool is_open;
                struct findings findings = {.count = 0};

                set_place(file, is_64, places_64[table], places_32[table], at);
                is_open = !elf_open(file, &image, &findings);
                assert_int_equal(findings.count, at + sizes[table] > file.size);
                if (is_open)
                    read_all(&image);
            }
            free((void *)(uintptr_t)file.bytes);
        }
    }
}

/* The strings of a symbol table are in a section that there is, and of the right kind, or there are no symbols. */
static void test_links(void **state)
{
    (void)state;
    for (uint32_t link = 0; link < 8; link++) {
        struct note_list notes = {.size = 0};
        struct kernel kernel;
        struct findings findings;
        struct blob file;
        uint64_t at;

        maker_begin(&maker, true, 0x100000);
        maker_load(&maker, 0x100000, "kernel", 0x8000);
        note_kernel(&notes);
        note_text(&notes, XEN_ELFNOTE_BSD_SYMTAB, "yes");
        maker_notes(&maker, &notes);
        at = maker_append(&maker, "symbols and strings", 20);
        maker_section(&maker, (struct maker_section){".symtab", ELF_SECTION_SYMBOLS, link, at, 8});
        maker_section(&maker, (struct maker_section){".strtab", ELF_SECTION_STRINGS, 0, at + 8, 12});
        file = maker_finish(&maker); /* none, symbols, strings, names of sections */
        judge_kernel(file, &kernel, &findings);
        assert_null(findings_refusal(&findings));
        assert_int_equal(kernel.has_symbols, link == 2 || link == 3);
        free((void *)(uintptr_t)file.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables_at_the_end), cmocka_unit_test(test_links)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
