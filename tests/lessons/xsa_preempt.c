/* SPDX-License-Identifier: MIT */
/*
 * Interruptions change nothing: each call is played without any, with one at each of its points, and with one at every
 * point; result, progress, memory and counts must be the same each time.  And each failure half way down a tree, with
 * interruptions, leaves nothing behind.
 */
#include <string.h>

#include <abi/mmuext.h>
#include <tests/lessons/lib/race.h>

static const enum width widths[] = {WIDTH_64, WIDTH_PAE};

/*
 * ---- 296, 318: the law of interruptions, for each call of the engine.
 */

/* What a call gave back. */
struct answer {
    int64_t result;
    uint64_t more[4];
};

/* A prepared machine: a tree of tables with memory behind it, and some pages. */
struct stage {
    struct lesson lesson;
    struct guest_tree tree;
    pfn_t tables[4]; /* read-only, zeroes */
    pfn_t pages[4];  /* unmapped, zeroes */
};

typedef struct answer play_fn(struct stage *stage);

static void stage_begin(struct stage *stage, enum width width)
{
    struct sim_config config = lesson_config(width, 2);
    struct guest_leaf leaves[3];

    lesson_begin(&stage->lesson, &config);
    for (unsigned i = 0; i < 4; i++) {
        stage->tables[i] = lesson_readonly_page(stage->lesson.guest);
        stage->pages[i] = lesson_unmapped_page(stage->lesson.guest);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(leaves); i++) {
        leaves[i].vaddr = VADDR(0x40201000 + i * 0x200000);
        leaves[i].entry = pte(guest_mfn(stage->lesson.guest, stage->pages[i]), PTE_RW_PAGE);
    }
    guest_build_tree(stage->lesson.guest, stage->lesson.vcpu, root_level(stage->lesson.guest->domain),
                     GUEST_TREE_KERNEL, leaves, ARRAY_SIZE(leaves), &stage->tree);
}

static mfn_t table_of(const struct stage *stage, unsigned n)
{
    return guest_mfn(stage->lesson.guest, stage->tables[n]);
}

static struct answer play_mmu_update(struct stage *stage)
{
    const struct guest *guest = stage->lesson.guest;
    mfn_t l1 = lesson_table(guest, 1), l2 = lesson_table(guest, 2), page = guest_mfn(guest, stage->pages[3]);
    struct mmu_update requests[40];
    struct answer answer = {0};
    unsigned done;

    for (unsigned i = 0; i < 38; i++)
        requests[i] = (struct mmu_update){lesson_maddr(l1, i), pte(page, i % 2 ? PTE_RW_PAGE : PTE_RO_PAGE)};
    requests[3] = (struct mmu_update){lesson_maddr(l2, 100), pte(table_of(stage, 0), PTE_TABLE)};
    requests[33] = (struct mmu_update){lesson_maddr(l2, 100), pte(table_of(stage, 1), PTE_TABLE)};
    requests[38] = (struct mmu_update){lesson_maddr(l2, 101), pte(table_of(stage, 2), PTE_TABLE | PTE_PS)};
    requests[39] = requests[0];
    answer.result = guest_mmu_update(stage->lesson.vcpu, requests, 40, &done, DOMID_SELF);
    answer.more[0] = done;
    return answer;
}

static struct answer play_pin(struct stage *stage)
{
    const struct mmuext_op ops[] = {
        {.cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = table_of(stage, 0).v},
        {.cmd = MMUEXT_PIN_L1_TABLE + stage->tree.level - 1, .arg1.mfn = stage->tree.root.v},
        {.cmd = MMUEXT_PIN_L2_TABLE, .arg1.mfn = table_of(stage, 1).v},
        {.cmd = MMUEXT_PIN_L2_TABLE, .arg1.mfn = table_of(stage, 1).v},
    };
    struct answer answer = {0};
    unsigned done;

