/* SPDX-License-Identifier: MIT */
/*
 * Translations that memory no longer justifies, when a frame changes its type or its owner.  A guest keeps one by
 * mapping a page writable, writing to it on a second processor, and unmapping it without a flush.
 */
#include <abi/mmuext.h>
#include <engine/tlb.h>
#include <tests/lessons/lib/race.h>

#define WINDOW 20u  /* the page of the window where it is mapped */
#define SLOT   200u /* of the live L2 */

static vaddr_t stale_vaddr(const struct lesson *lesson)
{
    return lesson_window(lesson->guest, WINDOW);
}

/* Leave a writable translation of @mfn on the second processor. */
static void leave_stale(const struct lesson *lesson, mfn_t mfn)
{
    uint64_t word = 0;

    assert_int_equal(lesson_map(lesson->vcpu, WINDOW, mfn, PTE_RW_PAGE), 0);
    assert_true(guest_write(lesson->second, stale_vaddr(lesson), &word, sizeof(word)));
    assert_int_equal(lesson_unmap(lesson->vcpu, WINDOW), 0);
    assert_true(sim_tlb_holds(lesson->sim, lesson->second->cpu, stale_vaddr(lesson), NULL, NULL));
}

/* No write of the second vCPU arrives in @mfn. */
static void assert_no_write(const struct lesson *lesson, mfn_t mfn)
{
    uint64_t evil = pte(guest_root(lesson->guest), PTE_RW_PAGE), before = guest_entry(lesson->guest, mfn, 0);

    guest_assert_clean(lesson->sim);
    assert_false(guest_write(lesson->second, stale_vaddr(lesson), &evil, sizeof(evil)));
    assert_true(guest_entry(lesson->guest, mfn, 0) == before);
}

/*
 * ---- Uses of a frame that exclude writing, and how each begins and ends.
 */

struct use {
    enum frame_type type;
    int64_t (*begin)(const struct lesson *lesson, pfn_t pfn);
    int64_t (*end)(const struct lesson *lesson, pfn_t pfn);
};

static mfn_t mfn_of(const struct lesson *lesson, pfn_t pfn)
{
    return guest_mfn(lesson->guest, pfn);
}

static int64_t link_l1(const struct lesson *lesson, pfn_t pfn)
{
    return guest_set_entry(lesson->vcpu, lesson_table(lesson->guest, 2), SLOT, pte(mfn_of(lesson, pfn), PTE_TABLE));
}

static int64_t unlink_l1(const struct lesson *lesson, pfn_t pfn)
{
    (void)pfn;
    return guest_set_entry(lesson->vcpu, lesson_table(lesson->guest, 2), SLOT, 0);
}

static int64_t pin_l1(const struct lesson *lesson, pfn_t pfn)
{
    return guest_pin(lesson->vcpu, mfn_of(lesson, pfn), 1);
}

static int64_t pin_l2(const struct lesson *lesson, pfn_t pfn)
{
    return guest_pin(lesson->vcpu, mfn_of(lesson, pfn), 2);
}

static int64_t pin_l3(const struct lesson *lesson, pfn_t pfn)
{
    return guest_pin(lesson->vcpu, mfn_of(lesson, pfn), 3);
}

static int64_t pin_l4(const struct lesson *lesson, pfn_t pfn)
{
    return guest_pin(lesson->vcpu, mfn_of(lesson, pfn), 4);
}

static int64_t unpin(const struct lesson *lesson, pfn_t pfn)
{
    return guest_unpin(lesson->vcpu, mfn_of(lesson, pfn));
}

static int64_t load_user(const struct lesson *lesson, pfn_t pfn)
{
    return guest_new_user_baseptr(lesson->vcpu, mfn_of(lesson, pfn));
}

static int64_t drop_user(const struct lesson *lesson, pfn_t pfn)
{
    (void)pfn;
    return guest_new_user_baseptr(lesson->vcpu, MFN(0));
}

static int64_t set_gdt(const struct lesson *lesson, pfn_t pfn)
{
    mfn_t mfn = mfn_of(lesson, pfn);

    return guest_set_gdt(lesson->vcpu, &mfn, 512);
}

