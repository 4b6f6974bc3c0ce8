/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the hosted machine share with each other and with nobody else.
 */
#pragma once

#include <sim/sim.h>

#if defined(__SANITIZE_ADDRESS__)
#define SIM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIM_ASAN 1
#endif
#endif

#if defined(SIM_ASAN)
#include <sanitizer/asan_interface.h>
#define SIM_NO_ASAN __attribute__((no_sanitize("address"), noinline))
#else
#define SIM_NO_ASAN
#define ASAN_POISON_MEMORY_REGION(address, size)   ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

/* The bits of an entry that the processor looks at. */
#define ENTRY_PRESENT    (UINT64_C(1) << 0)
#define ENTRY_WRITABLE   (UINT64_C(1) << 1)
#define ENTRY_USER       (UINT64_C(1) << 2)
#define ENTRY_ACCESSED   (UINT64_C(1) << 5)
#define ENTRY_DIRTY      (UINT64_C(1) << 6)
#define ENTRY_SUPERPAGE  (UINT64_C(1) << 7) /* L2 and L3 */
#define ENTRY_GLOBAL     (UINT64_C(1) << 8) /* where the walk ends */
#define ENTRY_NO_EXECUTE (UINT64_C(1) << 63)
#define ENTRY_FRAME      UINT64_C(0x000ffffffffff000)

/*
 * ---- The machine that exists (sim/current.c).
 */

/* @sim is what sim_current() returns from now on; NULL: none. */
void current_set(struct sim *sim);

/* The current machine; fails where there is none. */
struct sim *sim_here(void);

/*
 * ---- Contents of frames (sim/ram.c).  Frames in the pool are poisoned for everybody but these.
 */

static inline bool sim_is_ram(const struct sim *sim, mfn_t mfn)
{
    return mfn.v < sim->machine.nr_frames && sim->frames[mfn.v].ram;
}

static inline uint8_t *sim_frame_bytes(const struct sim *sim, mfn_t mfn)
{
    return sim->ram + mfn.v * PAGE_SIZE;
}

/* Provide memory for all frames and make those accessible that sim->frames calls RAM; and the end of that. */
void ram_create(struct sim *sim);
void ram_destroy(struct sim *sim);

/* Read an entry as the processor does: what is no RAM reads as ones. */
uint64_t ram_read_entry(const struct sim *sim, mfn_t table, unsigned slot);

/* Set bits in an entry with a locked instruction, as the processor sets accessed and dirty. */
void ram_set_bits(const struct sim *sim, mfn_t table, unsigned slot, uint64_t bits);

/* Copy inside one frame; what is no RAM reads as ones and ignores writes. */
void ram_read(const struct sim *sim, mfn_t mfn, size_t offset, void *to, size_t size);
void ram_write(const struct sim *sim, mfn_t mfn, size_t offset, const void *from, size_t size);

/*
 * ---- The hypervisor's own frames (sim/hypervisor.c): M2P tables, and the page tables through which guests see them.
 */

/* How many frames it needs in a machine with @nr_frames others. */
uint64_t hypervisor_frames(uint64_t nr_frames);

/* Fill them, and the machine's m2p, compat_m2p, root_slots and compat_slots. */
void hypervisor_create(struct sim *sim);

/*
 * ---- Processors (sim/cpu.c).
 */

void cpus_create(struct sim *sim, const struct sim_config *config);
void cpus_destroy(struct sim *sim);

/* The processor of @vcpu, which runs it from now on: if it ran another one, it switches, and flushes wholly. */
struct sim_cpu *cpu_enter(struct sim *sim, struct vcpu *vcpu);

/* Let @cpu run @vcpu, on the root that is written in it, with nothing cached.  The engine's clock is the caller's. */
void cpu_load_root(struct sim_cpu *cpu, struct sim_vcpu *vcpu);

/* Let @vcpu, which runs on @cpu, go on with @root: its other one.  What is global stays cached. */
void cpu_change_mode(struct sim_cpu *cpu, struct sim_vcpu *vcpu, mfn_t root);

/* Speculate by the chance that the knob gives. */
void cpu_speculate_perhaps(struct sim *sim);