    answer.result = guest_mmuext(stage->lesson.vcpu, ops, ARRAY_SIZE(ops), &done, DOMID_SELF);
    answer.more[0] = done;
    return answer;
}

static struct answer play_pin_and_unpin(struct stage *stage)
{
    struct answer answer = {.result = guest_pin(stage->lesson.vcpu, stage->tree.root, stage->tree.level)};

    answer.more[0] = (uint64_t)guest_unpin(stage->lesson.vcpu, stage->tree.root);
    return answer;
}

static struct answer play_failing_pin(struct stage *stage)
{
    const struct guest *guest = stage->lesson.guest;
    mfn_t last = guest_mfn(guest, stage->tree.tables[stage->tree.nr_tables - 1]);

    sim_frame_entries(stage->lesson.sim, last)[511] = pte(guest_root(guest), PTE_RW_PAGE);
    return (struct answer){.result = guest_pin(stage->lesson.vcpu, stage->tree.root, stage->tree.level)};
}

static struct answer play_new_baseptr(struct stage *stage)
{
    struct answer answer = {.result = guest_new_baseptr(stage->lesson.vcpu, stage->tree.root)};

    answer.more[0] = (uint64_t)guest_new_baseptr(stage->lesson.second, stage->tree.root);
    answer.more[1] = (uint64_t)guest_unpin(stage->lesson.vcpu, guest_root(stage->lesson.guest));
    answer.more[2] = (uint64_t)guest_new_user_baseptr(stage->lesson.vcpu, table_of(stage, 0));
    return answer;
}

static struct answer play_descriptors(struct stage *stage)
{
    const mfn_t frames[] = {table_of(stage, 0), table_of(stage, 1)};
    const struct trap_info traps[] = {
        {.vector = 3, .flags = 3, .cs = 0, .address = 0x1000},
        {.vector = 14, .flags = 4, .cs = 8, .address = 0x2000},
        {.vector = 128, .flags = 0, .cs = 1, .address = 0x3000},
    };
    vaddr_t ldt = guest_vaddr(stage->lesson.guest, stage->tables[2]);
    struct answer answer = {.result = guest_set_gdt(stage->lesson.vcpu, frames, 600)};

    answer.more[0] = (uint64_t)guest_set_ldt(stage->lesson.vcpu, ldt, 3);
    answer.more[1] = (uint64_t)ldt_fault(stage->lesson.vcpu, 0);
    answer.more[2] = (uint64_t)guest_set_trap_table(stage->lesson.vcpu, traps, ARRAY_SIZE(traps));
    return answer;
}

static struct answer play_multicall(struct stage *stage)
{
    struct vcpu *vcpu = stage->lesson.vcpu;
    struct guest *guest = stage->lesson.guest;
    struct answer answer = {0};
    struct multicall_entry calls[20]; /* there are points before the ninth and the seventeenth */

    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
        calls[i] = guest_call_update_va_mapping(vcpu, lesson_window(guest, i),
                                                pte(guest_mfn(guest, stage->pages[i % 4]), PTE_RW_PAGE),
                                                UVMF_TLB_FLUSH | UVMF_ALL);
    calls[2].op = 77;
    calls[17].op = 77;
    answer.result = guest_multicall(vcpu, calls, ARRAY_SIZE(calls));
    for (unsigned i = 0; i < 4; i++)
        answer.more[i] = calls[i].result ^ calls[16 + i].result << 32;
    return answer;
}

static struct answer play_exchange(struct stage *stage)
{
    uint64_t in[4], out[2] = {40, 50};
    struct answer answer = {0};

    for (unsigned i = 0; i < 4; i++)
        in[i] = guest_mfn(stage->lesson.guest, stage->pages[i]).v;
    answer.result = guest_exchange(stage->lesson.vcpu, in, 4, 0, out, 2, 1, 0, &answer.more[0]);
    answer.more[1] = out[0];
    answer.more[2] = out[1];
    return answer;
}

