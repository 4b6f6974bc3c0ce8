/* SPDX-License-Identifier: MIT */
/* The audit: each invariant is found broken when it is broken by hand, and says where. */
#include <stdlib.h>
#include <string.h>

#include <engine/grant_mapping.h>
#include <engine/level.h>

#include <tests/support/guest_grant.h>
#include <tests/unit/lib/unit.h>

/* A machine with something of everything. */
struct scene {
    struct unit unit;
    struct audit_counts *counts;
    mfn_t page, idle, l1, l2, descriptors, ldt, held, foreign, device_table, pae_root, top;
};

static void scene_create(struct scene *scene, enum width width)
{
    struct unit *unit = &scene->unit;

    unit_create(unit, &(struct unit_config){.width = width, .nr_guests = 2, .privileged = true, .devices = true});
    scene->counts = calloc(unit->machine->nr_frames, sizeof(scene->counts[0]));
    assert_non_null(scene->counts);
    scene->page = unit_page(unit);
    scene->idle = unit_idle_page(unit);
    scene->l1 = unit_table(unit, 1);
    scene->l2 = unit_table(unit, 2);
    scene->descriptors = unit_idle_page(unit);
    scene->ldt = unit_idle_page(unit);
    scene->held = unit_idle_page(unit);
    assert_int_equal(domain_hold_writable(unit->domain, scene->held), 0);
    scene->foreign = guest_mfn(unit->other, guest_page_alloc(unit->other));
    assert_int_equal(guest_set_entry(unit->vcpu, scene->l1, 4, pte(scene->page, PTE_RW_PAGE)), 0);
    assert_int_equal(guest_set_entry(unit->vcpu, scene->l1, 5, pte(MFN(UNIT_HOLE), PTE_P | PTE_PCD | PTE_PWT)), 0);
    assert_int_equal(guest_set_entry(unit->vcpu, scene->l2, 4, pte(scene->l1, PTE_TABLE)), 0);
    assert_int_equal(guest_set_gdt(unit->vcpu, &scene->descriptors, 8), 0);
    assert_int_equal(unit_map(unit, 0, pte(scene->ldt, PTE_RO_PAGE)), 0);
    assert_int_equal(guest_set_ldt(unit->vcpu, unit_window(unit, 0), 8), 0);
    assert_int_equal(ldt_fault(unit->vcpu, 0), 0);
    assert_int_equal(
        guest_update_va_mapping_otherdomain(unit->vcpu, unit_window(unit, 1), pte(scene->foreign, PTE_RW_PAGE), 0, 1),
        0);
    if (width == WIDTH_PAE)
        scene->pae_root = unit_pae_root(unit, &scene->top);
    else
        assert_int_equal(guest_new_user_baseptr(unit->vcpu, guest_root(unit->guest)), 0);
}

static bool audit(struct scene *scene, struct audit_finding *finding)
{
    bool holds = audit_machine(&scene->unit.sim->machine, scene->counts, finding);

    if (!holds)
        memset(scene->counts, 0, scene->unit.machine->nr_frames * sizeof(scene->counts[0]));
    return holds;
}

static struct frame *frame_of(struct scene *scene, mfn_t mfn)
{
    return unit_frame(&scene->unit, mfn);
}

static uint64_t *entry_of(struct scene *scene, mfn_t table, unsigned slot)
{
    return &unit_entries(&scene->unit, table)[slot];
}

/* ---- Ways to break something.  Each names the frame that the finding must name, or MFN_NONE. */

typedef mfn_t break_fn(struct scene *scene);

static mfn_t busy(struct scene *scene)
{
    frame_of(scene, scene->idle)->type = type_word(TYPE_L1, TYPE_BUSY, 0);
    return scene->idle;
}

static mfn_t illegal_word(struct scene *scene)
{
    frame_of(scene, scene->idle)->type = type_word(TYPE_WRITABLE, TYPE_VALIDATED, 1);
    return scene->idle;
}

static mfn_t owner_without_domain(struct scene *scene)
{
    frame_of(scene, scene->idle)->owner = 7;
    return scene->idle;
}

static mfn_t owner_of_nothing(struct scene *scene)
{
    frame_of(scene, scene->idle)->owner = 7;
    frame_of(scene, scene->idle)->refs = 0;
    return scene->idle;
}

