/* SPDX-License-Identifier: MIT */
/*
 * Trees of processes that fork until memory is full, write, and are killed in random order.  For each process and page
 * the kernel remembers what should be there, without knowing who shares which page; every byte is compared when a
 * process ends, and in user mode in between.
 */
#include <guest/guest.h>
#include <guest/print.h>
#include <guests/paravirt/pool.h>
#include <guests/paravirt/process.h>
#include <guests/paravirt/program.h>
#include <guests/paravirt/test.h>

#define TREES     4u
#define FULL      50u /* processes that ended for want of memory: it is full */
#define STEPS_MAX 60000u
#define USED_MAX  14000u /* pages: what half of PROCESSES_MAX can fill */
#define WORDS     (PAGE_SIZE / sizeof(uintptr_t))

static struct {
    uint64_t forks, fills, verified, wrong, ended, killed, bytes, steps, steps_max;
    uint64_t most; /* processes at a time */
} forest;

static uint64_t wrong_words(const uintptr_t *page, uintptr_t signature)
{
    uint64_t wrong = 0;

    for (unsigned i = 0; i < WORDS; i++)
        wrong += page[i] != signature + i * (uintptr_t)SIGNATURE_STEP;
    return wrong;
}

/* Before its space goes: what is there is what it wrote, or what its parent wrote before the fork. */
static bool check_process(struct process *process)
{
    for (unsigned i = 0; i < FOREST_PAGES; i++) {
        const uintptr_t *page = space_page(&process->space, i);

        if (process->signatures[i] == 0) {
            forest.wrong += page != NULL;
            continue;
        }
        forest.wrong += page ? wrong_words(page, process->signatures[i]) : WORDS;
        forest.bytes += PAGE_SIZE;
    }
    forest.ended++;
    return true;
}

/* The fill that the process was told to do is done: it asks for more. */
static void finish_fill(struct process *process)
{
    if (process->filling) {
        process->signatures[process->filling - 1] = process->filling_signature;
        process->filling = 0;
        forest.fills++;
    }
}

static void next_step(struct process *process, struct regs *regs)
{
    uintptr_t choice = test_random() % 16, page = test_random() % FOREST_PAGES;

    finish_fill(process);
    forest.wrong += regs->rdi;
    regs->rdx = (uintptr_t)DATA_BASE + page * PAGE_SIZE;
    if (choice < 1) {
        regs->rax = NEXT_FORK;
        forest.forks++;
    } else if (choice < 12) {
        regs->rax = NEXT_FILL;
        process->filling = page + 1;
        process->filling_signature = regs->rsi = (uintptr_t)test_random() << 16 | 1;
    } else if (process->signatures[page]) {
        regs->rax = NEXT_VERIFY;
        regs->rsi = process->signatures[page];
        forest.verified++;
    } else {
        regs->rax = NEXT_NOTHING;
    }
    if (++forest.steps >= forest.steps_max)
        process_stop();
}

static void run_steps(uint64_t steps)
{
    uint64_t alive = 0;

    forest.steps = 0;
    forest.steps_max = steps;
    process_run();
    for (unsigned i = 0; i < PROCESSES_MAX; i++)
        alive += processes[i].state == PROCESS_READY;
    forest.most = alive > forest.most ? alive : forest.most;
}

/* Then it goes on for a while: processes end for want of memory, and others get theirs. */
static void grow_until_full(void)
{
    uint64_t steps = 0;

    for (unsigned i = 0; i < TREES; i++)
        expect(process_create(PROGRAM(program_forest), FOREST_PAGES), "no process");
    while (forest.ended < FULL && steps < STEPS_MAX) {
        run_steps(500);
        steps += 500;
    }
    expect(forest.ended >= FULL,
           "memory is not full after %" PRIu64 " steps: %" PRIu64 " processes, %" PRIu64 " pages free", steps,
           forest.most, pool_count());
    run_steps(3000);
}

static struct process *any_process(void)
{
    uint64_t first = test_random();

    for (unsigned i = 0; i < PROCESSES_MAX; i++) {
        struct process *process = &processes[(first + i) % PROCESSES_MAX];

        if (process->state == PROCESS_READY)
            return process;
    }
    return NULL;
}

static void kill_all(void)
{
    struct process *victim;

    while ((victim = any_process())) {
        process_end(victim, STATUS_KILLED);
        forest.killed++;
        if (forest.killed % 16 == 0)
            run_steps(32);
    }
}

void test_forest(void)
{
    uint64_t pages = pool_count();

    process_set_driver(next_step);
    process_set_end(check_process);
    process_set_choice(test_random);
    pool_set_reserve(pages > USED_MAX ? pages - USED_MAX : 0);
    grow_until_full();
    kill_all();
    pool_set_reserve(0);
    process_set_driver(NULL);
    process_set_end(NULL);
    process_set_choice(NULL);
    print("  forest: %" PRIu64 " processes at most, %" PRIu64 " forks, %" PRIu64 " pages written, %" PRIu64
          " verified, %" PRIu64 " killed, %" PRIu64 " bytes compared\n",
          forest.most, forest.forks, forest.fills, forest.verified, forest.killed, forest.bytes);
    expect(forest.wrong == 0, "%" PRIu64 " words are wrong", forest.wrong);
    expect_nothing_lost(pages);
}