static struct answer play_reservation(struct stage *stage)
{
    uint64_t mfns[4], pfns[3] = {300, 302, 304};
    struct answer answer = {0};

    for (unsigned i = 0; i < 4; i++)
        mfns[i] = guest_mfn(stage->lesson.guest, stage->pages[i]).v;
    mfns[3] = stage->lesson.sim->machine.nr_frames;
    answer.result = guest_reservation(stage->lesson.vcpu, XENMEM_decrease_reservation, mfns, 4, 0, 0);
    answer.more[0] = (uint64_t)guest_reservation(stage->lesson.vcpu, XENMEM_populate_physmap, pfns, 3, 1, 0);
    memcpy(&answer.more[1], pfns, sizeof(pfns));
    return answer;
}

static play_fn *const plays[] = {
    play_mmu_update,  play_pin,       play_pin_and_unpin, play_failing_pin, play_new_baseptr,
    play_descriptors, play_multicall, play_exchange,      play_reservation,
};

struct outcome {
    struct answer answer;
    struct picture picture;
    uint64_t points;
};

/* Play on a fresh machine: @point of the play is interrupted, or every one, or none. */
static struct outcome play(play_fn *fn, enum width width, enum sim_preemption preemption, uint64_t point)
{
    struct outcome outcome;
    struct stage stage;
    struct sim *sim;
    uint64_t script;

    stage_begin(&stage, width);
    sim = stage.lesson.sim;
    script = sim->preempt_points + point;
    sim->preempt_script = &script;
    sim->preempt_script_length = 1;
    sim->preemption = preemption;
    outcome.points = sim->preempt_points;
    outcome.answer = fn(&stage);
    outcome.points = sim->preempt_points - outcome.points;
    sim->preemption = SIM_PREEMPT_NEVER;
    guest_assert_clean(sim);
    outcome.picture = lesson_picture(&stage.lesson);
    sim_destroy(sim);
    return outcome;
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
    assert_memory_equal(&a->answer, &b->answer, sizeof(a->answer));
    assert_memory_equal(&a->picture, &b->picture, sizeof(a->picture));
    assert_true(a->points == b->points);
}

/* Shows multicall.interrupted, hypercall.resumed. */
static void xsa_296_every_call_at_every_point(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(plays) * 2; i++) {
        enum width width = widths[i % 2];
        struct outcome undisturbed = play(plays[i / 2], width, SIM_PREEMPT_NEVER, 0);

        assert_true(undisturbed.points > 0);
        for (uint64_t point = 0; point < undisturbed.points; point += point < 40 ? 1 : 97) {
            struct outcome outcome = play(plays[i / 2], width, SIM_PREEMPT_SCRIPT, point);

            assert_same(&outcome, &undisturbed);
        }
    }
}

/* Shows multicall.interrupted. */
static void xsa_318_a_batch_that_is_always_interrupted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(plays) * 2; i++) {
        struct outcome undisturbed = play(plays[i / 2], widths[i % 2], SIM_PREEMPT_NEVER, 0);
        struct outcome always = play(plays[i / 2], widths[i % 2], SIM_PREEMPT_ALWAYS, 0);

        assert_same(&always, &undisturbed);
    }
}

/* The first entry of a batch is done, or its error told, even where the point before it is taken. */
static void xsa_318_one_entry_interrupted_at_once(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;
    struct mmu_update request;
    unsigned done = 0;

    (void)state;
    lesson_begin(&lesson, &config);
    lesson.sim->preemption = SIM_PREEMPT_ALWAYS;
    request = (struct mmu_update){lesson_maddr(lesson_table(lesson.guest, 1), 4), 0x1000};
    assert_int_equal(guest_mmu_update(lesson.vcpu, &request, 1, &done, DOMID_SELF), 0);
    assert_int_equal(done, 1);
    assert_true(guest_entry(lesson.guest, lesson_table(lesson.guest, 1), 4) == 0x1000);
    request.val = pte(guest_root(lesson.guest), PTE_RW_PAGE);
    assert_int_equal(guest_mmu_update(lesson.vcpu, &request, 1, &done, DOMID_SELF), -XEN_EBUSY);
    assert_int_equal(done, 0);
    lesson.sim->preemption = SIM_PREEMPT_NEVER;
    lesson_end(&lesson);
}

