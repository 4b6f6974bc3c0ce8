/* SPDX-License-Identifier: MIT */
/*
 * Tasks are coroutines: the scheduler is a loop in sim_run(), on the stack of whoever called that,
 * and each task switches to it and from it only.  What runs outside tasks is called the main flow
 * here.
 */
#include <stdlib.h>

#include <sim/sim_parts.h>
#include <sim/stack.h>
#include <sim/tasks.h>

#define TASKS_MAX 64u

enum task_state {
    TASK_NONE, /* its stack is free */
    TASK_READY,
    TASK_WAITING, /* for the lock of @wants */
};

struct task {
    enum task_state state;
    struct sim_domain *wants;
    struct vcpu *vcpu;
    sim_task_fn *fn;
    void *arg;
    uint32_t held; /* the domains whose locks it holds, bit n for domain n */
    struct stack stack;
};

struct sim_sched {
    struct task tasks[TASKS_MAX];
    struct task main; /* the main flow, as far as locks go */
    struct task *running;
    unsigned alive;
    uint64_t waited;    /* yields since something was done */
    size_t script_next; /* in preempt_script */
    bool in_hook;
    bool failed; /* the task of sim_fails() */
};

void tasks_create(struct sim *sim)
{
    sim->sched = calloc(1, sizeof(*sim->sched));
    if (!sim->sched)
        abort();
    sim->sched->running = &sim->sched->main;
}

void tasks_destroy(struct sim *sim)
{
    if (!sim->sched)
        return;
    for (unsigned i = 0; i < TASKS_MAX; i++)
        stack_destroy(&sim->sched->tasks[i].stack);
    free(sim->sched);
    sim->sched = NULL;
}

/*
 * ---- Their beginning and their end.
 */

static void end_task(struct sim_sched *sched, struct task *task)
{
    task->state = TASK_NONE;
    sched->alive--;
    sched->waited = 0;
    stack_leave(&task->stack, &sched->main.stack);
}

/* What a task's stack begins with. */
static void run_task(void)
{
    struct sim_sched *sched = sim_here()->sched;
    struct task *task = sched->running;

    stack_entered(&sched->main.stack);
    task->fn(task->vcpu, task->arg);
    if (task->held)
        sim_fail("sim: a task has ended with locks held: domains %#x", task->held);
    end_task(sched, task);
}

void sim_spawn(struct sim *sim, struct vcpu *vcpu, sim_task_fn *fn, void *arg)
{
    struct sim_sched *sched = sim->sched;
    struct task *task = sched->tasks;

    while (task < sched->tasks + TASKS_MAX && task->state != TASK_NONE)
        task++;
    if (task == sched->tasks + TASKS_MAX)
        sim_fail("sim: more than %u tasks", TASKS_MAX);
    stack_prepare(&task->stack, run_task);
    task->state = TASK_READY;
    task->vcpu = vcpu;
    task->fn = fn;
    task->arg = arg;
    task->held = 0;
    sched->alive++;
    sched->waited = 0;
}

size_t sim_stack_used(const struct sim *sim)
{
    size_t most = 0;

    for (unsigned i = 0; i < TASKS_MAX; i++) {
        size_t used = stack_used(&sim->sched->tasks[i].stack);

        most = used > most ? used : most;
    }
    return most;
}

/*
 * ---- Choosing.
 */

static bool is_runnable(const struct task *task)
{
    return task->state == TASK_READY || (task->state == TASK_WAITING && !task->wants->lock_owner);
}

/* A random task that can go on; NULL if there is none. */
static struct task *choose_task(struct sim *sim)
{
    struct sim_sched *sched = sim->sched;
    struct task *runnable[TASKS_MAX];
    unsigned count = 0;

    for (unsigned i = 0, seen = 0; seen < sched->alive && i < TASKS_MAX; i++) {
        seen += sched->tasks[i].state != TASK_NONE;
        if (is_runnable(&sched->tasks[i]))
            runnable[count++] = &sched->tasks[i];
    }
    return count ? runnable[sim_random_below(sim, count)] : NULL;
}

void sim_run(struct sim *sim)
{
    struct sim_sched *sched = sim->sched;

    if (sched->running != &sched->main)
        sim_fail("sim_run: called from a task");
    while (sched->alive > 0 && !sched->failed) {
        struct task *task = choose_task(sim);

        if (!task)
            sim_fail("sim: dead lock: %u tasks wait for locks", sched->alive);
        task->state = TASK_READY;
        sched->running = task;
        stack_switch(&sched->main.stack, &task->stack);
        sched->running = &sched->main;
    }
}

