/* SPDX-License-Identifier: MIT */
/* An explanation in words. */
/* links: hv/base/call_names.c hv/domain/call_refuse.c hv/domain/explain_port.c hv/domain/search.c */
/* links: hv/domain/report_explanation.c hv/domain/report_names.c hv/domain/advice.c */
/* links: engine/level.c engine/refuse.c tests/hv/lib/frames.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/hypercall.h>
#include <abi/mmuext.h>
#include <hv/domain/explain.h>
#include <hv/domain/report.h>
#include <tests/hv/lib/frames.h>
#include <tests/hv/lib/said.h>

#define LINE_MAX 100

static struct noted_refusal noted;
static struct explanation explanation;

/* The engine hands refusals to this; here they are made. */
void port_refused(const struct refusal *refusal)
{
    (void)refusal;
    fail_msg("nothing is refused here");
}

static void make(enum refusal_reason reason, uint64_t value, struct slot slot)
{
    (void)make_frames(NULL);
    noted = (struct noted_refusal){.refusal = {.reason = reason, .value = value, .slot = slot, .frame = MFN_NONE}};
    explanation = (struct explanation){
        .noted = &noted, .domain = &domain.engine, .missing = NOWHERE, .frame = MFN_NONE, .is_whole = true};
}

static void assert_report(const char *expected)
{
    said[0] = '\0';
    report_explanation(&explanation);
    assert_string_equal(said, expected);
}

static void test_whole(void **state)
{
    (void)state;
    make(REFUSE_TYPE_CONFLICT, TYPE_WRITABLE, (struct slot){MFN(L1), 1, 9});
    explanation.knows_entry = true;
    explanation.entry = UINT64_C(0x3067);
    explanation.frame = MFN(3);
    explanation.knows_pfn = true;
    explanation.knows_address = true;
    explanation.address = VADDR(0xffff888000009000);
    explanation.uses[0] = (struct use){.kind = USE_PIN};
    explanation.uses[1] =
        (struct use){.kind = USE_ENTRY, .slot = {MFN(L3), 3, 4}, .knows_address = true, .address = {0x1000}};
    explanation.uses[2] = (struct use){.kind = USE_ENTRY, .slot = {MFN(9), 1, 4}};
    explanation.uses[3] = (struct use){.kind = USE_GDT, .vcpu = 2, .page = 1};
    explanation.nr_uses = 6;
    explanation.is_whole = false;
    explanation.mistake =
        "One word, and so many others behind it that they do not fit into a single line of this report.";
    assert_report("    asked for: entry 0000000000003067, frame 3 (pfn 103), present, writable, user\n"
                  "    for address: ffff888000009000\n"
                  "    in use by: its pin\n"
                  "    in use by: slot 4 of the L3 table in frame 2 (pfn 102), addresses from 0000000000001000\n"
                  "    in use by: slot 4 of the L1 table in frame 9\n"
                  "    in use by: vCPU 2, page 1 of its GDT\n"
                  "    and by 2 more\n"
                  "    and perhaps by others: there are too many tables to look at all\n"
                  "    What to do: One word, and so many others behind it that they do not fit into a single line of\n"
                  "    this report.\n");
}

static void assert_use(struct use use, const char *words)
{
    make(REFUSE_TYPE_CONFLICT, TYPE_L1, NOWHERE);
    explanation.uses[0] = use;
    explanation.nr_uses = 1;
    said[0] = '\0';
    report_explanation(&explanation);
    assert_said(words);
}

static void test_uses(void **state)
{
    (void)state;
    assert_use((struct use){.kind = USE_KERNEL_ROOT, .vcpu = 1}, "    in use by: vCPU 1, whose root it is\n");
    assert_use((struct use){.kind = USE_USER_ROOT, .vcpu = 1},
               "    in use by: vCPU 1, whose root of user mode it is\n");
    assert_use((struct use){.kind = USE_LDT, .page = 3}, "    in use by: vCPU 0, page 3 of its LDT\n");
    assert_use((struct use){.kind = USE_SHARED}, "    in use by: the hypervisor, which shares it with the guest\n");
    assert_use((struct use){.kind = USE_HELD}, "    in use by: the hypervisor, for vcpu_info, events or a ring\n");
}

