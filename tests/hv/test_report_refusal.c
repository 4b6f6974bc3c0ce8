/* SPDX-License-Identifier: MIT */
/* A refusal in words: who asked for what, what was refused and why, in which slot, and of which frame. */
/* links: hv/base/call_names.c hv/domain/call_refuse.c hv/domain/advice.c */
/* links: hv/domain/report_refusal.c hv/domain/report_names.c engine/refuse.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <engine/engine.h>
#include <hv/domain/refusals.h>
#include <hv/domain/report.h>
#include <tests/hv/lib/said.h>

#define UPDATE 1u /* mmu_update */
#define MEMORY 12u
#define BATCH  13u /* multicall */
#define EXTEND 26u /* mmuext_op */

static const struct vcpu asker;
static struct noted_refusal noted;

/* The engine hands refusals to this; here they are made. */
void port_refused(const struct refusal *refusal)
{
    (void)refusal;
    fail_msg("nothing is refused here");
}

/* A number that a call of the guest's has, refused: no slot and no frame are known. */
static void make(enum refusal_reason reason, uint64_t value)
{
    noted = (struct noted_refusal){
        .refusal =
            {
                .error = XEN_EINVAL,
                .reason = reason,
                .vcpu = &asker,
                .call = UPDATE,
                .index = 7,
                .command = COMMAND_NONE,
                .slot = NOWHERE,
                .frame = MFN_NONE,
                .value = value,
            },
        .domain = DOMID(5),
        .vcpu = 2,
        .cs = 0xe033,
        .rip = UINT64_C(0xffffffff81001234),
        .asked = {.caller = 0x77},
    };
}

static void assert_report(const char *expected)
{
    said[0] = '\0';
    report_refusal(&noted);
    if (strncmp(said, expected, strlen(expected)) != 0)
        assert_string_equal(said, expected);
}

static void test_whole(void **state)
{
    (void)state;
    make(REFUSE_NOT_OWNED, UINT64_C(0x0000000012345067));
    noted.refusal.slot = (struct slot){MFN(0xabc), 1, 511};
    noted.refusal.frame = MFN(0x12345);
    noted.refusal.owner = DOMID(3);
    noted.refusal.type = (struct type_word){UINT32_C(4) << 29 | 1u << 28 | 1u << 26 | 5};
    said[0] = '\0';
    report_refusal(&noted);
    assert_string_equal(said,
                        "refused: mmu_update, entry 7: -EINVAL, NOT_OWNED: the frame is not the domain's\n"
                        "    the entry 0000000012345067: frame 12345, present, writable, user, for slot 511 of the L1 "
                        "table in frame abc\n"
                        "    frame 12345 of domain 3, an L4 table, 5 uses, pinned\n"
                        "    domain 5, vCPU 2, rip e033:ffffffff81001234, called from 0000000000000077\n");
}

/* Where nobody knows at which instruction the guest was, nothing is said of that. */
static void test_no_place(void **state)
{
    (void)state;
    make(REFUSE_NOT_OWNED, 0x12345);
    noted.cs = 0;
    noted.rip = 0;
    said[0] = '\0';
    report_refusal(&noted);
    assert_string_equal(said, "refused: mmu_update, entry 7: -EINVAL, NOT_OWNED: the frame is not the domain's\n"
                              "    the frame 12345\n");
}

/* Who asks for what: an entry of a batch where the call has several, the command where that has a name. */
static void test_requests(void **state)
{
    static const struct {
        unsigned call, command;
        const char *words;
    } rows[] = {
        {UPDATE, COMMAND_NONE, "refused: mmu_update, entry 7: -EINVAL, "},
        {BATCH, COMMAND_NONE, "refused: multicall, entry 7: -EINVAL, "},
        {14, COMMAND_NONE, "refused: update_va_mapping: -EINVAL, "},
        {14, 3, "refused: update_va_mapping: -EINVAL, "},
        {EXTEND, 0, "refused: mmuext_op MMUEXT_PIN_L1_TABLE, entry 7: -EINVAL, "},
        {EXTEND, 3, "refused: mmuext_op MMUEXT_PIN_L4_TABLE, entry 7: -EINVAL, "},
        {EXTEND, 4, "refused: mmuext_op MMUEXT_UNPIN_TABLE, entry 7: -EINVAL, "},
        {EXTEND, 13, "refused: mmuext_op MMUEXT_SET_LDT, entry 7: -EINVAL, "},
        {EXTEND, 14, "refused: mmuext_op, entry 7: -EINVAL, "}, /* there is none of this number */
        {EXTEND, 15, "refused: mmuext_op MMUEXT_NEW_USER_BASEPTR, entry 7: -EINVAL, "},
        {EXTEND, 20, "refused: mmuext_op MMUEXT_UNMARK_SUPER, entry 7: -EINVAL, "},
        {EXTEND, 21, "refused: mmuext_op, entry 7: -EINVAL, "},
        {EXTEND, COMMAND_NONE, "refused: mmuext_op, entry 7: -EINVAL, "},
        {MEMORY, 0, "refused: memory_op XENMEM_increase_reservation: -EINVAL, "},
        {MEMORY, 6, "refused: memory_op XENMEM_populate_physmap: -EINVAL, "},
        {MEMORY, 11, "refused: memory_op XENMEM_exchange: -EINVAL, "},
        {MEMORY, COMMAND_NONE, "refused: memory_op: -EINVAL, "},
        {99, COMMAND_NONE, "refused: hypercall 99: -EINVAL, "},
        {CALL_TABLE_WRITE, COMMAND_NONE, "refused: a write to a page table: -EINVAL, "},
        {CALL_LDT_USE, COMMAND_NONE, "refused: a use of the LDT: -EINVAL, "},
        {CALL_CR3_WRITE, COMMAND_NONE, "refused: a write to cr3: -EINVAL, "},
        {CALL_USER_MODE, COMMAND_NONE, "refused: a change to user mode: -EINVAL, "},
        {CALL_NONE, COMMAND_NONE, "refused: a step of the hypervisor's own: -EINVAL, "},
    };

    (void)state;
    make(REFUSE_TABLE_LIMIT, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        noted.refusal.call = rows[i].call;
        noted.refusal.command = rows[i].command;
        assert_report(rows[i].words);
    }
}

