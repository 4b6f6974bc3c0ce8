/* SPDX-License-Identifier: MIT */
/*
 * Linux's own names, in each of the forms that its versions have them in, made here; and damaged ones, of which nothing
 * is known but that they are looked at without leaving them.  PARAVANE_CLI_SEED: a number, for other damage than usual.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cli/symbols.h>

#define BASE   0xffffffff81000000ull
#define STEP   0x40ull
#define NAMES  700u
#define SIZE   0x10000u /* of the segment */
#define ROUNDS 6000u

#define NAME_LONG 41u /* this one is longer than a length of one byte can say */
#define NAME_DATA 52u /* this one is no function */
#define NAME_SAME 63u /* this one has the address of the one before */

/* What versions differ in. */
struct form {
    bool names_first;  /* 6.4 and later: addresses are behind the tokens */
    bool has_order;    /* 6.2, 6.3: between names and tokens, three bytes for each name */
    bool has_absolute; /* before 6.15: a base for those below it, and small numbers that are meant as they are */
    bool is_relative;  /* 7.1 and later: each to its own place */
    unsigned alignment;
};

static const struct form forms[] = {
    {.alignment = 8},
    {.has_absolute = true, .alignment = 8},
    {.has_order = true, .has_absolute = true, .alignment = 8},
    {.names_first = true, .has_absolute = true, .alignment = 8},
    {.names_first = true, .alignment = 4},
    {.names_first = true, .is_relative = true, .alignment = 4},
};

static uint8_t segment[SIZE];
static size_t put_at;
static uint64_t seed = 1;

static void put(const void *bytes, size_t size)
{
    assert_true(put_at + size <= SIZE);
    memcpy(segment + put_at, bytes, size);
    put_at += size;
}

static void put_32(uint32_t value)
{
    put(&value, sizeof(value));
}

static void end_part(const struct form *form)
{
    while (put_at % form->alignment)
        put("", 1);
}

static uint64_t address_of(unsigned i)
{
    return BASE + (i - (i >= NAME_SAME)) * STEP;
}

/* The first three are not of the image where the form knows such. */
static bool is_absolute(const struct form *form, unsigned i)
{
    return form->has_absolute && i < 3;
}

static void put_addresses(const struct form *form)
{
    uint64_t base = BASE - 0x1000;

    for (unsigned i = 0; i < NAMES; i++) {
        if (form->is_relative)
            put_32((uint32_t)(address_of(i) - (BASE + put_at)));
        else if (is_absolute(form, i))
            put_32(i * 8);
        else
            put_32((uint32_t)(form->has_absolute ? base - 1 - address_of(i) : address_of(i) - base));
    }
    end_part(form);
    while (!form->is_relative && put_at % 8)
        put("", 1);
    if (!form->is_relative)
        put(&base, sizeof(base));
}

/* Token 1 is "function_", those of digits and letters are what they are. */
static void put_names(const struct form *form)
{
    uint32_t markers[NAMES / 256 + 1];
    size_t start;

    put_32(NAMES);
    end_part(form);
    start = put_at;
    for (unsigned i = 0; i < NAMES; i++) {
        char name[200];
        int length = snprintf(name, sizeof(name), "%c\001%03u",
                              i < 3            ? 'A'
                              : i == NAME_DATA ? 'd'
                              : i % 2          ? 'T'
                                               : 't',
                              i);

        if (i % 256 == 0)
            markers[i / 256] = (uint32_t)(put_at - start);
        for (; i == NAME_LONG && length < 150; length++)
            name[length] = 'x';
        if (length >= 128)
            put((uint8_t[]){(uint8_t)(0x80 | (length & 0x7f)), (uint8_t)(length >> 7)}, 2);
        else
            put((uint8_t[]){(uint8_t)length}, 1);
        put(name, (size_t)length);
    }
    end_part(form);
    put(markers, sizeof(markers));
    end_part(form);
    for (unsigned i = 0; form->has_order && i < NAMES; i++)
        put((uint8_t[]){0, (uint8_t)(i >> 8), (uint8_t)i}, 3);
    end_part(form);
}

static void put_tokens(const struct form *form)
{
    uint16_t begin[256];
    size_t start = put_at;

    for (unsigned i = 0; i < 256; i++) {
        char own[2] = {(char)i, '\0'};
        const char *token = i == 1 ? "function_" : i > ' ' && i < 127 ? own : "un";

        begin[i] = (uint16_t)(put_at - start);
        put(token, strlen(token) + 1);
    }
    end_part(form);
    put(begin, sizeof(begin));
    end_part(form);
}

