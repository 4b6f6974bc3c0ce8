/* SPDX-License-Identifier: MIT */
/* Segments, and the places that notes name: each reason for which a kernel is refused. */
/* links: hv/kernel/judge.c hv/kernel/placement.c hv/kernel/notes.c hv/kernel/elf_image.c hv/kernel/findings.c */
/* links: hv/kernel/start_layout.c hv/kernel/start_symbols.c tests/hv/lib/elf_maker.c tests/hv/lib/made_kernel.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/layout.h>
#include <tests/hv/lib/made_kernel.h>

/* made_begin_small() with one segment more. */
static void expect_segment_refused(struct maker_segment segment, enum finding_id id)
{
    made_begin_small();
    maker_notes(&maker, &notes);
    maker_segment(&maker, segment);
    expect_refused(id);
}

static void test_refused_segments(void **state)
{
    struct kernel kernel;

    (void)state;
    expect_segment_refused((struct maker_segment){ELF_SEGMENT_LOAD, 4, 64, 0x200000, 65, 64}, FINDING_SEGMENT_LARGER);
    expect_segment_refused((struct maker_segment){ELF_SEGMENT_LOAD, 4, 1 << 20, 0x200000, 1, 1}, FINDING_SEGMENT_CUT);
    expect_segment_refused((struct maker_segment){ELF_SEGMENT_LOAD, 4, UINT64_MAX, 0x200000, 2, 2},
                           FINDING_SEGMENT_CUT);
    expect_segment_refused((struct maker_segment){ELF_SEGMENT_LOAD, 4, 64, 0x200000, UINT64_MAX, UINT64_MAX},
                           FINDING_SEGMENT_CUT);
    expect_segment_refused((struct maker_segment){ELF_SEGMENT_LOAD, 4, 0, 0x200000, 0, UINT64_MAX},
                           FINDING_SEGMENT_WRAPS);
    expect_segment_refused((struct maker_segment){ELF_SEGMENT_LOAD, 4, 0, UINT64_MAX, 0, 2}, FINDING_SEGMENT_WRAPS);
    expect_segment_refused((struct maker_segment){ELF_SEGMENT_LOAD, 4, 0, 0x107fff, 0, 1}, FINDING_SEGMENTS_OVERLAP);
    expect_segment_refused((struct maker_segment){ELF_SEGMENT_LOAD, 4, 0, 0xff000, 0, 0x1001},
                           FINDING_SEGMENTS_OVERLAP);
    expect_segment_refused((struct maker_segment){ELF_SEGMENT_LOAD, 4, 0, (UINT64_C(1) << 47) - 1, 0, 2},
                           FINDING_EXTENT);
    made_begin_small();
    maker_notes(&maker, &notes);
    maker_segment(&maker, (struct maker_segment){ELF_SEGMENT_LOAD, 0, 0, 0x100000, 0, 2}); /* no access: not loaded */
    maker_segment(&maker, (struct maker_segment){ELF_SEGMENT_LOAD, 4, 0, 0x100000, 0, 0});
    maker_segment(&maker, (struct maker_segment){ELF_SEGMENT_LOAD, 4, 0, 0x108000, 0, 1});
    expect_accepted(&kernel);
    assert_int_equal(kernel.nr_segments, 2);
    made_begin(true, 0);
    note_kernel(&notes);
    maker_notes(&maker, &notes);
    expect_refused(FINDING_NO_SEGMENTS);
    made_begin_small();
    maker_notes(&maker, &notes);
    for (uint64_t i = 0; i < KERNEL_SEGMENTS_MAX; i++)
        maker_segment(&maker, (struct maker_segment){ELF_SEGMENT_LOAD, 4, 0, 0x200000 + i, 0, 1});
    expect_refused(FINDING_SEGMENTS);
}

/* made_begin_small() with notes of numbers, up to one with type 0.  With NR_FINDINGS it is accepted. */
struct number_note {
    uint32_t type;
    uint64_t value;
};

