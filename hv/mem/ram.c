/* SPDX-License-Identifier: MIT */
/*
 * In order: the mappings; the tables that have an entry for each frame; the engine's machine.  RAM that is left over at
 * the end is the pool's.
 */
#include <abi/layout.h>
#include <engine/engine.h>
#include <engine/level.h>
#include <hv/base/exit.h>
#include <hv/base/layout.h>
#include <hv/base/print.h>
#include <hv/base/string.h>
#include <hv/cpu/cpu.h>
#include <hv/mem/allocate.h>
#include <hv/mem/early.h>
#include <hv/mem/paging.h>
#include <hv/mem/pool.h>
#include <hv/mem/ram.h>
#include <hv/mem/stack.h>
#include <hv/mem/window.h>

#define LARGE_SIZE UINT64_C(0x200000)
#define PAGE_MASK  ((uint64_t)PAGE_SIZE - 1)
#define MIB        UINT64_C(0x100000)

static struct audit_counts *audit_counts;

/*
 * ---- Mappings.
 */

static void map_image_part(const uint8_t *start, const uint8_t *end, uint64_t flags)
{
    uint64_t size = ((uint64_t)end - (uint64_t)start + PAGE_MASK) & ~PAGE_MASK;

    paging_map((uint64_t)start, image_maddr(start), size, flags);
}

/* Nothing is writable and executable, by any address: the direct map leaves the image out. */
static void map_everything(void)
{
    struct ranges direct = *early_ram();

    paging_init();
    map_image_part(image_text_start, image_text_end, MAP_CODE);
    map_image_part(image_rodata_start, image_rodata_end, MAP_CONSTANT);
    map_image_part(image_data_start, image_data_end, MAP_DATA);
    map_image_part(image_guard_start + GUARD_SIZE, image_end, MAP_DATA);
    if (!ranges_remove(&direct, early_image()))
        exit_unsupported("the memory map has too many ranges");
    for (unsigned i = 0; i < direct.count; i++)
        paging_map(DIRECT_BASE + direct.list[i].start, direct.list[i].start, direct.list[i].end - direct.list[i].start,
                   MAP_DATA);
    paging_activate();
    early_reach_all();
}

/*
 * ---- Tables with an entry for each frame.
 */

/* Memory for @count elements of @size bytes, every byte of its pages set to @fill. */
static void *take_table(uint64_t count, uint64_t size, int fill, const char *purpose)
{
    uint64_t bytes = (count * size + PAGE_MASK) & ~PAGE_MASK;
    void *table = paging_ram(early_take(bytes, bytes < LARGE_SIZE ? PAGE_SIZE : LARGE_SIZE, purpose));

    memset(table, fill, bytes);
    return table;
}

static uint64_t direct_maddr(const void *object)
{
    return (uint64_t)object - DIRECT_BASE;
}

/*
 * Show the M2P of 32-bit guests, by entries for their topmost L2: their kernel, in ring 1, may read it.  What does not
 * fit below the hypervisor's own addresses is not shown.
 */
static void show_compat_m2p(struct machine *machine)
{
    uint64_t size = (machine->nr_frames * sizeof(uint32_t) + PAGE_MASK) & ~PAGE_MASK;
    uint64_t room = COMPAT_MACH2PHYS_VIRT_END - COMPAT_MACH2PHYS_VIRT_START;
    uint64_t maddr = direct_maddr(machine->compat_m2p), end = maddr + (size < room ? size : room);

    for (unsigned slot = 0; maddr < end; slot++, maddr += LARGE_SIZE) {
        uint64_t left = end - maddr, *table;

        if (left >= LARGE_SIZE && maddr % LARGE_SIZE == 0) {
            machine->compat_slots[slot] = maddr | MAP_GUEST_32 | ENTRY_PSE;
            continue;
        }
        table = paging_ram(early_take_table());
        memset(table, 0, PAGE_SIZE);
        for (unsigned i = 0; i < ENTRIES_PER_TABLE && (uint64_t)i * PAGE_SIZE < left; i++)
            table[i] = (maddr + (uint64_t)i * PAGE_SIZE) | MAP_GUEST_32;
        machine->compat_slots[slot] = direct_maddr(table) | MAP_GUEST_32;
    }
}

static void make_tables(struct machine *machine, const struct ram_options *options)
{
    uint64_t count = machine->nr_frames;
    uint64_t m2p_size = (count * sizeof(uint64_t) + PAGE_MASK) & ~PAGE_MASK;

    machine->frames = take_table(count, sizeof(struct frame), 0, "the frame table");
    machine->m2p = take_table(count, sizeof(uint64_t), 0xff, "the M2P");
    machine->compat_m2p = take_table(count, sizeof(uint32_t), 0xff, "the M2P of 32-bit guests");
    paging_map(MACH2PHYS_VIRT_START, direct_maddr(machine->m2p), m2p_size, MAP_GUEST);
    show_compat_m2p(machine);
    pool_init(take_table(1, pool_map_size(count), 0, "the pool"), count, options->pool_seed);
    if (options->audit)
        audit_counts = take_table(count, sizeof(struct audit_counts), 0, "the audit");
}

struct audit_counts *ram_audit_counts(void)
{
    return audit_counts;
}

/*
 * ---- The machine.
 */

static mfn_t mfn_of(uint64_t maddr)
{
    return MFN(maddr >> PAGE_SHIFT);
}

static void declare_ram(struct machine *machine)
{
    const struct ranges *left = early_left();
    struct ranges reserved = *early_ram();

    for (unsigned i = 0; i < left->count; i++) {
        uint64_t count = (left->list[i].end - left->list[i].start) >> PAGE_SHIFT;

        if (!ranges_remove(&reserved, left->list[i]))
            exit_unsupported("the memory map has too many ranges");
        machine_add_ram(machine, mfn_of(left->list[i].start), count);
        pool_add(mfn_of(left->list[i].start), count);
    }
    for (unsigned i = 0; i < reserved.count; i++)
        machine_reserve(machine, mfn_of(reserved.list[i].start),
                        (reserved.list[i].end - reserved.list[i].start) >> PAGE_SHIFT);
}

static void print_summary(const struct machine *machine)
{
    print("memory: %lu MiB of RAM, %lu frames in the table, %lu free, %lu KiB of tables, seed %lx\n",
          ranges_size(early_ram()) / MIB, machine->nr_frames, pool_count(), early_taken() / 1024, pool_seed());
}

void ram_init(const struct ranges *whole, struct range kept, const struct ram_options *options, struct machine *machine)
{
    const struct ranges *ram = early_ram();

    early_init(whole, kept);
    map_everything();
    window_init();
    stack_init();
    allocate_prepare();
    paging_prepare(DEVICE_BASE, 4 * PAGE_SIZE);
    machine->nr_frames = ram->list[ram->count - 1].end >> PAGE_SHIFT;
    machine->phys_bits = cpu_features()->phys_bits;
    machine->l1tf = cpu_features()->l1tf;
    machine->tlb.cpus = cpumask_of(0);
    make_tables(machine, options);
    paging_root_slots(machine->root_slots);
    machine_init(machine);
    declare_ram(machine);
    print_summary(machine);
}