/*
 * ---- 58: a tree that fails at each of its entries.
 */

#define BRANCHES 3u /* at each level */

/* A tree of @level with BRANCHES entries in each table, about the last possible slots. */
static void build_58(const struct lesson *lesson, unsigned level, struct guest_tree *tree)
{
    struct guest_leaf leaves[BRANCHES * BRANCHES * BRANCHES];
    unsigned nr = 0;

    for (unsigned i = 0; i < BRANCHES; i++) {
        for (unsigned j = 0; j < BRANCHES; j++) {
            for (unsigned k = 0; k < BRANCHES; k++) {
                uint64_t l3 = level == 3 ? i : 0, l2 = 200 * j + 3, l1 = 255 * k + 1;

                leaves[nr].vaddr = VADDR(l3 << 30 | l2 << 21 | l1 << 12);
                leaves[nr++].entry = pte(guest_mfn(lesson->guest, PFN(0)), PTE_RO_PAGE);
            }
        }
    }
    guest_build_tree(lesson->guest, lesson->vcpu, level, GUEST_TREE_PLAIN, leaves, nr, tree);
}

/* Break the @n-th present entry of the tree's tables, counted over all of them.  False: there are not so many. */
static bool break_entry(const struct lesson *lesson, const struct guest_tree *tree, unsigned n)
{
    for (unsigned t = 0; t < tree->nr_tables; t++) {
        uint64_t *entries = sim_frame_entries(lesson->sim, guest_mfn(lesson->guest, tree->tables[t]));

        for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++) {
            if (!(entries[i] & PTE_P) || n--)
                continue;
            entries[i] = pte(guest_root(lesson->guest), PTE_RW_PAGE); /* good neither as a leaf nor as a table */
            return true;
        }
    }
    return false;
}

static void fail_at_each_entry(enum width width, unsigned level)
{
    struct sim_config config = lesson_config(width, 1);

    for (unsigned n = 0;; n++) {
        struct guest_tree tree;
        struct lesson lesson;
        uint64_t yields, points;

        lesson_begin(&lesson, &config);
        build_58(&lesson, level, &tree);
        if (!break_entry(&lesson, &tree, n)) {
            assert_true(n > BRANCHES * BRANCHES);
            return;
        }
        lesson.sim->preemption = SIM_PREEMPT_ALWAYS;
        yields = lesson.sim->yields;
        points = lesson.sim->preempt_points;
        for (unsigned round = 0; round < 2; round++)
            assert_true(guest_pin(lesson.vcpu, tree.root, level) < 0);
        /* Each point that is taken lies behind some progress: the rest cannot go on for ever. */
        assert_int_equal(lesson.sim->yields - yields, lesson.sim->preempt_points - points);
        assert_true(lesson.sim->yields - yields <= 2u * 2u * tree.nr_tables * (ENTRIES_PER_TABLE + 2u));
        lesson.sim->preemption = SIM_PREEMPT_NEVER;
        lesson_tree_return(lesson.guest, &tree);
        lesson_end(&lesson);
    }
}

static void xsa_58_a_tree_that_fails_at_each_entry(void **state)
{
    (void)state;
    fail_at_each_entry(WIDTH_64, 2);
    sim_destroy(sim_current());
    fail_at_each_entry(WIDTH_64, 3);
    sim_destroy(sim_current());
    fail_at_each_entry(WIDTH_PAE, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_58_a_tree_that_fails_at_each_entry),
        LESSON(xsa_296_every_call_at_every_point),
        LESSON(xsa_318_a_batch_that_is_always_interrupted),
        LESSON(xsa_318_one_entry_interrupted_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
