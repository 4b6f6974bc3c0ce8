/* SPDX-License-Identifier: MIT */
/* The report on a page-table entry: its parts, and what the engine makes of it. */
#define _GNU_SOURCE /* strerrorname_np */
#include <stdio.h>
#include <string.h>

#include <cli/decode.h>
#include <cli/entry_bits.h>
#include <cli/entry_judge.h>

#define TARGET_WIDTH 40

typedef unsigned long long ull;

struct place {
    enum width width;
    unsigned level;
};

static void print_parts(struct place place, uint64_t entry)
{
    struct entry_bits parts[ENTRY_BITS_MAX];
    unsigned count = entry_bits(place.width, place.level, parts);

    for (unsigned i = 0; i < count; i++) {
        uint64_t value = (entry & parts[i].mask) / (parts[i].mask & -parts[i].mask);
        bool is_one_bit = !(parts[i].mask & (parts[i].mask - 1));

        printf("  %-8s %s%-12llx  %s\n", parts[i].name, is_one_bit ? "  " : "0x", (ull)value,
               is_one_bit && !value ? parts[i].clear : parts[i].set);
    }
}

/* The names of the bits that are set. */
static void print_names(struct place place, uint64_t entry)
{
    struct entry_bits parts[ENTRY_BITS_MAX];
    unsigned count = entry_bits(place.width, place.level, parts);

    printf("  L%u ", place.level);
    for (unsigned i = count; i-- > 0;) {
        if ((parts[i].mask & entry) && parts[i].mask != ENTRY_FRAME)
            printf(" %s", parts[i].name);
    }
    putchar('\n');
}

/* What is different in @stored, as " +USER +KERNEL -PAT". */
static void print_changes(struct place place, uint64_t entry, uint64_t stored)
{
    struct entry_bits parts[ENTRY_BITS_MAX];
    unsigned count = entry_bits(place.width, place.level, parts);

    for (unsigned i = count; i-- > 0;) {
        if (parts[i].mask & (entry ^ stored))
            printf(" %c%s", parts[i].mask & stored ? '+' : '-', parts[i].name);
    }
}

/* What the engine says for each thing that the entry may name.  Returns whether any of them is accepted. */
static bool print_judgements(struct place place, uint64_t entry, enum frame_type *needs)
{
    bool accepted = false;

    for (enum entry_target target = 0; target < TARGET_COUNT; target++) {
        struct judgement judgement;

        if (!entry_target_fits(target, place.level, entry))
            continue;
        entry_judge(place.width, place.level, entry, target, &judgement);
        printf("      %-*s", TARGET_WIDTH, entry_target_text(target));
        if (judgement.error) {
            printf("-%s, %s: %s\n", strerrorname_np(-judgement.error), refusal_name(judgement.reason),
                   refusal_text(judgement.reason));
            continue;
        }
        printf("stored as 0x%016llx", (ull)judgement.stored);
        print_changes(place, entry, judgement.stored);
        putchar('\n');
        accepted = true;
        if (target == TARGET_RAM || target == TARGET_RAM_RIGHTS)
            *needs = judgement.needs;
    }
    return accepted;
}

/* The rest is not the entry's, but its frame's: engine/typeref.h. */
static void print_needs(struct place place, uint64_t entry, enum frame_type needs)
{
    const char *error = place.level == 1 ? "EBUSY" : "EINVAL";

    printf("  Another domain's frame: -%s, %s.", error, refusal_name(REFUSE_NOT_OWNED));
    if (needs == TYPE_NONE) {
        printf("  The guest may use its own as anything, a page table too.\n");
        return;
    }
    printf("  The table that it stands in: -%s, %s", error, refusal_name(REFUSE_SELF_MAP));
    if (needs != TYPE_WRITABLE)
        printf(", unless the guest may have linear tables%s", entry & ENTRY_RW ? ", and the entry were read-only" : "");
    printf(".\n");
    if (needs == TYPE_WRITABLE)
        printf("  Another page table or descriptor table of the guest's own: -%s, ", error);
    else
        printf("  A frame of the guest's own without a use: the entries there are judged;\n"
               "  in another use than as an L%u table: -%s, ",
               level_number(needs), error);
    printf("%s.\n", refusal_name(REFUSE_TYPE_CONFLICT));
}

static bool print_level(struct place place, uint64_t entry)
{
    enum frame_type needs = TYPE_NONE;
    bool accepted;

    printf("    %s\n", entry & ENTRY_PRESENT ? "if it names" : "on");
    accepted = print_judgements(place, entry, &needs);
    if (accepted && (entry & ENTRY_PRESENT))
        print_needs(place, entry, needs);
    return accepted;
}

static void print_head(struct place place, uint64_t entry)
{
    printf("0x%016llx: ", (ull)entry);
    if (place.level)
        printf("an L%u entry of a %s-bit guest\n", place.level, place.width == WIDTH_64 ? "64" : "32");
    else
        printf("frame 0x%llx, in a %s-bit guest's table of\n", (ull)entry_mfn(entry).v,
               place.width == WIDTH_64 ? "64" : "32");
}

enum status decode_entry(const struct decode_options *options)
{
    struct place place = {options->is_narrow ? WIDTH_PAE : WIDTH_64, options->level};
    bool accepted = false;

    print_head(place, options->entry);
    if (place.level) {
        print_parts(place, options->entry);
        if (place.level == 1)
            printf("  %-8s   %-12u  %s\n", "memory", entry_pat_index(options->entry),
                   entry_memory_type(entry_pat_index(options->entry)));
        accepted = print_level(place, options->entry);
    }
    for (unsigned level = 1; !options->level && level <= entry_levels(place.width); level++) {
        place.level = level;
        print_names(place, options->entry);
        accepted |= print_level(place, options->entry);
    }
    return accepted ? STATUS_GOOD : STATUS_REFUSED;
}
