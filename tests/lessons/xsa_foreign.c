/* SPDX-License-Identifier: MIT */
/* Other domains: who may name whom, the order of locks, frames of nobody, and frames that the hypervisor shares. */
#include <abi/mmuext.h>
#include <tests/lessons/lib/race.h>

#define DYING  2u /* a domain that has ended */
#define ABSENT 5u /* a number that no domain has */

/* Domain 0 may name others; 1 may not; both have memory. */
static void foreign_begin(struct lesson *lesson)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    const struct frame_range hole = {MFN(600), MFN(640)}, kept = {MFN(700), MFN(720)};

    config.nr_domains = 3;
    config.domains[0].privileged = true;
    config.holes = &hole;
    config.nr_holes = 1;
    config.reserved = &kept;
    config.nr_reserved = 1;
    lesson_begin(lesson, &config);
    domain_destroy(sim_domain(lesson->sim, DYING));
}

/*
 * ---- 109: each kind of domain, named in each call.
 */

struct naming {
    unsigned domid; /* of domain 0, who asks; domain 1 asks with 0 for 1 */
    /* what a privileged and an unprivileged caller get who map, or pin, a page of the other domain */
    int map, map_without_right, pin, pin_without_right;
};

static const struct naming namings[] = {
    {DOMID_SELF, -XEN_EBUSY, -XEN_EBUSY, -XEN_EINVAL, -XEN_EINVAL},
    {0, -XEN_ESRCH, -XEN_EPERM, -XEN_ESRCH, -XEN_EPERM},
    {1, 0, -XEN_ESRCH, 0, -XEN_ESRCH},
    {DYING, -XEN_ESRCH, -XEN_EPERM, -XEN_ESRCH, -XEN_EPERM},
    {ABSENT, -XEN_ESRCH, -XEN_ESRCH, -XEN_ESRCH, -XEN_ESRCH},
    {DOMID_IO, -XEN_EBUSY, -XEN_EBUSY, -XEN_EINVAL, -XEN_EINVAL},
    {DOMID_XEN, -XEN_EBUSY, -XEN_EPERM, -XEN_EINVAL, -XEN_EPERM},
    {DOMID_COW, -XEN_ESRCH, -XEN_ESRCH, -XEN_ESRCH, -XEN_ESRCH},
    {DOMID_INVALID, -XEN_ESRCH, -XEN_ESRCH, -XEN_ESRCH, -XEN_ESRCH},
    {DOMID_IDLE, -XEN_ESRCH, -XEN_ESRCH, -XEN_ESRCH, -XEN_ESRCH},
};

static void try_naming(const struct lesson *lesson, const struct naming *naming, bool right)
{
    struct vcpu *vcpu = right ? lesson->vcpu : lesson->other_vcpu;
    struct guest *owner = right ? lesson->other : lesson->guest;
    pfn_t pfn = lesson_readonly_page(owner);
    mfn_t mfn = guest_mfn(owner, pfn);
    struct guest *caller = guest_of(vcpu);
    int map = right ? naming->map : naming->map_without_right, pin = right ? naming->pin : naming->pin_without_right;
    const struct mmu_update requests[] = {
        {lesson_maddr(lesson_table(caller, 1), 3), pte(mfn, PTE_RW_PAGE)},
        {lesson_maddr(mfn, 0) | MMU_MACHPHYS_UPDATE, pfn.v},
    };
    struct mmuext_op op = {.cmd = MMUEXT_PIN_L2_TABLE, .arg1.mfn = mfn.v};

    assert_int_equal(guest_mmu_update(vcpu, &requests[0], 1, NULL, naming->domid), map);
    assert_int_equal(
        guest_update_va_mapping_otherdomain(vcpu, lesson_window(caller, 4), requests[0].val, UVMF_NONE, naming->domid),
        map);
    assert_int_equal(lesson_unmap(vcpu, 3) | lesson_unmap(vcpu, 4), 0);
    /* Where a frame may be mapped, so may its note in the M2P be changed; what is merely not the owner's is invalid. */
    assert_int_equal(guest_mmu_update(vcpu, &requests[1], 1, NULL, naming->domid),
                     map == -XEN_EBUSY ? -XEN_EINVAL : map);
    assert_int_equal(guest_mmuext(vcpu, &op, 1, NULL, naming->domid), pin);
    op.cmd = MMUEXT_UNPIN_TABLE;
    assert_int_equal(guest_mmuext(vcpu, &op, 1, NULL, naming->domid), pin);
    guest_assert_clean(lesson->sim);
    assert_true(lesson_is_sole(owner, pfn));
    guest_page_free(owner, pfn);
}

static void xsa_109_each_kind_of_domain(void **state)
{
    struct lesson lesson;

    (void)state;
    foreign_begin(&lesson);
    for (unsigned i = 0; i < ARRAY_SIZE(namings); i++) {
        try_naming(&lesson, &namings[i], true);
        try_naming(&lesson, &namings[i], false);
    }
    lesson_end(&lesson);
}

