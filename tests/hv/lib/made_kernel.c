/* SPDX-License-Identifier: MIT */
/* The kernels that tests begin with, and the judge called on them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tests/hv/lib/made_kernel.h>

struct elf_maker maker;
struct note_list notes;

#define FINDING_NAME(name, kind, sentence) [FINDING_##name] = #name,
static const char *const names[] = {KERNEL_FINDINGS(FINDING_NAME)};

void made_begin(bool is_64, uint64_t entry)
{
    maker_begin(&maker, is_64, entry);
    notes = (struct note_list){.size = 0};
}

void made_begin_small(void)
{
    made_begin(true, 0x100000);
    maker_load(&maker, 0x100000, "kernel", 0x8000);
    note_kernel(&notes);
}

void made_linux(void)
{
    made_begin(true, 0x1000000);
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

void made_legacy(const char *text, size_t size)
{
    maker_section(&maker, (struct maker_section){NOTES_LEGACY_SECTION, 1, 0, maker_append(&maker, text, size), size});
}

void expect_file_refused(struct blob file, enum finding_id id)
{
    struct findings findings;
    struct kernel kernel;
    const struct finding *refusal;

    judge_kernel(file, &kernel, &findings);
    refusal = findings_refusal(&findings);
    assert_non_null(refusal);
    if (refusal->id != id)
        fail_msg("refused because of %s instead of %s", names[refusal->id], names[id]);
}

void expect_refused(enum finding_id id)
{
    struct blob file = maker_finish(&maker);

    expect_file_refused(file, id);
    free((void *)(uintptr_t)file.bytes);
}

void expect_accepted_with(struct kernel *kernel, struct findings *findings)
{
    struct blob file = maker_finish(&maker);

    judge_kernel(file, kernel, findings);
    if (findings_refusal(findings))
        fail_msg("refused because of %s", names[findings_refusal(findings)->id]);
    free((void *)(uintptr_t)file.bytes);
}

void expect_accepted(struct kernel *kernel)
{
    struct findings findings;

    expect_accepted_with(kernel, &findings);
}
