/* SPDX-License-Identifier: MIT */
/*
 * The processor's descriptor tables.
 *
 * A GDT spans 15 pages of a descriptor window (hv/mem/window.h): 14 that show the guest's frames, and behind them the
 * page of the hypervisor, with what abi/segment.h promises to guests and with the processor's TSS.  There are two such
 * pages for each processor, because the promises to 64-bit and to 32-bit guests differ.
 */
#pragma once

#include <engine/machine.h>

struct cpu;

/* The gates, which all processors share: once, before any of them loads its tables. */
void cpu_tables_init_gates(void);

/* Build @cpu's tables and load them.  Until it is on a window, only the hypervisor's page of the GDT is there. */
void cpu_tables_init(struct cpu *cpu);

/* Give @vector a stack of its own, of enum ist (hv/cpu/cpu.h). */
void cpu_tables_set_stack(unsigned vector, unsigned ist);

/* Load the GDT that lies at @base; it has all 15 pages, mapped or not. */
void cpu_tables_load_gdt(uint64_t base);

/* Load the LDT of @entries that lies at @base, its pages mapped or not; none for 0.  A GDT of @cpu is in use. */
void cpu_tables_load_ldt(struct cpu *cpu, uint64_t base, unsigned entries);

/* The machine address of the hypervisor's page of @cpu's GDT for guests of @width. */
uint64_t cpu_tables_gdt_page(const struct cpu *cpu, enum width width);

/* Calls of 32-bit kernels arrive at entry_traced32 from now on. */
void cpu_tables_trace_calls(void);

/* Exceptions and interrupts arrive at entry_traced_traps, but for those that have, or may get, stacks of their own. */
void cpu_tables_trace_traps(void);
