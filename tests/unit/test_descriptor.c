/* SPDX-License-Identifier: MIT */
/* Segment descriptors: which are accepted, and what becomes of them.  Formats: Intel SDM volume 3, 3.4.5 and 5.8.3. */
#include <abi/segment.h>
#include <engine/descriptor.h>

#include <tests/unit/lib/unit.h>

#define PRESENT             (UINT64_C(1) << 47)
#define DPL(n)              ((uint64_t)(n) << 45)
#define SEGMENT             (UINT64_C(1) << 44)
#define TYPE(n)             ((uint64_t)(n) << 40)
#define LONG                (UINT64_C(1) << 53)
#define BIG                 (UINT64_C(1) << 54)
#define GRANULAR            (UINT64_C(1) << 55)
#define LIMIT(n)            (((uint64_t)(n)&0xffff) | ((uint64_t)(n) >> 16) << 48)
#define BASE(n)             (((uint64_t)(n)&0xffffff) << 16 | ((uint64_t)(n) >> 24) << 56)
#define GATE(selector, dpl) (PRESENT | TYPE(0xc) | DPL(dpl) | (uint64_t)(selector) << 16)

#define REFUSED UINT64_MAX /* no descriptor that is accepted becomes this */

struct row {
    uint64_t descriptor;
    uint64_t wide, narrow; /* what 64-bit and 32-bit guests get */
};

#define DATA (PRESENT | SEGMENT | TYPE(2) | BIG | GRANULAR | BASE(0x12345678) | LIMIT(0xfffff))
#define CODE (PRESENT | SEGMENT | TYPE(0xa) | BASE(0x12345678) | LIMIT(0x1234))
#define FLAT (PRESENT | SEGMENT | TYPE(2) | DPL(3) | BIG | GRANULAR)

static const struct row rows[] = {
    /* not present: anything */
    {0, 0, 0},
    {~PRESENT, ~PRESENT, ~PRESENT},
    {TYPE(0x9), TYPE(0x9), TYPE(0x9)},
    /* privilege is raised */
    {DATA, DATA | DPL(3), DATA | DPL(1)},
    {DATA | DPL(1), DATA | DPL(3), DATA | DPL(1)},
    {DATA | DPL(2), DATA | DPL(3), DATA | DPL(2)},
    {DATA | DPL(3), DATA | DPL(3), DATA | DPL(3)},
    {CODE, CODE | DPL(3), CODE | DPL(1)},
    /* 64-bit code */
    {CODE | LONG, CODE | LONG | DPL(3), REFUSED},
    {CODE | LONG | DPL(3), CODE | LONG | DPL(3), REFUSED},
    /* flat segments of 32-bit guests reach to 4 GiB, others stay as they are */
    {FLAT | LIMIT(0xf57ff), FLAT | LIMIT(0xf57ff), FLAT | LIMIT(0xf57ff)},
    {FLAT | LIMIT(0xf5800), FLAT | LIMIT(0xf5800), FLAT | LIMIT(0xfffff)},
    {FLAT | LIMIT(0xffffe), FLAT | LIMIT(0xffffe), FLAT | LIMIT(0xfffff)},
    {FLAT | LIMIT(0xf5800) | BASE(0x1000), FLAT | LIMIT(0xf5800) | BASE(0x1000), FLAT | LIMIT(0xf5800) | BASE(0x1000)},
    {(FLAT | LIMIT(0xfffff)) & ~GRANULAR, (FLAT | LIMIT(0xfffff)) & ~GRANULAR, (FLAT | LIMIT(0xfffff)) & ~GRANULAR},
    /* the upper half of a long gate */
    {PRESENT | 0xffffffff, PRESENT | 0xffffffff, PRESENT | 0xffffffff},
    /* call gates: stored with DPL 0, the level asked for, raised like that of a segment, in the selector */
    {GATE(0x0008, 3), GATE(0x000b, 0), GATE(0x000b, 0)},
    {GATE(0x0008, 1), GATE(0x000b, 0), GATE(0x0009, 0)},
    {GATE(0x000b, 1), GATE(0x000b, 0), GATE(0x0009, 0)},
    {GATE(0x000b, 0), GATE(0x000b, 0), GATE(0x000b, 0)}, /* as it is read back: once more is the same */
    {GATE(0x000a, 0), GATE(0x000b, 0), GATE(0x000a, 0)},
    {GATE(0x0008, 0), GATE(0x000b, 0), GATE(0x0009, 0)},
    {GATE(0xdff8, 2), GATE(0xdffb, 0), GATE(0xdffa, 0)},
    {GATE(0xe008, 3), REFUSED, REFUSED},
    {GATE(0xe010, 3), REFUSED, REFUSED},
    {GATE(FLAT_RING3_CS64, 3), GATE(FLAT_RING3_CS64, 0), REFUSED},
    {GATE(FLAT_RING3_CS64 & ~3, 3), REFUSED, REFUSED},
    {GATE(FLAT_RING3_CS64 & ~1, 0), REFUSED, REFUSED},
    {GATE(FLAT_RING1_CS, 3), REFUSED, GATE(0xe01b, 0)},
    {GATE(0xe01c, 2), GATE(0xe01f, 0), GATE(0xe01e, 0)}, /* in the LDT, whatever its number */
    {GATE(0xfff8, 3), REFUSED, REFUSED},
    {GATE(0xfffc, 3), GATE(0xffff, 0), GATE(0xffff, 0)},
    {GATE(0x0008, 3) | UINT64_C(0x01) << 32, REFUSED, GATE(0x000b, 0) | UINT64_C(0x01) << 32}, /* parameters */
    {GATE(0x0008, 3) | UINT64_C(0x1f) << 32, REFUSED, GATE(0x000b, 0) | UINT64_C(0x1f) << 32},
    {GATE(0x0008, 3) | UINT64_C(0x20) << 32, REFUSED, REFUSED},
    {GATE(0x0008, 3) | UINT64_C(0x80) << 32, REFUSED, REFUSED},
};

