/* SPDX-License-Identifier: MIT */
/*
 * What a new domain's memory has of its files: segments, symbols, ramdisk; and the hypercall page, which a disassembler
 * reads as abi/hypercall.h has it.
 */
/* links: hv/build/builder_load.c -lcapstone */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <capstone/capstone.h>

#include <hv/build/builder_parts.h>
#include <hv/kernel/start_symbols.h>

#define MEMORY  0x10000u
#define PAGE_AT 0x4000u /* the hypercall page */

static uint8_t memory[MEMORY];
static struct bundle_domain description;
static struct build build;

void build_write(const struct build *which, uint64_t at, struct blob contents)
{
    assert_ptr_equal(which, &build);
    assert_true(at <= MEMORY && contents.size <= MEMORY - at);
    if (contents.size > 0)
        memcpy(memory + at, contents.bytes, contents.size);
}

struct symbols_head symbols_head(const struct kernel *kernel)
{
    assert_ptr_equal(kernel, &build.kernel);
    return (struct symbols_head){.length = 0x11223344};
}

size_t symbols_head_size(const struct kernel *kernel)
{
    return kernel->image.width == WIDTH_64 ? 4 + 64 + 3 * 64 : 4 + 52 + 3 * 40;
}

uint64_t symbols_names_at(const struct kernel *kernel)
{
    assert_ptr_equal(kernel, &build.kernel);
    return 0x180;
}

static struct blob text(const char *string)
{
    return (struct blob){(const uint8_t *)string, strlen(string)};
}

static void begin(void)
{
    memset(memory, 0, sizeof(memory));
    description = (struct bundle_domain){.id = 1};
    build = (struct build){
        .description = &description,
        .kernel =
            {
                .nr_segments = 2,
                .segments = {{.start = 0x1000, .size = 0x2000, .contents = text("text of the kernel")},
                             {.start = 0x3ffe, .size = 0x1002, .contents = text("data")}},
            },
    };
}

/* Is memory @expected at @at, and zero from there to @end? */
static void assert_memory(uint64_t at, const char *expected, uint64_t end)
{
    size_t length = strlen(expected);

    assert_memory_equal(memory + at, expected, length);
    for (uint64_t i = at + length; i < end; i++)
        assert_int_equal(memory[i], 0);
}

/* Shows elfnote.segments. */
static void test_segments(void **state)
{
    (void)state;
    begin();
    build_load(&build);
    assert_memory(0, "", 0x1000);
    assert_memory(0x1000, "text of the kernel", 0x3ffe);
    assert_memory(0x3ffe, "data", MEMORY);
}

static void test_ramdisk(void **state)
{
    (void)state;
    begin();
    build.kernel.nr_segments = 0;
    build.layout.ramdisk = 6;
    description.ramdisk = text("the ramdisk");
    build_load(&build);
    assert_memory(0, "", 0x6000);
    assert_memory(0x6000, "the ramdisk", MEMORY);
}

/* The head, the symbols right behind it, the names where start_symbols.h says.  Shows elfnote.symbols. */
static void test_symbols(void **state)
{
    const uint32_t length = 0x11223344;

    (void)state;
    begin();
    build.kernel.nr_segments = 0;
    build.kernel.symbols = text("symbols");
    build.kernel.symbol_names = text("names");
    build_load(&build);
    assert_memory(0, "", MEMORY); /* nobody has made room for them */
    build.layout.symbols = 0x8000;
    build.layout.symbols_size = 0x200;
    build_load(&build);
    assert_memory(0, "", 0x8000);
    assert_memory_equal(memory + 0x8000, &length, 4);
    assert_memory(0x8004, "", 0x8000 + 4 + 64 + 3 * 64);
    assert_memory(0x8000 + 4 + 64 + 3 * 64, "symbols", 0x8180);
    assert_memory(0x8180, "names", MEMORY);
    memset(memory, 0, sizeof(memory));
    build.kernel.image.width = WIDTH_PAE;
    build_load(&build);
    assert_memory(0x8004, "", 0x8000 + 4 + 52 + 3 * 40);
    assert_memory(0x8000 + 4 + 52 + 3 * 40, "symbols", 0x8180);
    assert_memory(0x8180, "names", MEMORY);
}

