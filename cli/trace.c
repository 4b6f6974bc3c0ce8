/* SPDX-License-Identifier: MIT */
/* In order: the beginning; records, of which nothing is believed; the summary; the end. */
#define _GNU_SOURCE /* memfd_create */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hv/base/call_names.h>
#include <cli/trace.h>

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);

    return length >= end_length && !strcmp(text + length - end_length, end);
}

enum status trace_open(struct trace *trace, const char *words, const char *conditions, const char *path)
{
    enum status status = trace_choose(trace, words);

    if (!status && conditions)
        status = trace_read_conditions(&trace->filter, conditions);
    trace->memory = -1;
    if (status)
        return status;
    trace->is_json = path && (ends_with(path, ".json") || ends_with(path, ".jsonl"));
    trace->to = path ? fopen(path, "we") : stderr;
    if (!trace->to) {
        say_error("--trace-to: %s: cannot be written: %s", path, strerror(errno));
        return STATUS_USAGE;
    }
    trace->memory = memfd_create("paravane", 0); /* QEMU inherits it */
    if (trace->memory < 0) {
        say_error("--trace: no memory can be shared: %s", strerror(errno));
        return STATUS_FAILED;
    }
    snprintf(trace->path, sizeof(trace->path), "/proc/self/fd/%d", trace->memory);
    trace->is_on = true;
    return STATUS_GOOD;
}

void trace_close(struct trace *trace)
{
    if (trace->ring)
        munmap(trace->ring, TRACE_RING_OFFSET + trace->size);
    if (trace->to && trace->to != stderr && fclose(trace->to))
        say_error("--trace-to: the file could not be written: %s", strerror(errno));
    if (trace->is_on)
        close(trace->memory);
    *trace = (struct trace){.memory = -1};
}

/* The first 2 GiB of a machine's addresses are those of the file, whatever the machine. */
void trace_note(struct trace *trace, const char *line)
{
    unsigned long long address, size;
    struct stat about;
    void *mapped;

    if (!trace->is_on || trace->ring || sscanf(line, "trace at %llx, %llx bytes", &address, &size) != 2)
        return;
    if (fstat(trace->memory, &about) || address % TRACE_RING_OFFSET || !size || size & (size - 1) ||
        size > (unsigned long long)about.st_size || address > (unsigned long long)about.st_size - size ||
        TRACE_RING_OFFSET > (unsigned long long)about.st_size - size - address)
        return;
    mapped = mmap(NULL, TRACE_RING_OFFSET + size, PROT_READ | PROT_WRITE, MAP_SHARED, trace->memory, (off_t)address);
    if (mapped == MAP_FAILED)
        return;
    trace->ring = mapped;
    trace->size = size;
    trace->words = (const uint64_t *)(const void *)((const char *)mapped + TRACE_RING_OFFSET);
}

/* ---- Records. */

static void take(const struct trace *trace, uint64_t place, uint64_t *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = trace->words[((place / 8) + i) & (trace->size / 8 - 1)];
}

static struct trace_count *count_of(struct trace *trace, const struct trace_record *record)
{
    uint64_t number = record->number;

    if (record->kind >= TRACE_EXCEPTION)
        return &trace->trap_counts[record->kind][number < TRACE_VECTORS ? number : 0];
    return &trace->counts[number < TRACE_CALLS_MAX ? number : TRACE_CALLS_MAX];
}

static void count(struct trace *trace, const struct trace_record *record)
{
    struct trace_count *to = count_of(trace, record);

    if (record->kind == TRACE_MORE)
        return;
    to->calls++;
    to->errors += record->result < 0 && record->result != TRACE_NO_RESULT;
    if (record->kind != TRACE_NESTED)
        to->ticks += record->ended - record->began;
}