static int64_t drop_gdt(const struct lesson *lesson, pfn_t pfn)
{
    (void)pfn;
    return guest_set_gdt(lesson->vcpu, NULL, 0);
}

static int64_t set_ldt(const struct lesson *lesson, pfn_t pfn)
{
    int64_t result = guest_set_ldt(lesson->vcpu, guest_vaddr(lesson->guest, pfn), 512);

    return result ? result : ldt_fault(lesson->vcpu, 0);
}

static int64_t drop_ldt(const struct lesson *lesson, pfn_t pfn)
{
    (void)pfn;
    return guest_set_ldt(lesson->vcpu, VADDR(0), 0);
}

static const struct use uses[] = {
    {TYPE_L1, link_l1, unlink_l1},     {TYPE_L1, pin_l1, unpin},          {TYPE_L2, pin_l2, unpin},
    {TYPE_L3, pin_l3, unpin},          {TYPE_L4, pin_l4, unpin},          {TYPE_L4, load_user, drop_user},
    {TYPE_SEGDESC, set_gdt, drop_gdt}, {TYPE_SEGDESC, set_ldt, drop_ldt},
};

/*
 * ---- 401, 408: from writable to a use that excludes it, and from any use to any other.
 */

static void xsa_401_flush_before_publish(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(uses); i++) {
        struct lesson lesson;
        pfn_t pfn;

        lesson_begin(&lesson, &config);
        pfn = lesson_readonly_page(lesson.guest);
        leave_stale(&lesson, mfn_of(&lesson, pfn));
        assert_int_equal(uses[i].begin(&lesson, pfn), 0);
        assert_no_write(&lesson, mfn_of(&lesson, pfn));
        assert_int_equal(uses[i].end(&lesson, pfn), 0);
        assert_true(lesson_is_sole(lesson.guest, pfn));
        lesson_end(&lesson);
    }
}

/* What a processor with a stale translation writes at the last moment. */
struct poke {
    const struct lesson *lesson;
    uint64_t word;
};

static void write_at_the_flush(struct sim *sim, cpumask_t cpus)
{
    const struct poke *poke = sim->user;

    (void)cpus;
    (void)guest_write(poke->lesson->second, stale_vaddr(poke->lesson), &poke->word, sizeof(poke->word));
}

/* An entry that gives away a page table, or the descriptor of a TSS: neither is ever accepted. */
static uint64_t evil_word(const struct lesson *lesson, enum frame_type type)
{
    return type == TYPE_SEGDESC ? UINT64_C(0x0000890000000067) : pte(guest_root(lesson->guest), PTE_RW_PAGE);
}

/* The write comes before the flush, so the contents that are validated must be those after it. */
static void xsa_401_validate_after_the_flush(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(uses); i++) {
        struct lesson lesson;
        struct poke poke;
        int64_t result;
        pfn_t pfn;

        lesson_begin(&lesson, &config);
        pfn = lesson_readonly_page(lesson.guest);
        poke = (struct poke){&lesson, evil_word(&lesson, uses[i].type)};
        leave_stale(&lesson, mfn_of(&lesson, pfn));
        lesson.sim->user = &poke;
        lesson.sim->on_flush = write_at_the_flush;
        result = uses[i].begin(&lesson, pfn);
        lesson.sim->on_flush = NULL;
        assert_true(guest_entry(lesson.guest, mfn_of(&lesson, pfn), 0) == poke.word);
        assert_true(result == -XEN_EBUSY || result == -XEN_EINVAL);
        lesson_end(&lesson);
    }
}

