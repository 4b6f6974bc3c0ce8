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

static void count(struct cpu *cpu)
{
    if (cpu->nmi_ticks++ == 0)
        cpu->silent_since = time_now();
}

/*
 * The timer's NMIs come to the first processor alone.  Another one that has not got on since the last has one from it:
 * it is the one that knows whether it is in a guest.
 */
static void pass_on(void)
{
    for (unsigned id = 1; cpu_find(id); id++) {
        struct cpu *cpu = cpu_find(id);

        if (!__atomic_load_n(&cpu->is_watched, __ATOMIC_RELAXED))
            continue;
        count(cpu);
        if (cpu->nmi_ticks > 1)
            ipi_send_nmi(cpu->apic);
    }
}

void nmi_watchdog_tick(const struct cpu_frame *frame)
{
    struct cpu *cpu = cpu_here();

    stop_if_asked(frame);
    cpu->nmis++;
    if (cpu->id == 0) {
        count(cpu);
        pass_on();
    }
    if (!cpu->is_watched || cpu_frame_is_guest(frame) || (frame->rflags & RFLAGS_IF)) {
        cpu->nmi_ticks = 0;
        return;
    }
    if (cpu->nmi_ticks > HANG_TICKS && time_now() - cpu->silent_since >= HANG_NS)
        fault_report_hang(frame);
}
