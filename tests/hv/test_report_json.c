/* SPDX-License-Identifier: MIT */
/* A refusal as one line for programs. */
/* links: hv/base/call_names.c hv/domain/call_refuse.c hv/domain/explain_port.c hv/domain/search.c */
/* links: hv/domain/report_json.c hv/domain/report_names.c hv/domain/advice.c */
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

static struct noted_refusal noted;
static struct explanation explanation;

/* The engine hands refusals to this; here they are made. */
void port_refused(const struct refusal *refusal)
{
    (void)refusal;
    fail_msg("nothing is refused here");
}

static int make(void **state)
{
    (void)make_frames(state);
    noted = (struct noted_refusal){
        .refusal = {.error = XEN_EBUSY,
                    .reason = REFUSE_TYPE_CONFLICT,
                    .call = __HYPERVISOR_mmu_update,
                    .index = 2,
                    .command = COMMAND_NONE,
                    .slot = {MFN(L1), 1, 9},
                    .frame = MFN(L2),
                    .type = frames[L2].type,
                    .owner = DOMID(1),
                    .value = TYPE_WRITABLE},
        .domain = DOMID(1),
        .rip = UINT64_C(0xffffffff81001234),
        .asked = {.caller = 0x77, .is_in_multicall = true, .place = 4},
    };
    explanation = (struct explanation){
        .noted = &noted, .domain = &domain.engine, .missing = NOWHERE, .frame = MFN(L2), .is_whole = true};
    return 0;
}

static void test_whole(void **state)
{
    (void)state;
    explanation.knows_entry = true;
    explanation.entry = 0x3063;
    explanation.knows_address = true;
    explanation.address = VADDR(0x9000);
    explanation.uses[0] = (struct use){.kind = USE_PIN};
    explanation.uses[1] =
        (struct use){.kind = USE_ENTRY, .slot = {MFN(L3), 3, 3}, .knows_address = true, .address = {0x1000}};
    explanation.nr_uses = 2;
    explanation.mistake = "It says \"no\".";
    said[0] = '\0';
    report_json(&explanation);
    assert_string_equal(
        said,
        "{\"domain\":1,\"vcpu\":0,\"rip\":\"ffffffff81001234\",\"caller\":\"0000000000000077\","
        "\"call\":\"mmu_update\",\"index\":2,\"multicall\":4,\"error\":\"-EBUSY\",\"reason\":\"TYPE_CONFLICT\","
        "\"text\":\"the frame is in use as another type\",\"wanted\":\"writable\","
        "\"slot\":{\"table\":\"4\",\"level\":1,\"index\":9},"
        "\"entry\":{\"bits\":\"0000000000003063\",\"frame\":\"3\",\"pfn\":\"103\",\"flags\":[\"present\",\"writable\"],"
        "\"not_allowed\":[]},\"address\":\"9000\","
        "\"frame\":{\"frame\":\"3\",\"pfn\":\"103\",\"owner\":1,\"type\":\"an L2 table\",\"uses\":1,\"pinned\":false},"
        "\"in_use\":[{\"by\":\"pin\",\"vcpu\":0,\"page\":0},"
        "{\"by\":\"entry\",\"slot\":{\"table\":\"2\",\"level\":3,\"index\":3},\"address\":\"1000\"}],"
        "\"in_use_count\":2,\"in_use_complete\":true,\"advice\":\"It says \\\"no\\\".\"}\n");
}

static void assert_origin(struct origin origin, const char *words)
{
    explanation.knows_origin = true;
    explanation.origin = origin;
    said[0] = '\0';
    report_json(&explanation);
    assert_said(words);
}

static void test_origins(void **state)
{
    struct origin origin = {.place = 0x77,
                            .number = 42,
                            .call = __HYPERVISOR_mmuext_op,
                            .command = MMUEXT_PIN_L4_TABLE,
                            .domain = 1,
                            .vcpu = 3,
                            .type = TYPE_L2};

    (void)state;
    assert_origin(origin,
                  "\"pinned\":false},\"origin\":{\"built\":false,\"type\":\"an L2 table\",\"call\":\"mmuext_op\","
                  "\"command\":\"MMUEXT_PIN_L4_TABLE\",\"number\":42,\"domain\":1,\"vcpu\":3,"
                  "\"caller\":\"0000000000000077\"},\"in_use\":[");
    origin.call = CALL_TABLE_WRITE;
    origin.command = COMMAND_NONE;
    assert_origin(origin, "\"call\":\"a write to a page table\",\"number\":42,\"domain\":1,\"vcpu\":3,"
                          "\"rip\":\"0000000000000077\"},");
    origin.domain = OWNER_NONE;
    assert_origin(origin, "\"origin\":{\"built\":true,\"type\":\"an L2 table\"},\"in_use\":[");
}

/* What is not known is not there. */
static void test_little(void **state)
{
    (void)state;
    noted.refusal.reason = REFUSE_NO_L1_ENTRY;
    noted.refusal.call = CALL_TABLE_WRITE;
    noted.refusal.value = 0x5000;
    noted.refusal.slot = NOWHERE;
    noted.refusal.frame = MFN_NONE;
    noted.asked = (struct asked){.caller = 0};
    explanation.missing = (struct slot){MFN(L3), 3, 7};
    explanation.is_pfn = true;
    explanation.meant = MFN(6);
    explanation.nr_uses = 9;
    explanation.is_whole = false;
    said[0] = '\0';
    report_json(&explanation);
    assert_said(
        "{\"domain\":1,\"vcpu\":0,\"rip\":\"ffffffff81001234\",\"call\":\"a write to a page table\",\"index\":2,");
    assert_said(",\"value\":\"5000\",\"missing\":{\"table\":\"2\",\"level\":3,\"index\":7},\"frame_of_pfn\":\"6\"");
    assert_said("\"in_use_count\":9,\"in_use_complete\":false,\"advice\":\"Build the tables");
    assert_unsaid("\"frame\":");
    assert_unsaid("\"entry\":");
    assert_unsaid("\"slot\":{\"table\":\"ff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_whole, make),
        cmocka_unit_test_setup(test_origins, make),
        cmocka_unit_test_setup(test_little, make),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