/* Tables of another domain: only by who may, only of living domains, upper ones only with frames of their own. */
static void xsa_109_tables_of_another_domain(void **state)
{
    struct lesson lesson;
    struct mmu_update request;
    unsigned done;
    pfn_t pfn;

    (void)state;
    foreign_begin(&lesson);
    request = (struct mmu_update){lesson_maddr(lesson_table(lesson.other, 1), 3),
                                  pte(guest_mfn(lesson.other, PFN(0)), PTE_RO_PAGE)};
    assert_int_equal(guest_mmu_update(lesson.vcpu, &request, 1, &done, 2u << 16 | 1), 0);
    assert_int_equal(guest_mmu_update(lesson.vcpu, &request, 1, &done, 1), -XEN_EINVAL);
    assert_int_equal(done, 0);
    assert_int_equal(guest_mmu_update(lesson.other_vcpu, &request, 1, &done, 1u << 16 | DOMID_SELF), -XEN_EPERM);
    done = 77;
    assert_int_equal(guest_mmu_update(lesson.vcpu, &request, 1, &done, (ABSENT + 1) << 16 | 1), -XEN_ESRCH);
    assert_int_equal(done, ~0u); /* not written */
    assert_int_equal(guest_mmu_update(lesson.vcpu, &request, 1, &done, (DYING + 1) << 16 | DYING), -XEN_ESRCH);
    assert_int_equal(lesson_unmap(lesson.other_vcpu, 3), 0);
    pfn = lesson_readonly_page(lesson.other);
    request = (struct mmu_update){lesson_maddr(lesson_table(lesson.other, 2), 100),
                                  pte(guest_mfn(lesson.other, pfn), PTE_TABLE)};
    assert_int_equal(guest_mmu_update(lesson.vcpu, &request, 1, &done, 2u << 16 | DOMID_SELF), -XEN_EINVAL);
    request.val = pte(guest_mfn(lesson.guest, lesson_readonly_page(lesson.guest)), PTE_TABLE);
    assert_int_equal(guest_mmu_update(lesson.vcpu, &request, 1, &done, 2u << 16 | DOMID_SELF), -XEN_EINVAL);
    request.val = pte(guest_mfn(lesson.other, pfn), PTE_TABLE);
    assert_int_equal(guest_mmu_update(lesson.vcpu, &request, 1, &done, 2u << 16 | 1), 0);
    request.val = 0;
    assert_int_equal(guest_mmu_update(lesson.vcpu, &request, 1, &done, 2u << 16 | 1), 0);
    assert_true(lesson_is_sole(lesson.other, pfn));
    lesson_end(&lesson);
}

/*
 * ---- 73, 411: two domains that work on each other.  The machine fails the test at a lock out of order or a deadlock.
 */

static void prepare_mutual(struct race *race)
{
    race->pages[0] = lesson_page(race->lesson.guest);
    race->pages[1] = lesson_page(race->lesson.other);
    race->frames[0] = guest_mfn(race->lesson.guest, race->pages[0]);
    race->frames[1] = guest_mfn(race->lesson.other, race->pages[1]);
    race->frames[2] = lesson_table(race->lesson.guest, 1);
    race->frames[3] = lesson_table(race->lesson.other, 1);
}

/* Map the other's page in one's own tables, and one's own page in the other's tables. */
static void work_mutual(struct race *race, struct vcpu *vcpu)
{
    struct guest *self = guest_of(vcpu);
    struct guest *other = self == race->lesson.guest ? race->lesson.other : race->lesson.guest;
    unsigned id = other->domain->id.v, mine = self == race->lesson.other;
    uint64_t theirs = pte(race->frames[!mine], PTE_RW_PAGE), ours = pte(race->frames[mine], PTE_RW_PAGE);
    struct mmu_update requests[34]; /* a preemption point lies among them */

    for (unsigned i = 0; i < ARRAY_SIZE(requests); i++)
        requests[i] = (struct mmu_update){lesson_maddr(race->frames[2 + !mine], 3), i % 2 ? 0 : ours};
    for (unsigned i = 0; i < 10; i++) {
        race->results[mine] |= guest_update_va_mapping_otherdomain(vcpu, lesson_window(self, 1), theirs, UVMF_NONE, id);
        race->results[mine] |=
            guest_mmu_update(vcpu, requests, ARRAY_SIZE(requests), NULL, (id + 1) << 16 | DOMID_SELF);
        race->results[mine] |= lesson_unmap(vcpu, 1);
    }
}

static void check_mutual(struct race *race)
{
    assert_int_equal(race->results[0], 0);
    assert_int_equal(race->results[1], 0);
    assert_true(lesson_is_sole(race->lesson.guest, race->pages[0]));
    assert_true(lesson_is_sole(race->lesson.other, race->pages[1]));
}

