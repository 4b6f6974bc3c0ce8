/* SPDX-License-Identifier: MIT */
/* Steps as texts: for readers, and for files that can be run again. */
#include <stdlib.h>
#include <string.h>

#include <tests/model/lib/step.h>

struct kind {
    const char *name;
    bool call;
};

static const struct kind kinds[STEP_KIND_COUNT] = {
#define STEP_ENTRY(name, text, call) {text, call},
    STEP_KINDS(STEP_ENTRY)
#undef STEP_ENTRY
};

static const char *const places[ARGS_COUNT] = {"", " args-cut", " args-unmapped", " args-hypervisor", " args-null"};
static const char *const done_places[DONE_COUNT] = {"", " done-null", " done-bad"};
static const char *const mmuext_names[21] = {"pin_l1",
                                             "pin_l2",
                                             "pin_l3",
                                             "pin_l4",
                                             "unpin",
                                             "new_baseptr",
                                             "flush_local",
                                             "invlpg_local",
                                             "flush_multi",
                                             "invlpg_multi",
                                             "flush_all",
                                             "invlpg_all",
                                             "flush_cache",
                                             "set_ldt",
                                             "14",
                                             "new_user_baseptr",
                                             "clear_page",
                                             "copy_page",
                                             "flush_cache_global",
                                             "mark_super",
                                             "unmark_super"};
static const char *const forms[7] = {"mov", "xchg", "cmpxchg", "and", "or", "xor", "add"};
static const char *const chains[STEP_CHAINS] = {"", "[ ", "+ ", "<| ", "|| "};
static const char *const commands[4] = {"", ":machphys", ":keep_ad", ":no_translate"};

const char *step_name(unsigned kind)
{
    return kind < STEP_KIND_COUNT ? kinds[kind].name : "?";
}

bool step_is_call(const struct step *step)
{
    return step->kind < STEP_KIND_COUNT && kinds[step->kind].call;
}

/* The steps at the beginning that run at the same time: of different vCPUs, three at most. */
static size_t concurrent_group(const struct step *steps, size_t count)
{
    size_t length = 1;

    for (; length < count && length < 3 && steps[length].chained == STEP_CONCURRENT_MORE; length++) {
        for (size_t i = 0; i < length; i++) {
            if (steps[i].domain == steps[length].domain && steps[i].vcpu == steps[length].vcpu)
                return length;
        }
    }
    return length;
}

size_t step_group(const struct step *steps, size_t count)
{
    const size_t most = 8;
    size_t length = 1;

    if (steps[0].chained >= STEP_CONCURRENT)
        return concurrent_group(steps, count);
    if (!step_in_multicall(&steps[0]) || !step_is_call(&steps[0]))
        return 1;
    while (length < count && length < most && steps[length].chained == STEP_CALLS_MORE &&
           step_is_call(&steps[length]) && steps[length].domain == steps[0].domain &&
           steps[length].vcpu == steps[0].vcpu)
        length++;
    return length;
}

/* The words that are entries, descriptors, or of grant operations stay 64 bits wide. */
void step_narrow(struct step *step)
{
    for (unsigned i = 0; i < STEP_WORDS; i++) {
        bool entry = false;

        switch (step->kind) {
        case STEP_MMU_UPDATE:
        case STEP_GRANT_MAP:
        case STEP_GRANT_UNMAP:
        case STEP_GRANT_COPY:
        case STEP_GRANT_TABLE:
        case STEP_GRANT_ENTRY:
            entry = true;
            break;
        case STEP_VA_MAPPING:
        case STEP_VA_OTHER:
            entry = i == 1;
            break;
        case STEP_DESCRIPTOR:
        case STEP_STORE:
        case STEP_EMULATE:
            entry = i != 0 || step->kind == STEP_DESCRIPTOR;
            break;
        default:
            break;
        }
        if (!entry)
            step->word[i] = (uint32_t)step->word[i];
    }
}

/*
 * ---- In words.
 */

static void print_flags(FILE *to, uint64_t entry)
{
    static const char *const names[9] = {"P", "RW", "US", "PWT", "PCD", "A", "D", "PAT", "G"};
    const char *separator = "";

    for (unsigned bit = 0; bit < 9; bit++) {
        if (entry >> bit & 1) {
            fprintf(to, "%s%s", separator, names[bit]);
            separator = "|";
        }
    }
    if (entry & UINT64_C(0xe00))
        fprintf(to, "%savl%llu", separator, (unsigned long long)(entry >> 9 & 7));
    if (entry >> 52)
        fprintf(to, "%shigh%#llx", separator, (unsigned long long)(entry >> 52));
}

static void print_entry(FILE *to, uint64_t entry)
{
    fprintf(to, "%#llx:", (unsigned long long)((entry & UINT64_C(0x000ffffffffff000)) >> 12));
    print_flags(to, entry);
}