static void let_others_run(struct sim *sim)
{
    struct sim_sched *sched = sim->sched;

    if (sched->running != &sched->main && sched->alive > 1)
        stack_switch(&sched->running->stack, &sched->main.stack);
}

void sim_pause(struct sim *sim)
{
    let_others_run(sim);
}

void tasks_progress(struct sim *sim)
{
    sim->sched->waited = 0;
}

/* Under sim_fails(): end the task that has failed, if one runs. */
static void catch_fail(struct sim *sim)
{
    struct sim_sched *sched = sim->sched;

    if (sched->running == &sched->main)
        return;
    sched->failed = true;
    end_task(sched, sched->running);
}

bool sim_fails(struct sim *sim, sim_task_fn *fn, struct vcpu *vcpu, void *arg)
{
    struct sim_sched *sched = sim->sched;
    bool failed;

    if (sched->alive > 0)
        sim_fail("sim_fails: other tasks are there");
    sim_spawn(sim, vcpu, fn, arg);
    sim->catch_fail = catch_fail;
    sim_run(sim);
    failed = sched->failed;
    sim->catch_fail = NULL;
    sched->failed = false;
    return failed;
}

/*
 * ---- Preemption.
 */

static bool script_says(struct sim *sim, uint64_t point)
{
    struct sim_sched *sched = sim->sched;

    while (sched->script_next < sim->preempt_script_length && sim->preempt_script[sched->script_next] < point)
        sched->script_next++;
    return sched->script_next < sim->preempt_script_length && sim->preempt_script[sched->script_next] == point;
}

bool tasks_preempt_wanted(struct sim *sim)
{
    uint64_t point = sim->preempt_points++;

    switch (sim->preemption) {
    case SIM_PREEMPT_ALWAYS:
        return true;
    case SIM_PREEMPT_RANDOM:
        return sim_chance(sim, sim->preempt_per_256);
    case SIM_PREEMPT_SCRIPT:
        return script_says(sim, point);
    case SIM_PREEMPT_NEVER:
        break;
    }
    return false;
}

void tasks_yield(struct sim *sim)
{
    struct sim_sched *sched = sim->sched;

    sim->yields++;
    if (sched->running->held)
        sim_fail("port_yield: locks are held: domains %#x", sched->running->held);
    if (++sched->waited > sim->stall_limit)
        sim_fail("sim: live lock: %llu yields and nothing else", (unsigned long long)sched->waited);
    if (sim->on_preempt && !sched->in_hook) {
        sched->in_hook = true;
        sim->on_preempt(sim);
        sched->in_hook = false;
    }
    let_others_run(sim);
}

void tasks_flush_hook(struct sim *sim, cpumask_t cpus)
{
    struct sim_sched *sched = sim->sched;

    if (!sim->on_flush || sched->in_hook)
        return;
    sched->in_hook = true;
    sim->on_flush(sim, cpus);
    sched->in_hook = false;
}

/*
 * ---- Locks.
 */

/* Another moment at which others may come between: just before a lock is taken. */
static void perhaps_let_others_run(struct sim *sim)
{
    if (sim->preemption == SIM_PREEMPT_ALWAYS ||
        (sim->preemption == SIM_PREEMPT_RANDOM && sim_chance(sim, sim->preempt_per_256)))
        let_others_run(sim);
}

void tasks_lock(struct sim *sim, struct domain *domain)
{
    struct sim_sched *sched = sim->sched;
    struct task *task = sched->running;
    struct sim_domain *wanted = &sim->domains[domain->id.v];

    if (task->held >> domain->id.v)
        sim_fail("port_lock: of domain %u while those of domains %#x are held", domain->id.v, task->held);
    perhaps_let_others_run(sim);
    while (wanted->lock_owner) {
        if (task == &sched->main)
            sim_fail("port_lock: a task holds the lock of domain %u", domain->id.v);
        task->state = TASK_WAITING;
        task->wants = wanted;
        stack_switch(&task->stack, &sched->main.stack);
    }
    wanted->lock_owner = task;
    task->held |= UINT32_C(1) << domain->id.v;
}

void tasks_unlock(struct sim *sim, struct domain *domain)
{
    struct task *task = sim->sched->running;
    struct sim_domain *wanted = &sim->domains[domain->id.v];

    if (wanted->lock_owner != task)
        sim_fail("port_unlock: the lock of domain %u is not held", domain->id.v);
    wanted->lock_owner = NULL;
    task->held &= ~(UINT32_C(1) << domain->id.v);
}