static mfn_t owner_without_references(struct scene *scene)
{
    frame_of(scene, scene->idle)->refs = 0;
    return scene->idle;
}

static mfn_t references_without_owner(struct scene *scene)
{
    frame_of(scene, scene->idle)->owner = OWNER_NONE;
    return scene->idle;
}

static mfn_t pool_frame(struct scene *scene)
{
    for (uint64_t i = 0; i < UNIT_HOLE; i++) {
        if (frame_of(scene, MFN(i))->owner == OWNER_NONE)
            return MFN(i);
    }
    return MFN_NONE;
}

static mfn_t use_in_pool(struct scene *scene)
{
    mfn_t mfn = pool_frame(scene);

    frame_of(scene, mfn)->type = type_word(TYPE_WRITABLE, 0, 1);
    return mfn;
}

static mfn_t allocated_in_pool(struct scene *scene)
{
    mfn_t mfn = pool_frame(scene);

    frame_of(scene, mfn)->flags = FRAME_ALLOCATED;
    return mfn;
}

static mfn_t foreign_table_type(struct scene *scene)
{
    bool pae = scene->unit.domain->width == WIDTH_PAE;

    frame_of(scene, scene->l2)->type = type_word(pae ? TYPE_L4 : TYPE_L2_TOP, TYPE_VALIDATED, 1);
    return scene->l2;
}

static mfn_t one_reference_more(struct scene *scene)
{
    frame_of(scene, scene->page)->refs++;
    return scene->page;
}

static mfn_t one_reference_less(struct scene *scene)
{
    frame_of(scene, scene->page)->refs--;
    return scene->page;
}

static mfn_t lost_mapping(struct scene *scene)
{
    *entry_of(scene, scene->l1, 4) = 0;
    return scene->page;
}

static mfn_t lost_pin(struct scene *scene)
{
    frame_of(scene, scene->l2)->type.v &= ~TYPE_PINNED;
    return scene->l2;
}

static mfn_t one_use_more(struct scene *scene)
{
    frame_of(scene, scene->page)->type.v++;
    return scene->page;
}

static mfn_t one_use_less(struct scene *scene)
{
    frame_of(scene, scene->l1)->type.v--;
    return scene->l1;
}

/* An entry that became writable without a use for it. */
static mfn_t more_rights(struct scene *scene)
{
    *entry_of(scene, unit_window_table(&scene->unit), 0) |= PTE_RW;
    return scene->ldt;
}

/* Uses that are counted rightly, of the wrong type. */
static mfn_t writable_table(struct scene *scene)
{
    *entry_of(scene, scene->l1, 9) = pte(scene->l1, PTE_RW_PAGE | PTE_US);
    frame_of(scene, scene->l1)->refs++;
    frame_of(scene, scene->l1)->type.v++;
    return scene->l1;
}

static mfn_t superpage(struct scene *scene)
{
    *entry_of(scene, scene->l2, 4) |= PTE_PS;
    return scene->l2;
}

/* The bit that is added to entries so that the processor sees what was judged. */
static mfn_t missing_bit(struct scene *scene)
{
    if (scene->unit.domain->width == WIDTH_PAE) {
        *entry_of(scene, scene->pae_root, 3) &= ~PTE_RW;
        return scene->pae_root;
    }
    *entry_of(scene, scene->l2, 4) &= ~PTE_US;
    return scene->l2;
}

static mfn_t wrong_child(struct scene *scene)
{
    mfn_t root = guest_root(scene->unit.guest);

    *entry_of(scene, scene->l2, 7) = pte(root, PTE_TABLE);
    frame_of(scene, root)->refs++;
    frame_of(scene, root)->type.v++;
    return scene->l2;
}

static mfn_t foreign_child(struct scene *scene)
{
    mfn_t table;
    unsigned slot;

    if (!guest_find_entry(scene->unit.other, guest_root(scene->unit.other), scene->unit.other->window, 1, &table,
                          &slot))
        fail();
    *entry_of(scene, scene->l2, 7) = pte(table, PTE_TABLE);
    frame_of(scene, table)->refs++;
    frame_of(scene, table)->type.v++;
    return scene->l2;
}

