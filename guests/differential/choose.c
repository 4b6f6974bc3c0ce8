/* SPDX-License-Identifier: MIT */
/* The generator and the choice from a menu. */
#include <abi/layout.h>
#include <abi/mmu.h>
#include <guests/differential/choose.h>
#include <guests/differential/pointer.h>
#include <guests/differential/say.h>
#include <guests/differential/world.h>

static uint64_t state;

void choose_seed(uint64_t seed)
{
    state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

/* xorshift64*, Marsaglia and Vigna. */
static uint32_t next(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)(state * UINT64_C(0x2545f4914f6cdd1d) >> 32);
}

unsigned choose_number(unsigned count)
{
    return next() % count;
}

bool choose_seldom(unsigned count)
{
    return choose_number(count) == 0;
}

const struct item *choose_item(const struct menu *menu)
{
    return &menu->items[choose_number(menu->count)];
}

uint64_t item_value(const struct item *item)
{
    return item->at ? *item->at : item->value;
}

uint64_t choose(const char *label, const struct menu *menu)
{
    const struct item *item = choose_item(menu);

    if (label)
        say(" %s=%s", label, item->name);
    else
        say("%s", item->name);
    return item_value(item);
}

#define FRAME(name, id)         \
    {                           \
        name, 0, &world[id].mfn \
    }
static const struct item frames[] = {
    FRAME("p0", FRAME_P0),         FRAME("p1", FRAME_P1),         FRAME("p2", FRAME_P2),
    FRAME("p3", FRAME_P3),         FRAME("r", FRAME_R),           FRAME("t1", FRAME_T1),
    FRAME("t2", FRAME_T2),         FRAME("t3", FRAME_T3),         FRAME("t4", FRAME_T4),
    FRAME("u1", FRAME_U1),         FRAME("u2", FRAME_U2),         FRAME("u3", FRAME_U3),
    FRAME("u4", FRAME_U4),         FRAME("b1", FRAME_B1),         FRAME("b2", FRAME_B2),
    FRAME("b3", FRAME_B3),         FRAME("b4", FRAME_B4),         FRAME("v1", FRAME_V1),
    FRAME("v2", FRAME_V2),         FRAME("v3", FRAME_V3),         FRAME("root", FRAME_ROOT),
    FRAME("gdt", FRAME_GDT),       FRAME("desc", FRAME_DESC),     FRAME("bad", FRAME_BAD),
    FRAME("ldt", FRAME_LDT),       FRAME("shared", FRAME_SHARED), FRAME("m2p", FRAME_M2P),
    FRAME("gone", FRAME_GONE),     FRAME("grants", FRAME_GRANTS), FRAME("vga", FRAME_VGA),
    FRAME("ioapic", FRAME_IOAPIC), FRAME("lapic", FRAME_LAPIC),   FRAME("hole", FRAME_HOLE),
    FRAME("beyond", FRAME_BEYOND), FRAME("none", FRAME_NONE),
};
const struct menu menu_frames = {frames, ARRAY_SIZE(frames)};

/* Domain 0 is left out: whether there is one is no property of a call. */
static const struct item domains[] = {
    {"self", DOMID_SELF, NULL},       {"self", DOMID_SELF, NULL}, {"own", 0, &own_domain},
    {"io", DOMID_IO, NULL},           {"xen", DOMID_XEN, NULL},   {"cow", DOMID_COW, NULL},
    {"invalid", DOMID_INVALID, NULL}, {"idle", DOMID_IDLE, NULL}, {"nobody", 1234, NULL},
    {"ffff", 0xffff, NULL},
};
const struct menu menu_domains = {domains, ARRAY_SIZE(domains)};

static const struct item numbers[] = {
    VALUE(0),
    VALUE(1),
    VALUE(2),
    VALUE(3),
    VALUE(7),
    VALUE(0x10),
    VALUE(0x1f),
    VALUE(0x20),
    VALUE(0xff),
    VALUE(0xfff),
    VALUE(0x1000),
    VALUE(0xffff),
    VALUE(0x10000),
    VALUE(0x7fffffff),
    VALUE(0x80000000),
    VALUE(0xffffffff),
    VALUE(0x100000000),
    VALUE(0x7fffffffffffffff),
    VALUE(0x8000000000000000),
    VALUE(0xffffffffffffffff),
};
const struct menu menu_numbers = {numbers, ARRAY_SIZE(numbers)};

static const uint64_t code = (uint64_t)choose;
static const struct item addresses[] = {
    VALUE(0),
    VALUE(1),
    VALUE(0x1000),
    {"code", 0, &code},
    VALUE(0x7fffffffffff),
    VALUE(0x800000000000),
    VALUE(0xffff7fffffffffff),
    {"hv", HYPERVISOR_VIRT_START, NULL},
    {"hv-end", HYPERVISOR_VIRT_END - 1, NULL},
    {"above-hv", HYPERVISOR_VIRT_END, NULL},
    VALUE(0xfffffffffffff000),
    VALUE(0xffffffffffffffff),
};
const struct menu menu_addresses = {addresses, ARRAY_SIZE(addresses)};