static void expect_numbers(const struct number_note *numbers, enum finding_id id)
{
    struct kernel kernel;

    made_begin_small();
    for (; numbers->type; numbers++)
        note_number(&notes, numbers->type, numbers->value, 8);
    maker_notes(&maker, &notes);
    if (id == NR_FINDINGS)
        expect_accepted(&kernel);
    else
        expect_refused(id);
}

#define EXPECT_NUMBERS(id, ...) expect_numbers((const struct number_note[]){__VA_ARGS__, {0, 0}}, id)

/* Shows elfnote.refused. */
static void test_refused_places(void **state)
{
    (void)state;
    EXPECT_NUMBERS(FINDING_ENTRY, {XEN_ELFNOTE_ENTRY, 0xfffff});
    EXPECT_NUMBERS(NR_FINDINGS, {XEN_ELFNOTE_ENTRY, 0x107fff});
    EXPECT_NUMBERS(FINDING_ENTRY, {XEN_ELFNOTE_ENTRY, 0x108000});
    EXPECT_NUMBERS(FINDING_PADDR_OFFSET, {XEN_ELFNOTE_PADDR_OFFSET, 0x1000});
    EXPECT_NUMBERS(FINDING_BELOW_BASE, {XEN_ELFNOTE_PADDR_OFFSET, 0x101000}, {XEN_ELFNOTE_VIRT_BASE, 0x1000});
    EXPECT_NUMBERS(FINDING_VIRT_BASE, {XEN_ELFNOTE_VIRT_BASE, 0x1001}, {XEN_ELFNOTE_ENTRY, 0x101002});
    EXPECT_NUMBERS(FINDING_RESERVED, {XEN_ELFNOTE_VIRT_BASE, HYPERVISOR_VIRT_START});
    EXPECT_NUMBERS(FINDING_RESERVED, {XEN_ELFNOTE_VIRT_BASE, HYPERVISOR_VIRT_END - 0x1000});
    EXPECT_NUMBERS(FINDING_RESERVED, {XEN_ELFNOTE_VIRT_BASE, UINT64_C(0x7ffffffff000)});
    EXPECT_NUMBERS(FINDING_EXTENT, {XEN_ELFNOTE_VIRT_BASE, UINT64_C(0xfffffffffffff000)});
    EXPECT_NUMBERS(NR_FINDINGS, {XEN_ELFNOTE_VIRT_BASE, HYPERVISOR_VIRT_END},
                   {XEN_ELFNOTE_ENTRY, HYPERVISOR_VIRT_END + 0x100000});
    EXPECT_NUMBERS(FINDING_HYPERCALL_PAGE_UNALIGNED, {XEN_ELFNOTE_HYPERCALL_PAGE, 0x100008});
    EXPECT_NUMBERS(FINDING_HYPERCALL_PAGE, {XEN_ELFNOTE_HYPERCALL_PAGE, 0xff000});
    EXPECT_NUMBERS(FINDING_HYPERCALL_PAGE, {XEN_ELFNOTE_HYPERCALL_PAGE, 0x108000});
    EXPECT_NUMBERS(FINDING_HYPERCALL_PAGE, {XEN_ELFNOTE_HYPERCALL_PAGE, UINT64_C(0xfffffffffffff000)});
    EXPECT_NUMBERS(NR_FINDINGS, {XEN_ELFNOTE_HYPERCALL_PAGE, 0x107000});
}