static mfn_t child_is_no_ram(struct scene *scene)
{
    *entry_of(scene, scene->l2, 7) = pte(MFN(UNIT_HOLE), PTE_TABLE);
    return scene->l2;
}

static mfn_t device_without_right(struct scene *scene)
{
    scene->unit.domain->nr_iomem = 0;
    return scene->l1;
}

static mfn_t nobodys_page(struct scene *scene)
{
    *entry_of(scene, scene->l1, 9) = pte(scene->unit.sim->hypervisor_first, PTE_P | PTE_US);
    frame_of(scene, scene->unit.sim->hypervisor_first)->refs++;
    return scene->unit.sim->hypervisor_first; /* already by its references */
}

static mfn_t hypervisor_slot(struct scene *scene)
{
    bool pae = scene->unit.domain->width == WIDTH_PAE;
    mfn_t table = pae ? scene->top : guest_root(scene->unit.guest);

    *entry_of(scene, table, pae ? 430 : 260) ^= UINT64_C(1) << 13;
    return table;
}

static mfn_t stale_m2p(struct scene *scene)
{
    mfn_t mfn = pool_frame(scene);

    scene->unit.machine->m2p[mfn.v] = 5;
    return mfn;
}

static mfn_t lost_frame(struct scene *scene)
{
    scene->unit.domain->nr_frames--;
    return MFN_NONE;
}

/* A root that is counted rightly and is no root. */
static mfn_t wrong_root(struct scene *scene)
{
    mfn_t root = scene->unit.vcpu->kernel_root;

    frame_of(scene, root)->refs--;
    frame_of(scene, root)->type.v--;
    frame_of(scene, scene->l1)->refs++;
    frame_of(scene, scene->l1)->type.v++;
    scene->unit.vcpu->kernel_root = scene->l1;
    return scene->l1;
}

static mfn_t foreign_root(struct scene *scene)
{
    mfn_t root = scene->unit.vcpu->kernel_root, foreign = guest_root(scene->unit.other);

    frame_of(scene, root)->refs--;
    frame_of(scene, root)->type.v--;
    frame_of(scene, foreign)->refs++;
    frame_of(scene, foreign)->type.v++;
    scene->unit.vcpu->kernel_root = foreign;
    return foreign;
}

static mfn_t wrong_user_root(struct scene *scene)
{
    if (!mfn_is_none(scene->unit.vcpu->user_root)) {
        frame_of(scene, scene->unit.vcpu->user_root)->refs--;
        frame_of(scene, scene->unit.vcpu->user_root)->type.v--;
    }
    frame_of(scene, scene->l1)->refs++;
    frame_of(scene, scene->l1)->type.v++;
    scene->unit.vcpu->user_root = scene->l1;
    return scene->l1;
}

static mfn_t root_is_no_frame(struct scene *scene)
{
    mfn_t root = scene->unit.vcpu->kernel_root;

    frame_of(scene, root)->refs--;
    frame_of(scene, root)->type.v--;
    scene->unit.vcpu->kernel_root = MFN(scene->unit.machine->nr_frames);
    return MFN(scene->unit.machine->nr_frames);
}

static mfn_t wrong_gdt(struct scene *scene)
{
    frame_of(scene, scene->l1)->refs++;
    frame_of(scene, scene->l1)->type.v++;
    scene->unit.vcpu->gdt[5] = scene->l1;
    return scene->l1;
}

static mfn_t wrong_ldt(struct scene *scene)
{
    frame_of(scene, scene->l1)->refs++;
    frame_of(scene, scene->l1)->type.v++;
    scene->unit.vcpu->ldt[5] = scene->l1;
    return scene->l1;
}

static mfn_t user_without_root(struct scene *scene)
{
    if (!mfn_is_none(scene->unit.vcpu->user_root)) {
        frame_of(scene, scene->unit.vcpu->user_root)->refs--;
        frame_of(scene, scene->unit.vcpu->user_root)->type.v--;
    }
    scene->unit.vcpu->user_root = MFN_NONE;
    scene->unit.vcpu->user_mode = true;
    return MFN_NONE;
}

static mfn_t lost_hold(struct scene *scene)
{
    scene->unit.domain->nr_holds = 0;
    return scene->held;
}