/* Where in a multicall; no caller where the guest is in no stub. */
static void test_multicalls(void **state)
{
    (void)state;
    make(REFUSE_USER_MODE, 0);
    noted.asked = (struct asked){.is_in_multicall = true, .place = 3};
    said[0] = '\0';
    report_refusal(&noted);
    assert_said(", rip e033:ffffffff81001234, entry 3 of a multicall\n");
}

/* The builder's and the teardown's own: nobody's registers are told. */
static void test_own_step(void **state)
{
    (void)state;
    make(REFUSE_TABLE_LIMIT, 0x1234);
    noted.refusal.vcpu = NULL;
    noted.refusal.call = CALL_NONE;
    noted.refusal.error = XEN_ENOMEM;
    said[0] = '\0';
    report_refusal(&noted);
    assert_string_equal(said, "refused: a step of the hypervisor's own: -ENOMEM, TABLE_LIMIT: more entries than the "
                              "table can have\n    the number 1234\n");
}

/* Each kind of value, in a reason that has it. */
static void test_values(void **state)
{
    static const struct {
        enum refusal_reason reason;
        uint64_t value;
        const char *words;
    } rows[] = {
        {REFUSE_TABLE_LIMIT, UINT64_MAX, "\n    the number ffffffffffffffff\n"},
        {REFUSE_GUEST_FAULT, 0x1000, "\n    the address 0000000000001000\n"},
        {REFUSE_ALREADY_PINNED, 0x1000, "\n    the frame 1000\n"},
        {REFUSE_NOT_A_TABLE, 0x1000, "\n    the entry 0000000000001000: frame 1\n"},
        {REFUSE_NO_SUCH_DOMAIN, 10, "\n    the domain 10\n"},
        {REFUSE_NO_USER_ROOT, 11, "\n    the vCPU 11\n"},
        {REFUSE_USER_MODE, 23, "\n    iret\n"},
        {REFUSE_NESTED, BATCH, "\n    multicall\n"},
        {REFUSE_UNKNOWN_COMMAND, 14, "\n    the command 14\n"},
        {REFUSE_DESCRIPTOR, UINT64_C(0x00cf9b000000ffff), "\n    the descriptor 00cf9b000000ffff\n"},
        {REFUSE_TYPE_CONFLICT, 0, "\n    it was to be of no type\n"},
        {REFUSE_TYPE_CONFLICT, 1, "\n    it was to be an L1 table\n"},
        {REFUSE_TYPE_CONFLICT, 2, "\n    it was to be an L2 table\n"},
        {REFUSE_TYPE_CONFLICT, 3, "\n    it was to be an L3 table\n"},
        {REFUSE_TYPE_CONFLICT, 4, "\n    it was to be an L4 table\n"},
        {REFUSE_TYPE_CONFLICT, 5, "\n    it was to be the topmost L2 table\n"},
        {REFUSE_TYPE_CONFLICT, 6, "\n    it was to be a descriptor table\n"},
        {REFUSE_TYPE_CONFLICT, 7, "\n    it was to be writable\n"},
        {REFUSE_TYPE_CONFLICT, 8, "\n    it was to be of an unknown type\n"},
        {REFUSE_TYPE_CONFLICT, UINT64_C(1) << 32, "\n    it was to be of an unknown type\n"},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        make(rows[i].reason, rows[i].value);
        said[0] = '\0';
        report_refusal(&noted);
        assert_said(rows[i].words);
    }
}

