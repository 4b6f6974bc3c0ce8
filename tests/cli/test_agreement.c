/* SPDX-License-Identifier: MIT */
/*
 * The command and the hypervisor judge kernels by the same rules, each with code of its own: on whatever file, both
 * must come to the same answer, and to the same memory.  PARAVANE_CLI_SEED: a number, for other files than usual.
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/elfnote.h>

#include <cli/kernel_check.h>
#include <cli/trim.h>
#include <tests/cli/lib/elf_maker.h>
#include <tests/cli/lib/hypervisor.h>

#define ROUNDS 100000u

static struct elf_maker maker;
static uint64_t seed = 1;
static unsigned nr_good, nr_refused, nr_trimmed;

static uint64_t any(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static uint64_t pick(const uint64_t *numbers, size_t count)
{
    return numbers[any() % count];
}

static void print_file(const struct findings *findings, const char *refused)
{
    FILE *file = fopen("build/log/cli-disagreement.elf", "w");

    if (file) {
        fwrite(maker.data, 1, maker.size, file);
        fclose(file);
    }
    print_message("the hypervisor: %s\n", refused ? refused : "good");
    for (unsigned i = 0; i < findings->count; i++)
        print_message("the command: %s%s\n", findings->list[i].refuses ? "" : "(remark) ", findings->list[i].text);
}

/* Without what nobody reads, the same kernel for the hypervisor, in the same memory. */
static void assert_same_trimmed(const uint8_t *file, const struct kernel *kernel, const struct start_request *request,
                                uint64_t needed_mib)
{
    struct bytes trimmed = {test_malloc(maker.size), maker.size};
    uint8_t *rest;

    memcpy(trimmed.data, file, maker.size);
    trim_kernel(&trimmed, kernel_wants_symbols(kernel));
    nr_trimmed += trimmed.size < maker.size;
    /* Of exactly its size, as above. */
    rest = test_malloc(trimmed.size);
    memcpy(rest, trimmed.data, trimmed.size);
    test_free(trimmed.data);
    assert_null(hypervisor_refuses(rest, trimmed.size, request->privileged));
    assert_int_equal(hypervisor_minimum(rest, trimmed.size, request->privileged, request->ramdisk_size),
                     hypervisor_minimum(file, maker.size, request->privileged, request->ramdisk_size));
    assert_true(hypervisor_takes(rest, trimmed.size, request->privileged, request->ramdisk_size, needed_mib * 256));
    test_free(rest);
}

/* The same judgement of the file, and the same memory for it. */
static void assert_agreement(const uint8_t *file)
{
    struct start_request request = {.privileged = any() % 4 == 0, .ramdisk_size = any() % 3 ? 0 : any() % (64 << 20)};
    struct kernel kernel;
    struct placement placement;
    struct findings findings = {.count = 0};
    const char *problem, *refused = hypervisor_refuses(file, maker.size, request.privileged);
    bool refuses = kernel_read(file, maker.size, &kernel, &problem) != 0;

    if (!refuses) {
        kernel_check(&kernel, &request, &placement, &findings);
        refuses = findings_refuse(&findings);
    }
    if (!refused && !hypervisor_minimum(file, maker.size, request.privileged, request.ramdisk_size))
        refused = "it can never be started";
    if (refuses != (refused != NULL))
        print_file(&findings, refused);
    assert_int_equal(refuses, refused != NULL);
    nr_refused += refuses;
    nr_good += !refuses;
    if (refuses)
        return;
    if (!hypervisor_takes(file, maker.size, request.privileged, request.ramdisk_size, placement.needed_mib * 256) ||
        (placement.needed_mib > 1 && hypervisor_takes(file, maker.size, request.privileged, request.ramdisk_size,
                                                      placement.needed_mib * 256 - 256)))
        print_file(&findings, "other memory");
    assert_true(
        hypervisor_takes(file, maker.size, request.privileged, request.ramdisk_size, placement.needed_mib * 256));
    assert_false(placement.needed_mib > 1 && hypervisor_takes(file, maker.size, request.privileged,
                                                              request.ramdisk_size, placement.needed_mib * 256 - 256));
    assert_same_trimmed(file, &kernel, &request, placement.needed_mib);
}

static void judge_copy(void (*damage)(uint8_t *file))
{
    /* Of exactly its size, so that the sanitizer sees each byte too far. */
    uint8_t *file = test_malloc(maker.size);

    if (damage)
        damage(maker.data);
    memcpy(file, maker.data, maker.size);
    assert_agreement(file);
    test_free(file);
}

/* ---- Kernels of any kind, each number one that could matter. ---- */

static const uint64_t addresses[] = {
    0,
    0x100000,
    0x101000,
    0x10f000,
    0x110000,
    0x100800,
    0x200000,
    0xffffffff80000000,
    0xffffffff80100000,
    0xffffffff8010f000,
    0xffffffff80110000,
    0xffffffff8010ffff,
    0xffffffff80000001,
    0xffff800000000000,
    0xffff7fffffff0000,
    0xffff880000000000,
    0xffff880000100000,
    0x7fffffe00000,
    0x7fffffeff000,
    0x800000000000,
    0x7ffffffff000,
    0x8000000000,
    0x8000000008,
    0xffffff8000000000,
    0xffffff0000000000,
    0xfffffffffff00000,
    0xffffffffffe00000,
};

