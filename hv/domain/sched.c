/* SPDX-License-Identifier: MIT */
/* In order: stacks; leaving the processor; turns; work between them.  Who gets a turn is hv/domain/fair.c. */
#include <abi/errno.h>
#include <engine/check.h>
#include <engine/engine.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/house.h>
#include <hv/domain/runstate.h>
#include <hv/domain/sched.h>
#include <hv/domain/vcpu.h>
#include <hv/domain/zombie.h>
#include <hv/mem/stack.h>
#include <hv/time/nmi_watchdog.h>
#include <hv/time/time.h>

#define TURN_NS  UINT64_C(10000000) /* a vCPU's turn while others want to run */
#define LEAST_NS UINT64_C(100000)   /* of it, whoever is woken meanwhile */
#define TICK_NS  UINT64_C(10000000) /* the period of a new vCPU's timer */
#define WORK_NS  UINT64_C(1000000)  /* a turn of the roof's work, whoever wants to run */

/*
 * ---- Stacks.  entry_switch() saves six registers and the place to go on at.
 */

#define SWITCH_WORDS 7u

int sched_create(struct hv_vcpu *vcpu)
{
    uint64_t *words;

    if (!stack_create(vcpu->engine.domain->machine, vcpu->window))
        return -XEN_ENOMEM;
    vcpu->run.stack = (uint64_t)stack_owner_at(stack_top(vcpu->window));
    *(struct stack_owner *)vcpu->run.stack = (struct stack_owner){.vcpu = vcpu};
    vcpu->frame = (struct cpu_frame *)vcpu->run.stack - 1;
    words = (uint64_t *)vcpu->frame - SWITCH_WORDS;
    words[SWITCH_WORDS - 1] = (uint64_t)entry_first;
    vcpu->run.sleeping = (uint64_t)words;
    vcpu->run.down = true;
    runstate_init(vcpu);
    fair_add(vcpu);
    return 0;
}