/* Hold @mfn instead, with the references that this takes. */
static mfn_t hold_instead(struct scene *scene, mfn_t mfn)
{
    frame_of(scene, scene->held)->refs--;
    frame_of(scene, scene->held)->type.v--;
    if (frame_of(scene, mfn)) {
        frame_of(scene, mfn)->refs++;
        frame_of(scene, mfn)->type.v++;
    }
    scene->unit.domain->holds[0] = mfn;
    return mfn;
}

static mfn_t held_table(struct scene *scene)
{
    return hold_instead(scene, scene->l1);
}

static mfn_t held_foreign(struct scene *scene)
{
    return hold_instead(scene, scene->foreign);
}

static mfn_t held_nothing(struct scene *scene)
{
    return hold_instead(scene, MFN(scene->unit.machine->nr_frames));
}

/* ---- Grants: @foreign is mapped by the unprivileged guest, which has the first handle. */

#define REF 9u

static void grants_create(struct scene *scene, enum width width)
{
    struct unit *unit = &scene->unit;

    unit_create(unit, &(struct unit_config){.width = width, .nr_guests = 2});
    scene->counts = calloc(unit->machine->nr_frames, sizeof(scene->counts[0]));
    assert_non_null(scene->counts);
    guest_grants_begin(unit->other, 1);
    scene->foreign = guest_mfn(unit->other, guest_page_alloc(unit->other));
    guest_grant(unit->other, REF, unit->domain->id.v, scene->foreign, GTF_permit_access);
    assert_int_equal(
        guest_grant_map(unit->vcpu, unit->other->domain->id.v, REF, unit_window(unit, 1).v, GNTMAP_host_map, NULL), 0);
}

static struct grant_mapping *mapping_of(const struct scene *scene)
{
    return grant_mapping_at(scene->unit.domain, 0);
}

static struct grant_use *use_of(const struct scene *scene, grant_ref_t ref)
{
    struct grant_place place;

    assert_true(grant_place_find(scene->unit.other->domain, ref, &place));
    return place.use;
}

static mfn_t use_more(struct scene *scene)
{
    use_of(scene, REF)->writers++;
    return scene->foreign;
}

static mfn_t use_of_other_kind(struct scene *scene)
{
    use_of(scene, REF)->writers--;
    use_of(scene, REF)->readers++;
    return scene->foreign;
}

static mfn_t use_uncounted(struct scene *scene)
{
    scene->unit.other->domain->grants.nr_in_use--;
    return MFN_NONE;
}

static mfn_t mapping_of_other_entry(struct scene *scene)
{
    mapping_of(scene)->ref++;
    return scene->foreign;
}

static mfn_t used_by_another(struct scene *scene)
{
    use_of(scene, REF)->user.v++;
    return scene->foreign;
}

static mfn_t entry_without_mapping(struct scene *scene)
{
    mapping_of(scene)->parts = MAPPING_DEVICE;
    return scene->foreign;
}

struct breakage {
    const char *name, *invariant;
    break_fn *make;
};

static const struct breakage breakages[] = {
    {"busy", "inv_type_words", busy},
    {"illegal word", "inv_type_words", illegal_word},
    {"owner without domain", "inv_ownership", owner_without_domain},
    {"owner of nothing", "inv_ownership", owner_of_nothing},
    {"owner without references", "inv_ownership", owner_without_references},
    {"references without owner", "inv_ownership", references_without_owner},
    {"use in the pool", "inv_ownership", use_in_pool},
    {"allocated in the pool", "inv_ownership", allocated_in_pool},
    {"table of no level", "inv_tables", foreign_table_type},
    {"one reference more", "inv_general_count", one_reference_more},
    {"one reference less", "inv_general_count", one_reference_less},
    {"lost mapping", "inv_general_count", lost_mapping},
    {"lost pin", "inv_general_count", lost_pin},
    {"one use more", "inv_type_count", one_use_more},
    {"one use less", "inv_type_count", one_use_less},
    {"more rights", "inv_type_count", more_rights},
    {"writable table", "inv_entries", writable_table},
    {"superpage", "inv_entries", superpage},
    {"missing bit", "inv_entries", missing_bit},
    {"wrong child", "inv_entries", wrong_child},
    {"foreign child", "inv_entries", foreign_child},
    {"child is no RAM", "inv_entries", child_is_no_ram},
    {"device without right", "inv_entries", device_without_right},
    {"nobody's page", "inv_ownership", nobodys_page},
    {"hypervisor slot", "inv_entries", hypervisor_slot},
    {"stale M2P", "inv_m2p", stale_m2p},
    {"lost frame", "inv_domain", lost_frame},
    {"lost hold", "inv_general_count", lost_hold},
    {"held table", "inv_holds", held_table},
    {"held frame of another", "inv_holds", held_foreign},
    {"held frame that is none", "inv_holds", held_nothing},
    {"wrong root", "inv_vcpu", wrong_root},
    {"foreign root", "inv_vcpu", foreign_root},
    {"wrong user root", "inv_vcpu", wrong_user_root},
    {"root is no frame", "inv_vcpu", root_is_no_frame},
    {"wrong GDT", "inv_vcpu", wrong_gdt},
    {"wrong LDT", "inv_vcpu", wrong_ldt},
    {"user mode without root", "inv_vcpu", user_without_root},
};

