/* SPDX-License-Identifier: MIT */
/* Addresses become places in functions, in the lines that have one. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <cli/symbols.h>
#include <tests/cli/lib/kernel_file.h>

#define TABLE_AT 0x4000u
#define NAMES_AT 0x5000u
#define BASE     0xffffffff80100000ull
#define ROOM     512

static struct kernel_file made;

/* Not in the order of their addresses. */
static const Elf64_Sym table[] = {
    {0},
    {1, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1, BASE + 0x200, 0x10},
    {7, ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE), 0, 1, BASE + 0x100, 0},
    {13, ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), 0, 1, BASE + 0x180, 0x80},
    {18, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1, BASE + 0x300, 0},
    {0xffff, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1, BASE + 0x210, 0x10},
};
static const char names[] = "\0sized\0pl\033ce\0data\0last";

static void make_of(const void *symbols, size_t size, uint64_t names_size)
{
    kernel_file_end_notes(&made);
    memcpy(made.data + TABLE_AT, symbols, size);
    memcpy(made.data + NAMES_AT, names, sizeof(names));
    made.sections[made.nr_sections++] = (struct made_section){SHT_SYMTAB, ".symtab", TABLE_AT, size, 2};
    made.sections[made.nr_sections++] = (struct made_section){SHT_STRTAB, ".strtab", NAMES_AT, names_size, 0};
    made.size = NAMES_AT + 0x100;
    kernel_file_make(&made);
}

static void make(uint64_t names_size)
{
    kernel_file_init(&made);
    make_of(table, sizeof(table), names_size);
}

/* Of the first @size bytes of what has been made. */
static void read_symbols(size_t size, struct symbols *symbols)
{
    struct findings findings;
    struct kernel kernel;

    judge_kernel((struct blob){made.data, size}, &kernel, &findings);
    symbols_read(&kernel, symbols);
}

static void expect(const struct symbols *symbols, uint64_t address, const char *name, uint64_t offset)
{
    uint64_t found_offset = 0;
    const char *found = symbols_find(symbols, address, &found_offset);

    if (!name) {
        assert_null(found);
        return;
    }
    assert_non_null(found);
    assert_string_equal(found, name);
    assert_int_equal(found_offset, offset);
}

static void functions_are_found(void **state)
{
    struct symbols symbols;

    (void)state;
    make(sizeof(names));
    read_symbols(made.size, &symbols);
    memset(made.data, 0, made.size); /* it is not needed any more */
    expect(&symbols, BASE, NULL, 0);
    expect(&symbols, BASE + 0xff, NULL, 0);
    expect(&symbols, BASE + 0x100, "pl?ce", 0);
    expect(&symbols, BASE + 0x1ff, "pl?ce", 0xff); /* no terminal sees what it really is called */
    expect(&symbols, BASE + 0x20f, "sized", 0xf);
    expect(&symbols, BASE + 0x210, NULL, 0);
    expect(&symbols, BASE + 0x300, NULL, 0); /* where it ends is not known */
    symbols_free(&symbols);
    expect(&symbols, BASE + 0x100, NULL, 0);
}

static void functions_of_32_bits_are_found(void **state)
{
    static const Elf32_Sym narrow[] = {
        {0},
        {1, 0xc0100200, 0x10, ELF32_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1},
        {7, 0xc0100100, 0, ELF32_ST_INFO(STB_LOCAL, STT_NOTYPE), 0, 1},
        {13, 0xc0100180, 0x80, ELF32_ST_INFO(STB_GLOBAL, STT_OBJECT), 0, 1},
    };
    struct symbols symbols;

    (void)state;
    kernel_file_init(&made);
    made.width = 32;
    made.machine = EM_386;
    make_of(narrow, sizeof(narrow), sizeof(names));
    read_symbols(made.size, &symbols);
    assert_int_equal(symbols.count, 2);
    expect(&symbols, 0xc01001ff, "pl?ce", 0xff);
    expect(&symbols, 0xc010020f, "sized", 0xf);
    expect(&symbols, 0xc0100210, NULL, 0);
    symbols_free(&symbols);
}