static void check(enum width width, uint64_t descriptor, uint64_t expected)
{
    uint64_t adjusted = descriptor;

    assert_int_equal(descriptor_adjust(width, &adjusted), expected != REFUSED);
    assert_int_equal(adjusted, expected != REFUSED ? expected : descriptor);
    if (expected == REFUSED)
        return;
    assert_true(descriptor_adjust(width, &adjusted)); /* what is accepted is accepted as it was stored */
    assert_int_equal(adjusted, expected);
}

/*
 * Shows segdesc.absent, segdesc.segment, segdesc.segment-32, segdesc.type-0, segdesc.call-gate, segdesc.gate-privilege,
 * segdesc.other-types.
 */
static void test_rows(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        check(WIDTH_64, rows[i].descriptor, rows[i].wide);
        check(WIDTH_PAE, rows[i].descriptor, rows[i].narrow);
    }
}

/* No system segment but a call gate, whatever its other bits.  Shows segdesc.other-types. */
static void test_system_types(void **state)
{
    (void)state;
    for (unsigned type = 1; type < 16; type++) {
        for (unsigned dpl = 0; dpl < 4 && type != 0xc; dpl++) {
            check(WIDTH_64, PRESENT | TYPE(type) | DPL(dpl), REFUSED);
            check(WIDTH_PAE, PRESENT | TYPE(type) | DPL(dpl), REFUSED);
        }
    }
}

/*
 * Of the reserved part of the GDT a gate may name the kernel's own code segment, and no other slot.  Shows
 * segdesc.call-gate.
 */
static void test_gate_selectors(void **state)
{
    (void)state;
    for (unsigned selector = 0; selector <= UINT16_MAX; selector++) {
        bool reserved = !(selector & 4) && selector >> 3 >= 14 * ENTRIES_PER_TABLE;
        uint64_t wide = GATE(selector, 0), narrow = GATE(selector, 0);

        assert_int_equal(descriptor_adjust(WIDTH_64, &wide), !reserved || selector == FLAT_RING3_CS64);
        assert_int_equal(descriptor_adjust(WIDTH_PAE, &narrow), !reserved || (selector | 3) == (FLAT_RING1_CS | 3));
    }
}

/* Nothing that is accepted lets a guest run in a ring below its own.  Shows segdesc.segment. */
static void test_privilege(void **state)
{
    uint64_t seed = 88172645463325252;

    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t descriptor;

        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        for (enum width width = WIDTH_64; width <= WIDTH_PAE; width++) {
            unsigned least = width == WIDTH_64 ? 3 : 1, dpl;

            descriptor = seed | PRESENT;
            if (!descriptor_adjust(width, &descriptor))
                continue;
            dpl = (unsigned)(descriptor >> 45) & 3;
            assert_true((descriptor & SEGMENT) ? dpl >= least : dpl == 0 || (descriptor >> 40 & 15) == 0);
            assert_false(width == WIDTH_PAE && (descriptor & SEGMENT) && (descriptor & LONG));
        }
    }
}

/* Shows set_gdt.all-checked, set_gdt.bad-descriptor, segdesc.read-back, types.checked. */
static void test_frame(void **state)
{
    struct unit unit;
    mfn_t page;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    page = unit_idle_page(&unit);
    for (unsigned bad = 0; bad < ENTRIES_PER_TABLE; bad += 73) {
        for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++)
            unit_entries(&unit, page)[i] = DATA;
        unit_entries(&unit, page)[bad] = PRESENT | TYPE(0x9);
        assert_refused(&unit, guest_set_gdt(unit.vcpu, &page, 8), XEN_EINVAL, REFUSE_DESCRIPTOR);
        assert_int_equal(unit.sim->last_refusal.slot.index, bad);
        assert_int_equal(unit.sim->last_refusal.slot.table.v, page.v);
        assert_int_equal(unit.sim->last_refusal.value, PRESENT | TYPE(0x9));
        assert_counts(&unit, page, 1, TYPE_NONE, 0);
        unit_entries(&unit, page)[bad] = 0;
        assert_int_equal(guest_set_gdt(unit.vcpu, &page, 8), 0);
        for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++)
            assert_int_equal(unit_entries(&unit, page)[i],
                             i == bad ? 0 : DATA | DPL(unit_width(state) == WIDTH_64 ? 3 : 1));
        assert_int_equal(guest_set_gdt(unit.vcpu, NULL, 0), 0);
    }
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),         cmocka_unit_test(test_gate_selectors),
        cmocka_unit_test(test_system_types), cmocka_unit_test(test_privilege),
        unit_test_both(test_frame),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