static void assert_origin(struct origin origin, const char *words)
{
    make(REFUSE_TYPE_CONFLICT, TYPE_WRITABLE, NOWHERE);
    explanation.knows_origin = true;
    explanation.origin = origin;
    said[0] = '\0';
    report_explanation(&explanation);
    assert_said(words);
}

static void test_origins(void **state)
{
    struct origin origin = {.place = UINT64_C(0xffffffff81000123),
                            .number = 42,
                            .call = __HYPERVISOR_mmuext_op,
                            .command = MMUEXT_PIN_L4_TABLE,
                            .domain = 1,
                            .vcpu = 3,
                            .type = TYPE_L1};

    (void)state;
    assert_origin(origin, "    became an L1 table by mmuext_op MMUEXT_PIN_L4_TABLE, call 42 of vCPU 3, called from "
                          "ffffffff81000123\n");
    origin.domain = 0;
    assert_origin(origin, ", call 42 of domain 0's vCPU 3, called from ffffffff81000123\n");
    origin.domain = 1;
    origin.call = __HYPERVISOR_set_gdt;
    origin.command = COMMAND_NONE;
    origin.type = TYPE_SEGDESC;
    assert_origin(origin, "    became a descriptor table by set_gdt, call 42 of vCPU 3, called from ");
    origin.call = CALL_TABLE_WRITE;
    assert_origin(origin, " by a write to a page table, behind call 42 of vCPU 3, at rip ffffffff81000123\n");
    origin.call = CALL_NONE;
    assert_origin(origin, " by a step of the hypervisor's own, in call 42 of vCPU 3, called from ffffffff81000123\n");
    origin.place = 0;
    assert_origin(origin, " in call 42 of vCPU 3\n");
    origin.domain = OWNER_NONE;
    assert_origin(origin, "    became a descriptor table when the domain was built\n");
}

/* What the record has told is not told again. */
static void test_entries(void **state)
{
    (void)state;
    make(REFUSE_BAD_FLAGS, 0x30e7, (struct slot){MFN(L3), 3, 4});
    explanation.knows_entry = true;
    explanation.entry = 0x30e7;
    explanation.flags = ENTRY_PSE;
    explanation.frame = MFN(3);
    explanation.knows_pfn = true;
    explanation.pfn = 0x103;
    explanation.knows_address = true;
    explanation.mistake = "Words.";
    assert_report("    not allowed of these: PSE\n    for addresses from: 0000000000000000\n"
                  "    frame 3 is the domain's pfn 103\n    What to do: Words.\n");
    make(REFUSE_NO_L1_ENTRY, 0x5000, NOWHERE);
    explanation.knows_entry = true;
    explanation.missing = (struct slot){MFN(L2), 2, 7};
    explanation.knows_address = true;
    explanation.mistake = "Words.";
    assert_report("    asked for: entry 0000000000000000, not present\n"
                  "    not present: slot 7 of the L2 table in frame 3\n    What to do: Words.\n");
    make(REFUSE_NOT_OWNED, 0x106, NOWHERE);
    explanation.is_pfn = true;
    explanation.frame = MFN(0x106);
    explanation.meant = MFN(6);
    explanation.mistake = "Words.";
    assert_report("    106 is a pfn of the domain's, which has frame 6 for it\n    What to do: Words.\n");
}

/* Each reason has its own words where no mistake is known, in lines that are not too long. */
static void test_advice(void **state)
{
    (void)state;
    for (enum refusal_reason reason = 0; reason < REFUSAL_COUNT; reason++) {
        make(reason, 0, NOWHERE);
        said[0] = '\0';
        report_explanation(&explanation);
        assert_said("    What to do: ");
        for (const char *line = said, *end; *line; line = end + 1) {
            end = strchr(line, '\n');
            assert_non_null(end);
            if (end - line > LINE_MAX || strncmp(line, "    ", 4) != 0 || line[4] == ' ' || end[-1] == ' ')
                fail_msg("\"%.*s\"", (int)(end - line), line);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),   cmocka_unit_test(test_uses),   cmocka_unit_test(test_origins),
        cmocka_unit_test(test_entries), cmocka_unit_test(test_advice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
