/* SPDX-License-Identifier: MIT */
/* In order: stacks; leaving the processor; who is next. */
#include <abi/errno.h>
#include <engine/check.h>
#include <engine/engine.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/runstate.h>
#include <hv/domain/sched.h>
#include <hv/domain/vcpu.h>
#include <hv/mem/stack.h>
#include <hv/time/nmi_watchdog.h>
#include <hv/time/time.h>

#define TURN_NS UINT64_C(10000000) /* a vCPU's turn while others want to run */
#define TICK_NS UINT64_C(10000000) /* the period of a new vCPU's timer */

/*
 * ---- Stacks.  entry_switch() saves six registers and the place to go on at.
 */

#define SWITCH_WORDS 7u

int sched_create(struct hv_vcpu *vcpu)
{
    uint64_t *words;

    if (!stack_create(vcpu->engine.domain->machine, vcpu->window))
        return -XEN_ENOMEM;
    vcpu->run.stack = stack_top(vcpu->window);
    vcpu->frame = (struct cpu_frame *)vcpu->run.stack - 1;
    words = (uint64_t *)vcpu->frame - SWITCH_WORDS;
    words[SWITCH_WORDS - 1] = (uint64_t)entry_first;
    vcpu->run.sleeping = (uint64_t)words;
    vcpu->run.down = true;
    runstate_init(vcpu);
    return 0;
}

void sched_destroy(struct hv_vcpu *vcpu)
{
    stack_destroy(vcpu->engine.domain->machine, vcpu->window);
}

/*
 * ---- Leaving the processor, by the running vCPU.
 */

void sched_arrive(void)
{
    struct hv_vcpu *vcpu = cpu_here()->current;
    const struct vcpu_state *state = &vcpu->state;

    if (!vcpu->run.arrives)
        return;
    if (!state_load_segments(vcpu))
        bounce_failsafe(vcpu, (uint64_t[4]){state->ds, state->es, state->fs, state->gs});
    vcpu->run.arrives = false; /* before, state_save() has to leave alone what the processor does not have */
}

static void leave(struct hv_vcpu *vcpu, unsigned state)
{
    runstate_set(vcpu, state);
    entry_switch(&vcpu->run.sleeping, cpu_here()->sleeping);
    sched_arrive();
}

bool sched_is_on_vcpu(void)
{
    return cpu_here()->in_vcpu;
}

void sched_yield(void)
{
    struct hv_vcpu *vcpu = cpu_here()->current;

    leave(vcpu, RUNSTATE_runnable);
}

void sched_block(struct hv_vcpu *vcpu)
{
    leave(vcpu, RUNSTATE_blocked);
}

/* Another one that runs, or wants to, may be in the middle of a hypercall: it stops on its way back to its guest. */
void sched_stop(struct hv_vcpu *vcpu)
{
    vcpu->run.down = true;
    vcpu->run.attention = true;
    if (vcpu == cpu_here()->current && cpu_here()->in_vcpu)
        leave(vcpu, RUNSTATE_offline);
    else if (vcpu->run.info.state == RUNSTATE_blocked)
        runstate_set(vcpu, RUNSTATE_offline);
}

/* Old kernels never ask for their tick: a vCPU has one from the start, until it says otherwise (abi/vcpu.h). */
static void first_start(struct hv_vcpu *vcpu)
{
    vcpu->run.started = true;
    vcpu_time_set_periodic(vcpu, TICK_NS);
}

void sched_start(struct hv_vcpu *vcpu)
{
    if (!vcpu->run.started)
        first_start(vcpu);
    vcpu->run.down = false;
    if (vcpu->run.info.state == RUNSTATE_offline)
        runstate_set(vcpu, RUNSTATE_runnable);
}

/*
 * ---- Who is next, on the processor's own stack.
 */

static struct timer turn; /* of the vCPU that runs */

static bool wants_to_run(const struct hv_vcpu *vcpu)
{
    return vcpu->run.info.state == RUNSTATE_runnable;
}

/* The first that wants to run behind @last, which comes last itself; NULL: nobody. */
static struct hv_vcpu *next_vcpu(const struct hv_domain *domain, unsigned last)
{
    for (unsigned i = 1; i <= domain->engine.nr_vcpus; i++) {
        struct hv_vcpu *vcpu = hv_vcpu_find(domain, (last + i) % domain->engine.nr_vcpus);

        if (wants_to_run(vcpu))
            return vcpu;
    }
    return NULL;
}

bool sched_is_due(void)
{
    const struct cpu *cpu = cpu_here();
    const struct hv_vcpu *vcpu = cpu->current;

    if (!cpu->in_vcpu || vcpu->engine.domain->nr_vcpus == 1)
        return false;
    return time_now() - cpu->turn_began >= TURN_NS && next_vcpu(hv_vcpu_domain(vcpu), vcpu->engine.id) != NULL;
}

static void change_to(struct machine *machine, struct hv_vcpu *vcpu)
{
    struct cpu *cpu = cpu_here();

    if (cpu->current == vcpu)
        return;
    if (cpu->current)
        state_save(cpu->current);
    hv_vcpu_switch(machine, vcpu);
    state_load(vcpu);
    vcpu->run.arrives = true;
    vcpu_time_update(vcpu);
}

/* The interrupt is all that the end of a turn needs: sched_is_due() is asked on the way back from it. */
static void end_turn(struct timer *timer)
{
    (void)timer;
}

static void run(struct machine *machine, struct hv_vcpu *vcpu)
{
    struct cpu *cpu = cpu_here();

    nmi_watchdog_pet();
    change_to(machine, vcpu);
    runstate_set(vcpu, RUNSTATE_running);
    runstate_show(vcpu);
    cpu->turn_began = time_now();
    if (vcpu->engine.domain->nr_vcpus > 1)
        timer_set(&turn, cpu->turn_began + TURN_NS);
    cpu->in_vcpu = true;
    entry_switch(&cpu->sleeping, vcpu->run.sleeping);
    cpu->in_vcpu = false;
    timer_stop(&turn);
}

/* An interrupt ends this; it can only come here, so that none is missed between the look and the halt. */
static void idle(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* vCPUs that were preempted in the middle of an operation hold frames: they run until they are out of it, and stop. */
static void end_operations(struct machine *machine, struct hv_domain *domain)
{
    unsigned last = 0;

    domain_set_dying(&domain->engine);
    while (__atomic_load_n(&domain->engine.operations, __ATOMIC_SEQ_CST) > 0) {
        struct hv_vcpu *vcpu = next_vcpu(domain, last);

        CHECK(vcpu); /* who yields inside an operation stays runnable */
        last = vcpu->engine.id;
        run(machine, vcpu);
    }
}

void sched_run(struct machine *machine, struct hv_domain *domain)
{
    unsigned last = 0;

    turn.expire = end_turn;
    nmi_watchdog_start();
    while (!domain->ended) {
        struct hv_vcpu *vcpu;

        /* Interrupts are off between turns; one for what is done here finds nothing left to do. */
        if (timer_is_due())
            timer_run();
        vcpu = next_vcpu(domain, last);

        if (!vcpu) {
            idle();
            continue;
        }
        last = vcpu->engine.id;
        run(machine, vcpu);
    }
    end_operations(machine, domain);
    nmi_watchdog_stop();
    hv_vcpu_switch(machine, NULL);
}