static void print_requests(FILE *to, const struct step *step)
{
    for (unsigned i = 0; i < step->count; i++) {
        uint64_t ptr = step->word[2 * i];

        fprintf(to, " [%#llx+%llu%s] = ", (unsigned long long)(ptr >> 12), (unsigned long long)((ptr & 0xfff) / 8),
                (ptr & 7) < 4 ? commands[ptr & 7] : ":bad");
        print_entry(to, step->word[2 * i + 1]);
    }
}

static void print_mmuext(FILE *to, const struct step *step)
{
    for (unsigned i = 0; i < step->count; i++) {
        const uint64_t *word = &step->word[3 * i];

        fprintf(to, " %s(%#llx, %#llx)", word[0] < 21 ? mmuext_names[word[0]] : "?", (unsigned long long)word[1],
                (unsigned long long)word[2]);
    }
}

static void print_words(FILE *to, const struct step *step)
{
    unsigned last = STEP_WORDS;

    while (last > 0 && step->word[last - 1] == 0)
        last--;
    for (unsigned i = 0; i < last; i++)
        fprintf(to, " %#llx", (unsigned long long)step->word[i]);
}

void step_print(FILE *to, const struct step *step)
{
    fprintf(to, "d%uv%u %s%s", step->domain, step->vcpu, chains[step->chained % STEP_CHAINS], step_name(step->kind));
    switch (step->kind) {
    case STEP_MMU_UPDATE:
        print_requests(to, step);
        break;
    case STEP_VA_MAPPING:
    case STEP_VA_OTHER:
        fprintf(to, " [%#llx] = ", (unsigned long long)step->word[0]);
        print_entry(to, step->word[1]);
        fprintf(to, " flags %llu%s", (unsigned long long)step->word[2], step->word[3] ? "+bitmap" : "");
        break;
    case STEP_MMUEXT:
        print_mmuext(to, step);
        break;
    case STEP_EMULATE:
        fprintf(to, " %s", step->sub < 7 ? forms[step->sub] : "?");
        print_words(to, step);
        break;
    default:
        if (step->sub)
            fprintf(to, "/%u", step->sub);
        print_words(to, step);
        break;
    }
    if (step->foreign && step->foreign != 0x7ff0)
        fprintf(to, " dom %#x", step->foreign);
    fprintf(to, "%s%s\n", places[step->args % ARGS_COUNT], done_places[step->done % DONE_COUNT]);
}

/*
 * ---- In numbers.
 */

void step_write(FILE *to, const struct step *step)
{
    unsigned last = STEP_WORDS;

    while (last > 0 && step->word[last - 1] == 0)
        last--;
    fprintf(to, "%x.%x.%x.%x.%x.%x.%x.%x.%x.%x", step->kind, step->domain, step->vcpu, step->chained, step->count,
            step->args, step->done, step->sub, step->foreign, step->mask);
    for (unsigned i = 0; i < last; i++)
        fprintf(to, ".%llx", (unsigned long long)step->word[i]);
    fprintf(to, "  # ");
    step_print(to, step);
}

/* Do the arrays of @step lie within its words?  Files may say anything. */
static bool is_sound(const struct step *step)
{
    switch (step->kind) {
    case STEP_MMU_UPDATE:
    case STEP_TRAPS:
        return step->count <= STEP_WORDS / 2;
    case STEP_MMUEXT:
        return step->count <= STEP_WORDS / 3;
    case STEP_SET_GDT:
        return step->count < STEP_WORDS;
    case STEP_MEMORY:
        return step->count <= STEP_EXTENTS;
    case STEP_GRANT_MAP:
    case STEP_GRANT_UNMAP:
    case STEP_GRANT_COPY:
        return step->count <= STEP_GRANTS;
    case STEP_GRANT_ENTRY:
        return step->count <= 2;
    case STEP_GRANT_TABLE:
        return step->word[2] <= STEP_GRANTS || step->word[2] > INT32_MAX;
    case STEP_EXCHANGE:
        return step->word[2] <= STEP_EXTENTS && step->word[3] <= STEP_EXTENTS && step->word[0] < 32 &&
               step->word[1] < 32;
    default:
        return true;
    }
}

bool step_read(const char *line, struct step *step)
{
    uint64_t field[10 + STEP_WORDS] = {0};
    unsigned count = 0;

    while (*line == ' ')
        line++;
    while (count < 10 + STEP_WORDS) {
        char *end;

        field[count] = strtoull(line, &end, 16);
        if (end == line)
            break;
        count++;
        line = end;
        if (*line != '.')
            break;
        line++;
    }
    if (count < 10 || field[0] >= STEP_KIND_COUNT)
        return false;
    *step = (struct step){
        .kind = (uint8_t)field[0],
        .domain = (uint8_t)field[1],
        .vcpu = (uint8_t)field[2],
        .chained = (uint8_t)field[3],
        .count = (uint8_t)field[4],
        .args = (uint8_t)(field[5] % ARGS_COUNT),
        .done = (uint8_t)(field[6] % DONE_COUNT),
        .sub = (uint8_t)field[7],
        .foreign = (uint32_t)field[8],
        .mask = (uint32_t)field[9],
    };
    memcpy(step->word, field + 10, sizeof(step->word));
    return is_sound(step);
}
