/* SPDX-License-Identifier: MIT */
/* What is found out about a refusal. */
/* links: hv/domain/explain.c hv/domain/explain_port.c hv/domain/search.c */
/* links: engine/level.c engine/refuse.c tests/hv/lib/frames.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <abi/hypercall.h>
#include <hv/domain/explain.h>
#include <hv/domain/explain_port.h>
#include <tests/hv/lib/frames.h>

#define ADDRESS (UINT64_C(3) << 39 | UINT64_C(3) << 30 | UINT64_C(3) << 21 | UINT64_C(3) << 12)

static struct noted_refusal noted;
static struct explanation found;

/* The engine hands refusals to this; here they are made. */
void port_refused(const struct refusal *refusal)
{
    (void)refusal;
    fail_msg("nothing is refused here");
}

const char *explain_mistake(const struct explanation *explanation)
{
    assert_ptr_equal(explanation, &found);
    return "mistake";
}

/* What has been noted, of frame L2 alone. */
static struct origin noted_origin;

bool explain_port_origin(mfn_t frame, struct origin *origin)
{
    *origin = noted_origin;
    return frame.v == L2 && noted_origin.type != TYPE_NONE;
}

/* A refusal about @frame, of the type that it has. */
static void make(enum refusal_reason reason, mfn_t frame, uint64_t value)
{
    noted = (struct noted_refusal){.refusal = {.reason = reason,
                                               .vcpu = &vcpu.engine,
                                               .call = __HYPERVISOR_mmuext_op,
                                               .command = COMMAND_NONE,
                                               .slot = NOWHERE,
                                               .frame = frame,
                                               .value = value}};
    if (!mfn_is_none(frame)) {
        noted.refusal.type = frames[frame.v].type;
        noted.refusal.owner = DOMID(frames[frame.v].owner);
    }
}

static void assert_use(unsigned i, enum use_kind kind)
{
    assert_true(i < found.nr_uses);
    assert_int_equal(found.uses[i].kind, kind);
}

/* A page that is mapped writable was to be a table: who maps it, where. */
static void test_writable(void **state)
{
    (void)state;
    make(REFUSE_TYPE_CONFLICT, PAGE, TYPE_L2);
    make_entry(L1, 9, (unsigned)PAGE.v, 0); /* read-only: keeps nothing of its type */
    explain(&machine, &noted, &found);
    assert_int_equal(found.nr_uses, 1);
    assert_use(0, USE_ENTRY);
    assert_int_equal(found.uses[0].slot.table.v, L1);
    assert_true(found.uses[0].knows_address && found.uses[0].address.v == ADDRESS);
    assert_true(found.is_whole && found.knows_pfn && found.pfn == FIRST_PFN + PAGE.v && !found.is_pfn);
    assert_false(found.knows_entry || found.knows_address || found.is_initial);
    assert_string_equal(found.mistake, "mistake");
}

/* Who keeps a table one: not who maps it, and not the entry that was refused. */
static void test_table(void **state)
{
    (void)state;
    domain.first_table = FIRST_PFN;
    domain.nr_first_tables = 2;
    make_entry(L1, 9, ROOT, ENTRY_RW);
    make(REFUSE_TYPE_CONFLICT, MFN(ROOT), TYPE_WRITABLE);
    noted.refusal.slot = (struct slot){MFN(L1), 1, 9};
    explain(&machine, &noted, &found);
    assert_int_equal(found.nr_uses, 2);
    assert_use(0, USE_PIN);
    assert_use(1, USE_KERNEL_ROOT);
    assert_true(found.is_initial);
    assert_true(found.knows_entry && found.entry == entries[L1][9]); /* as it stands in the table */
    assert_true(found.knows_address && found.address.v == ADDRESS - 0x3000 + 0x9000);
    make(REFUSE_TYPE_CONFLICT, MFN(L2), TYPE_WRITABLE);
    explain(&machine, &noted, &found);
    assert_int_equal(found.nr_uses, 1);
    assert_int_equal(found.uses[0].slot.table.v, L3);
    assert_false(found.is_initial);
}

static void test_others(void **state)
{
    (void)state;
    vcpu.engine.user_root = PAGE;
    vcpu.engine.gdt[2] = PAGE;
    vcpu.engine.ldt[5] = PAGE;
    frames[PAGE.v].flags |= FRAME_SHARED;
    domain.engine.holds[domain.engine.nr_holds++] = PAGE;
    make(REFUSE_FRAME_IN_USE, PAGE, PAGE.v);
    explain(&machine, &noted, &found);
    assert_int_equal(found.nr_uses, 6);
    assert_use(0, USE_USER_ROOT);
    assert_use(1, USE_GDT);
    assert_int_equal(found.uses[1].page, 2);
    assert_use(2, USE_LDT);
    assert_int_equal(found.uses[2].page, 5);
    assert_use(3, USE_SHARED);
    make(REFUSE_HOLDS_EXHAUSTED, PAGE, PAGE.v);
    explain(&machine, &noted, &found);
    assert_int_equal(found.nr_uses, 0);
}

