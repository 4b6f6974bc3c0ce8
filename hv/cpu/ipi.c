/* SPDX-License-Identifier: MIT */
/* Sending interrupts.  In memory the command is in two registers, the second of which sends; as an MSR it is whole. */
#include <hv/base/asm.h>
#include <hv/base/layout.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/ipi.h>
#include <hv/cpu/trap.h>

#define COMMAND_LOW    0x300u
#define COMMAND_HIGH   0x310u
#define COMMAND_BUSY   (1u << 12) /* the last one has not been sent yet */
#define HIGH_SHIFT     24u
#define HIGH_KNOWN     1u /* no bit of the register's */
#define MSR_COMMAND    0x830u
#define BUSY_TURNS_MAX 1000000u
#define APIC_EVERYBODY 0xffu

static bool is_msr;

void ipi_init(bool x2apic)
{
    is_msr = x2apic;
}

bool ipi_reaches(uint32_t apic)
{
    return is_msr || apic < APIC_EVERYBODY;
}

static volatile uint32_t *apic_register(uint32_t offset)
{
    return (volatile uint32_t *)(DEVICE_BASE + offset);
}

/* It is never busy for long; one that is for good is not worth waiting for. */
static void await_memory(void)
{
    for (unsigned i = 0; i < BUSY_TURNS_MAX && (*apic_register(COMMAND_LOW) & COMMAND_BUSY); i++)
        __asm__ volatile("pause");
}

/*
 * Each access is a device's.  The upper half stays what it is: it is written when the command is for another one.  That
 * a command is out is awaited behind it, while whoever it is for is on the way already; before it only the first time,
 * for who had the APIC before.
 */
static void send_by_memory(uint32_t apic, uint32_t command)
{
    struct cpu *cpu = cpu_here();
    uint32_t high = apic << HIGH_SHIFT;

    if (!cpu->command_high)
        await_memory();
    if (cpu->command_high != (high | HIGH_KNOWN)) {
        *apic_register(COMMAND_HIGH) = high;
        cpu->command_high = high | HIGH_KNOWN;
    }
    *apic_register(COMMAND_LOW) = command;
    await_memory();
}

/* What has been written before is seen by whoever gets the interrupt: as an MSR the command may overtake it. */
static void send_by_msr(uint32_t apic, uint32_t command)
{
    __asm__ volatile("mfence; lfence" : : : "memory");
    asm_write_msr(MSR_COMMAND, (uint64_t)apic << 32 | command);
}

void ipi_send(uint32_t apic, uint32_t command)
{
    if (is_msr)
        send_by_msr(apic, command);
    else
        send_by_memory(apic, command);
}

void ipi_send_nmi(uint32_t apic)
{
    uint32_t high;

    if (is_msr) {
        send_by_msr(apic, IPI_NMI);
        return;
    }
    high = *apic_register(COMMAND_HIGH);
    await_memory();
    *apic_register(COMMAND_HIGH) = apic << HIGH_SHIFT;
    *apic_register(COMMAND_LOW) = IPI_NMI;
    await_memory();
    *apic_register(COMMAND_HIGH) = high;
}

void cpu_kick(unsigned id)
{
    ipi_send(cpu_find(id)->apic, IPI_FIXED(VECTOR_KICK));
}

void cpu_ask(unsigned id)
{
    ipi_send(cpu_find(id)->apic, IPI_FIXED(VECTOR_ASK));
}
