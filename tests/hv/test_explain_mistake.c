/* SPDX-License-Identifier: MIT */
/* Which mistake it is, by the reason and by what is known. */
/* links: hv/domain/explain_mistake.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <engine/frame.h>
#include <engine/level.h>
#include <hv/domain/explain.h>

#define TSS       UINT64_C(0x0000890000000067)
#define LDT       UINT64_C(0x0000820000000067)
#define GATE      UINT64_C(0x00008e0000000067)
#define CALL_GATE UINT64_C(0x00008c0000000067)
#define LONG_CODE UINT64_C(0x00a09b000000ffff)

static struct domain domain;
static struct noted_refusal noted;
static struct explanation explanation;

/* A refusal of which nothing else is known; what is, the test adds. */
static struct refusal *make(enum refusal_reason reason, uint64_t value)
{
    domain = (struct domain){.id = DOMID(1)};
    noted = (struct noted_refusal){.refusal = {.reason = reason, .value = value, .slot = NOWHERE, .frame = MFN_NONE}};
    explanation = (struct explanation){
        .noted = &noted, .domain = &domain, .missing = NOWHERE, .frame = MFN_NONE, .is_whole = true};
    return &noted.refusal;
}

static void assert_mistake(const char *words)
{
    const char *mistake = explain_mistake(&explanation);

    if (!words || !mistake)
        assert_ptr_equal(words, mistake);
    else if (!strstr(mistake, words))
        fail_msg("\"%s\" is not in: %s", words, mistake);
}

static void test_owners(void **state)
{
    static const struct {
        uint16_t owner;
        const char *words;
    } rows[] = {{OWNER_NONE, "given back"}, {4, "another domain's"}, {DOMID_XEN, "hypervisor's own"}, {1, NULL}};

    (void)state;
    make(REFUSE_NO_SUCH_FRAME, 0);
    assert_mistake(NULL);
    make(REFUSE_NOT_OWNED, 0xffffffff80000000);
    assert_mistake("a virtual address");
    explanation.is_pfn = true;
    assert_mistake("Look it up in the P2M");
    explanation.knows_entry = true;
    explanation.entry = ENTRY_FRAME | ENTRY_PRESENT;
    assert_mistake("INVALID_P2M_ENTRY");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct refusal *refusal = make(REFUSE_NOT_OWNED, 9);

        refusal->frame = MFN(9);
        refusal->owner = DOMID(rows[i].owner);
        assert_mistake(rows[i].words);
    }
}

static void make_conflict(enum frame_type want, enum frame_type found, uint32_t flags, uint32_t count)
{
    make(REFUSE_TYPE_CONFLICT, want)->type = type_word(found, flags, count);
}

/* It was to be written, and is a table. */
static void test_tables(void **state)
{
    (void)state;
    make_conflict(TYPE_WRITABLE, TYPE_L1, TYPE_VALIDATED | TYPE_PINNED, 1);
    assert_mistake("an unpin is missing");
    explanation.is_initial = true;
    assert_mistake("that the domain was started with");
    make_conflict(TYPE_WRITABLE, TYPE_L3, TYPE_VALIDATED | TYPE_PINNED, 2);
    assert_mistake("pinned, and in use besides");
    make_conflict(TYPE_WRITABLE, TYPE_L3, TYPE_VALIDATED, 2);
    assert_mistake("a table in use refers to it");
    make_conflict(TYPE_WRITABLE, TYPE_SEGDESC, TYPE_VALIDATED, 1);
    assert_mistake("update_descriptor");
}

/* It was to be a table, and is something else. */
static void test_not_tables(void **state)
{
    (void)state;
    make_conflict(TYPE_L2, TYPE_WRITABLE, 0, 1);
    assert_mistake("the kernel's own mapping of its memory is one");
    make_conflict(TYPE_SEGDESC, TYPE_WRITABLE, 0, 1);
    assert_mistake("its data is one");
    explanation.nr_uses = 1;
    explanation.uses[0].kind = USE_SHARED;
    assert_mistake("shares this page");
    make_conflict(TYPE_L1, TYPE_SEGDESC, TYPE_VALIDATED, 1);
    assert_mistake("part of a GDT or LDT");
    make_conflict(TYPE_L2, TYPE_L1, TYPE_VALIDATED, 1);
    assert_mistake("of another level already");
    noted.refusal.slot = (struct slot){MFN(1), 3, 0};
    assert_mistake("of the wrong level");
    make_conflict(TYPE_L2, TYPE_L3, TYPE_VALIDATED, 1);
    noted.refusal.slot = (struct slot){MFN(1), 3, 0};
    assert_mistake("of its own level");
}

