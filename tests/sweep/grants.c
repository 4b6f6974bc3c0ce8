/* SPDX-License-Identifier: MIT */
/*
 * Grants: every frame that an entry can name, times what the entry says of it, times how it is mapped; and every change
 * that a guest can make to the entry of a mapping before it unmaps (XSA-234).  Who maps is the granter itself, and
 * another domain.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <abi/grant.h>
#include <tests/support/guest_grant.h>
#include <tests/sweep/lib/sweep.h>

#define REF        11u
#define SLOT       21u /* of the window, where mappings go */
#define OTHER_SLOT 22u
#define SUB_PAGE   (1u << 8) /* of version 2 */

/* A bed whose first guest grants to @user. */
struct stage {
    struct bed bed;
    struct guest *granter, *user;
    struct vcpu *vcpu; /* of the user's */
    unsigned version;
};

/* ---- What is expected, from abi/grant.h and abi/mmu.h. */

struct asked {
    unsigned type;
    bool readonly, sub_page, right_domain; /* of the grant */
    uint32_t flags;                        /* of the map */
};

static bool writes(const struct asked *asked)
{
    return !(asked->flags & GNTMAP_readonly);
}

static int16_t expect_status(const struct asked *asked, const struct named *named)
{
    bool untyped = named->use == USE_NONE || named->use == USE_WRITABLE;

    if (!(asked->flags & (GNTMAP_host_map | GNTMAP_device_map)))
        return GNTST_bad_gntref;
    if (asked->type != GTF_permit_access || !asked->right_domain || (writes(asked) && asked->readonly))
        return GNTST_general_error;
    if (named->owner != OWNER_SELF)
        return GNTST_bad_page;
    return (writes(asked) && !untyped) || asked->sub_page ? GNTST_general_error : GNTST_okay;
}

/* What stands in the entry; kernel pages of 64-bit guests are marked so, and user pages are global. */
static uint64_t expect_entry_of(const struct stage *stage, uint32_t flags, mfn_t mfn)
{
    uint64_t entry = pte(mfn, PTE_P | PTE_A | PTE_D | PTE_NX);

    if (!(flags & GNTMAP_readonly))
        entry |= PTE_RW;
    if (flags & GNTMAP_application_map)
        entry |= PTE_US;
    if (stage->user->domain->width == WIDTH_64)
        entry |= flags & GNTMAP_application_map ? PTE_G : PTE_US | PTE_KERNEL;
    return entry;
}

/* ---- The stage. */

static void stage_create(struct stage *stage, bool pae, bool loopback, unsigned version)
{
    struct gnttab_set_version set = {version};

    bed_create(&stage->bed, &(struct bed_config){.pae = pae});
    stage->granter = stage->bed.guest;
    stage->user = loopback ? stage->bed.guest : stage->bed.other;
    stage->vcpu = guest_vcpu(stage->user, 0);
    stage->version = version;
    guest_grants_begin(stage->bed.guest, 1);
    guest_grants_begin(stage->bed.other, 1);
    if (guest_grant_op(stage->bed.vcpu, GNTTABOP_set_version, &set, sizeof(set), 1))
        sim_fail("sweep: version %u is refused", version);
    /* The frames for the tables came from the pool. */
    for (uint64_t mfn = 0; mfn < stage->bed.sim->machine.nr_frames; mfn++) {
        if (stage->bed.sim->machine.frames[mfn].owner == OWNER_NONE)
            stage->bed.targets[TARGET_POOL] = MFN(mfn);
    }
}

static void stage_destroy(struct stage *stage)
{
    guest_assert_clean(stage->bed.sim);
    guest_shutdown(stage->bed.sim);
    world_destroy(&stage->bed.world);
    free(stage->bed.counts);
    sim_destroy(stage->bed.sim);
}

/* Where page @index of the user's window is mapped from. */
static uint64_t entry_address(const struct stage *stage, unsigned index)
{
    vaddr_t vaddr = VADDR(stage->user->window.v + (uint64_t)index * PAGE_SIZE);
    unsigned slot;
    mfn_t table;

    if (!guest_find_entry(stage->user, guest_root(stage->user), vaddr, 1, &table, &slot))
        sim_fail("sweep: the window has no L1 table");
    return pte(table, slot * 8u);
}

static uint64_t entry_at(const struct stage *stage, uint64_t address)
{
    return guest_entry(stage->user, pte_mfn(address), (unsigned)(address & 0xfff) / 8);
}