static void lines_are_amended(void **state)
{
    static const char line[] = "vCPU 0 runs, in kernel mode at rip e033:ffffffff80100204, rflags 202";
    struct symbols symbols;
    char to[ROOM], small[20];

    (void)state;
    make(sizeof(names));
    read_symbols(made.size, &symbols);
    assert_true(symbols_add(&symbols, line, to, sizeof(to)));
    assert_string_equal(to, "vCPU 0 runs, in kernel mode at rip e033:ffffffff80100204 <sized+0x4>, rflags 202");
    assert_true(symbols_add(&symbols, line, small, sizeof(small)));
    assert_string_equal(small, "vCPU 0 runs, in ker");
    assert_true(symbols_add(&symbols, "behind call 3 of vCPU 0, at rip ffffffff80100204", to, sizeof(to)));
    assert_string_equal(to, "behind call 3 of vCPU 0, at rip ffffffff80100204 <sized+0x4>");
    assert_true(symbols_add(&symbols, "rip e033:ffffffff80100101", to, sizeof(to)));
    assert_string_equal(to, "rip e033:ffffffff80100101 <pl?ce+0x1>");
    assert_true(symbols_add(&symbols, "rip e033:ffffffff80100101, called from ffffffff80100204", to, sizeof(to)));
    assert_string_equal(to, "rip e033:ffffffff80100101 <pl?ce+0x1>, called from ffffffff80100204 <sized+0x4>");
    assert_true(symbols_add(&symbols, "rip e033:ffffffff80100000, called from ffffffff80100204.", to, sizeof(to)));
    assert_string_equal(to, "rip e033:ffffffff80100000, called from ffffffff80100204 <sized+0x4>.");
    assert_true(symbols_add(&symbols, "rip e033:ffffffff80100101, called from ffffffff80100204", small, sizeof(small)));
    assert_string_equal(small, "rip e033:ffffffff80");
    assert_true(symbols_add(&symbols, "stack ffffc90000000000: 0000000000000001 ffffffff80100204 ffffffff80100101", to,
                            sizeof(to)));
    assert_string_equal(to, "stack ffffc90000000000: 0000000000000001 ffffffff80100204 <sized+0x4> ffffffff80100101 "
                            "<pl?ce+0x1>");
    assert_false(symbols_add(&symbols, "rsi ffffffff80100204", to, sizeof(to)));
    assert_false(symbols_add(&symbols, "called from 80100204", to, sizeof(to)));
    assert_true(
        symbols_add(&symbols, "{\"rip\":\"ffffffff80100101\",\"caller\":\"ffffffff80100204\"}", to, sizeof(to)));
    assert_string_equal(to, "{\"rip\":\"ffffffff80100101\",\"rip_symbol\":\"pl?ce+0x1\","
                            "\"caller\":\"ffffffff80100204\",\"caller_symbol\":\"sized+0x4\"}");
    assert_false(symbols_add(&symbols, "{\"rip\":\"ffffffff80100101}", to, sizeof(to)));
    assert_false(symbols_add(&symbols, "rip e033:ffffffff80100000", to, sizeof(to)));
    assert_false(symbols_add(&symbols, "rip e033:8010020", to, sizeof(to)));
    assert_false(symbols_add(&symbols, "rip", to, sizeof(to)));
    assert_false(symbols_add(&symbols, "a trip to the rip in time: ffffffff80100204", to, sizeof(to)));
    assert_false(symbols_add(&symbols, "domain 1 (ffffffff80100204) crashed", to, sizeof(to)));
    symbols_free(&symbols);
}

static void damage_means_none(void **state)
{
    struct symbols symbols;

    (void)state;
    make(0);
    read_symbols(made.size, &symbols);
    assert_int_equal(symbols.count, 0);
    symbols_free(&symbols);
    make(8); /* names that are cut short */
    read_symbols(made.size, &symbols);
    expect(&symbols, BASE + 0x200, "sized", 0);
    expect(&symbols, BASE + 0x100, NULL, 0);
    symbols_free(&symbols);
    make(1 << 20); /* beyond the file */
    read_symbols(made.size, &symbols);
    assert_int_equal(symbols.count, 0);
    symbols_free(&symbols);
    read_symbols(3, &symbols);
    assert_int_equal(symbols.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_found),
        cmocka_unit_test(functions_of_32_bits_are_found),
        cmocka_unit_test(lines_are_amended),
        cmocka_unit_test(damage_means_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
