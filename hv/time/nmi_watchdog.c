/* SPDX-License-Identifier: MIT */
/* The interval timer by way of the I/O APIC, as NMIs; and what they find. */
#include <stdbool.h>
#include <stdint.h>

#include <hv/base/asm.h>
#include <hv/base/print.h>
#include <hv/cpu/cpu_frame.h>
#include <hv/cpu/fault.h>
#include <hv/cpu/ipi.h>
#include <hv/cpu/stop.h>
#include <hv/cpu/wait.h>
#include <hv/time/ioapic.h>
#include <hv/time/nmi_watchdog.h>
#include <hv/time/pit.h>
#include <hv/time/time.h>

#define COUNT_FIRST 1193u    /* 1 ms, to see that they come */
#define COUNT_MOST  0x10000u /* the longest that it counts: 55 ms */
#define TRIAL_NS    UINT64_C(1000000000)

#define HANG_NS    UINT64_C(2000000000)
#define HANG_TICKS 36u /* NMIs in that time: a machine that was itself held up has not had them */

static void start_pit(unsigned count)
{
    asm_out8(PIT_COMMAND, PIT_RATE);
    asm_out8(PIT_CHANNEL0, (uint8_t)count);
    asm_out8(PIT_CHANNEL0, (uint8_t)(count >> 8));
}

/* Is there an interval timer at all?  Where nothing answers, the status reads as all ones. */
static bool has_pit(void)
{
    uint8_t status;

    start_pit(COUNT_FIRST);
    asm_out8(PIT_COMMAND, PIT_READ_BACK);
    status = asm_in8(PIT_CHANNEL0);
    (void)asm_in8(PIT_CHANNEL0);
    (void)asm_in8(PIT_CHANNEL0);
    return (status & 0x3f) == (PIT_RATE & 0x3f);
}

static bool comes(unsigned pin)
{
    uint64_t begin = time_now(), seen = cpu_here()->nmis;

    ioapic_route_nmi(pin);
    while (time_now() - begin < TRIAL_NS) {
        if (*(volatile uint64_t *)&cpu_here()->nmis != seen)
            return true;
    }
    ioapic_mask(pin);
    return false;
}

/* The interval timer's line is the third, where firmware has moved it out of the way of the old controllers' chain. */
void nmi_watchdog_init(void)
{
    static const unsigned pins[] = {2, 0};
    bool has_ioapic = ioapic_init(); /* others use it, too */

    if (has_pit() && has_ioapic) {
        for (unsigned i = 0; i < ARRAY_SIZE(pins); i++) {
            if (comes(pins[i])) {
                start_pit(COUNT_MOST);
                return;
            }
        }
    }
    print("no timer can send NMIs here: nothing would notice a processor that hangs\n");
}

void nmi_watchdog_start(void)
{
    nmi_watchdog_pet();
    cpu_here()->is_watched = true;
}

void nmi_watchdog_stop(void)
{
    cpu_here()->is_watched = false;
}

/*
 * ---- Whose fault it is.  Who waits for others does not hang by itself.  A round is over once every processor has been
 * found out of the hypervisor, where nobody holds anything, or in the same wait as before.  If nobody has been found at
 * anything else for so many rounds, nobody is left who could end the waits, since each is served before those that come
 * later.  A processor that its host does not run is found nowhere, and no round is over.
 */

static uint64_t found;  /* in this round */
static unsigned rounds; /* since somebody was at something else */

static bool is_out(const struct cpu *cpu, const struct cpu_frame *frame)
{
    return !wait_is_one(cpu->waits) && (cpu_frame_is_guest(frame) || (frame->rflags & RFLAGS_IF));
}

/* Who idles is not watched, and is out; but the first one always has NMIs, and may be at the roof's work. */
static bool is_complete(uint64_t seen)
{
    const struct cpu *cpu;

    for (unsigned id = 0; (cpu = cpu_find(id)); id++) {
        if (!(seen >> id & 1) && (id == 0 || __atomic_load_n(&cpu->is_watched, __ATOMIC_RELAXED)))
            return false;
    }
    return true;
}

static void begin_rounds(unsigned count)
{
    __atomic_store_n(&found, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&rounds, count, __ATOMIC_RELAXED);
}

static void note_where(struct cpu *cpu, const struct cpu_frame *frame)
{
    bool is_same_wait = wait_is_one(cpu->waits) && cpu->waits == cpu->waits_found;
    uint64_t bit = cpumask_of(cpu->id).bits;

    cpu->waits_found = cpu->waits;
    if (!is_same_wait && !is_out(cpu, frame))
        begin_rounds(0);
    else if (is_complete(__atomic_or_fetch(&found, bit, __ATOMIC_RELAXED)))
        begin_rounds(__atomic_load_n(&rounds, __ATOMIC_RELAXED) + 1);
}

/* Its own NMIs: those that it has not had do not count, since it may not have run either. */
static bool hangs(const struct cpu *cpu)
{
    if (cpu->nmi_ticks <= HANG_TICKS || time_now() - cpu->silent_since < HANG_NS)
        return false;
    return !wait_is_one(cpu->waits) || __atomic_load_n(&rounds, __ATOMIC_RELAXED) > HANG_TICKS;
}

/*
 * ---- NMIs.
 */

static void count(struct cpu *cpu)
{
    if (cpu->nmi_ticks++ == 0)
        cpu->silent_since = time_now();
}

static bool somebody_waits(void)
{
    const struct cpu *cpu;

    for (unsigned id = 0; (cpu = cpu_find(id)); id++) {
        if (cpu->nmi_ticks > 1 && wait_is_one(__atomic_load_n(&cpu->waits, __ATOMIC_RELAXED)))
            return true;
    }
    return false;
}

/*
 * The timer's NMIs come to the first processor alone.  Another one that has not got on since the last, and each while
 * somebody waits, has one from it: it is the one that knows whether it is in a guest.
 */
static void pass_on(void)
{
    bool to_all = somebody_waits();
    struct cpu *cpu;

    for (unsigned id = 1; (cpu = cpu_find(id)); id++) {
        if (!__atomic_load_n(&cpu->is_watched, __ATOMIC_RELAXED))
            continue;
        if (to_all || cpu->nmi_ticks > 0)
            ipi_send_nmi(cpu->apic);
        else
            count(cpu);
    }
}

void nmi_watchdog_tick(const struct cpu_frame *frame)
{
    struct cpu *cpu = cpu_here();

    stop_if_asked(frame);
    cpu->nmis++;
    note_where(cpu, frame);
    count(cpu);
    if (cpu->id == 0)
        pass_on();
    if (!cpu->is_watched || is_out(cpu, frame))
        cpu->nmi_ticks = 0;
    else if (hangs(cpu))
        fault_report_hang(frame);
}