/* False: there is none, or it makes no sense, and neither does what is behind it. */
static bool drain_one(struct trace *trace)
{
    uint64_t head = __atomic_load_n(&trace->ring->head, __ATOMIC_ACQUIRE), left = (head - trace->tail) / 8;
    uint64_t words[TRACE_RECORD_WORDS + TRACE_WORDS_MAX];
    struct trace_record record;

    if (!left)
        return false;
    if (left < TRACE_RECORD_WORDS || left > trace->size / 8) {
        trace->is_broken = true;
        return false;
    }
    take(trace, trace->tail, words, TRACE_RECORD_WORDS);
    memcpy(&record, words, sizeof(record));
    if (record.words < TRACE_RECORD_WORDS || record.words > TRACE_RECORD_WORDS + TRACE_WORDS_MAX ||
        record.words > left) {
        trace->is_broken = true;
        return false;
    }
    take(trace, trace->tail + sizeof(record), words, record.words - TRACE_RECORD_WORDS);
    if (!trace->first)
        trace->first = record.began;
    if (trace_wants(trace, &record)) {
        count(trace, &record);
        if (!trace->is_summary)
            trace_tell(trace, &record, words);
    }
    trace->tail += record.words * 8u;
    __atomic_store_n(&trace->ring->tail, trace->tail, __ATOMIC_RELEASE);
    return true;
}

void trace_drain(struct trace *trace)
{
    if (!trace->is_on || !trace->ring)
        return;
    while (!trace->is_broken && drain_one(trace))
        continue;
}

/* ---- The end. */

static const struct trace_count *sorted_from;

static int compare(const void *a, const void *b)
{
    uint64_t first = sorted_from[*(const unsigned *)a].ticks, second = sorted_from[*(const unsigned *)b].ticks;

    return first < second ? 1 : first > second ? -1 : 0;
}

static void tell_count(FILE *to, const char *what, unsigned number, const struct trace_count *count)
{
    char name[40];

    if (!count->calls)
        return;
    snprintf(name, sizeof(name), "%s %u", what, number);
    fprintf(to, "%-30s %10llu %10s %16llu %12llu\n", name, (unsigned long long)count->calls, "",
            (unsigned long long)count->ticks, (unsigned long long)(count->ticks / count->calls));
}

static void summarise_traps(const struct trace *trace)
{
    for (unsigned i = 0; i < TRACE_VECTORS; i++) {
        tell_count(trace->to, "exception", i, &trace->trap_counts[TRACE_EXCEPTION][i]);
        tell_count(trace->to, "emulation, vector", i, &trace->trap_counts[TRACE_EMULATION][i]);
        tell_count(trace->to, "upcall", i, &trace->trap_counts[TRACE_UPCALL][i]);
    }
}

/* Those that took longest first.  What a multicall took is its own: the calls in it have none. */
static void summarise(const struct trace *trace)
{
    unsigned order[TRACE_CALLS_MAX + 1];

    for (unsigned i = 0; i <= TRACE_CALLS_MAX; i++)
        order[i] = i;
    sorted_from = trace->counts;
    qsort(order, TRACE_CALLS_MAX + 1, sizeof(order[0]), compare);
    fprintf(trace->to, "%-30s %10s %10s %16s %12s\n", "call", "calls", "errors", "ticks", "ticks/call");
    for (unsigned i = 0; i <= TRACE_CALLS_MAX; i++) {
        const struct trace_count *one = &trace->counts[order[i]];
        const char *name = order[i] < TRACE_CALLS_MAX ? call_name(order[i]) : NULL;

        if (one->calls)
            fprintf(trace->to, "%-30s %10llu %10llu %16llu %12llu\n", name ? name : "(without a name)",
                    (unsigned long long)one->calls, (unsigned long long)one->errors, (unsigned long long)one->ticks,
                    (unsigned long long)(one->ticks / one->calls));
    }
}

void trace_finish(struct trace *trace)
{
    uint64_t lost;

    if (!trace->is_on)
        return;
    trace_drain(trace);
    if (!trace->ring) {
        say_error("--trace: nothing was traced: the hypervisor has not said where");
        return;
    }
    if (trace->is_summary) {
        summarise(trace);
        summarise_traps(trace);
    }
    fflush(trace->to);
    lost = __atomic_load_n(&trace->ring->lost, __ATOMIC_RELAXED);
    if (trace->is_broken)
        say_error("--trace: what the hypervisor wrote made no sense; the rest is missing");
    if (lost)
        say_error("--trace: %llu records were lost: they came faster than they could be read",
                  (unsigned long long)lost);
}