/* Shows elfnote.refused, elfnote.init-p2m. */
static void test_refused_init_p2m(void **state)
{
    const struct number_note base = {XEN_ELFNOTE_VIRT_BASE, LINUX_BASE};
    const struct number_note entry = {XEN_ELFNOTE_ENTRY, LINUX_BASE + 0x100000};

    (void)state;
    EXPECT_NUMBERS(NR_FINDINGS, base, entry, {XEN_ELFNOTE_INIT_P2M, UINT64_C(0x8000000000)});
    EXPECT_NUMBERS(FINDING_INIT_P2M_UNALIGNED, base, entry, {XEN_ELFNOTE_INIT_P2M, UINT64_C(0x8000000008)});
    EXPECT_NUMBERS(FINDING_INIT_P2M_RESERVED, base, entry, {XEN_ELFNOTE_INIT_P2M, UINT64_C(0x800000000000)});
    EXPECT_NUMBERS(FINDING_INIT_P2M_RESERVED, base, entry, {XEN_ELFNOTE_INIT_P2M, HYPERVISOR_VIRT_START});
    EXPECT_NUMBERS(FINDING_INIT_P2M_SHARED, base, entry, {XEN_ELFNOTE_INIT_P2M, UINT64_C(0xffffff8000000000)});
    EXPECT_NUMBERS(FINDING_INIT_P2M, base, entry, {XEN_ELFNOTE_INIT_P2M, LINUX_BASE});
    EXPECT_NUMBERS(FINDING_INIT_P2M, {XEN_ELFNOTE_INIT_P2M, 0});
}

/* A 32-bit kernel of 16 pages at 1 MiB, with a note more. */
static void expect_narrow(uint64_t virt_base, struct number_note number, enum finding_id id)
{
    struct kernel kernel;

    made_begin(false, virt_base + 0x100000);
    maker_load(&maker, 0x100000, "kernel", 0x10000);
    note_kernel(&notes);
    note_text(&notes, XEN_ELFNOTE_PAE_MODE, "yes");
    note_number(&notes, XEN_ELFNOTE_VIRT_BASE, virt_base, 4);
    note_number(&notes, number.type, number.value, 4);
    maker_notes(&maker, &notes);
    if (id == NR_FINDINGS)
        expect_accepted(&kernel);
    else
        expect_refused(id);
    assert_true(id != NR_FINDINGS || !kernel.has_init_p2m);
}

/*
 * The hypervisor begins at 0xf5800000, which a kernel may not want higher; INIT_P2M is not for 32-bit guests.  Shows
 * elfnote.hv-start-low, layout.low-32.
 */
static void test_narrow(void **state)
{
    (void)state;
    expect_narrow(0xf5800000 - 0x110000, (struct number_note){XEN_ELFNOTE_HV_START_LOW, 0xf5800000}, NR_FINDINGS);
    expect_narrow(0xc0000000, (struct number_note){XEN_ELFNOTE_HV_START_LOW, 0xf5c00000}, FINDING_HV_START);
    expect_narrow(0xc0000000, (struct number_note){XEN_ELFNOTE_HV_START_LOW, 0xe0000000}, NR_FINDINGS);
    expect_narrow(0xf5800000 - 0x10f000, (struct number_note){XEN_ELFNOTE_SUSPEND_CANCEL, 1}, FINDING_RESERVED);
    expect_narrow(0xc0000000, (struct number_note){XEN_ELFNOTE_INIT_P2M, 0xc0100004}, NR_FINDINGS);
    EXPECT_NUMBERS(NR_FINDINGS, {XEN_ELFNOTE_HV_START_LOW, UINT64_C(0xffff800000000000)});
}

static void test_refused_legacy(void **state)
{
    static const char pages[][24] = {"0x3", "0x5", "0x8000000000000", "0xfffffffffffffffff", "8z", "5"};
    char text[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        made_begin(true, 0x4000);
        maker_load(&maker, 0x4000, "kernel", 0x1000);
        made_legacy(text, (size_t)sprintf(text, "LOADER=generic,XEN_VER=xen-3.0,HYPERCALL_PAGE=%s", pages[i]));
        expect_refused(FINDING_HYPERCALL_PAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_segments), cmocka_unit_test(test_refused_places),
        cmocka_unit_test(test_refused_init_p2m), cmocka_unit_test(test_narrow),
        cmocka_unit_test(test_refused_legacy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
