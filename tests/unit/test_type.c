/* SPDX-License-Identifier: MIT */
/* The type word: its legal states, and each transition from each of them. */
#include <engine/type.h>

#include <tests/unit/lib/unit.h>

#define MAX TYPE_COUNT_MAX

static const uint32_t flag_sets[] = {
    0,
    TYPE_PINNED,
    TYPE_BUSY,
    TYPE_VALIDATED,
    TYPE_PINNED | TYPE_BUSY,
    TYPE_PINNED | TYPE_VALIDATED,
    TYPE_BUSY | TYPE_VALIDATED,
    TYPE_PINNED | TYPE_BUSY | TYPE_VALIDATED,
};

static const uint32_t counts[] = {0, 1, 2, 3, MAX / 2, MAX - 1, MAX};

#define WORDS (8u * ARRAY_SIZE(flag_sets) * ARRAY_SIZE(counts))

/* The n-th word of the space that the tests go through. */
static struct type_word word_at(unsigned n)
{
    enum frame_type type = (enum frame_type)(n % 8);
    uint32_t flags = flag_sets[n / 8 % ARRAY_SIZE(flag_sets)];

    return type_word(type, flags, counts[n / 8 / ARRAY_SIZE(flag_sets)]);
}

/* ---- An opinion of our own on what is what, in words instead of a table. */

static enum type_state state_of(struct type_word word)
{
    uint32_t flags = word.v & (TYPE_PINNED | TYPE_BUSY | TYPE_VALIDATED);
    uint32_t count = word.v & 0x3ffffff;
    unsigned type = word.v >> 29;

    if (type == 0)
        return flags == 0 && count == 0 ? TYPE_STATE_UNTYPED : TYPE_STATE_ILLEGAL;
    if (flags == 0 && count == 0)
        return TYPE_STATE_RETIRED;
    if (type == 7)
        return flags == 0 ? TYPE_STATE_WRITABLE : TYPE_STATE_ILLEGAL;
    if (flags == TYPE_BUSY)
        return count == 0 ? TYPE_STATE_DEMOTING : count == 1 ? TYPE_STATE_PROMOTING : TYPE_STATE_ILLEGAL;
    if (flags == TYPE_VALIDATED)
        return count > 0 ? TYPE_STATE_LIVE : TYPE_STATE_ILLEGAL;
    if (flags == (TYPE_VALIDATED | TYPE_PINNED))
        return count > 0 && type <= 4 ? TYPE_STATE_LIVE : TYPE_STATE_ILLEGAL; /* L1 to L4 */
    return TYPE_STATE_ILLEGAL;
}

static bool idle(struct type_word word)
{
    return state_of(word) == TYPE_STATE_UNTYPED || state_of(word) == TYPE_STATE_RETIRED;
}

/* Shows types.one-use. */
static void test_legal(void **state)
{
    (void)state;
    for (unsigned n = 0; n < WORDS; n++)
        assert_int_equal(type_state_of(word_at(n)), state_of(word_at(n)));
}

static bool stays_writable(struct type_word word)
{
    return idle(word) ? type_of(word) == TYPE_WRITABLE
                      : state_of(word) == TYPE_STATE_WRITABLE && type_count(word) < TYPE_COUNT_MAX;
}

static void test_accessors(void **state)
{
    (void)state;
    for (unsigned n = 0; n < WORDS; n++) {
        struct type_word word = word_at(n);

        assert_int_equal(type_of(word), n % 8);
        assert_int_equal(type_count(word), word.v & 0x3ffffff);
        assert_int_equal(type_is_validated(word), !!(word.v & 0x10000000));
        assert_int_equal(type_is_busy(word), !!(word.v & 0x08000000));
        assert_int_equal(type_is_pinned(word), !!(word.v & 0x04000000));
        assert_int_equal(type_is_table(type_of(word)), n % 8 >= 1 && n % 8 <= 5);
        if (state_of(word) == TYPE_STATE_ILLEGAL)
            continue;
        assert_int_equal(type_is_idle(word), idle(word));
        assert_int_equal(type_takes_writable(word),
                         state_of(word) == TYPE_STATE_WRITABLE && type_count(word) < TYPE_COUNT_MAX);
        assert_int_equal(type_stays_writable(word), stays_writable(word));
    }
}

/* ---- Transitions. */

struct step {
    struct type_word word;
    bool result;
};

/* What a transition makes of a word; false: it must not be asked for. */
typedef bool expect_fn(struct step *step);

struct transition {
    const char *name;
    void (*run)(struct step *step);
    expect_fn *expect;
};

static bool in_state(const struct step *step, enum type_state state)
{
    return state_of(step->word) == state;
}

static void become(struct step *step, enum frame_type type, uint32_t flags, uint32_t count)
{
    step->word = (struct type_word){(uint32_t)type << 29 | flags | count};
}

static void run_writable_get(struct step *step)
{
    step->result = type_writable_get(&step->word);
}

static bool expect_writable_get(struct step *step)
{
    uint32_t count = type_count(step->word);

    if (!idle(step->word) && !in_state(step, TYPE_STATE_WRITABLE))
        return false;
    step->result = count < MAX;
    if (step->result)
        become(step, TYPE_WRITABLE, 0, count + 1);
    return true;
}

static void run_writable_add(struct step *step)
{
    type_writable_add(&step->word);
}

static bool expect_writable_add(struct step *step)
{
    if (!stays_writable(step->word))
        return false;
    step->word.v++;
    return true;
}

static void run_writable_put(struct step *step)
{
    step->result = type_writable_put(&step->word);
}

static bool expect_writable_put(struct step *step)
{
    if (!in_state(step, TYPE_STATE_WRITABLE))
        return false;
    step->result = type_count(step->word) == 1;
    become(step, TYPE_WRITABLE, 0, type_count(step->word) - 1);
    return true;
}