/* Of the scene with grants. */
static const struct breakage grant_breakages[] = {
    {"one use of a grant more", "inv_grant_uses", use_more},
    {"another use of a grant", "inv_grant_uses", use_of_other_kind},
    {"use that is not counted", "inv_grant_uses", use_uncounted},
    {"mapping of another entry", "inv_mappings", mapping_of_other_entry},
    {"use by another domain", "inv_mappings", used_by_another},
    {"entry without a mapping", "inv_foreign_entries", entry_without_mapping},
};

static void expect_breakage(const struct breakage *breakage, void (*create)(struct scene *scene, enum width width))
{
    for (enum width width = WIDTH_64; width <= WIDTH_PAE; width++) {
        struct audit_finding finding = {.invariant = "none"};
        struct scene scene;
        mfn_t expected;

        create(&scene, width);
        if (!audit(&scene, &finding))
            fail_msg("the scene itself breaks %s", finding.invariant);
        expected = breakage->make(&scene);
        assert_false(audit(&scene, &finding));
        assert_string_equal(finding.invariant, breakage->invariant);
        assert_int_equal(finding.frame.v, expected.v);
        free(scene.counts);
        sim_destroy(scene.unit.sim);
    }
}

/* Shows types.counted. */
static void test_breakage(void **state)
{
    expect_breakage(*state, scene_create);
}

static void test_grants(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(grant_breakages); i++)
        expect_breakage(&grant_breakages[i], grants_create);
}

/* After a success the counts are as they were given: all zero. */
static void test_counts_left_zero(void **state)
{
    struct audit_finding finding;
    struct scene scene;

    scene_create(&scene, unit_width(state));
    for (unsigned i = 0; i < 3; i++)
        assert_true(audit_machine(scene.unit.machine, scene.counts, &finding));
    for (uint64_t i = 0; i < scene.unit.machine->nr_frames; i++)
        assert_int_equal(scene.counts[i].refs | scene.counts[i].uses, 0);
    free(scene.counts);
    sim_destroy(scene.unit.sim);
}

/* Accessed and dirty bits that a processor sets in the hypervisor's entries break nothing. */
static void test_hypervisor_accessed(void **state)
{
    struct audit_finding finding;
    struct scene scene;
    mfn_t root;

    (void)state;
    scene_create(&scene, WIDTH_64);
    root = guest_root(scene.unit.guest);
    *entry_of(&scene, root, 256) ^= PTE_A;
    assert_true(audit(&scene, &finding));
    *entry_of(&scene, root, 257) |= PTE_A | PTE_D;
    assert_true(audit(&scene, &finding));
    free(scene.counts);
    sim_destroy(scene.unit.sim);
}

int main(void)
{
    struct breakage rows[ARRAY_SIZE(breakages)];
    struct CMUnitTest tests[4 + ARRAY_SIZE(breakages)] = {
        unit_test_both(test_counts_left_zero),
        cmocka_unit_test(test_hypervisor_accessed),
        cmocka_unit_test(test_grants),
    };

    for (unsigned i = 0; i < ARRAY_SIZE(breakages); i++) {
        rows[i] = breakages[i];
        tests[4 + i] = (struct CMUnitTest){breakages[i].name, test_breakage, NULL, NULL, &rows[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
