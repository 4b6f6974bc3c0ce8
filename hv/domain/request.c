/* SPDX-License-Identifier: MIT */
/* In order: what a processor is asked; answering; asking. */
#include <stdint.h>

#include <engine/check.h>
#include <hv/base/asm.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/wait.h>
#include <hv/domain/request.h>

/* What an idle processor may put off. */
#define NOT_WHILE_IDLE (RENEW_TRANSLATIONS | RENEW_PAGE | RENEW_ROOT | RENEW_LDT)

struct request_box request_boxes[MAX_CPUS];

/*
 * ---- Answering.
 */

/* Those that rest until this has been answered. */
static void wake(struct request_box *box)
{
    for (uint64_t left = __atomic_exchange_n(&box->resting, 0, __ATOMIC_SEQ_CST); left; left &= left - 1)
        cpu_kick((unsigned)__builtin_ctzll(left));
}

/*
 * The number is read before the marks are taken: those of all that were asked until then are among them, or have been
 * carried out before.
 */
static void answer(struct request_box *box)
{
    uint32_t asked = __atomic_load_n(&box->asked, __ATOMIC_SEQ_CST);
    uint32_t what = __atomic_exchange_n(&box->what, 0, __ATOMIC_SEQ_CST);
    uint64_t page = what & RENEW_PAGE ? __atomic_exchange_n(&box->page, 0, __ATOMIC_SEQ_CST) : 0;

    if (what)
        renew_here(what, VADDR(page - 1));
    (void)__atomic_exchange_n(&box->answered, asked, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&box->resting, __ATOMIC_SEQ_CST))
        wake(box);
}

/* The mark goes before what has been asked is looked at: who asks sets it afterwards. */
void request_answer(void)
{
    struct cpu *cpu = cpu_here();

    if (wait_is_asked(cpu))
        __atomic_store_n(&cpu->is_asked, false, __ATOMIC_SEQ_CST);
    if (request_is_there(cpu->id))
        answer(&request_boxes[cpu->id]);
}

void request_idle_begin(void)
{
    struct request_box *box = &request_boxes[cpu_here()->id];

    CHECK(!cpu_here()->current);
    __atomic_store_n(&box->idle, true, __ATOMIC_SEQ_CST);
}

/* Between the two steps nothing of a guest's is used. */
void request_idle_end(void)
{
    struct request_box *box = &request_boxes[cpu_here()->id];

    __atomic_store_n(&box->idle, false, __ATOMIC_SEQ_CST);
    answer(box);
}

/*
 * ---- Asking.
 */

/* There is room for one page: where there is another already, all are forgotten. */
static uint32_t mark_page(struct request_box *box, vaddr_t page)
{
    uint64_t none = 0;

    return __atomic_compare_exchange_n(&box->page, &none, page.v + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
               ? RENEW_PAGE
               : RENEW_TRANSLATIONS;
}

/* Returns the number to wait for. */
static uint32_t ask(struct request_box *box, uint32_t what, vaddr_t page)
{
    if (what & RENEW_PAGE)
        what = (what & ~(uint32_t)RENEW_PAGE) | mark_page(box, page);
    (void)__atomic_fetch_or(&box->what, what, __ATOMIC_SEQ_CST);
    return __atomic_add_fetch(&box->asked, 1, __ATOMIC_SEQ_CST);
}

/* The mark comes before the look, as with who begins or ends to idle: one of the two sees the other. */
static bool has_to_wake(const struct request_box *box, uint32_t what)
{
    return (what & ~(uint32_t)NOT_WHILE_IDLE) || !__atomic_load_n(&box->idle, __ATOMIC_SEQ_CST);
}

static bool is_answered(const struct request_box *box, uint32_t number)
{
    return (int32_t)(__atomic_load_n(&box->answered, __ATOMIC_ACQUIRE) - number) >= 0;
}

/*
 * Until a kick, unless it has been answered by now: answer() sees that this one rests, or this one sees the answer.
 * The same of who asks something back.
 */
static void rest(struct cpu *cpu, struct request_box *box, uint32_t number)
{
    __atomic_store_n(&cpu->rests, true, __ATOMIC_SEQ_CST);
    (void)__atomic_fetch_or(&box->resting, cpumask_of(cpu->id).bits, __ATOMIC_SEQ_CST);
    if (!is_answered(box, number) && !wait_is_asked(cpu))
        wait_halted();
    __atomic_store_n(&cpu->rests, false, __ATOMIC_RELAXED);
}

/* False as well as soon as something is asked of this processor. */
FORCE_INLINE bool is_answered_soon(const struct cpu *cpu, const struct request_box *box, uint32_t number)
{
    for (unsigned i = 0; i < WAIT_LOOKS; i++) {
        if (is_answered(box, number))
            return true;
        if (wait_is_asked(cpu))
            return false;
        wait_look();
    }
    return false;
}

static void wait_for_answer(struct request_box *box, uint32_t number)
{
    struct cpu *cpu = cpu_here();

    if (is_answered(box, number))
        return;
    wait_begin(cpu);
    while (!is_answered_soon(cpu, box, number)) {
        request_answer();
        if (wait_is_long(cpu))
            rest(cpu, box, number);
    }
    wait_end(cpu, &cpu->for_answers);
    if (wait_is_asked(cpu))
        request_answer();
}

/* Returns those that are to be waited for. */
static uint64_t ask_others(uint64_t others, uint32_t what, vaddr_t page, uint32_t numbers[MAX_CPUS])
{
    struct cpu *here = cpu_here();
    uint64_t waited_for = 0;

    for (uint64_t left = others; left; left &= left - 1) {
        unsigned cpu = (unsigned)__builtin_ctzll(left);

        numbers[cpu] = ask(&request_boxes[cpu], what, page);
        if (!has_to_wake(&request_boxes[cpu], what))
            continue;
        waited_for |= cpumask_of(cpu).bits;
        here->requests++;
        if (wait_looks(cpu_find(cpu)))
            continue;
        here->kicked++;
        cpu_ask(cpu);
    }
    return waited_for;
}

static void wait_for_others(uint64_t waited_for, const uint32_t numbers[MAX_CPUS])
{
    for (; waited_for; waited_for &= waited_for - 1) {
        unsigned cpu = (unsigned)__builtin_ctzll(waited_for);

        wait_for_answer(&request_boxes[cpu], numbers[cpu]);
    }
}

/* This one renews its own while the others are on their way. */
void request_renewal(cpumask_t cpus, unsigned what, vaddr_t page)
{
    uint64_t here = cpumask_of(cpu_here()->id).bits, waited_for;
    uint32_t numbers[MAX_CPUS];

    waited_for = ask_others(cpus.bits & ~here, what, page, numbers);
    if (cpus.bits & here)
        renew_here(what, page);
    wait_for_others(waited_for, numbers);
}
