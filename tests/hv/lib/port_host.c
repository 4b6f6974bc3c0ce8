/* SPDX-License-Identifier: MIT */
/* The vCPU and what is asked: port_host.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/print.h>
#include <hv/cpu/cpu_tables.h>
#include <hv/cpu/fault.h>
#include <hv/cpu/user_word.h>
#include <hv/cpu/wait.h>
#include <hv/domain/port.h>
#include <hv/domain/refusals.h>
#include <hv/domain/report.h>
#include <hv/domain/request.h>
#include <hv/domain/zombie.h>
#include <hv/mem/pool.h>
#include <tests/hv/lib/port_host.h>

struct cpu cpu_boot, cpu_other;
struct cpu_features cpu_features_found;

_Alignas(4096) uint8_t ram[RAM][4096];
struct hv_domain domain;
struct hv_vcpu vcpu;
struct machine machine = {.tlb = {.cpus = {1}}};
struct noted noted;
bool turn_over, on_vcpu, unreachable, emptied, taken;
jmp_buf ended;

void *paging_ram(uint64_t maddr)
{
    assert_true(maddr < sizeof(ram));
    return (uint8_t *)ram + maddr;
}

void paging_set(uint64_t vaddr, uint64_t entry)
{
    noted.set_at = vaddr;
    noted.set_to = entry;
    noted.sets++;
}

void paging_prepare(uint64_t vaddr, uint64_t size)
{
    assert_int_equal(vaddr, WINDOW_BASE);
    noted.prepared = size;
}

uint64_t paging_root(void)
{
    return OWN_ROOT;
}

bool pool_take(unsigned order, mfn_t end, mfn_t *first)
{
    noted.pool_end = end;
    *first = MFN(0x1230 + order);
    return order < 3;
}

void pool_give(mfn_t first, unsigned order)
{
    assert_int_equal(first.v, 0x1230);
    assert_int_equal(order, 1);
    noted.gives++;
}

unsigned pool_take_some(unsigned count, mfn_t end, mfn_t *mfns)
{
    noted.pool_end = end;
    for (unsigned i = 0; i < count; i++)
        mfns[i] = MFN(0x1230 + i);
    return count;
}

void pool_give_some(const mfn_t *mfns, unsigned count)
{
    assert_int_equal(mfns[0].v, 0x1230);
    noted.gives += count;
}

bool machine_take(struct machine *which, unsigned order, mfn_t *first)
{
    assert_ptr_equal(which, &machine);
    assert_int_equal(order, 1);
    *first = MFN(2); /* of the RAM that there is, the second half */
    memset(ram[2], 0, sizeof(ram[2]) + sizeof(ram[3]));
    return !taken && (taken = true);
}

void machine_give(struct machine *which, mfn_t first, unsigned order)
{
    assert_ptr_equal(which, &machine);
    assert_true(taken && first.v == 2 && order == 1);
    taken = false;
}

struct cpu *cpu_find(unsigned id)
{
    return id == 0 ? &cpu_boot : id == 1 ? &cpu_other : NULL;
}

/* Nobody waits here but for who answers at once. */
void wait_halted(void)
{
    fail();
}

/* The other one answers, if it has anything to answer. */
void cpu_kick(unsigned id)
{
    struct cpu here = cpu_boot;

    noted.kicks++;
    assert_int_not_equal(id, here.id);
    cpu_boot = cpu_other;
    request_answer();
    cpu_boot = here;
}

void cpu_ask(unsigned id)
{
    cpu_kick(id);
}

bool zombie_is_empty(void)
{
    return emptied;
}

void cpu_tables_load_gdt(uint64_t base)
{
    noted.gdt_base = base;
}

void cpu_tables_load_ldt(struct cpu *cpu, uint64_t base, unsigned entries)
{
    assert_ptr_equal(cpu, &cpu_boot); /* whichever processor runs */
    noted.ldt_base = base;
    noted.ldt_entries = entries;
    noted.ldt_loads++;
}

uint64_t cpu_tables_gdt_page(const struct cpu *cpu, enum width width)
{
    (void)cpu;
    return GDT_PAGE + 0x1000 * (uint64_t)width;
}

void cpu_guard_user_pages(bool on)
{
    noted.guards_off = !on;
    noted.runs = machine.tlb.runs[cpu_boot.id];
}

void cpu_set_entry_stack(uint64_t top)
{
    noted.entry_stack = top;
}

bool sched_is_due(void)
{
    return turn_over;
}

bool sched_is_on_vcpu(void)
{
    return on_vcpu;
}

void sched_yield(void)
{
    noted.yields++;
}

void sched_yield_work(void)
{
    noted.work_yields++;
}

/* Only between the two that let the hypervisor reach a guest's pages. */
bool user_copy(void *to, const void *from, size_t size)
{
    assert_true(!cpu_features_found.smap || fake_cpu.user_access);
    if (unreachable)
        return false;
    memcpy(to, from, size);
    noted.copied += size;
    return true;
}

bool user_word_write(uint64_t to, uint64_t word)
{
    return user_copy((void *)to, &word, sizeof(word));
}

void report_refusal(const struct noted_refusal *refusal)
{
    (void)refusal;
    noted.reported++;
}

void print(const char *format, ...)
{
    (void)format;
}

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    (void)file;
    (void)line;
    (void)condition;
    longjmp(ended, 1);
}

/* The rest of the engine: what was begun has happened. */
void tlb_flush_end(struct machine *which, cpumask_t cpus, uint64_t began)
{
    assert_int_equal(cpus.bits, 1);
    assert_int_equal(fake_cpu.root_loads, 1);
    which->tlb.flushed[0] = began;
}

void make(void)
{
    fake_cpu_reset();
    memset(ram, 0x5a, sizeof(ram));
    memset(&cpu_boot, 0, sizeof(cpu_boot));
    memset(&cpu_other, 0, sizeof(cpu_other));
    cpu_other.id = 1;
    memset(&domain, 0, sizeof(domain));
    memset(&vcpu, 0, sizeof(vcpu));
    memset(&machine.tlb.flushed, 0, sizeof(machine.tlb.flushed));
    cpu_features_found.smap = false;
    domain.lock = (struct lock)LOCK_INIT(LOCK_DOMAIN, 1);
    domain.engine.width = WIDTH_64;
    domain.engine.machine = &machine;
    vcpu.engine.domain = &domain.engine;
    vcpu.engine.kernel_root = vcpu.engine.user_root = MFN_NONE;
    vcpu.window = WINDOW;
    noted = (struct noted){0};
    turn_over = on_vcpu = unreachable = taken = false;
}
