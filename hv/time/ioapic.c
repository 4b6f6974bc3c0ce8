/* SPDX-License-Identifier: MIT */
/*
 * Intel 82093AA data sheet, section 3.  The addresses are the one that firmware of PCs gives to the first one, and
 * where QEMU's microvm has a second; nothing else is looked for.
 */
#include <stdint.h>

#include <engine/level.h>
#include <engine/types.h>
#include <hv/base/asm.h>
#include <hv/base/layout.h>
#include <hv/mem/paging.h>
#include <hv/time/apic.h>
#include <hv/time/ioapic.h>

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

/* In the order of their lines: the first line of one has the number behind the last of the one before. */
static struct {
    uint64_t maddr;
    unsigned first, count; /* of lines */
} controllers[] = {{.maddr = 0xfec00000}, {.maddr = 0xfec10000}};

static uint64_t registers_of(unsigned controller)
{
    return IOAPIC_BASE + controller * PAGE_SIZE;
}

static void select(unsigned controller, unsigned reg)
{
    *(volatile uint32_t *)(registers_of(controller) + REGISTER_SELECT) = reg;
}

static uint32_t read(unsigned controller, unsigned reg)
{
    select(controller, reg);
    return *(volatile uint32_t *)(registers_of(controller) + REGISTER_WINDOW);
}

static void write(unsigned controller, unsigned reg, uint32_t value)
{
    select(controller, reg);
    *(volatile uint32_t *)(registers_of(controller) + REGISTER_WINDOW) = value;
}

/* How many lines it has; 0: there is none, or something else. */
static unsigned look(unsigned controller)
{
    uint32_t version;
    unsigned pins;

    paging_set(registers_of(controller), controllers[controller].maddr | MAP_DATA | ENTRY_PCD | ENTRY_PWT);
    asm_flush_page(registers_of(controller));
    version = read(controller, IOAPIC_VERSION);
    pins = (version >> 16 & 0xff) + 1;
    if ((version & 0xff) < VERSION_LEAST || (version & 0xff) > VERSION_MOST || pins < PINS_LEAST || pins > PINS_MOST)
        return 0;
    return pins;
}

unsigned ioapic_lines(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(controllers); i++)
        count += controllers[i].count;
    return count;
}

bool ioapic_init(void)
{
    unsigned line = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(controllers); i++) {
        controllers[i].first = line;
        controllers[i].count = i == 0 || line > 0 ? look(i) : 0;
        for (unsigned pin = 0; pin < controllers[i].count; pin++)
            write(i, IOAPIC_REDIRECTION + 2 * pin, REDIRECTION_MASKED);
        line += controllers[i].count;
    }
    return line > 0;
}

/* Where @line, which there is, ends: the controller, and the first of its two registers there. */
static unsigned find(unsigned line, unsigned *reg)
{
    unsigned controller = 0;

    while (line - controllers[controller].first >= controllers[controller].count)
        controller++;
    *reg = IOAPIC_REDIRECTION + 2 * (line - controllers[controller].first);
    return controller;
}

static void route(unsigned line, uint32_t how)
{
    unsigned reg, controller = find(line, &reg);

    write(controller, reg + 1, apic_id() << DESTINATION_SHIFT);
    write(controller, reg, how);
}

void ioapic_route_level(unsigned line, unsigned vector)
{
    route(line, REDIRECTION_LEVEL | vector);
}

void ioapic_route_nmi(unsigned line)
{
    route(line, REDIRECTION_NMI);
}

/* Nothing else changes: it would forget that the line has fallen if it were an edge's meanwhile. */
void ioapic_mask(unsigned line)
{
    unsigned reg, controller = find(line, &reg);

    write(controller, reg, read(controller, reg) | REDIRECTION_MASKED);
}
