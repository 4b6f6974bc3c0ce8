/* SPDX-License-Identifier: MIT */
/* Intel 82093AA data sheet, section 3.  The address is the one that firmware of PCs gives to the first one. */
#include <stdint.h>

#include <engine/level.h>
#include <hv/base/asm.h>
#include <hv/base/layout.h>
#include <hv/mem/paging.h>
#include <hv/time/apic.h>
#include <hv/time/ioapic.h>

#define IOAPIC_MADDR UINT64_C(0xfec00000)

/* The two registers that there are in memory: a number, and what the register of that number holds. */
#define REGISTER_SELECT 0x00u
#define REGISTER_WINDOW 0x10u

#define IOAPIC_VERSION     0x01u
#define IOAPIC_REDIRECTION 0x10u /* two for each line, the low half first */

#define VERSION_LEAST 0x10u
#define VERSION_MOST  0x2fu
#define PINS_LEAST    16u
#define PINS_MOST     240u

#define REDIRECTION_NMI    (4u << 8)  /* edge, high, to one processor by its number */
#define REDIRECTION_LEVEL  (1u << 15) /* fixed, high */
#define REDIRECTION_MASKED (1u << 16)
#define DESTINATION_SHIFT  24u

static bool is_there;

static void select(unsigned reg)
{
    *(volatile uint32_t *)(IOAPIC_BASE + REGISTER_SELECT) = reg;
}

static uint32_t read(unsigned reg)
{
    select(reg);
    return *(volatile uint32_t *)(IOAPIC_BASE + REGISTER_WINDOW);
}

static void write(unsigned reg, uint32_t value)
{
    select(reg);
    *(volatile uint32_t *)(IOAPIC_BASE + REGISTER_WINDOW) = value;
}

bool ioapic_init(void)
{
    uint32_t version;
    unsigned pins;

    paging_set(IOAPIC_BASE, IOAPIC_MADDR | MAP_DATA | ENTRY_PCD | ENTRY_PWT);
    asm_flush_page(IOAPIC_BASE);
    version = read(IOAPIC_VERSION);
    pins = (version >> 16 & 0xff) + 1;
    if ((version & 0xff) < VERSION_LEAST || (version & 0xff) > VERSION_MOST || pins < PINS_LEAST || pins > PINS_MOST)
        return false;
    for (unsigned pin = 0; pin < pins; pin++)
        write(IOAPIC_REDIRECTION + 2 * pin, REDIRECTION_MASKED);
    is_there = true;
    return true;
}

bool ioapic_is_there(void)
{
    return is_there;
}

void ioapic_route_level(unsigned pin, unsigned vector)
{
    write(IOAPIC_REDIRECTION + 2 * pin + 1, apic_id() << DESTINATION_SHIFT);
    write(IOAPIC_REDIRECTION + 2 * pin, REDIRECTION_LEVEL | vector);
}

void ioapic_route_nmi(unsigned pin)
{
    write(IOAPIC_REDIRECTION + 2 * pin + 1, apic_id() << DESTINATION_SHIFT);
    write(IOAPIC_REDIRECTION + 2 * pin, REDIRECTION_NMI);
}

/* Nothing else changes: it would forget that the line has fallen if it were an edge's meanwhile. */
void ioapic_mask(unsigned pin)
{
    write(IOAPIC_REDIRECTION + 2 * pin, read(IOAPIC_REDIRECTION + 2 * pin) | REDIRECTION_MASKED);
}