/* Read entry @number: its instructions one behind the other, and then nothing but int3 up to the next. */
static void disassemble(csh capstone, unsigned number, char *words, size_t size)
{
    const uint8_t *entry = memory + PAGE_AT + (size_t)32 * number;
    cs_insn *instructions = NULL;
    size_t count = cs_disasm(capstone, entry, 32, 0, 0, &instructions), length = 0, i = 0, bytes = 0;

    words[0] = '\0';
    for (; i < count && strcmp(instructions[i].mnemonic, "int3") != 0; i++) {
        length += (size_t)snprintf(words + length, size - length, "%s %s; ", instructions[i].mnemonic,
                                   instructions[i].op_str);
        bytes += instructions[i].size;
    }
    for (; bytes < 32; bytes++)
        assert_int_equal(entry[bytes], 0xcc);
    cs_free(instructions, count);
}

/* Each entry but that of iret, and that one; "@" stands for the number. */
struct entries {
    enum width width;
    cs_mode mode;
    const char *call, *iret;
};

static void expect_entry(csh capstone, const char *pattern, unsigned number)
{
    const char *at = strchr(pattern, '@');
    char words[256], expected[256];

    snprintf(expected, sizeof(expected), number < 10 ? "%.*s%u%s" : "%.*s0x%x%s", (int)(at - pattern), pattern, number,
             at + 1);
    disassemble(capstone, number, words, sizeof(words));
    assert_string_equal(words, expected);
}

static void expect_entries(const struct entries *entries)
{
    csh capstone;

    begin();
    memset(memory + PAGE_AT, 0x5a, 4096);
    build.kernel.image.width = entries->width;
    build.kernel.segments[1].start = PAGE_AT + 32;
    build.kernel.has_hypercall_page = true;
    build.kernel.hypercall_page = PAGE_AT;
    build_load(&build);
    assert_int_equal(cs_open(CS_ARCH_X86, entries->mode, &capstone), CS_ERR_OK);
    for (unsigned number = 0; number < 128; number++)
        expect_entry(capstone, number == 23 ? entries->iret : entries->call, number);
    cs_close(&capstone);
    assert_memory(PAGE_AT + 4096, "", MEMORY);
    assert_memory(0x1000, "text of the kernel", PAGE_AT);
}

/*
 * Called like a function, with rcx and r11 kept, which syscall destroys; iret is jumped to, and stores rax as well,
 * below the frame that its caller has made.  It is a page of the kernel's image, which it replaces there.
 * Shows hypercall.page, elfnote.hypercall-page.
 */
static void test_hypercall_page(void **state)
{
    static const struct entries entries = {
        .width = WIDTH_64,
        .mode = CS_MODE_64,
        .call = "push rcx; push r11; mov eax, @; syscall ; pop r11; pop rcx; ret ; ",
        .iret = "push rcx; push r11; push rax; mov eax, @; syscall ; ",
    };

    (void)state;
    expect_entries(&entries);
}

/* A 32-bit guest's call loses eax alone, so iret stores no more.  Shows hypercall.page. */
static void test_hypercall_page_narrow(void **state)
{
    static const struct entries entries = {
        .width = WIDTH_PAE,
        .mode = CS_MODE_32,
        .call = "mov eax, @; int 0x82; ret ; ",
        .iret = "push eax; mov eax, @; int 0x82; ",
    };

    (void)state;
    expect_entries(&entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_ramdisk),
        cmocka_unit_test(test_symbols),
        cmocka_unit_test(test_hypercall_page),
        cmocka_unit_test(test_hypercall_page_narrow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