static void run_live_get(struct step *step)
{
    step->result = type_live_get(&step->word);
}

static bool expect_live_get(struct step *step)
{
    if (!in_state(step, TYPE_STATE_LIVE))
        return false;
    step->result = type_count(step->word) < MAX;
    step->word.v += step->result;
    return true;
}

static void run_live_put(struct step *step)
{
    type_live_put(&step->word);
}

static bool expect_live_put(struct step *step)
{
    if (!in_state(step, TYPE_STATE_LIVE) || type_count(step->word) < 2)
        return false;
    step->word.v--;
    return true;
}

static void run_promote_begin(struct step *step)
{
    type_promote_begin(&step->word, TYPE_L2);
}

static bool expect_promote_begin(struct step *step)
{
    if (!idle(step->word))
        return false;
    become(step, TYPE_L2, TYPE_BUSY, 1);
    return true;
}

static void run_promote_publish(struct step *step)
{
    type_promote_publish(&step->word);
}

static bool expect_promote_publish(struct step *step)
{
    if (!in_state(step, TYPE_STATE_PROMOTING))
        return false;
    become(step, type_of(step->word), TYPE_VALIDATED, 1);
    return true;
}

static void run_promote_abort(struct step *step)
{
    type_promote_abort(&step->word);
}

static bool expect_promote_abort(struct step *step)
{
    if (!in_state(step, TYPE_STATE_PROMOTING))
        return false;
    become(step, type_of(step->word), 0, 0);
    return true;
}

static void run_demote_begin(struct step *step)
{
    type_demote_begin(&step->word);
}

static bool expect_demote_begin(struct step *step)
{
    if (!in_state(step, TYPE_STATE_LIVE) || type_count(step->word) != 1 || (step->word.v & TYPE_PINNED))
        return false;
    become(step, type_of(step->word), TYPE_BUSY, 0);
    return true;
}

static void run_demote_end(struct step *step)
{
    type_demote_end(&step->word);
}

static bool expect_demote_end(struct step *step)
{
    if (!in_state(step, TYPE_STATE_DEMOTING))
        return false;
    become(step, type_of(step->word), 0, 0);
    return true;
}

static void run_pin_set(struct step *step)
{
    type_pin_set(&step->word);
}

static bool expect_pin_set(struct step *step)
{
    if (!in_state(step, TYPE_STATE_LIVE) || (step->word.v & TYPE_PINNED) || type_of(step->word) > TYPE_L4)
        return false;
    step->word.v |= TYPE_PINNED;
    return true;
}

static void run_pin_clear(struct step *step)
{
    type_pin_clear(&step->word);
}

static bool expect_pin_clear(struct step *step)
{
    if (!(step->word.v & TYPE_PINNED))
        return false;
    step->word.v &= ~TYPE_PINNED;
    return true;
}

static void run_forget(struct step *step)
{
    type_forget(&step->word);
}

static bool expect_forget(struct step *step)
{
    if (!idle(step->word))
        return false;
    step->word.v = 0;
    return true;
}

static const struct transition transitions[] = {
    {"writable_get", run_writable_get, expect_writable_get},
    {"writable_add", run_writable_add, expect_writable_add},
    {"writable_put", run_writable_put, expect_writable_put},
    {"live_get", run_live_get, expect_live_get},
    {"live_put", run_live_put, expect_live_put},
    {"promote_begin", run_promote_begin, expect_promote_begin},
    {"promote_publish", run_promote_publish, expect_promote_publish},
    {"promote_abort", run_promote_abort, expect_promote_abort},
    {"demote_begin", run_demote_begin, expect_demote_begin},
    {"demote_end", run_demote_end, expect_demote_end},
    {"pin_set", run_pin_set, expect_pin_set},
    {"pin_clear", run_pin_clear, expect_pin_clear},
    {"forget", run_forget, expect_forget},
};

struct trial {
    const struct transition *transition;
    struct step step;
};

static void run_trial(struct vcpu *vcpu, void *arg)
{
    struct trial *trial = arg;

    (void)vcpu;
    trial->transition->run(&trial->step);
}

/*
 * From every legal word: it leads where it should, or, where it must not be asked for, nowhere.  Shows
 * types.changes-unused.
 */
static void test_transition(void **state)
{
    const struct transition *transition = *state;
    const struct sim_config config = {.nr_frames = 16, .nr_domains = 1};
    struct sim *sim = sim_create(&config);

    for (unsigned n = 0; n < WORDS; n++) {
        struct trial trial = {transition, {word_at(n), false}};
        struct step expected = trial.step;
        bool allowed;

        if (state_of(word_at(n)) == TYPE_STATE_ILLEGAL)
            continue;
        allowed = transition->expect(&expected);
        assert_int_equal(sim_fails(sim, run_trial, NULL, &trial), !allowed);
        if (!allowed) {
            sim_destroy(sim);
            sim = sim_create(&config);
            continue;
        }
        assert_int_equal(trial.step.word.v, expected.word.v);
        assert_int_equal(trial.step.result, expected.result);
        assert_int_not_equal(state_of(trial.step.word), TYPE_STATE_ILLEGAL);
    }
    sim_destroy(sim);
}

int main(void)
{
    struct CMUnitTest tests[2 + ARRAY_SIZE(transitions)] = {
        cmocka_unit_test(test_legal),
        cmocka_unit_test(test_accessors),
    };
    struct transition rows[ARRAY_SIZE(transitions)];

    for (unsigned i = 0; i < ARRAY_SIZE(transitions); i++) {
        rows[i] = transitions[i];
        tests[2 + i] = (struct CMUnitTest){transitions[i].name, test_transition, NULL, NULL, &rows[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
