/* SPDX-License-Identifier: MIT */
/* What of a kernel's file goes into the bundle.  test_any_kernel.c looks at what is made of it. */
#define _GNU_SOURCE /* memmem */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/elfnote.h>

#include <cli/trim.h>
#include <tests/cli/lib/kernel_file.h>

#define DEBUG_AT   0x4000u
#define DEBUG_SIZE 0x4000u
#define LAST_AT    (DEBUG_AT + DEBUG_SIZE)
#define SYMBOLS    48u
#define NAMES      "\0one\0two"
#define LEGACY     "LOADER=generic"

static struct kernel_file made, before;

static void add_section(uint32_t type, const char *name, uint64_t offset, uint64_t size, uint32_t link)
{
    made.sections[made.nr_sections++] = (struct made_section){type, name, offset, size, link};
}

/* A kernel with debug information, and behind it symbols, their names, and the text of older kernels. */
static struct bytes make(bool wants_symbols)
{
    kernel_file_init(&made);
    if (wants_symbols)
        kernel_file_add_text(&made, XEN_ELFNOTE_BSD_SYMTAB, "yes");
    kernel_file_end_notes(&made);
    memset(made.data + DEBUG_AT, 0xdb, DEBUG_SIZE);
    add_section(SHT_PROGBITS, ".debug_info", DEBUG_AT, DEBUG_SIZE, 0);
    memset(made.data + LAST_AT, 0x57, SYMBOLS);
    add_section(SHT_SYMTAB, ".symtab", LAST_AT, SYMBOLS, 3);
    memcpy(made.data + LAST_AT + 0x100, NAMES, sizeof(NAMES));
    add_section(SHT_STRTAB, ".strtab", LAST_AT + 0x100, sizeof(NAMES), 0);
    memcpy(made.data + LAST_AT + 0x200, LEGACY, sizeof(LEGACY));
    add_section(SHT_PROGBITS, "__xen_guest", LAST_AT + 0x200, sizeof(LEGACY), 0);
    made.size = LAST_AT + 0x300;
    kernel_file_make(&made);
    before = made;
    return (struct bytes){made.data, made.size};
}

/* Section @index of the file, which has all of it. */
static Elf64_Shdr section(const struct bytes *file, unsigned index)
{
    Elf64_Ehdr header;
    Elf64_Shdr found;

    memcpy(&header, file->data, sizeof(header));
    assert_true(header.e_shoff + header.e_shnum * sizeof(found) <= file->size);
    memcpy(&found, file->data + header.e_shoff + index * sizeof(found), sizeof(found));
    assert_true(found.sh_type == SHT_NULL || found.sh_offset + found.sh_size <= file->size);
    return found;
}

static void debug_information_stays_at_home(void **state)
{
    for (int wants_symbols = 0; wants_symbols < 2; wants_symbols++) {
        struct bytes file = make(wants_symbols);
        struct findings findings;
        struct kernel kernel;

        (void)state;
        judge_kernel((struct blob){file.data, file.size}, &kernel, &findings);
        assert_int_equal(kernel.wants_symbols, wants_symbols);
        trim_kernel(&file, &kernel);
        assert_true(file.size < before.size - DEBUG_SIZE);
        assert_null(memmem(file.data, file.size, "\xdb\xdb\xdb\xdb", 4));
        /* What is loaded is where it was. */
        assert_memory_equal(file.data + sizeof(Elf64_Ehdr), before.data + sizeof(Elf64_Ehdr),
                            0x2000 - sizeof(Elf64_Ehdr));
        assert_int_equal(section(&file, 1).sh_type, SHT_NULL);
        assert_int_equal(section(&file, 4).sh_size, sizeof(LEGACY));
        assert_string_equal((const char *)file.data + section(&file, 4).sh_offset, LEGACY);
        assert_int_equal(section(&file, 2).sh_type, wants_symbols ? SHT_SYMTAB : SHT_NULL);
        if (!wants_symbols)
            continue;
        assert_memory_equal(file.data + section(&file, 2).sh_offset, before.data + LAST_AT, SYMBOLS);
        assert_memory_equal(file.data + section(&file, section(&file, 2).sh_link).sh_offset, NAMES, sizeof(NAMES));
    }
}

static void assert_left_alone(struct bytes file)
{
    uint64_t size = file.size;
    struct findings findings;
    struct kernel kernel;

    before = made;
    judge_kernel((struct blob){file.data, file.size}, &kernel, &findings);
    trim_kernel(&file, &kernel);
    assert_int_equal(file.size, size);
    assert_memory_equal(file.data, before.data, size);
}

static void others_are_left_alone(void **state)
{
    struct bytes file = make(true);

    (void)state;
    file.size = sizeof(Elf64_Ehdr) - 1;
    assert_left_alone(file);
    file = make(true);
    file.data[EI_CLASS] = ELFCLASS32;
    assert_left_alone(file);
    /* A segment has the end of the file, where sections are as well. */
    file = make(true);
    made.segments[0].offset = made.size - 0x1000;
    kernel_file_make(&made);
    assert_left_alone(file);
    /* A section that is wanted is not in the file. */
    file = make(true);
    made.sections[1].size = made.size;
    kernel_file_make(&made);
    assert_left_alone(file);
    /* There is nothing behind what is loaded but what is wanted. */
    kernel_file_init(&made);
    kernel_file_end_notes(&made);
    kernel_file_make(&made);
    assert_left_alone((struct bytes){made.data, made.size});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(debug_information_stays_at_home),
        cmocka_unit_test(others_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