static void test_self_maps(void **state)
{
    (void)state;
    make(REFUSE_SELF_MAP, TYPE_WRITABLE)->slot = (struct slot){MFN(1), 1, 0};
    assert_mistake("maps itself writable");
    make(REFUSE_SELF_MAP, TYPE_L3)->slot = (struct slot){MFN(1), 4, 0};
    assert_mistake("recursive");
}

static void test_pins(void **state)
{
    (void)state;
    make(REFUSE_ALREADY_PINNED, 1);
    assert_mistake(NULL);
    explanation.is_initial = true;
    assert_mistake("from the beginning");
    make(REFUSE_NOT_PINNED, 1)->type = type_word(TYPE_L1, TYPE_VALIDATED, 1);
    assert_mistake("has no pin of its own");
    make(REFUSE_NOT_PINNED, 1)->type = type_word(TYPE_WRITABLE, 0, 1);
    assert_mistake("no table at all");
}

static void test_flags(void **state)
{
    static const struct {
        uint64_t flags;
        const char *words;
    } rows[] = {{ENTRY_PSE | ENTRY_GLOBAL, "PSE is set"},
                {ENTRY_NX, "NX is set"},
                {ENTRY_GLOBAL, "G is set"},
                {ENTRY_PCD, "PWT or PCD"},
                {ENTRY_AVAIL_HIGH & ~ENTRY_NX, NULL}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        make(REFUSE_BAD_FLAGS, 0);
        explanation.flags = rows[i].flags;
        assert_mistake(rows[i].words);
    }
    make(REFUSE_CACHE_FLAGS, 0);
    assert_mistake(NULL);
    explanation.flags = ENTRY_PAT;
    assert_mistake("in an L1 entry that is PAT");
}

static void test_places(void **state)
{
    (void)state;
    make(REFUSE_HYPERVISOR_SLOT, 0);
    assert_mistake("256 to 271");
    domain.width = WIDTH_PAE;
    assert_mistake("from 428 on");
    make(REFUSE_NO_L1_ENTRY, 0);
    assert_mistake(NULL);
    explanation.missing = (struct slot){MFN(1), 2, 0};
    assert_mistake("A table is missing");
    noted.refusal.value = UINT64_C(0xffff870000000000);
    domain.width = WIDTH_64;
    assert_mistake("hypervisor's part");
    noted.refusal.value = UINT64_C(0xffff880000000000);
    assert_mistake("A table is missing");
    domain.width = WIDTH_PAE;
    noted.refusal.value = 0xf5800000;
    assert_mistake("hypervisor's part");
    make(REFUSE_GUEST_ADDRESS, 0x1000);
    assert_mistake("So low an address");
    domain.width = WIDTH_PAE;
    assert_mistake(NULL);
    make(REFUSE_GUEST_FAULT, UINT64_C(0xffffffff80000000));
    assert_mistake(NULL);
    make(REFUSE_NO_MEMORY, 1);
    assert_mistake(NULL);
}

static void test_descriptors(void **state)
{
    static const struct {
        uint64_t descriptor;
        const char *words;
    } rows[] = {{TSS, "stack_switch"}, {LDT, "MMUEXT_SET_LDT"}, {GATE, "set_trap_table"}, {CALL_GATE, NULL}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        make(REFUSE_DESCRIPTOR, rows[i].descriptor);
        assert_mistake(rows[i].words);
    }
    make(REFUSE_DESCRIPTOR, LONG_CODE);
    assert_mistake(NULL);
    domain.width = WIDTH_PAE;
    assert_mistake("64-bit code");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owners),    cmocka_unit_test(test_tables),      cmocka_unit_test(test_not_tables),
        cmocka_unit_test(test_self_maps), cmocka_unit_test(test_pins),        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_places),    cmocka_unit_test(test_descriptors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