static struct scene mutual(void)
{
    struct scene scene = {
        .config = lesson_config(WIDTH_64, 1),
        .prepare = prepare_mutual,
        .act = work_mutual,
        .others = {work_mutual},
        .check = check_mutual,
    };

    scene.config.nr_domains = 2;
    scene.config.domains[0].privileged = scene.config.domains[1].privileged = true;
    return scene;
}

static void xsa_73_two_domains_work_on_each_other(void **state)
{
    const struct scene scene = mutual();

    (void)state;
    race_scramble(&scene, 60);
}

/* The way out of a batch that fails, with both locks held, and with the other domain gone. */
static void destroy_other(struct race *race, struct vcpu *vcpu)
{
    (void)vcpu;
    race->results[2] = (int64_t)domain_destroy(race->lesson.other->domain);
}

static void check_one_gone(struct race *race)
{
    guest_assert_clean(race->lesson.sim);
    (void)lesson_unmap(race->lesson.vcpu, 1);
    for (uint64_t mfn = 0; mfn < race->lesson.sim->machine.nr_frames; mfn++)
        assert_true(lesson_frame(&race->lesson, MFN(mfn))->owner != 1);
}

static void xsa_411_the_other_domain_ends_meanwhile(void **state)
{
    struct scene scene = mutual();

    (void)state;
    scene.others[0] = destroy_other;
    scene.check = check_one_gone;
    race_play(&scene);
    race_scramble(&scene, 40);
}

/*
 * ---- 232: frames that have no domain behind them, in every call that looks their owner up.
 */

static void refuse_frame(const struct lesson *lesson, struct vcpu *vcpu, uint64_t mfn, unsigned domid)
{
    static const unsigned commands[] = {MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L4_TABLE, MMUEXT_UNPIN_TABLE,
                                        MMUEXT_NEW_BASEPTR,  MMUEXT_CLEAR_PAGE,   MMUEXT_NEW_USER_BASEPTR};
    const struct mmu_update requests[] = {
        {mfn << PAGE_SHIFT, 0},
        {mfn << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 0},
        {lesson_maddr(lesson_table(guest_of(vcpu), 1), 3), pte(MFN(mfn), PTE_RO_PAGE)},
        {lesson_maddr(lesson_table(guest_of(vcpu), 1), 3), pte(MFN(mfn), PTE_RW_PAGE)},
        {lesson_maddr(lesson_table(guest_of(vcpu), 2), 100), pte(MFN(mfn), PTE_TABLE)},
    };
    uint64_t extent = mfn, out = 5;
    mfn_t frame = MFN(mfn);

    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
        const struct mmuext_op op = {.cmd = commands[i], .arg1.mfn = mfn};

        assert_true(guest_mmuext(vcpu, &op, 1, NULL, domid) < 0);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(requests); i++)
        assert_true(guest_mmu_update(vcpu, &requests[i], 1, NULL, domid) < 0);
    assert_int_equal(guest_set_gdt(vcpu, &frame, 1), -XEN_EINVAL);
    assert_int_equal(guest_update_descriptor(vcpu, mfn << PAGE_SHIFT, 0), -XEN_EINVAL);
    assert_int_equal(guest_exchange(vcpu, &extent, 1, 0, &out, 1, 0, 0, NULL), -XEN_EINVAL);
    assert_int_equal(guest_reservation(vcpu, XENMEM_decrease_reservation, &extent, 1, 0, 0), 0);
    (void)lesson;
}

static void xsa_232_frames_without_a_domain(void **state)
{
    static const unsigned domids[] = {DOMID_SELF, DOMID_IO, DOMID_XEN, 1};
    struct picture before;
    struct lesson lesson;
    uint64_t pool = 0;

    (void)state;
    foreign_begin(&lesson);
    while (lesson_frame(&lesson, MFN(pool))->owner != OWNER_NONE)
        pool++;
    before = lesson_picture(&lesson);
    const uint64_t frames[] = {600, 640, 700, lesson.sim->hypervisor_first.v, lesson.sim->machine.nr_frames - 1, pool};
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++) {
        for (unsigned d = 0; d < ARRAY_SIZE(domids); d++)
            refuse_frame(&lesson, lesson.vcpu, frames[i], domids[d]);
        refuse_frame(&lesson, lesson.other_vcpu, frames[i], DOMID_SELF);
    }
    lesson_assert_unchanged(&lesson, &before);
    lesson_end(&lesson);
}

/*
 * ---- 219: a store that is carried out for the guest goes to a table of its own, whatever it has mapped.
 */