/* A pfn in the place of an mfn. */
static void test_pfn(void **state)
{
    (void)state;
    make(REFUSE_NO_SUCH_FRAME, MFN_NONE, UINT64_C(0x106067));
    explain(&machine, &noted, &found);
    assert_true(found.is_pfn && found.meant.v == 6 && found.frame.v == 0x106);
    assert_true(found.knows_entry);
    machine.m2p[6] = FIRST_PFN - 0xf7; /* the number of frame 9, which is nobody's */
    make(REFUSE_NOT_OWNED, MFN(9), 9);
    explain(&machine, &noted, &found);
    assert_true(found.is_pfn && found.meant.v == 6);
    make_type(9, TYPE_WRITABLE, 0, 0); /* it was somebody's once */
    make(REFUSE_NOT_OWNED, MFN(9), 9);
    explain(&machine, &noted, &found);
    assert_false(found.is_pfn);
    make(REFUSE_NO_SUCH_FRAME, MFN_NONE, UINT64_C(0x206067));
    explain(&machine, &noted, &found);
    assert_false(found.is_pfn);
    make(REFUSE_TYPE_CONFLICT, MFN_NONE, TYPE_L1);
    explain(&machine, &noted, &found);
    assert_false(found.is_pfn);
}

static void test_flags(void **state)
{
    (void)state;
    make(REFUSE_BAD_FLAGS, MFN_NONE, ENTRY_PRESENT | ENTRY_RW | ENTRY_PSE | ENTRY_GLOBAL | ENTRY_NX);
    noted.refusal.slot = (struct slot){MFN(L3), 3, 1};
    explain(&machine, &noted, &found);
    assert_int_equal(found.flags, ENTRY_PSE | ENTRY_GLOBAL);
    domain.engine.width = WIDTH_PAE;
    explain(&machine, &noted, &found);
    assert_int_equal(found.flags, ENTRY_PSE | ENTRY_GLOBAL | ENTRY_NX);
    domain.engine.width = WIDTH_64;
    make(REFUSE_CACHE_FLAGS, MFN_NONE, ENTRY_PRESENT | ENTRY_PAT | ENTRY_PCD);
    explain(&machine, &noted, &found);
    assert_int_equal(found.flags, ENTRY_PAT | ENTRY_PCD);
}

/* Where the way to an address ends; behind the hypervisor's slots nothing is looked at. */
static void test_walk(void **state)
{
    (void)state;
    make(REFUSE_NO_L1_ENTRY, MFN_NONE, ADDRESS + (1 << 21));
    noted.asked.knows_address = true;
    noted.asked.address = ADDRESS + (1 << 21);
    explain(&machine, &noted, &found);
    assert_int_equal(found.missing.table.v, L2);
    assert_int_equal(found.missing.level, 2);
    assert_int_equal(found.missing.index, SLOT + 1);
    assert_true(found.knows_address && found.address.v == ADDRESS + (1 << 21));
    make(REFUSE_NO_L1_ENTRY, MFN_NONE, UINT64_C(0xffff800000000000));
    explain(&machine, &noted, &found);
    assert_true(mfn_is_none(found.missing.table));
}

/* By which call it became the table that stands in the way: where it is one, and one of that kind. */
static void test_origin(void **state)
{
    (void)state;
    noted_origin = (struct origin){.number = 7, .type = TYPE_L2};
    make(REFUSE_TYPE_CONFLICT, MFN(L2), TYPE_WRITABLE);
    explain(&machine, &noted, &found);
    assert_true(found.knows_origin && found.origin.number == 7);
    make(REFUSE_TYPE_CONFLICT, MFN(L1), TYPE_WRITABLE);
    explain(&machine, &noted, &found);
    assert_false(found.knows_origin);
    noted_origin.type = TYPE_L1; /* before it became an L2 */
    make(REFUSE_TYPE_CONFLICT, MFN(L2), TYPE_WRITABLE);
    explain(&machine, &noted, &found);
    assert_false(found.knows_origin);
    make_type(L2, TYPE_L1, 0, 0); /* it was one once */
    make(REFUSE_FRAME_IN_USE, MFN(L2), 0);
    explain(&machine, &noted, &found);
    assert_false(found.knows_origin);
    make_type(L2, TYPE_L1, TYPE_VALIDATED, 1);
    make(REFUSE_NOT_ALLOCATED, MFN(L2), 0); /* not because it is one */
    explain(&machine, &noted, &found);
    assert_false(found.knows_origin);
    noted_origin.type = TYPE_NONE;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_writable, make_frames), cmocka_unit_test_setup(test_table, make_frames),
        cmocka_unit_test_setup(test_others, make_frames),   cmocka_unit_test_setup(test_pfn, make_frames),
        cmocka_unit_test_setup(test_flags, make_frames),    cmocka_unit_test_setup(test_walk, make_frames),
        cmocka_unit_test_setup(test_origin, make_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
