/* SPDX-License-Identifier: MIT */
/* The runner, and the reads and writes that may fault. */
#include <guest/guest.h>
#include <guest/pinned.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/trap.h>
#include <guests/paravirt/pool.h>
#include <guests/paravirt/process.h>
#include <guests/paravirt/test.h>

static char reason[160];
static unsigned nr_failed_claims, nr_failed;
static struct mmu_failure last_failure;
static unsigned nr_failures;

void test_run(const struct test *tests)
{
    for (; tests->name; tests++) {
        nr_failed_claims = 0;
        tests->run();
        if (nr_failed_claims) {
            nr_failed++;
            print("not ok %s: %s\n", tests->name, reason);
        } else {
            print("ok %s\n", tests->name);
        }
    }
}

void expect(bool holds, const char *format, ...)
{
    va_list args;

    if (holds || nr_failed_claims++)
        return;
    va_start(args, format);
    (void)print_list_to(reason, sizeof(reason), format, args);
    va_end(args);
}

unsigned test_failures(void)
{
    return nr_failed;
}

static void remember_failure(const struct mmu_failure *failure)
{
    last_failure = *failure;
    nr_failures++;
}

void test_failures_begin(void)
{
    nr_failures = 0;
    (void)mmu_set_failure_handler(remember_failure);
}

unsigned test_failures_end(struct mmu_failure *last)
{
    (void)mmu_set_failure_handler(NULL);
    *last = last_failure;
    return nr_failures;
}

/* The number behind the colon of a MMU_HERE. */
static int line_of(const char *where)
{
    int line = 0;

    while (*where && *where != ':')
        where++;
    while (*where && *++where >= '0' && *where <= '9')
        line = line * 10 + (*where - '0');
    return line;
}

bool test_is_line(const char *where, const char *here, int difference)
{
    size_t length = 0;

    while (here[length] && here[length] != ':')
        length++;
    return strncmp(where, here, length + 1) == 0 && line_of(where) - line_of(here) == difference;
}

uint64_t test_random(void)
{
    static uint64_t state;

    if (!state)
        state = guest_option("seed", 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

void expect_nothing_lost(uint64_t pages)
{
    unsigned left = 0;

    for (unsigned i = 0; i < PROCESSES_MAX; i++)
        left += processes[i].state != PROCESS_NONE;
    expect(left == 0, "%u processes are left", left);
    expect(pool_count() == pages, "%" PRIu64 " pages are free, %" PRIu64 " were before", pool_count(), pages);
    expect(pinned_count() == 0, "%" PRIu64 " tables are pinned", pinned_count());
    expect(pool_spoilt() == 0, "%" PRIu64 " free pages were written to", pool_spoilt());
}

struct access {
    uint64_t vaddr, value;
};

static void do_write(void *arg)
{
    struct access *access = arg;

    WRITE_ONCE(*(uint64_t *)(uintptr_t)access->vaddr, access->value);
}

static void do_read(void *arg)
{
    struct access *access = arg;

    access->value = READ_ONCE(*(uint64_t *)(uintptr_t)access->vaddr);
}

bool test_write(uint64_t vaddr, uint64_t value)
{
    struct access access = {.vaddr = vaddr, .value = value};
    struct fault fault;

    return trap_try(do_write, &access, &fault);
}

bool test_read(uint64_t vaddr, uint64_t *value)
{
    struct access access = {.vaddr = vaddr};
    struct fault fault;
    bool read = trap_try(do_read, &access, &fault);

    *value = access.value;
    return read;
}