static void xsa_219_only_to_ones_own_tables(void **state)
{
    struct table_write write = {.form = WRITE_MOV, .bytes = 8};
    struct picture before;
    struct lesson lesson;

    (void)state;
    foreign_begin(&lesson);
    lesson.guest->domain->writable_tables = true;
    write.vaddr = lesson_window(lesson.guest, 1);
    write.operand = pte(guest_mfn(lesson.guest, PFN(0)), PTE_RO_PAGE);
    assert_int_equal(guest_update_va_mapping_otherdomain(lesson.vcpu, write.vaddr,
                                                         pte(lesson_table(lesson.other, 1), PTE_RO_PAGE), UVMF_NONE, 1),
                     0);
    before = lesson_picture(&lesson);
    assert_int_equal(table_write_emulate(lesson.vcpu, &write), -XEN_EINVAL);
    lesson_assert_unchanged(&lesson, &before);
    assert_int_equal(lesson_map(lesson.vcpu, 1, lesson_table(lesson.guest, 1), PTE_RO_PAGE), 0);
    assert_int_equal(table_write_emulate(lesson.vcpu, &write), 0);
    lesson_end(&lesson);
}

/*
 * ---- 26, 255: a frame that the hypervisor shares with its guest.
 */

static void xsa_26_a_shared_frame_cannot_be_released(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;
    mfn_t shared;
    uint64_t out = 5;
    pfn_t pfn;

    (void)state;
    lesson_begin(&lesson, &config);
    pfn = lesson_unmapped_page(lesson.guest);
    shared = guest_mfn(lesson.guest, pfn);
    /* Only a frame that nobody uses becomes one. */
    assert_int_equal(lesson_map(lesson.vcpu, 1, shared, PTE_RO_PAGE), 0);
    assert_int_equal(domain_share(lesson.guest->domain, shared), -XEN_EINVAL);
    assert_int_equal(lesson_unmap(lesson.vcpu, 1), 0);
    assert_int_equal(domain_share(lesson.guest->domain, shared), 0);
    assert_int_equal(lesson_map(lesson.vcpu, 1, shared, PTE_RW_PAGE), 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(guest_reservation(lesson.vcpu, XENMEM_decrease_reservation, &shared.v, 1, 0, 0), 0);
        assert_int_equal(guest_exchange(lesson.vcpu, &shared.v, 1, 0, &out, 1, 0, 0, NULL), -XEN_EINVAL);
        assert_int_equal(guest_pin(lesson.vcpu, shared, 1), -XEN_EINVAL);
        assert_int_equal(guest_set_gdt(lesson.vcpu, &shared, 1), -XEN_EINVAL);
        assert_int_equal(domain_share(lesson.guest->domain, shared), -XEN_EINVAL);
        assert_int_equal(lesson_unmap(lesson.vcpu, 1), 0);
    }
    guest_assert_clean(lesson.sim);
    domain_unshare(lesson.guest->domain, shared);
    assert_true(lesson_is_sole(lesson.guest, pfn));
    lesson_end(&lesson);
}

/* The hypervisor takes it back while the guest still maps it: the frame lives until the guest lets go as well. */
static void xsa_255_no_longer_shared_but_still_mapped(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);
    struct lesson lesson;
    uint64_t pool, word = 1;
    mfn_t shared;

    (void)state;
    lesson_begin(&lesson, &config);
    shared = guest_mfn(lesson.guest, lesson_unmapped_page(lesson.guest));
    assert_int_equal(domain_share(lesson.guest->domain, shared), 0);
    assert_int_equal(lesson_map(lesson.vcpu, 1, shared, PTE_RW_PAGE), 0);
    domain_unshare(lesson.guest->domain, shared);
    guest_assert_clean(lesson.sim);
    assert_int_equal(guest_pin(lesson.vcpu, shared, 1), -XEN_EINVAL);
    pool = sim_pool_count(lesson.sim);
    assert_int_equal(guest_reservation(lesson.vcpu, XENMEM_decrease_reservation, &shared.v, 1, 0, 0), 1);
    assert_true(sim_pool_count(lesson.sim) == pool);
    assert_true(guest_write(lesson.second, lesson_window(lesson.guest, 1), &word, sizeof(word)));
    guest_assert_clean(lesson.sim);
    assert_int_equal(lesson_unmap(lesson.vcpu, 1), 0);
    assert_true(sim_pool_count(lesson.sim) == pool + 1);
    guest_assert_clean(lesson.sim);
    lesson_end(&lesson);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_26_a_shared_frame_cannot_be_released),
        LESSON(xsa_73_two_domains_work_on_each_other),
        LESSON(xsa_109_each_kind_of_domain),
        LESSON(xsa_109_tables_of_another_domain),
        LESSON(xsa_219_only_to_ones_own_tables),
        LESSON(xsa_232_frames_without_a_domain),
        LESSON(xsa_255_no_longer_shared_but_still_mapped),
        LESSON(xsa_411_the_other_domain_ends_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