static uint64_t host_addr(const struct stage *stage, uint32_t flags, unsigned index)
{
    if (flags & GNTMAP_contains_pte)
        return entry_address(stage, index);
    return stage->user->window.v + (uint64_t)index * PAGE_SIZE;
}

static int16_t map(const struct stage *stage, uint32_t flags, unsigned index, grant_handle_t *handle)
{
    return guest_grant_map(stage->vcpu, stage->granter->domain->id.v, REF, host_addr(stage, flags, index), flags,
                           handle);
}

/* ---- One combination. */

struct counts {
    uint32_t refs, uses;
    unsigned marks; /* that the grant is in use */
};

static struct counts counts_of(const struct stage *stage, mfn_t mfn)
{
    const struct frame *frame = frame_find(&stage->bed.sim->machine, mfn);

    if (!frame)
        return (struct counts){0, 0, guest_grant_use(stage->granter, REF)};
    return (struct counts){frame->refs, type_count(frame->type), guest_grant_use(stage->granter, REF)};
}

static bool counts_differ(const struct counts *seen, const struct counts *expected)
{
    return seen->refs != expected->refs || seen->uses != expected->uses || seen->marks != expected->marks;
}

/* What a mapping adds: it holds the frame, and so does its entry. */
static struct counts add_mapping(struct counts counts, uint32_t flags)
{
    uint32_t parts = flags & GNTMAP_host_map ? 2 : 1;

    counts.refs += parts;
    counts.uses += flags & GNTMAP_readonly ? 0 : parts;
    counts.marks = flags & GNTMAP_readonly ? GTF_reading : GTF_reading | GTF_writing;
    return counts;
}

static const char *failure(const struct stage *stage, const struct asked *asked, mfn_t mfn)
{
    static char text[96];
    const struct named named = world_name(&stage->bed.world, mfn);
    int16_t expected = expect_status(asked, &named), status;
    struct counts before = counts_of(stage, mfn), mapped = before, seen;
    uint64_t place = entry_address(stage, SLOT), bits = 0;
    grant_handle_t handle = 0;
    bool host = asked->flags & GNTMAP_host_map;

    status = map(stage, asked->flags, SLOT, &handle);
    if (status != expected) {
        snprintf(text, sizeof(text), "expected %d, got %d", expected, status);
        return text;
    }
    if (status == GNTST_okay) {
        mapped = add_mapping(before, asked->flags);
        bits = host ? expect_entry_of(stage, asked->flags, mfn) : 0;
    }
    seen = counts_of(stage, mfn);
    if (entry_at(stage, place) != bits || counts_differ(&seen, &mapped))
        return "the entry or the counts are wrong";
    if (status == GNTST_okay && guest_grant_unmap(stage->vcpu, handle, host ? host_addr(stage, asked->flags, SLOT) : 0,
                                                  asked->flags & GNTMAP_device_map ? pte(mfn, 0) : 0))
        return "it cannot be unmapped";
    seen = counts_of(stage, mfn);
    return entry_at(stage, place) || counts_differ(&seen, &before) ? "something is left of it" : NULL;
}

static void try_flags(const struct stage *stage, struct asked *asked, enum target target, mfn_t mfn)
{
    for (asked->flags = 0; asked->flags < 32; asked->flags++) {
        const char *wrong = failure(stage, asked, mfn);

        sweep_count(!wrong, "mapped by d%u, version %u, %s: type %u%s%s%s, map flags %#x: %s",
                    stage->user->domain->id.v, stage->version, bed_target_name(target), asked->type,
                    asked->readonly ? " readonly" : "", asked->sub_page ? " sub_page" : "",
                    asked->right_domain ? "" : " to another", asked->flags, wrong ? wrong : "");
    }
}

static void try_target(const struct stage *stage, enum target target, mfn_t mfn)
{
    for (unsigned i = 0; i < 32; i++) {
        struct asked asked = {i & 3, i & 4, i & 8, !(i & 16), 0};
        unsigned flags = asked.type | (asked.readonly ? GTF_readonly : 0) | (asked.sub_page ? SUB_PAGE : 0);

        if (asked.sub_page && stage->version == 1)
            continue;
        guest_grant(stage->granter, REF, stage->user->domain->id.v + !asked.right_domain, mfn, flags);
        try_flags(stage, &asked, target, mfn);
        guest_grant_end(stage->granter, REF);
    }
    guest_assert_clean(stage->bed.sim);
}

