/* SPDX-License-Identifier: MIT */
/*
 * The type word: each of its states is found by asking engine/type.c of every kind of word, each transition by calling
 * the functions of engine/type.h on them.  Where such a function is not for a word, a check of its own says so, which
 * ends in port_halt().
 */
#include <setjmp.h>

#include <tools/docs/json.h>
#include <tools/docs/tables.h>
#include <engine/type.h>
#include <cli/entry_judge.h>

#define FLAGS (TYPE_PINNED | TYPE_BUSY | TYPE_VALIDATED)

static const char *const type_names[] = {"none", "L1", "L2", "L3", "L4", "L2-top", "SEGDESC", "writable"};
static const char *const state_names[] = {"untyped", "retired", "writable", "promoting", "live", "demoting", "illegal"};
static const uint32_t flag_sets[] = {
    0,
    TYPE_PINNED,
    TYPE_BUSY,
    TYPE_VALIDATED,
    TYPE_PINNED | TYPE_BUSY,
    TYPE_PINNED | TYPE_VALIDATED,
    TYPE_BUSY | TYPE_VALIDATED,
    FLAGS,
};
/* Counts between are like 3. */
static const uint32_t counts[] = {0, 1, 2, 3, TYPE_COUNT_MAX};

#define NR_TYPES ARRAY_SIZE(type_names)
#define NR_WORDS (NR_TYPES * ARRAY_SIZE(flag_sets) * ARRAY_SIZE(counts))

static struct type_word word_at(size_t n)
{
    return type_word((enum frame_type)(n % NR_TYPES), flag_sets[n / NR_TYPES % ARRAY_SIZE(flag_sets)],
                     counts[n / NR_TYPES / ARRAY_SIZE(flag_sets)]);
}

/*
 * ---- States.
 */

/* What the words of a state have: types and counts (bits of places in the lists above), flags that one or all have. */
struct seen {
    unsigned types;
    uint32_t flags_some, flags_all, count_min, count_max;
};

static struct seen look(enum type_state state)
{
    struct seen seen = {.flags_all = FLAGS, .count_min = TYPE_COUNT_MAX};

    for (size_t n = 0; n < NR_WORDS; n++) {
        struct type_word word = word_at(n);

        if (type_state_of(word) != state)
            continue;
        seen.types |= 1u << type_of(word);
        seen.flags_some |= word.v & FLAGS;
        seen.flags_all &= word.v;
        seen.count_min = type_count(word) < seen.count_min ? type_count(word) : seen.count_min;
        seen.count_max = type_count(word) > seen.count_max ? type_count(word) : seen.count_max;
    }
    return seen;
}

static void print_flag(const char *name, const struct seen *seen, uint32_t flag)
{
    json_text(name, seen->flags_all & flag ? "yes" : seen->flags_some & flag ? "maybe" : "no");
}

static void print_state(enum type_state state)
{
    struct seen seen = look(state);

    json_begin(NULL, '{');
    json_text("name", state_names[state]);
    json_begin("types", '[');
    for (unsigned type = 0; type < NR_TYPES; type++) {
        if (seen.types & 1u << type)
            json_text(NULL, type_names[type]);
    }
    json_end(']');
    json_number("count_min", seen.count_min);
    json_number("count_max", seen.count_max);
    print_flag("validated", &seen, TYPE_VALIDATED);
    print_flag("busy", &seen, TYPE_BUSY);
    print_flag("pinned", &seen, TYPE_PINNED);
    json_end('}');
}

/*
 * ---- Transitions.
 */

static bool do_writable_get(struct type_word *word, enum frame_type want)
{
    (void)want;
    return type_writable_get(word);
}

static bool do_writable_put(struct type_word *word, enum frame_type want)
{
    (void)want;
    return type_writable_put(word) || type_count(*word) > 0;
}

static bool do_live_get(struct type_word *word, enum frame_type want)
{
    (void)want;
    return type_live_get(word);
}

static bool do_promote_begin(struct type_word *word, enum frame_type want)
{
    type_promote_begin(word, want);
    return true;
}

#define DO(function)                                                        \
    static bool do_##function(struct type_word *word, enum frame_type want) \
    {                                                                       \
        (void)want;                                                         \
        type_##function(word);                                              \
        return true;                                                        \
    }
DO(writable_add)
DO(live_put)
DO(promote_publish)
DO(promote_abort)
DO(demote_begin)
DO(demote_end)
DO(pin_set)
DO(pin_clear)
DO(forget)

static const struct {
    const char *name;
    bool (*perform)(struct type_word *word, enum frame_type want);
} transitions[] = {
    {"type_writable_get", do_writable_get},
    {"type_writable_add", do_writable_add},
    {"type_writable_put", do_writable_put},
    {"type_promote_begin", do_promote_begin},
    {"type_promote_publish", do_promote_publish},
    {"type_promote_abort", do_promote_abort},
    {"type_live_get", do_live_get},
    {"type_live_put", do_live_put},
    {"type_pin_set", do_pin_set},
    {"type_pin_clear", do_pin_clear},
    {"type_demote_begin", do_demote_begin},
    {"type_demote_end", do_demote_end},
    {"type_forget", do_forget},
};

static jmp_buf halted;

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    (void)file;
    (void)line;
    (void)condition;
    longjmp(halted, 1);
}

/* From which state to which one, and how count and pin change; as a number, so that two of them can be compared. */
struct step {
    enum type_state from, to;
    int count, pinned;
};

static bool try_step(size_t transition, struct type_word word, enum frame_type want, struct step *step)
{
    struct type_word next = word;

    if (setjmp(halted) || !transitions[transition].perform(&next, want))
        return false;
    *step = (struct step){type_state_of(word), type_state_of(next), (int)type_count(next) - (int)type_count(word),
                          (int)type_is_pinned(next) - (int)type_is_pinned(word)};
    return true;
}

static bool is_new(const struct step *step, const struct step *steps, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (steps[i].from == step->from && steps[i].to == step->to && steps[i].count == step->count &&
            steps[i].pinned == step->pinned)
            return false;
    }
    return true;
}

static const char *sign(int change)
{
    return change > 0 ? "+1" : change < 0 ? "-1" : "0";
}

static void print_step(size_t transition, const struct step *step)
{
    json_begin(NULL, '{');
    json_text("function", transitions[transition].name);
    json_text("from", state_names[step->from]);
    json_text("to", state_names[step->to]);
    json_text("count", sign(step->count));
    json_text("pinned", sign(step->pinned));
    json_end('}');
}

/* Every legal word, and as every type that a frame can be promoted to. */
static void print_transition(size_t transition)
{
    struct step steps[NR_WORDS];
    unsigned count = 0;

    for (size_t n = 0; n < NR_WORDS; n++) {
        for (enum frame_type want = TYPE_L1; want <= TYPE_SEGDESC; want++) {
            if (!type_word_legal(word_at(n)) || !try_step(transition, word_at(n), want, &steps[count]) ||
                !is_new(&steps[count], steps, count))
                continue;
            print_step(transition, &steps[count]);
            count++;
        }
    }
}

void tables_print_types(void)
{
    json_begin("type_word", '{');
    json_begin("states", '[');
    for (enum type_state state = 0; state < TYPE_STATE_ILLEGAL; state++)
        print_state(state);
    json_end(']');
    json_number("count_limit", TYPE_COUNT_MAX);
    json_begin("transitions", '[');
    for (size_t i = 0; i < ARRAY_SIZE(transitions); i++)
        print_transition(i);
    json_end(']');
    json_end('}');
}