/* Flushes after the last use that reach another processor, or another address: they prove nothing. */
static void flush_elsewhere(const struct lesson *lesson, unsigned kind)
{
    static const unsigned commands[] = {MMUEXT_TLB_FLUSH_LOCAL, MMUEXT_TLB_FLUSH_MULTI, MMUEXT_INVLPG_ALL};
    const uint64_t first_only = 1, other = lesson_window(lesson->guest, WINDOW + 1).v;
    uint64_t mask = guest_put(lesson->vcpu, &first_only, sizeof(first_only)).v;
    struct mmuext_op op = {.arg1.linear_addr = other, .arg2.vcpumask = mask};
    int64_t result;

    if (kind < ARRAY_SIZE(commands)) {
        op.cmd = commands[kind];
        result = guest_mmuext(lesson->vcpu, &op, 1, NULL, DOMID_SELF);
    } else if (kind == 3) {
        result = guest_update_va_mapping(lesson->vcpu, VADDR(other), 0, UVMF_TLB_FLUSH | UVMF_LOCAL);
    } else if (kind == 4) {
        result = guest_update_va_mapping(lesson->vcpu, VADDR(other), 0, UVMF_INVLPG | UVMF_ALL);
    } else {
        result = guest_new_baseptr(lesson->vcpu, guest_root(lesson->guest));
    }
    assert_int_equal(result, 0);
    guest_scratch_reset(lesson->vcpu);
}

static void xsa_401_flushes_that_prove_nothing(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);

    (void)state;
    for (unsigned kind = 0; kind < 6; kind++) {
        struct lesson lesson;
        pfn_t pfn;

        lesson_begin(&lesson, &config);
        pfn = lesson_readonly_page(lesson.guest);
        leave_stale(&lesson, mfn_of(&lesson, pfn));
        flush_elsewhere(&lesson, kind);
        assert_int_equal(pin_l1(&lesson, pfn), 0);
        assert_no_write(&lesson, mfn_of(&lesson, pfn));
        lesson_end(&lesson);
    }
}

/* A flush of everybody that came before the last use ended. */
static void xsa_401_a_flush_before_the_end(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);
    struct lesson lesson;
    uint64_t word = 0;
    pfn_t pfn;

    (void)state;
    lesson_begin(&lesson, &config);
    pfn = lesson_readonly_page(lesson.guest);
    assert_int_equal(lesson_map(lesson.vcpu, WINDOW, mfn_of(&lesson, pfn), PTE_RW_PAGE), 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(guest_flush_all(lesson.vcpu), 0);
        assert_true(guest_write(lesson.second, stale_vaddr(&lesson), &word, sizeof(word)));
    }
    assert_int_equal(lesson_unmap(lesson.vcpu, WINDOW), 0);
    assert_int_equal(pin_l1(&lesson, pfn), 0);
    assert_no_write(&lesson, mfn_of(&lesson, pfn));
    lesson_end(&lesson);
}

/* Every pair of uses: the flush depends on what the frame was, not on what it becomes.  Shows types.flushed. */
static void xsa_408_from_each_use_to_each_other(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);
    struct lesson lesson;

    (void)state;
    lesson_begin(&lesson, &config);
    for (unsigned from = 0; from < ARRAY_SIZE(uses); from++) {
        for (unsigned to = 0; to < ARRAY_SIZE(uses); to++) {
            pfn_t pfn = lesson_readonly_page(lesson.guest);
            uint64_t word;

            assert_int_equal(uses[from].begin(&lesson, pfn), 0);
            /* Fill the paging-structure caches of both processors, through the frame if it is linked. */
            (void)guest_read(lesson.vcpu, VADDR(lesson.guest->base.v + SLOT * 0x200000ull), &word, sizeof(word));
            (void)guest_read(lesson.second, VADDR(lesson.guest->base.v + SLOT * 0x200000ull), &word, sizeof(word));
            assert_int_equal(uses[from].end(&lesson, pfn), 0);
            guest_assert_clean(lesson.sim);
            assert_int_equal(uses[to].begin(&lesson, pfn), 0);
            guest_assert_clean(lesson.sim);
            assert_int_equal(uses[to].end(&lesson, pfn), 0);
            leave_stale(&lesson, mfn_of(&lesson, pfn));
            guest_assert_clean(lesson.sim);
            assert_int_equal(uses[from].begin(&lesson, pfn), 0);
            assert_no_write(&lesson, mfn_of(&lesson, pfn));
            assert_int_equal(uses[from].end(&lesson, pfn), 0);
            assert_true(lesson_is_sole(lesson.guest, pfn));
            guest_page_free(lesson.guest, pfn);
        }
    }
    lesson_end(&lesson);
}