#define ANY_ADDRESS pick(addresses, sizeof(addresses) / sizeof(addresses[0]))

static void add_any_note(void)
{
    static const char *const features[] = {"!writable_page_tables|pae_pgdir_above_4gb",
                                           "!dom0",
                                           "dom0|",
                                           "!nonsense",
                                           "nonsense|!",
                                           "",
                                           "|!writable_page_tables||"};
    static const unsigned address_notes[] = {
        XEN_ELFNOTE_ENTRY,    XEN_ELFNOTE_HYPERCALL_PAGE, XEN_ELFNOTE_VIRT_BASE,    XEN_ELFNOTE_PADDR_OFFSET,
        XEN_ELFNOTE_INIT_P2M, XEN_ELFNOTE_PHYS32_ENTRY,   XEN_ELFNOTE_MOD_START_PFN};

    switch (any() % 8) {
    case 0:
        elf_maker_add_text(&maker, XEN_ELFNOTE_FEATURES, features[any() % 7]);
        break;
    case 1:
        elf_maker_add_number(&maker, XEN_ELFNOTE_SUPPORTED_FEATURES, any() % 2 ? 0x801 : 0x1);
        break;
    case 2:
        elf_maker_add_text(&maker, XEN_ELFNOTE_PAE_MODE, any() % 2 ? "yes" : "no");
        break;
    case 3:
        elf_maker_add_text(&maker, (uint32_t)(any() % 40), "yes");
        break;
    default:
        elf_maker_add_number(&maker, address_notes[any() % 7], ANY_ADDRESS);
    }
}

static void made_kernels(void **state)
{
    (void)state;
    nr_good = nr_refused = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        elf_maker_init(&maker);
        if (any() % 8 == 0)
            elf_maker_drop_notes(&maker);
        else if (any() % 4 == 0)
            elf_maker_pad_notes(&maker, any() % 2 ? 4 : 8, any() % 4 ? 8 : 16);
        for (unsigned i = 0; i < any() % 4; i++)
            add_any_note();
        if (any() % 8 == 0)
            maker.entry = ANY_ADDRESS;
        if (any() % 8 == 0)
            maker.segments[0].paddr = ANY_ADDRESS;
        if (any() % 16 == 0)
            maker.segments[0].flags = 0;
        if (any() % 8 == 0)
            maker.segments[0].memory_size = any() % (1 << 30);
        while (any() % 4 == 0 && maker.nr_segments < 4)
            maker.segments[maker.nr_segments++] = (struct made_segment){
                PT_LOAD, any() % 8 ? PF_R : 0, any() % 0x5000, any() % 0x2000, ANY_ADDRESS, any() % 0x20000};
        if (any() % 4)
            elf_maker_end_notes(&maker);
        else
            elf_maker_end_notes_in_section(&maker);
        elf_make(&maker);
        judge_copy(NULL);
    }
    print_message("%u good, %u refused\n", nr_good, nr_refused);
    /* A test that only ever saw one answer would be none. */
    assert_true(nr_good > ROUNDS / 20);
    assert_true(nr_refused > ROUNDS / 20);
}

/* ---- Damage ---- */

static void damage(uint8_t *file)
{
    /* Section 0 is reserved, and only the hypervisor looks at it: it starts at the next one. */
    static const unsigned begins[] = {16, 0x1000, 0x2000, 0x3000 + sizeof(Elf64_Shdr)};

    for (uint64_t i = any() % 3 + 1; i-- > 0;)
        file[begins[any() % 4] + any() % 160] = (uint8_t)any();
}

static void damaged_kernels(void **state)
{
    (void)state;
    nr_good = nr_refused = nr_trimmed = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        elf_maker_init(&maker);
        if (any() % 2) {
            elf_maker_add_number(&maker, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
            elf_maker_add_number(&maker, XEN_ELFNOTE_HYPERCALL_PAGE, 0xffffffff80101000);
            elf_maker_end_notes(&maker);
        } else {
            elf_maker_drop_notes(&maker);
        }
        elf_maker_add_legacy(&maker, "LOADER=generic,XEN_VER=xen-3.0,VIRT_BASE=0x80000000,ELF_PADDR_OFFSET=0,"
                                     "VIRT_ENTRY=2148532224,HYPERCALL_PAGE=0x101,PAE=yes");
        elf_make(&maker);
        judge_copy(damage);
    }
    print_message("%u trimmed\n", nr_trimmed);
    assert_true(nr_trimmed > ROUNDS / 20);
    print_message("%u good, %u refused\n", nr_good, nr_refused);
    assert_true(nr_good > ROUNDS / 20);
    assert_true(nr_refused > ROUNDS / 20);
}

static void cut_kernels(void **state)
{
    (void)state;
    elf_maker_init(&maker);
    elf_maker_end_notes(&maker);
    elf_maker_add_legacy(&maker, "LOADER=generic");
    elf_make(&maker);
    for (; maker.size > 0; maker.size -= maker.size > 0x1200 ? 61 : 1)
        judge_copy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_kernels),
        cmocka_unit_test(damaged_kernels),
        cmocka_unit_test(cut_kernels),
    };

    if (getenv("PARAVANE_CLI_SEED"))
        seed = strtoull(getenv("PARAVANE_CLI_SEED"), NULL, 10) | 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