/* Flags of an entry by the names that the processor's manual has for them, and no other bit by any. */
static void test_entries(void **state)
{
    static const struct {
        unsigned bit;
        const char *name;
    } flags[] = {
        {0, ", present"}, {1, ", writable"},  {2, ", user"},   {3, ", PWT"},
        {4, ", PCD"},     {7, ", PS or PAT"}, {8, ", global"}, {63, ", not executable"},
    };
    char expected[200];

    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        const char *name = "";

        for (unsigned i = 0; i < ARRAY_SIZE(flags); i++)
            name = flags[i].bit == bit ? flags[i].name : name;
        make(REFUSE_BAD_FLAGS, UINT64_C(1) << bit);
        snprintf(expected, sizeof(expected), "\n    the entry %016llx: frame %llx%s\n", 1ull << bit,
                 bit >= 12 && bit < 52 ? 1ull << (bit - 12) : 0, name);
        said[0] = '\0';
        report_refusal(&noted);
        assert_said(expected);
    }
    make(REFUSE_BAD_FLAGS, UINT64_MAX);
    said[0] = '\0';
    report_refusal(&noted);
    assert_said(": frame ffffffffff, present, writable, user, PWT, PCD, PS or PAT, global, not executable\n");
}

/* A frame that has a slot came as an entry; a root does not, though it is refused by the L3 that it is. */
static void test_frames_in_slots(void **state)
{
    (void)state;
    make(REFUSE_NOT_OWNED, 0x5001);
    noted.refusal.slot = (struct slot){MFN(9), 2, 3};
    assert_report("refused: mmu_update, entry 7: -EINVAL, NOT_OWNED: the frame is not the domain's\n"
                  "    the entry 0000000000005001: frame 5, present, for slot 3 of the L2 table in frame 9\n");
    noted.refusal.slot.level = 0;
    assert_report("refused: mmu_update, entry 7: -EINVAL, NOT_OWNED: the frame is not the domain's\n"
                  "    the frame 5001, for the 8 bytes at 18 of frame 9\n");
    make(REFUSE_ROOT_ABOVE_4G, 0x100001);
    noted.refusal.slot = (struct slot){MFN(9), 3, 0};
    said[0] = '\0';
    report_refusal(&noted);
    assert_said("\n    the frame 100001, for slot 0 of the L3 table in frame 9\n");
}

/* Its owner, unless that is none that runs; its type, and how often it is in use. */
static void test_frame(void **state)
{
    static const struct {
        unsigned owner;
        uint32_t type;
        const char *words;
    } rows[] = {
        {0, 0, "\n    frame 4321 of domain 0, of no type, 0 uses\n"},
        {0x7fef, UINT32_C(7) << 29 | 0x03ffffff, "\n    frame 4321 of domain 32751, writable, 67108863 uses\n"},
        {0x7ff0, UINT32_C(1) << 29 | 1u << 28 | 1, "\n    frame 4321, an L1 table, 1 use\n"},
        {0xffff, UINT32_C(6) << 29 | 1u << 26 | 2, "\n    frame 4321, a descriptor table, 2 uses, pinned\n"},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        make(REFUSE_TABLE_LIMIT, 0);
        noted.refusal.frame = MFN(0x4321);
        noted.refusal.owner = DOMID((uint16_t)rows[i].owner);
        noted.refusal.type.v = rows[i].type;
        said[0] = '\0';
        report_refusal(&noted);
        assert_said(rows[i].words);
    }
    make(REFUSE_TABLE_LIMIT, 0);
    said[0] = '\0';
    report_refusal(&noted);
    assert_unsaid("frame");
}

/* Of calls that are not the engine's: their own reasons, and what the value is. */
static void test_calls(void **state)
{
    (void)state;
    make(REFUSE_GUEST_ADDRESS, 21);
    noted.refusal.call = 32;
    noted.refusal.command = 1;
    noted.why = WHY_VIRQ_BOUND;
    assert_report("refused: event_channel_op EVTCHNOP_bind_virq: -EINVAL, VIRQ_BOUND: the virtual interrupt is bound "
                  "already\n    the port 21\n    domain 5, vCPU 2, rip e033:ffffffff81001234, called from "
                  "0000000000000077\n");
    noted.why = WHY_ARGUMENT_FAULT;
    assert_report("refused: event_channel_op EVTCHNOP_bind_virq: -EINVAL, ARGUMENT_FAULT: what the argument points to "
                  "cannot be read, or a result not be written there\n    the address 0000000000000015\n    domain 5, "
                  "vCPU 2, rip e033:ffffffff81001234, called from 0000000000000077\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),    cmocka_unit_test(test_no_place),        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_own_step), cmocka_unit_test(test_multicalls),      cmocka_unit_test(test_values),
        cmocka_unit_test(test_entries),  cmocka_unit_test(test_frames_in_slots), cmocka_unit_test(test_frame),
        cmocka_unit_test(test_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