static void make(const struct form *form)
{
    static const char before[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\09"; /* like tokens, and none */

    memset(segment, 0, sizeof(segment));
    put_at = 0x100;
    put(before, sizeof(before));
    put_at = 0x1000;
    if (!form->names_first)
        put_addresses(form);
    put_names(form);
    put_tokens(form);
    if (form->names_first)
        put_addresses(form);
}

/* Of the first @size bytes, behind which a sanitizer sees each look. */
static void read_symbols(size_t size, struct symbols *symbols)
{
    uint8_t *copy = malloc(size);
    struct kernel kernel = {
        .image.width = WIDTH_64,
        .virt_base = BASE,
        .end = SIZE,
        .nr_segments = 1,
        .segments[0] = {.size = SIZE, .contents = {copy, size}},
    };

    assert_non_null(copy);
    memcpy(copy, segment, size);
    symbols_read(&kernel, symbols);
    free(copy);
}

static void expect(const struct symbols *symbols, uint64_t address, unsigned number, uint64_t offset)
{
    uint64_t found_offset = 0;
    const char *found = symbols_find(symbols, address, &found_offset);
    char name[32];

    snprintf(name, sizeof(name), "function_%03u", number);
    assert_non_null(found);
    assert_string_equal(found, name);
    assert_int_equal(found_offset, offset);
}

static void each_form_is_read(void **state)
{
    struct symbols symbols;
    uint64_t offset;

    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        make(&forms[i]);
        read_symbols(SIZE, &symbols);
        expect(&symbols, address_of(3), 3, 0);
        expect(&symbols, address_of(300) + STEP - 1, 300, STEP - 1);
        expect(&symbols, address_of(NAMES - 2), NAMES - 2, 0);
        assert_null(symbols_find(&symbols, address_of(NAMES - 1), &offset)); /* where it ends is not known */
        assert_null(symbols_find(&symbols, address_of(NAME_DATA), &offset));
        assert_null(symbols_find(&symbols, BASE - 1, &offset));
        expect(&symbols, address_of(NAME_SAME), NAME_SAME - 1, 0); /* the first of two */
        assert_int_equal(strlen(symbols_find(&symbols, address_of(NAME_LONG), &offset)), 157);
        symbols_free(&symbols);
    }
}

static void assert_none(size_t size)
{
    struct symbols symbols;

    read_symbols(size, &symbols);
    assert_int_equal(symbols.count, 0);
    symbols_free(&symbols);
}

static void what_is_damaged_has_no_names(void **state)
{
    (void)state;
    make(&forms[4]);
    assert_none(put_at - 8); /* without a base */
    assert_none(put_at / 2);
    assert_none(0);
    memset(segment + put_at - 400, 0xff, 200); /* addresses that are not sorted */
    assert_none(SIZE);
}

static uint64_t any(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void look_at_each(const struct symbols *symbols)
{
    for (size_t i = 0; i < symbols->count; i++) {
        assert_true(symbols->list[i].name + strlen(symbols->list[i].name) < symbols->names + symbols->names_size);
        assert_true(i == 0 || symbols->list[i - 1].address < symbols->list[i].address);
    }
}

static void nothing_is_believed(void **state)
{
    struct symbols symbols;
    unsigned nr_read = 0;

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        make(&forms[round % (sizeof(forms) / sizeof(forms[0]))]);
        for (uint64_t count = 1 + any() % 4; count; count--)
            segment[0x1000 + any() % (put_at - 0x1000)] = (uint8_t)(any() % 3 ? any() : any() % 2 ? 0 : 0xff);
        read_symbols(any() % 4 ? put_at : 0x1000 + any() % (put_at - 0x1000), &symbols);
        look_at_each(&symbols);
        nr_read += symbols.count > 0;
        symbols_free(&symbols);
    }
    /* What changes a name alone does not matter, what changes a length does. */
    assert_in_range(nr_read, ROUNDS / 20, ROUNDS * 19 / 20);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_is_read),
        cmocka_unit_test(what_is_damaged_has_no_names),
        cmocka_unit_test(nothing_is_believed),
    };
    const char *number = getenv("PARAVANE_CLI_SEED");

    if (number)
        seed = strtoull(number, NULL, 0) | 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