/* A table that becomes memory: a processor may still walk through it, and would set bits in what is memory now. */
static void xsa_408_from_a_table_to_memory(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);
    struct lesson lesson;
    vaddr_t vaddr;
    uint64_t word;
    pfn_t pfn;

    (void)state;
    lesson_begin(&lesson, &config);
    pfn = lesson_readonly_page(lesson.guest);
    vaddr = VADDR(lesson.guest->base.v + SLOT * 0x200000ull);
    for (unsigned i = 0; i < 8; i++) {
        /* mmu_update has the engine flush; the second processor fills its caches again behind that. */
        sim_frame_entries(lesson.sim, mfn_of(&lesson, pfn))[0] = 0;
        assert_int_equal(link_l1(&lesson, pfn), 0);
        assert_int_equal(guest_set_entry(lesson.vcpu, mfn_of(&lesson, pfn), 0,
                                         pte(mfn_of(&lesson, PFN(0)), PTE_P | PTE_US | PTE_KERNEL)),
                         0);
        assert_true(guest_read(lesson.second, vaddr, &word, sizeof(word)));
        assert_true(sim_psc_count(lesson.sim, lesson.second->cpu) > 0);
        assert_int_equal(unlink_l1(&lesson, pfn), 0);
        assert_int_equal(guest_unprotect(lesson.vcpu, pfn), 0);
        guest_assert_clean(lesson.sim);
        assert_false(guest_read(lesson.second, vaddr, &word, sizeof(word)));
        assert_int_equal(guest_protect(lesson.vcpu, pfn), 0);
    }
    lesson_end(&lesson);
}

/*
 * ---- 401 with everything at once: one vCPU links the page, one maps and writes it, both are interrupted.
 */

static void prepare_race(struct race *race)
{
    race->pages[0] = lesson_readonly_page(race->lesson.guest);
}

static void link_race(struct race *race, struct vcpu *vcpu)
{
    mfn_t mfn = guest_mfn(race->lesson.guest, race->pages[0]), l2 = lesson_table(race->lesson.guest, 2);

    for (unsigned i = 0; i < 20; i++) {
        if (guest_set_entry(vcpu, l2, SLOT, pte(mfn, PTE_TABLE)) == 0)
            race->results[0]++;
        for (unsigned j = 0; j < 3; j++)
            sim_pause(race->lesson.sim);
        (void)guest_set_entry(vcpu, l2, SLOT, 0);
    }
}

/* Map, write, unmap without a flush, and go on to write. */
static void poke_race(struct race *race, struct vcpu *vcpu)
{
    mfn_t mfn = guest_mfn(race->lesson.guest, race->pages[0]);
    vaddr_t vaddr = lesson_window(race->lesson.guest, vcpu->id);

    for (unsigned i = 0; i < 40; i++) {
        uint64_t word = pte(guest_root(race->lesson.guest), PTE_RW_PAGE);

        (void)lesson_map(vcpu, vcpu->id, mfn, PTE_RW_PAGE);
        (void)guest_write(vcpu, vaddr, &word, sizeof(word));
        word = 0;
        (void)guest_write(vcpu, vaddr, &word, sizeof(word));
        (void)lesson_unmap(vcpu, vcpu->id);
        for (unsigned j = 0; j < 2; j++) {
            sim_pause(race->lesson.sim);
            (void)guest_write(vcpu, vaddr, &word, sizeof(word));
        }
    }
}

static void check_race(struct race *race)
{
    assert_true(race->results[0] > 0);
    guest_assert_clean(race->lesson.sim);
    assert_true(lesson_is_sole(race->lesson.guest, race->pages[0]));
}

static void xsa_401_a_use_that_comes_between(void **state)
{
    const struct scene scene = {
        .config = lesson_config(WIDTH_64, 3),
        .prepare = prepare_race,
        .act = link_race,
        .others = {poke_race, poke_race},
        .check = check_race,
    };

    (void)state;
    race_scramble(&scene, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_401_flush_before_publish),       LESSON(xsa_401_validate_after_the_flush),
        LESSON(xsa_401_flushes_that_prove_nothing), LESSON(xsa_401_a_flush_before_the_end),
        LESSON(xsa_401_a_use_that_comes_between),   LESSON(xsa_408_from_each_use_to_each_other),
        LESSON(xsa_408_from_a_table_to_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
