/* SPDX-License-Identifier: MIT */
/*
 * Kernels of any kind, damaged or not: whatever the file, there is a verdict with a sentence for each finding; the
 * memory that is asked for is the least that does; and what is taken out of the file makes no difference.
 * PARAVANE_CLI_SEED: a number, for other files than usual.
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/elfnote.h>

#include <cli/trim.h>
#include <cli/verdict.h>
#include <tests/cli/lib/kernel_file.h>

#define ROUNDS 100000u

static struct kernel_file made;
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

static void reach(const struct bytes *file, const struct start_request *request, struct verdict *verdict)
{
    assert_int_equal(verdict_reach("kernel", file, request, verdict), STATUS_GOOD);
}

static void assert_all_worded(const struct verdict *verdict)
{
    char sentence[SENTENCE_MAX];

    for (unsigned i = 0; i < verdict->findings.count; i++) {
        verdict_word(verdict, &verdict->findings.list[i], sentence);
        assert_true(*sentence);
    }
}

/* So many MiB do, and one less does not. */
static void assert_least(const struct bytes *file, const struct verdict *verdict)
{
    struct start_request request = verdict->request;
    struct verdict other;

    assert_true(verdict->needed_mib > 0);
    request.nr_pages = verdict->needed_mib * 256;
    reach(file, &request, &other);
    assert_false(verdict_refuses(&other));
    request.nr_pages -= 256;
    reach(file, &request, &other);
    assert_true(verdict_refuses(&other));
}

/* Without what nobody reads, the same kernel in the same memory. */
static void assert_same_trimmed(const struct bytes *file, const struct verdict *verdict)
{
    struct bytes trimmed = {test_malloc(file->size), file->size}, rest;
    struct verdict other;

    memcpy(trimmed.data, file->data, file->size);
    trim_kernel(&trimmed, &verdict->kernel);
    nr_trimmed += trimmed.size < file->size;
    /* Of exactly its size, so that the sanitizer sees each byte too far. */
    rest = (struct bytes){test_malloc(trimmed.size), trimmed.size};
    memcpy(rest.data, trimmed.data, trimmed.size);
    test_free(trimmed.data);
    reach(&rest, &verdict->request, &other);
    assert_false(verdict_refuses(&other));
    assert_int_equal(other.needed_mib, verdict->needed_mib);
    assert_int_equal(other.kernel.entry, verdict->kernel.entry);
    assert_int_equal(other.kernel.end, verdict->kernel.end);
    test_free(rest.data);
}

static void judge(const struct bytes *file)
{
    const struct start_request request = {
        .nr_pages = START_PAGES_ANY,
        .privileged = any() % 4 == 0,
        .ramdisk_size = any() % 3 ? 0 : any() % (64 << 20),
    };
    struct verdict verdict;
    bool is_kernel = !verdict_reach("kernel", file, &request, &verdict);

    if (is_kernel)
        assert_all_worded(&verdict);
    if (!is_kernel || verdict_refuses(&verdict)) {
        nr_refused++;
        return;
    }
    nr_good++;
    assert_least(file, &verdict);
    assert_same_trimmed(file, &verdict);
}

static void judge_copy(void (*damage)(uint8_t *file))
{
    /* Of exactly its size, so that the sanitizer sees each byte too far. */
    uint8_t *file = test_malloc(made.size);

    if (damage)
        damage(made.data);
    memcpy(file, made.data, made.size);
    judge(&(struct bytes){file, made.size});
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
        kernel_file_add_text(&made, XEN_ELFNOTE_FEATURES, features[any() % 7]);
        break;
    case 1:
        kernel_file_add_number(&made, XEN_ELFNOTE_SUPPORTED_FEATURES, any() % 2 ? 0x801 : 0x1);
        break;
    case 2:
        kernel_file_add_text(&made, XEN_ELFNOTE_PAE_MODE, any() % 2 ? "yes" : "no");
        break;
    case 3:
        kernel_file_add_text(&made, (uint32_t)(any() % 40), "yes");
        break;
    default:
        kernel_file_add_number(&made, address_notes[any() % 7], ANY_ADDRESS);
    }
}

static void made_kernels(void **state)
{
    (void)state;
    nr_good = nr_refused = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        kernel_file_init(&made);
        if (any() % 8 == 0)
            kernel_file_drop_notes(&made);
        else if (any() % 4 == 0)
            kernel_file_pad_notes(&made, any() % 2 ? 4 : 8, any() % 4 ? 8 : 16);
        for (unsigned i = 0; i < any() % 4; i++)
            add_any_note();
        if (any() % 8 == 0)
            made.entry = ANY_ADDRESS;
        if (any() % 8 == 0)
            made.segments[0].paddr = ANY_ADDRESS;
        if (any() % 16 == 0)
            made.segments[0].flags = 0;
        if (any() % 8 == 0)
            made.segments[0].memory_size = any() % (1 << 30);
        while (any() % 4 == 0 && made.nr_segments < 4)
            made.segments[made.nr_segments++] = (struct made_segment){
                PT_LOAD, any() % 8 ? PF_R : 0, any() % 0x5000, any() % 0x2000, ANY_ADDRESS, any() % 0x20000};
        if (any() % 4)
            kernel_file_end_notes(&made);
        else
            kernel_file_end_notes_in_section(&made);
        kernel_file_make(&made);
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
        kernel_file_init(&made);
        if (any() % 2) {
            kernel_file_add_number(&made, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
            kernel_file_add_number(&made, XEN_ELFNOTE_HYPERCALL_PAGE, 0xffffffff80101000);
            kernel_file_end_notes(&made);
        } else {
            kernel_file_drop_notes(&made);
        }
        kernel_file_add_legacy(&made, "LOADER=generic,XEN_VER=xen-3.0,VIRT_BASE=0x80000000,ELF_PADDR_OFFSET=0,"
                                      "VIRT_ENTRY=2148532224,HYPERCALL_PAGE=0x101,PAE=yes");
        kernel_file_make(&made);
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
    kernel_file_init(&made);
    kernel_file_end_notes(&made);
    kernel_file_add_legacy(&made, "LOADER=generic");
    kernel_file_make(&made);
    for (; made.size > 0; made.size -= made.size > 0x1200 ? 61 : 1)
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
