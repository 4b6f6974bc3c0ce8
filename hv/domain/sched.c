/* SPDX-License-Identifier: MIT */
/* In order: stacks; leaving the processor; turns; work between them.  Who gets a turn is hv/domain/fair.c. */
#include <abi/errno.h>
#include <engine/check.h>
#include <engine/engine.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/house.h>
#include <hv/domain/request.h>
#include <hv/domain/runstate.h>
#include <hv/domain/sched.h>
#include <hv/domain/vcpu.h>
#include <hv/domain/zombie.h>
#include <hv/mem/stack.h>
#include <hv/time/nmi_watchdog.h>
#include <hv/time/time.h>

#define TURN_NS  UINT64_C(10000000) /* a vCPU's turn while others want to run */
#define LEAST_NS UINT64_C(1000000)  /* of it, whoever is woken meanwhile */
#define TICK_NS  UINT64_C(10000000) /* the period of a new vCPU's timer */
#define WORK_NS  UINT64_C(1000000)  /* a turn of the roof's work, whoever wants to run */
#define AGAIN_NS UINT64_C(1000000)  /* after that, one that has ended is looked at again */

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
    lock_take(&fair_lock);
    fair_add(vcpu);
    lock_drop(&fair_lock);
    return 0;
}

void sched_destroy(struct hv_vcpu *vcpu)
{
    lock_take(&fair_lock);
    CHECK(!vcpu->share.is_held);
    fair_remove(vcpu);
    lock_drop(&fair_lock);
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

/* Its turn is over, and it is in @state: fair_lock is held, and dropped. */
static void leave_with_lock(struct hv_vcpu *vcpu, unsigned state)
{
    struct cpu *cpu = cpu_here();
    uint64_t now = time_now();
    bool was_in_house;

    runstate_set(vcpu, state, now);
    fair_end(cpu->id, now);
    lock_drop(&fair_lock);
    was_in_house = house_step_out();
    entry_switch(&vcpu->run.sleeping, cpu->sleeping);
    house_step_in(was_in_house);
    sched_arrive();
}

static void leave(struct hv_vcpu *vcpu, unsigned state)
{
    lock_take(&fair_lock);
    leave_with_lock(vcpu, state);
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
    const struct cpu *cpu = cpu_here();

    lock_take(&fair_lock);
    if (!cpu->must_give_way && !fair_is_wanted(cpu->id)) {
        lock_drop(&fair_lock); /* it would be the next one again */
        return;
    }
    fair_step_back(cpu->id);
    leave_with_lock(cpu->current, RUNSTATE_runnable);
}

cpumask_t sched_allowed(const struct hv_vcpu *vcpu)
{
    cpumask_t allowed;

    lock_take(&fair_lock);
    allowed = fair_allowed(vcpu);
    lock_drop(&fair_lock);
    return allowed;
}

/* The other may look before this one has left, and for nothing: then it is told again, or looks again in a turn. */
void sched_bind(cpumask_t cpus)
{
    const struct cpu *cpu = cpu_here();
    unsigned other;
    bool leaves;

    lock_take(&fair_lock);
    leaves = fair_bind(cpu->current, cpu->id, cpus, &other);
    lock_drop(&fair_lock);
    if (!leaves)
        return;
    cpu_kick(other);
    sched_yield();
}

void sched_block(struct hv_vcpu *vcpu)
{
    leave(vcpu, RUNSTATE_blocked);
}

void sched_retire(struct hv_vcpu *vcpu)
{
    lock_take(&fair_lock);
    vcpu->run.down = true;
    runstate_set(vcpu, RUNSTATE_offline, time_now());
    lock_drop(&fair_lock);
}

/* Another one that runs, or wants to, may be in the middle of a hypercall: it stops on its way back to its guest. */
void sched_stop(struct hv_vcpu *vcpu)
{
    lock_take(&fair_lock);
    vcpu->run.down = true;
    if (runstate_is_here(vcpu)) {
        leave_with_lock(vcpu, RUNSTATE_offline);
        return;
    }
    if (vcpu->run.info.state == RUNSTATE_blocked)
        runstate_set(vcpu, RUNSTATE_offline, time_now());
    lock_drop(&fair_lock);
    runstate_interrupt(vcpu);
}

void sched_obey(struct hv_vcpu *vcpu)
{
    lock_take(&fair_lock);
    if (vcpu->run.down || hv_vcpu_domain(vcpu)->ended)
        leave_with_lock(vcpu, RUNSTATE_offline);
    else
        lock_drop(&fair_lock);
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
    runstate_start(vcpu);
}

/*
 * ---- Turns, on the processor's own stack.
 */

static struct timer turns[MAX_CPUS]; /* of the vCPU that runs there */

/* The roof's work on what has ended, on the processor's own stack, takes turns as a vCPU does, but has no guest. */
static struct hv_domain work_domain;
static struct hv_vcpu work = {.engine = {.domain = &work_domain.engine}};
static struct machine *work_machine; /* NULL: none is under way */

/*
 * A turn has its price: the change, the events that came meanwhile, and what the processor has to find out anew of the
 * memory.  A peer that sends, sleeps for as long as that takes, and wakes would leave a guest no time for anything else
 * (XSA-332); and a guest that asks its back end for many things has asked for several by then, not for one: hence
 * LEAST_NS.
 */
static bool is_ripe(const struct cpu *cpu, uint64_t ran)
{
    return ran >= (fair_has_woken(cpu->id) ? LEAST_NS : TURN_NS);
}

/* Only where somebody else wants to run does a turn end, and the timer is set: nobody looks at the clock otherwise. */
static bool is_contended(const struct cpu *cpu)
{
    return fair_has_woken(cpu->id) || turns[cpu->id].active;
}

/* The latest moment at which the turn is looked at again, whatever the guest does until then. */
static void look_by(struct timer *turn, uint64_t deadline)
{
    if (!turn->active || turn->deadline > deadline)
        timer_set(turn, deadline);
}

static bool is_ahead(const struct cpu *cpu)
{
    bool ahead;

    lock_take(&fair_lock);
    ahead = fair_is_ahead(cpu->id, time_now());
    lock_drop(&fair_lock);
    return ahead;
}

/* By itself, so that whoever is alone does not save registers for it at each preemption point. */
static __attribute__((noinline)) enum sched_turn look_at_turn(const struct cpu *cpu)
{
    uint64_t ran = time_now() - cpu->turn_began;
    struct timer *turn = &turns[cpu->id];

    if (!is_ripe(cpu, ran)) {
        if (fair_has_woken(cpu->id))
            look_by(turn, cpu->turn_began + LEAST_NS);
        return TURN_GOES_ON;
    }
    if (is_ahead(cpu))
        return TURN_IS_OVER;
    look_by(turn, cpu->turn_began + (ran < TURN_NS ? TURN_NS : ran + TURN_NS));
    return TURN_IS_RIPE;
}

FORCE_INLINE enum sched_turn look(const struct cpu *cpu)
{
    if (cpu->must_give_way)
        return TURN_IS_OVER;
    return is_contended(cpu) ? look_at_turn(cpu) : TURN_GOES_ON;
}

enum sched_turn sched_look(void)
{
    return look(cpu_here());
}

bool sched_is_due(void)
{
    const struct cpu *cpu = cpu_here();

    if (!cpu->in_vcpu)
        return work_machine && time_now() - cpu->turn_began >= WORK_NS;
    return look(cpu) == TURN_IS_OVER;
}

/* sched_is_due() is asked on the way back from the interrupt. */
static void end_turn(struct timer *timer)
{
    struct cpu *cpu = cpu_here();
    uint64_t whole = cpu->turn_began + TURN_NS;

    if (cpu->current)
        cpu->current->run.attention = true;
    timer_set(timer, timer->deadline < whole ? whole : timer->deadline + TURN_NS);
}

void sched_kicked(void)
{
    const struct cpu *cpu = cpu_here();

    request_answer();
    if (cpu->current)
        cpu->current->run.attention = true;
}

/*
 * What this processor has of a vCPU goes back to it, but to one of @ended, which does not need it any more, and it gets
 * that of @next; NULL: nobody's.  The one before is held until the processor is on another root: only then may others
 * run it.  True: @next has come.
 */
static bool change_to(struct machine *machine, struct hv_vcpu *next, const struct hv_domain *ended)
{
    struct cpu *cpu = cpu_here();
    struct hv_vcpu *old = cpu->current;

    if (old == next)
        return false;
    if (old && hv_vcpu_domain(old) != ended)
        state_save(old);
    if (next) {
        next->engine.cpu = cpu->id;
        __atomic_store_n(&next->share.is_held, true, __ATOMIC_SEQ_CST);
    }
    hv_vcpu_switch(machine, next);
    if (old)
        old->share.is_held = false;
    return next;
}

static void let_go(struct machine *machine, const struct hv_domain *ended)
{
    lock_take(&fair_lock);
    (void)change_to(machine, NULL, ended);
    lock_drop(&fair_lock);
}

static void load(struct hv_vcpu *vcpu)
{
    state_load(vcpu);
    vcpu->run.arrives = true;
    vcpu_time_arrive(vcpu);
}

/*
 * Whose turn it is on this processor, which has what it takes to run it by then; NULL: nobody's, and with several
 * processors this one has let go of whoever it had.
 */
static struct hv_vcpu *begin_turn(struct machine *machine)
{
    struct cpu *cpu = cpu_here();
    bool has_come = false, is_wanted = false, tells = false;
    struct hv_vcpu *vcpu;
    unsigned other = 0;

    lock_take(&fair_lock);
    vcpu = fair_next(cpu->id);
    if (vcpu && vcpu != &work) {
        cpu->turn_began = time_now(); /* the change is at its expense */
        fair_begin(cpu->id, vcpu, cpu->turn_began);
        runstate_set(vcpu, RUNSTATE_running, cpu->turn_began);
        has_come = change_to(machine, vcpu, NULL);
        is_wanted = fair_is_wanted(cpu->id);
    } else if (fair_has_several()) {
        (void)change_to(machine, NULL, NULL);
    }
    tells = fair_has_several() && fair_find_idle(&other);
    lock_drop(&fair_lock);
    if (tells)
        cpu_kick(other);
    if (has_come)
        load(vcpu);
    if (is_wanted)
        timer_set(&turns[cpu->id], cpu->turn_began + TURN_NS);
    return vcpu;
}

static void run(struct hv_vcpu *vcpu)
{
    struct cpu *cpu = cpu_here();
    bool was_in_house;

    nmi_watchdog_pet();
    runstate_show(vcpu);
    cpu->in_vcpu = true;
    was_in_house = house_step_out();
    entry_switch(&cpu->sleeping, vcpu->run.sleeping);
    house_step_in(was_in_house);
    cpu->in_vcpu = false;
    timer_stop(&turns[cpu->id]);
}

/* An interrupt ends this; it can only come here, so that none is missed between the look and the halt. */
static void idle(void)
{
    bool has_nothing = !cpu_here()->current; /* and is on the hypervisor's own root */
    bool was_in_house = house_step_out();

    if (has_nothing)
        request_idle_begin();
    nmi_watchdog_stop(); /* nothing hangs here, and NMIs would only wake it */
    __asm__ volatile("sti; hlt; cli" : : : "memory");
    nmi_watchdog_start();
    if (has_nothing)
        request_idle_end();
    house_step_in(was_in_house);
}

static void look_again(struct timer *timer)
{
    (void)timer;
    hv_vcpu_give_way();
}

static struct timer again = {.expire = look_again};

/*
 * vCPUs that were preempted in the middle of an operation hold frames: they run until they are out of it, and stop on
 * their way back to the guest.  Those that other processors run come out as well.  Nobody runs any of them afterwards.
 */
static bool is_over(struct hv_domain *domain)
{
    bool over;

    if (!domain_is_dying(&domain->engine))
        domain_set_dying(&domain->engine);
    lock_take(&fair_lock);
    over = __atomic_load_n(&domain->engine.operations, __ATOMIC_SEQ_CST) == 0 &&
           !fair_is_held_elsewhere(domain, cpu_here()->id);
    for (uint64_t i = 0; over && i < domain->engine.nr_vcpus; i++)
        runstate_set(hv_vcpu_find(domain, i), RUNSTATE_offline, time_now());
    /* Who yields inside an operation, of whatever domain, stays runnable. */
    CHECK(over || fair_has_several() || fair_is_wanted(cpu_here()->id));
    lock_drop(&fair_lock);
    if (!over && fair_has_several())
        timer_set(&again, time_now() + AGAIN_NS);
    return over;
}

static bool is_ending; /* there may be one that has ended, whether anybody says so or not */

/* A domain that has ended, and none of whose operations is under way, or what zombie_take() has; NULL: none. */
static struct hv_domain *find_ended(void)
{
    const struct hv_vcpu *first = fair_behind(NULL), *vcpu = first;

    is_ending = false;
    while (vcpu) {
        struct hv_domain *domain = hv_vcpu_domain(vcpu);

        if (domain->ended && is_over(domain))
            return domain;
        is_ending |= domain->ended;
        vcpu = fair_behind(vcpu);
        if (vcpu == first)
            break;
    }
    return zombie_take();
}

/*
 * Is there nothing but turns of vCPUs to see to?  Whoever ends something has this processor give way behind that: so
 * nothing is to be found unless it has to, and what comes after the look makes it give way again.  A timer ends some,
 * too: those that are due come first, since interrupts are off between turns, and what they tell would end no halt.
 */
static bool has_turns(struct hv_domain **ended)
{
    bool gives_way;

    if (timer_is_due())
        timer_run(); /* an interrupt for it finds nothing left to do */
    gives_way = __atomic_exchange_n(&cpu_here()->must_give_way, false, __ATOMIC_SEQ_CST);
    if (work_machine)
        return true;
    if (gives_way || is_ending)
        *ended = find_ended();
    return !*ended && fair_behind(NULL);
}

/* Turns of vCPUs, until the next one is the work's.  Where none is under way: until there is some, which it returns. */
static struct hv_domain *take_turns(struct machine *machine)
{
    struct hv_domain *ended = NULL;

    is_ending = true; /* maybe another one, or while the work was under way */
    nmi_watchdog_start();
    while (has_turns(&ended)) {
        struct hv_vcpu *vcpu = begin_turn(machine);

        if (vcpu == &work)
            break;
        if (vcpu)
            run(vcpu);
        else
            idle();
    }
    nmi_watchdog_stop();
    let_go(machine, ended);
    return ended;
}

_Noreturn void sched_run_beside(struct machine *machine)
{
    unsigned cpu = cpu_here()->id;

    turns[cpu].expire = end_turn;
    lock_take(&fair_lock);
    fair_add_processor(cpu);
    lock_drop(&fair_lock);
    nmi_watchdog_start();
    for (;;) {
        struct hv_vcpu *vcpu;

        if (timer_is_due())
            timer_run();
        vcpu = begin_turn(machine);
        if (vcpu)
            run(vcpu);
        else
            idle();
    }
}

/*
 * ---- Work between turns: what the roof does from one sched_run() to the next.
 */

static void begin_work_turn(void)
{
    struct cpu *cpu = cpu_here();

    lock_take(&fair_lock);
    cpu->turn_began = time_now();
    fair_begin(cpu->id, &work, cpu->turn_began);
    lock_drop(&fair_lock);
}

static void end_work_turn(void)
{
    lock_take(&fair_lock);
    fair_end(cpu_here()->id, time_now());
    lock_drop(&fair_lock);
}

static void begin_work(struct machine *machine, const struct hv_domain *ended)
{
    work_machine = machine;
    work_domain.weight = ended->weight;
    work_domain.cpus = cpumask_of(cpu_here()->id);
    work.run.info.state = RUNSTATE_runnable;
    lock_take(&fair_lock);
    fair_add(&work);
    if (!hv_domain_is_zombie(ended))
        fair_follow(&work, hv_vcpu_of(ended->engine.vcpus[0]));
    lock_drop(&fair_lock);
    begin_work_turn();
}

static void end_work(void)
{
    if (!work_machine)
        return;
    end_work_turn();
    lock_take(&fair_lock);
    fair_remove(&work);
    lock_drop(&fair_lock);
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
    end_work_turn();
    take_interrupts();
    (void)take_turns(work_machine);
    begin_work_turn();
}

void sched_follow_work(struct hv_vcpu *vcpu)
{
    lock_take(&fair_lock);
    fair_follow(vcpu, &work);
    lock_drop(&fair_lock);
}

struct hv_domain *sched_run(struct machine *machine)
{
    struct hv_domain *ended;

    turns[cpu_here()->id].expire = end_turn;
    end_work();
    ended = take_turns(machine);
    if (ended)
        begin_work(machine, ended);
    return ended;
}