/* Version 1 has no room for all frame numbers. */
static bool can_name(const struct stage *stage, mfn_t mfn)
{
    return !mfn_is_none(mfn) && (stage->version == 2 || mfn.v <= UINT32_MAX);
}

static void sweep_targets(bool pae, bool loopback, unsigned version)
{
    struct stage stage;

    sweep_begin();
    stage_create(&stage, pae, loopback, version);
    for (enum target target = 0; target < TARGET_COUNT; target++) {
        mfn_t mfn = bed_target(&stage.bed, TABLE_L1, target);

        if (can_name(&stage, mfn))
            try_target(&stage, target, mfn);
    }
    stage_destroy(&stage);
    sweep_end();
}

static void test_targets(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++)
        sweep_targets(i & 1, i & 2, 1 + i / 4);
}

/* ---- The entry changes between map and unmap. */

/*
 * A mapping whose entry is gone can only be unmapped where another one of the same frame stands.  That one then has
 * none, and is there until the end.
 */
static bool unmap_elsewhere(const struct stage *stage, uint32_t flags, grant_handle_t handle)
{
    grant_handle_t ignored;

    return map(stage, flags, OTHER_SLOT, &ignored) == GNTST_okay &&
           guest_grant_unmap(stage->vcpu, handle, host_addr(stage, flags, OTHER_SLOT), 0) == GNTST_okay &&
           entry_at(stage, entry_address(stage, OTHER_SLOT)) == 0;
}

static const char *change_failure(const struct stage *stage, uint32_t flags, mfn_t mfn, unsigned bit)
{
    uint64_t place = entry_address(stage, SLOT), mapped, changed;
    bool fits;
    grant_handle_t handle;

    if (map(stage, flags, SLOT, &handle))
        return "it cannot be mapped";
    mapped = entry_at(stage, place);
    (void)guest_set_entry(stage->vcpu, pte_mfn(place), (unsigned)(place & 0xfff) / 8, mapped ^ UINT64_C(1) << bit);
    changed = entry_at(stage, place);
    fits = (changed & PTE_P) && mfn_equal(pte_mfn(changed), mfn) && !(changed & PTE_RW) == !!(flags & GNTMAP_readonly);
    if (guest_grant_unmap(stage->vcpu, handle, host_addr(stage, flags, SLOT), 0) !=
        (fits ? GNTST_okay : GNTST_general_error))
        return fits ? "it should be unmapped" : "it should not be unmapped";
    if (entry_at(stage, place) != (fits ? 0 : changed))
        return "the entry is wrong";
    if (!fits && !guest_grant_use(stage->granter, REF))
        return "the granter believes that the page is not in use";
    if (!fits && !unmap_elsewhere(stage, flags, handle))
        return "it cannot be unmapped elsewhere";
    return guest_set_entry(stage->vcpu, pte_mfn(place), (unsigned)(place & 0xfff) / 8, 0) ? "no end" : NULL;
}

static void sweep_changes(bool pae, bool loopback, unsigned version)
{
    static const uint32_t flags[] = {0, GNTMAP_readonly, GNTMAP_contains_pte, GNTMAP_contains_pte | GNTMAP_readonly,
                                     GNTMAP_application_map};
    struct stage stage;

    sweep_begin();
    stage_create(&stage, pae, loopback, version);
    for (unsigned i = 0; i < ARRAY_SIZE(flags) * 64; i++) {
        mfn_t mfn = bed_target(&stage.bed, TABLE_L1, TARGET_WRITABLE);
        const char *wrong;

        guest_grant(stage.granter, REF, stage.user->domain->id.v, mfn, GTF_permit_access);
        wrong = change_failure(&stage, flags[i / 64] | GNTMAP_host_map, mfn, i % 64);
        sweep_count(!wrong, "mapped by d%u, version %u, flags %#x, entry changed in %s: %s", stage.user->domain->id.v,
                    version, flags[i / 64], sweep_flags(UINT64_C(1) << i % 64), wrong ? wrong : "");
        guest_assert_clean(stage.bed.sim);
    }
    stage_destroy(&stage);
    sweep_end();
}

/* Shows grant_table_op.map-rights. */
static void test_changes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++)
        sweep_changes(i & 1, i & 2, 1 + i / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_changes),
    };

    return cmocka_run_group_tests(tests, NULL, sweep_report);
}
