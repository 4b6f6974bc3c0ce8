/* SPDX-License-Identifier: MIT */
/* One port for the address, four for the data; the rest is the layout of configuration space (PCI 3.0, chapter 6). */
#include <abi/physdev.h>
#include <guest/hypercall.h>
#include <guest/port.h>
#include <guest/print.h>
#include <backend/pci.h>

#define ADDRESS_PORT 0xcf8u
#define DATA_PORT    0xcfcu
#define ENABLE       0x80000000u

#define BUSES     256u
#define DEVFNS    256u
#define FUNCTIONS 8u /* of a device */

#define VENDOR_NONE 0xffffu

#define HEADER_TYPE      0x0eu
#define HEADER_MULTIPLE  0x80u
#define STATUS           0x06u
#define STATUS_LIST      0x10u
#define BARS             0x10u
#define CAPABILITIES     0x34u
#define FIRST_CAPABILITY 0x40u /* the header ends here */
#define CAPABILITIES_MAX ((PCI_CONFIG_SIZE - FIRST_CAPABILITY) / 4)

#define BAR_IO      0x1u
#define BAR_TYPE    0x6u
#define BAR_TYPE_64 0x4u
#define BAR_ADDRESS 0xfffffff0u

/* The domain's.  They are looked for once, by thousands of looks. */
#define FUNCTIONS_MAX 256u
static struct pci_function functions[FUNCTIONS_MAX];
static unsigned nr_functions;

/* The port where the register is, from now on. */
static uint16_t select(const struct pci_function *function, unsigned offset)
{
    out32(ADDRESS_PORT, ENABLE | (uint32_t)function->bus << 16 | (uint32_t)function->devfn << 8 | (offset & 0xfc));
    return (uint16_t)(DATA_PORT + offset % 4);
}

uint8_t pci_read8(const struct pci_function *function, unsigned offset)
{
    return in8(select(function, offset));
}

uint16_t pci_read16(const struct pci_function *function, unsigned offset)
{
    return in16(select(function, offset));
}

uint32_t pci_read32(const struct pci_function *function, unsigned offset)
{
    return in32(select(function, offset));
}

void pci_write16(const struct pci_function *function, unsigned offset, uint16_t value)
{
    out16(select(function, offset), value);
}

/* Is there a function of the domain's? */
static bool look(struct pci_function *function)
{
    uint32_t id = pci_read32(function, 0);

    function->vendor = (uint16_t)id;
    function->device = (uint16_t)(id >> 16);
    return function->vendor != VENDOR_NONE;
}

static void note(const struct pci_function *function)
{
    if (nr_functions < FUNCTIONS_MAX)
        functions[nr_functions++] = *function;
    else
        print("PCI function %x.%x is one too many\n", function->bus, function->devfn);
}

/*
 * The domain sees no bridges, so that each bus is tried.  On bus 0 a function may be its own where the first of the
 * same device is not; on others that is not looked for, since each look costs two traps.
 */
static void find_functions(void)
{
    struct physdev_set_iopl iopl = {.iopl = 1}; /* the least that lets a kernel use ports */

    if (hypercall_physdev_op(PHYSDEVOP_set_iopl, &iopl))
        return;
    for (unsigned bus = 0; bus < BUSES; bus++) {
        for (unsigned devfn = 0; devfn < DEVFNS; devfn++) {
            struct pci_function function = {.bus = (uint8_t)bus, .devfn = (uint8_t)devfn};
            bool there = look(&function);

            if (there)
                note(&function);
            if (bus && devfn % FUNCTIONS == 0 && !(there && pci_read8(&function, HEADER_TYPE) & HEADER_MULTIPLE))
                devfn += FUNCTIONS - 1;
        }
    }
}

const struct pci_function *pci_next(const struct pci_function *previous)
{
    static bool scanned;
    size_t next = previous ? (size_t)(previous - functions) + 1 : 0;

    if (!scanned)
        find_functions();
    scanned = true;
    return next < nr_functions ? &functions[next] : NULL;
}

unsigned pci_capability(const struct pci_function *function, uint8_t id, unsigned nth)
{
    unsigned at = CAPABILITIES;

    if (!(pci_read16(function, STATUS) & STATUS_LIST))
        return 0;
    for (unsigned i = 0; i < CAPABILITIES_MAX; i++) {
        unsigned next = pci_read8(function, at) & ~3u;

        if (next < FIRST_CAPABILITY)
            return 0;
        if (pci_read8(function, next) == id && nth-- == 0)
            return next;
        at = next + 1;
    }
    return 0;
}

uint64_t pci_bar(const struct pci_function *function, unsigned bar)
{
    uint32_t low, high = 0;

    if (bar >= PCI_NR_BARS)
        return 0;
    low = pci_read32(function, BARS + 4 * bar);
    if (low & BAR_IO)
        return 0;
    if ((low & BAR_TYPE) == BAR_TYPE_64 && bar + 1 < PCI_NR_BARS)
        high = pci_read32(function, BARS + 4 * (bar + 1));
    return (uint64_t)high << 32 | (low & BAR_ADDRESS);
}

static void change_command(const struct pci_function *function, uint16_t set, uint16_t clear)
{
    uint16_t command = pci_read16(function, PCI_COMMAND);

    pci_write16(function, PCI_COMMAND, (uint16_t)((command & ~clear) | set));
}

void pci_enable(const struct pci_function *function)
{
    change_command(function, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
}

void pci_quiet(const struct pci_function *function)
{
    change_command(function, 0, PCI_COMMAND_MASTER);
}
