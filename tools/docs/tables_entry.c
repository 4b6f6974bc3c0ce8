/* SPDX-License-Identifier: MIT */
/*
 * Entries: for each width, level and part of an entry, what the engine makes of it, set and clear, by what the entry
 * names.
 */
#define _GNU_SOURCE /* strerrorname_np */
#include <string.h>

#include <tools/docs/json.h>
#include <tools/docs/tables.h>
#include <cli/entry_bits.h>
#include <cli/entry_judge.h>

struct place {
    enum width width;
    unsigned level;
    enum entry_target target;
};

static struct judgement judge(struct place place, uint64_t bits)
{
    struct judgement judgement;

    entry_judge(place.width, place.level, bits, place.target, &judgement);
    return judgement;
}

/*
 * An entry that is stored as it is, with as few bits set as can be: what an adjustment does then is because of the bit
 * that is tried.
 */
static uint64_t plain_entry(struct place place)
{
    place.target = TARGET_RAM;
    return judge(place, ENTRY_PRESENT).stored;
}

static void print_changes(struct place place, uint64_t bits, uint64_t stored)
{
    struct entry_bits parts[ENTRY_BITS_MAX];
    unsigned count = entry_bits(place.width, place.level, parts);

    json_begin("changes", '[');
    for (unsigned i = count; i-- > 0;) {
        char change[16] = {bits & parts[i].mask ? '-' : '+'};

        if ((bits ^ stored) & parts[i].mask)
            json_text(NULL, strncat(change, parts[i].name, sizeof(change) - 2));
    }
    json_end(']');
}

static void print_judgement(const char *name, struct place place, uint64_t bits)
{
    struct judgement judgement = judge(place, bits);

    json_begin(name, '{');
    json_bits("entry", bits);
    if (judgement.error) {
        json_text("error", strerrorname_np(-judgement.error));
        json_text("reason", refusal_name(judgement.reason));
        json_text("text", refusal_text(judgement.reason));
    } else {
        json_bits("stored", judgement.stored);
        print_changes(place, bits, judgement.stored);
    }
    json_end('}');
}

/* The bits of @mask to try: where no entry is present, one frame does for all. */
static uint64_t tried(uint64_t mask, uint64_t base)
{
    return mask == ENTRY_FRAME && !(base & ENTRY_PRESENT) ? UINT64_C(1) << PAGE_SHIFT : mask;
}

static void print_part(struct place place, const struct entry_bits *part)
{
    uint64_t bit = part->mask;

    json_begin(NULL, '{');
    json_text("name", part->name);
    json_bits("mask", part->mask);
    json_number("first", (uint64_t)__builtin_ctzll(bit));
    json_number("last", 63 - (uint64_t)__builtin_clzll(bit));
    json_text("set", part->set);
    json_text("clear", part->clear);
    json_begin("judged", '{');
    for (place.target = 0; place.target < TARGET_COUNT; place.target++) {
        bool absent = entry_target_fits(place.target, place.level, 0);
        uint64_t base = absent ? 0 : plain_entry(place);

        if (bit == ENTRY_PRESENT || !entry_target_fits(place.target, place.level, base))
            continue;
        json_begin(entry_target_name(place.target), '{');
        print_judgement("set", place, base | tried(bit, base));
        if (!absent && bit != ENTRY_FRAME)
            print_judgement("clear", place, base & ~bit);
        json_end('}');
    }
    json_end('}');
    json_end('}');
}

/* What becomes of the two bits that tell a kernel's pages from a user's. */
static void print_privilege(struct place place)
{
    json_begin("privilege", '[');
    place.target = TARGET_RAM;
    for (unsigned i = 0; i < 4; i++)
        print_judgement(NULL, place, ENTRY_PRESENT | (i & 2 ? ENTRY_USER : 0) | (i & 1 ? ENTRY_GUEST_KERNEL : 0));
    json_end(']');
}

static void print_slots(const char *name, unsigned first, unsigned end)
{
    json_begin(name, '[');
    json_number(NULL, first);
    json_number(NULL, end);
    json_end(']');
}

static void print_level(struct place place)
{
    const struct level *level = level_of(place.width, (enum frame_type)place.level);
    const struct level *top = place.level == 2 ? level_of(place.width, TYPE_L2_TOP) : NULL;
    struct entry_bits parts[ENTRY_BITS_MAX];
    unsigned count = entry_bits(place.width, place.level, parts);

    json_begin(NULL, '{');
    json_number("level", place.level);
    json_number("shift", level_shift(place.level));
    json_number("slots", level->slots);
    print_slots("hypervisor_slots", top ? top->hyp_first : level->hyp_first, top ? top->hyp_end : level->hyp_end);
    json_bits("refused", level->refused);
    json_bits("added", level->added);
    json_begin("parts", '[');
    for (unsigned i = 0; i < count; i++)
        print_part(place, &parts[i]);
    json_end(']');
    print_privilege(place);
    json_end('}');
}

static void print_targets(void)
{
    json_begin("targets", '[');
    for (enum entry_target target = 0; target < TARGET_COUNT; target++) {
        json_begin(NULL, '{');
        json_text("name", entry_target_name(target));
        json_text("text", entry_target_text(target));
        json_truth("present", entry_target_fits(target, 1, ENTRY_PRESENT));
        json_end('}');
    }
    json_end(']');
}

void tables_print_entries(void)
{
    json_begin("entry", '{');
    print_targets();
    json_begin("widths", '[');
    for (enum width width = WIDTH_64; width <= WIDTH_PAE; width++) {
        json_begin(NULL, '{');
        json_number("width", width == WIDTH_64 ? 64 : 32);
        json_begin("levels", '[');
        for (unsigned level = 1; level <= entry_levels(width); level++)
            print_level((struct place){width, level, TARGET_RAM});
        json_end(']');
        json_end('}');
    }
    json_end(']');
    json_end('}');
}

void tables_print_pat(void)
{
    json_begin("pat", '[');
    for (unsigned index = 0; index < 8; index++) {
        uint64_t bits = ENTRY_PRESENT | ENTRY_USER | (index & 4 ? ENTRY_PAT : 0) | (index & 2 ? ENTRY_PCD : 0) |
                        (index & 1 ? ENTRY_PWT : 0);

        json_begin(NULL, '{');
        json_number("index", index);
        json_text("type", entry_memory_type(index));
        for (enum entry_target target = TARGET_RAM; target <= TARGET_DEVICE; target++) {
            struct judgement judgement = judge((struct place){WIDTH_64, 1, target}, bits);

            if (judgement.error)
                json_text(entry_target_name(target), refusal_name(judgement.reason));
            else
                json_number(entry_target_name(target), entry_pat_index(judgement.stored));
        }
        json_end('}');
    }
    json_end(']');
}
