/* SPDX-License-Identifier: MIT */
/* Where the notes of a kernel begin and end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <abi/elfnote.h>

#include <cli/kernel_check.h>
#include <tests/cli/lib/elf_maker.h>

static struct elf_maker maker;

static void padding(void **state)
{
    static const struct {
        unsigned unit, alignment;
    } kinds[] = {{4, 0}, {4, 4}, {4, 8}, {8, 8}, {4, 16}};

    (void)state;
    for (unsigned i = 0; i < 2 * sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct note *pae;
        const char *problem;
        struct kernel kernel;

        elf_maker_init(&maker);
        elf_maker_pad_notes(&maker, kinds[i / 2].unit, kinds[i / 2].alignment);
        elf_maker_add_note(&maker, "Xenophon", 1, "abc", 3, 3);
        elf_maker_add_text(&maker, XEN_ELFNOTE_PAE_MODE, "yes");
        if (i % 2)
            elf_maker_end_notes(&maker);
        else
            elf_maker_end_notes_in_section(&maker);
        elf_make(&maker);
        assert_int_equal(kernel_read(maker.data, maker.size, &kernel, &problem), 0);
        assert_int_equal(kernel.nr_notes, 6);
        pae = kernel_find_note(&kernel, XEN_ELFNOTE_PAE_MODE);
        assert_true(pae && note_starts_with(pae, "yes") && pae->size == 4 && !pae->is_clipped);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(padding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