void sched_destroy(struct hv_vcpu *vcpu)
{
    fair_remove(vcpu);
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
    bool was_in_house;

    runstate_set(vcpu, state);
    was_in_house = house_step_out();
    entry_switch(&vcpu->run.sleeping, cpu_here()->sleeping);
    house_step_in(was_in_house);
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

void sched_step_back(void)
{
    fair_step_back(cpu_here()->id);
    sched_yield();
}

void sched_block(struct hv_vcpu *vcpu)
{
    leave(vcpu, RUNSTATE_blocked);
}

void sched_retire(struct hv_vcpu *vcpu)
{
    vcpu->run.down = true;
    runstate_set(vcpu, RUNSTATE_offline);
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
    if (vcpu->run.info.state != RUNSTATE_offline)
        return;
    (void)fair_wake(vcpu);
    runstate_set(vcpu, RUNSTATE_runnable);
}

/*
 * ---- Turns, on the processor's own stack.
 */

static struct timer turn; /* of the vCPU that runs */

/* The roof's work on what has ended, on the processor's own stack, takes turns as a vCPU does, but has no guest. */
static struct hv_domain work_domain;
static struct hv_vcpu work = {.engine = {.domain = &work_domain.engine}};
static struct machine *work_machine; /* NULL: none is under way */

/*
 * A turn has its price: the change, and the events that came meanwhile.  A peer that sends, sleeps for as long as that
 * takes, and wakes would leave a guest no time for anything else (XSA-332), hence LEAST_NS.
 */
static bool is_ripe(const struct cpu *cpu, uint64_t ran)
{
    return ran >= (fair_has_woken(cpu->id) ? LEAST_NS : TURN_NS);
}

/* Only where somebody else wants to run does a turn end, and the timer is set: nobody looks at the clock otherwise. */
static bool is_contended(const struct cpu *cpu)
{
    return fair_has_woken(cpu->id) || turn.active;
}

/* The latest moment at which the turn is looked at again, whatever the guest does until then. */
static void look_by(uint64_t deadline)
{
    if (!turn.active || turn.deadline > deadline)
        timer_set(&turn, deadline);
}

/* By itself, so that whoever is alone does not save registers for it at each preemption point. */
static __attribute__((noinline)) enum sched_turn look_at_turn(const struct cpu *cpu)
{
    uint64_t ran = time_now() - cpu->turn_began;

    if (!is_ripe(cpu, ran)) {
        if (fair_has_woken(cpu->id))
            look_by(cpu->turn_began + LEAST_NS);
        return TURN_GOES_ON;
    }
    if (fair_is_ahead(cpu->id))
        return TURN_IS_OVER;
    look_by(cpu->turn_began + (ran < TURN_NS ? TURN_NS : ran + TURN_NS));
    return TURN_IS_RIPE;
}

enum sched_turn sched_look(void)
{
    const struct cpu *cpu = cpu_here();

    if (cpu->must_give_way)
        return TURN_IS_OVER;
    return is_contended(cpu) ? look_at_turn(cpu) : TURN_GOES_ON;
}

bool sched_is_due(void)
{
    const struct cpu *cpu = cpu_here();

    if (!cpu->in_vcpu)
        return work_machine && time_now() - cpu->turn_began >= WORK_NS;
    return sched_look() == TURN_IS_OVER;
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

/* sched_is_due() is asked on the way back from the interrupt. */
static void end_turn(struct timer *timer)
{
    struct cpu *cpu = cpu_here();
    uint64_t whole = cpu->turn_began + TURN_NS;

    cpu->current->run.attention = true;
    timer_set(timer, timer->deadline < whole ? whole : timer->deadline + TURN_NS);
}

static void run(struct machine *machine, struct hv_vcpu *vcpu)
{
    struct cpu *cpu = cpu_here();
    bool was_in_house;

    nmi_watchdog_pet();
    fair_begin(cpu->id, vcpu); /* the change is at its expense */
    change_to(machine, vcpu);
    runstate_set(vcpu, RUNSTATE_running);
    runstate_show(vcpu);
    cpu->must_give_way = false;
    cpu->turn_began = time_now();
    if (fair_is_wanted(cpu->id))
        timer_set(&turn, cpu->turn_began + TURN_NS);
    cpu->in_vcpu = true;
    was_in_house = house_step_out();
    entry_switch(&cpu->sleeping, vcpu->run.sleeping);
    house_step_in(was_in_house);
    cpu->in_vcpu = false;
    timer_stop(&turn);
    fair_end(cpu->id);
}

/* An interrupt ends this; it can only come here, so that none is missed between the look and the halt. */
static void idle(void)
{
    bool was_in_house = house_step_out();

    __asm__ volatile("sti; hlt; cli" : : : "memory");
    house_step_in(was_in_house);
}

/*
 * vCPUs that were preempted in the middle of an operation hold frames: they run until they are out of it, and stop on
 * their way back to the guest.
 */
static bool is_over(struct hv_domain *domain)
{
    if (!domain_is_dying(&domain->engine))
        domain_set_dying(&domain->engine);
    if (__atomic_load_n(&domain->engine.operations, __ATOMIC_SEQ_CST) == 0)
        return true;
    CHECK(fair_is_wanted(cpu_here()->id)); /* who yields inside an operation, of whatever domain, stays runnable */
    return false;
}

/* A domain that has ended, and none of whose operations is under way, or what zombie_take() has; NULL: none. */
static struct hv_domain *find_ended(void)
{
    const struct hv_vcpu *first = fair_behind(NULL), *vcpu = first;

    while (vcpu) {
        struct hv_domain *domain = hv_vcpu_domain(vcpu);

        if (domain->ended && is_over(domain))
            return domain;
        vcpu = fair_behind(vcpu);
        if (vcpu == first)
            break;
    }
    return zombie_take();
}

/* The processor keeps nothing of a vCPU; what belongs to one of @ended is not needed any more. */
static void clear_processor(struct machine *machine, const struct hv_domain *ended)
{
    struct hv_vcpu *vcpu = cpu_here()->current;

    if (vcpu && hv_vcpu_domain(vcpu) != ended)
        state_save(vcpu);
    hv_vcpu_switch(machine, NULL);
}

/* Turns of vCPUs, until the next one is the work's.  Where none is under way: until there is some, which it returns. */
static struct hv_domain *take_turns(struct machine *machine)
{
    struct hv_domain *ended = NULL;

    nmi_watchdog_start();
    while (work_machine || (!(ended = find_ended()) && fair_behind(NULL))) {
        struct hv_vcpu *vcpu;

        /* Interrupts are off between turns; one for what is done here finds nothing left to do. */
        if (timer_is_due())
            timer_run();
        vcpu = fair_next(cpu_here()->id);
        if (vcpu == &work)
            break;
        if (vcpu)
            run(machine, vcpu);
        else
            idle();
    }
    nmi_watchdog_stop();
    clear_processor(machine, ended);
    return ended;
}

/*
 * ---- Work between turns: what the roof does from one sched_run() to the next.
 */

static void begin_work_turn(void)
{
    cpu_here()->turn_began = time_now();
    fair_begin(cpu_here()->id, &work);
}

static void begin_work(struct machine *machine, const struct hv_domain *ended)
{
    work_machine = machine;
    work_domain.weight = ended->weight;
    work.run.info.state = RUNSTATE_runnable;
    fair_add(&work);
    if (!hv_domain_is_zombie(ended))
        fair_follow(&work, hv_vcpu_of(ended->engine.vcpus[0]));
    begin_work_turn();
}

static void end_work(void)
{
    if (!work_machine)
        return;
    fair_end(cpu_here()->id);
    fair_remove(&work);
    work_machine = NULL;
}

/* Devices may have waited since the turn began, and nobody else lets interrupts come if no vCPU wants to run. */
static void take_interrupts(void)
{
    bool was_in_house = house_step_out();

    __asm__ volatile("sti; nop; cli" : : : "memory");
    house_step_in(was_in_house);
}

void sched_yield_work(void)
{
    if (!work_machine)
        return;
    fair_end(cpu_here()->id);
    take_interrupts();
    (void)take_turns(work_machine);
    begin_work_turn();
}

void sched_follow_work(struct hv_vcpu *vcpu)
{
    fair_follow(vcpu, &work);
}

struct hv_domain *sched_run(struct machine *machine)
{
    struct hv_domain *ended;

    turn.expire = end_turn;
    end_work();
    ended = take_turns(machine);
    if (ended)
        begin_work(machine, ended);
    return ended;
}
