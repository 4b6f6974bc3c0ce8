/* SPDX-License-Identifier: MIT */
/* Which vCPU a processor runs. */
#include <abi/segment.h>
#include <engine/check.h>
#include <engine/level.h>
#include <engine/tlb.h>
#include <hv/base/asm.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/cpu_tables.h>
#include <hv/domain/vcpu.h>
#include <hv/mem/paging.h>
#include <hv/mem/window.h>

/* The root on top of that of a 32-bit guest, brought up to date. */
static mfn_t refresh_narrow_root(const struct hv_vcpu *vcpu)
{
    CHECK(vcpu->narrow_root.tables);
    (void)narrow_root_copy(vcpu);
    return vcpu->narrow_root.frame;
}

/*
 * A write of cr3 forgets what is not global.  The rest is forgotten behind it, not before: no walk of the old root can
 * come in between any more (XSA-292).
 */
void hv_vcpu_load_root(const struct hv_vcpu *vcpu)
{
    mfn_t root = vcpu ? vcpu_root(&vcpu->engine) : MFN_NONE;

    if (!mfn_is_none(root) && vcpu->engine.domain->width != WIDTH_64)
        root = refresh_narrow_root(vcpu);
    asm_write_cr3(mfn_is_none(root) ? paging_root() : root.v << PAGE_SHIFT);
    (void)asm_flush_global();
}

void hv_vcpu_load_ldt(const struct hv_vcpu *vcpu)
{
    unsigned entries = vcpu ? vcpu->engine.ldt_entries : 0;

    cpu_tables_load_ldt(cpu_here(), entries ? window_base(vcpu->window) + (uint64_t)LDT_WINDOW * PAGE_SIZE : 0,
                        entries);
}

/* The window of a vCPU still shows this processor's page if no other has run that one since. */
static void show_gdt(const struct cpu *cpu, struct hv_vcpu *vcpu, unsigned window, enum width width)
{
    if (vcpu && vcpu->gdt_of == cpu)
        return;
    window_set_page(window, FIRST_RESERVED_GDT_PAGE, cpu_tables_gdt_page(cpu, width) | MAP_DATA);
    if (vcpu)
        vcpu->gdt_of = cpu;
}

void hv_vcpu_switch(struct machine *machine, struct hv_vcpu *vcpu)
{
    struct cpu *cpu = cpu_here();
    unsigned window = vcpu ? vcpu->window : WINDOW_OF_CPU + cpu->id;
    enum width width = vcpu ? vcpu->engine.domain->width : WIDTH_64;
    uint64_t began;

    CHECK(!vcpu || vcpu->engine.cpu == cpu->id);
    began = tlb_flush_begin(machine);
    tlb_run_begin(machine, cpu->id);
    cpu->current = vcpu;
    show_gdt(cpu, vcpu, window, width);
    cpu_tables_load_gdt(window_base(window));
    hv_vcpu_load_ldt(vcpu);
    cpu_guard_user_pages(width == WIDTH_64);
    if (vcpu && vcpu->run.stack) {
        ((struct stack_owner *)vcpu->run.stack)->cpu = cpu;
        cpu_set_entry_stack(vcpu->run.stack);
    }
    hv_vcpu_load_root(vcpu);
    tlb_run_end(machine, cpu->id, vcpu ? vcpu->engine.domain : NULL);
    tlb_flush_end(machine, cpumask_of(cpu->id), began);
}

void hv_vcpu_give_way(void)
{
    struct cpu *roof = cpu_find(0);

    __atomic_store_n(&roof->must_give_way, true, __ATOMIC_SEQ_CST);
    if (roof != cpu_here())
        cpu_kick(roof->id);
    else if (roof->current)
        roof->current->run.attention = true;
}
