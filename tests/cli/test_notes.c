/* SPDX-License-Identifier: MIT */
/* The notes of a kernel: where each begins and ends, and what is made of its features. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

/* What a kernel with these FEATURES is told: the name of a feature in a remark, or nothing. */
static void expect_remark(const char *list, const char *name)
{
    struct findings findings;
    struct placement placement;
    struct kernel kernel;
    const char *problem;

    elf_maker_init(&maker);
    elf_maker_add_text(&maker, XEN_ELFNOTE_FEATURES, list);
    elf_maker_end_notes(&maker);
    elf_make(&maker);
    assert_int_equal(kernel_read(maker.data, maker.size, &kernel, &problem), 0);
    kernel_check(&kernel, &(struct start_request){.memory_kib = 0}, &placement, &findings);
    assert_false(findings_refuse(&findings));
    assert_int_equal(findings.count, name ? 1 : 0);
    if (!name)
        return;
    assert_int_equal(findings.list[0].id, FINDING_NOT_OFFERED);
    assert_non_null(strstr(findings.list[0].text, name));
}

static void features_that_are_not_offered(void **state)
{
    (void)state;
    expect_remark("!writable_page_tables|pae_pgdir_above_4gb", NULL);
    expect_remark("auto_translated_physmap|supervisor_mode_kernel", NULL);
    expect_remark("!auto_translated_physmap", "\"auto_translated_physmap\"");
    expect_remark("dom0|!hvm_callback_vector|warp", "\"hvm_callback_vector\"");
    expect_remark("!supervisor_mode_kernel", "\"supervisor_mode_kernel\"");
    expect_remark("!writable_descriptor_tables", "\"writable_descriptor_tables\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(padding),
        cmocka_unit_test(features_that_are_not_offered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
