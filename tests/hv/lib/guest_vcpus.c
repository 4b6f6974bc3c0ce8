/* SPDX-License-Identifier: MIT */
/* The guest and the stand-ins: guest_vcpus.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/mmu.h>
#include <engine/engine.h>
#include <hv/domain/event_table.h>
#include <hv/domain/runstate.h>
#include <hv/domain/shutdown.h>
#include <hv/domain/vcpu_time.h>
#include <hv/time/apic.h>
#include <hv/time/time.h>
#include <tests/hv/lib/guest_vcpus.h>

struct hv_domain domain, other;
struct hv_vcpu vcpus[VCPUS];
struct cpu_frame frames[VCPUS];
struct vcpu_info infos[VCPUS];
_Alignas(4096) uint8_t info_frame[4096];
struct noted noted;
struct planned planned;

static struct domain *domains[2] = {&domain.engine, &other.engine};
static struct machine machine = {.domains = domains, .nr_domains = 2};
static struct vcpu *table[VCPUS];

void *port_frame_map(mfn_t mfn)
{
    assert_int_equal(mfn.v, INFO_FRAME);
    return info_frame;
}

int domain_hold_writable(struct domain *which, mfn_t mfn)
{
    assert_ptr_equal(which, &domain.engine);
    if (!planned.hold_error)
        noted.held = mfn;
    return call_refused_elsewhere(planned.hold_error);
}

int vcpu_set_gdt(struct vcpu *vcpu, const mfn_t *list, unsigned entries)
{
    (void)vcpu;
    noted.gdt_entries = entries;
    noted.first_gdt_frame = list[0];
    return call_refused_elsewhere(planned.gdt_error);
}

int vcpu_set_ldt(struct vcpu *vcpu, vaddr_t base, unsigned entries)
{
    (void)vcpu;
    noted.ldt_base = base.v;
    noted.ldt_entries = entries;
    return call_refused_elsewhere(planned.ldt_error);
}

int vcpu_set_trap(struct vcpu *vcpu, unsigned vector, uint64_t address, uint16_t cs, uint8_t flags)
{
    noted.trap_calls++;
    vcpu->traps[vector] = (struct trap_gate){address, cs, flags};
    return call_refused_elsewhere(vector == 200 ? planned.trap_error : 0);
}

int vcpu_set_roots(struct vcpu *vcpu, mfn_t kernel, mfn_t user)
{
    (void)vcpu;
    noted.roots[0] = kernel;
    noted.roots[1] = user;
    return call_refused_elsewhere(planned.root_error);
}

void vcpu_destroy(struct vcpu *vcpu)
{
    (void)vcpu;
    noted.destroyed++;
}

bool state_set_extended(struct hv_vcpu *vcpu, const void *fxsave)
{
    (void)vcpu;
    noted.extended_first = *(const uint8_t *)fxsave;
    return planned.extended_is_good;
}

bool state_set_cr4(struct hv_vcpu *vcpu, uint64_t cr4)
{
    vcpu->state.cr4 = cr4;
    return true;
}

enum debug_verdict state_set_debug(struct hv_vcpu *vcpu, unsigned index, uint64_t value)
{
    assert_true(index < 4 || index == 6 || index == 7);
    vcpu->state.debug[index] = value;
    return DEBUG_DONE;
}

void bounce_request_nmi(struct hv_vcpu *vcpu)
{
    vcpu->bounce.nmi_pending = true;
}

void sched_step_back(void)
{
    noted.yields++;
}

void sched_block(struct hv_vcpu *vcpu)
{
    assert_ptr_equal(vcpu, &vcpus[0]);
    noted.blocks++;
    if (planned.while_blocked)
        planned.while_blocked();
}

bool stays_running;

void sched_stop(struct hv_vcpu *vcpu)
{
    vcpu->run.down = true;
    vcpu->run.info.state = stays_running ? RUNSTATE_running : RUNSTATE_offline;
    noted.stopped |= 1u << vcpu->engine.id;
}

void sched_start(struct hv_vcpu *vcpu)
{
    vcpu->run.down = false;
    noted.started |= 1u << vcpu->engine.id;
}

void runstate_wake(struct hv_vcpu *vcpu)
{
    noted.woken |= 1u << vcpu->engine.id;
}

struct vcpu_runstate_info runstate_read(const struct hv_vcpu *vcpu)
{
    return (struct vcpu_runstate_info){
        .state = (int32_t)vcpu->engine.id, .state_entry_time = 1001, .time = {1002, 1003, 1004, 1005}};
}

void shutdown_domain(struct hv_domain *which, unsigned reason)
{
    if (which == &domain)
        noted.shut_down = 100 + reason;
    else
        noted.shut_down_other = 100 + reason;
    which->ended = true;
}

void shutdown_by_guest(struct hv_vcpu *vcpu, unsigned reason)
{
    vcpu->engine.diverted = true;
    shutdown_domain(hv_vcpu_domain(vcpu), reason);
}

uint64_t time_now(void)
{
    return planned.now;
}

void vcpu_time_update(struct hv_vcpu *vcpu)
{
    (void)vcpu;
    noted.updates++;
}

void vcpu_time_move(struct hv_vcpu *vcpu)
{
    (void)vcpu;
    noted.moves++;
}

void vcpu_time_set_singleshot(struct hv_vcpu *vcpu, uint64_t deadline)
{
    assert_ptr_equal(vcpu, &vcpus[0]);
    noted.singleshot = deadline;
}

void vcpu_time_stop_singleshot(struct hv_vcpu *vcpu)
{
    (void)vcpu;
    noted.singleshot = 0;
}

void vcpu_time_set_periodic(struct hv_vcpu *vcpu, uint64_t period)
{
    (void)vcpu;
    noted.periodic = period;
}

void vcpu_time_set_poll(struct hv_vcpu *vcpu, uint64_t deadline)
{
    (void)vcpu;
    noted.poll_deadline = deadline;
}

void vcpu_time_stop_poll(struct hv_vcpu *vcpu)
{
    (void)vcpu;
    noted.poll_deadline = 0;
}

void vcpu_time_set_watchdog(struct hv_domain *which, unsigned id, uint32_t seconds)
{
    assert_ptr_equal(which, &domain);
    assert_true(id < WATCHDOGS);
    noted.watchdogs[id] = seconds;
}

bool vcpu_time_has_watchdog(const struct hv_domain *which, unsigned id)
{
    assert_ptr_equal(which, &domain);
    return noted.watchdogs[id];
}

void event_unmask_upcalls(struct hv_vcpu *vcpu)
{
    vcpu->info->evtchn_upcall_mask = 0;
}

void event_recheck(struct hv_vcpu *vcpu)
{
    assert_ptr_equal(vcpu->info, info_frame + 64);
    noted.rechecks++;
}

/* Ports 1 to 63 are in use. */
bool event_table_is_open(const struct hv_domain *which, uint32_t port)
{
    assert_ptr_equal(which, &domain);
    return port > 0 && port < 64;
}

bool event_is_pending(const struct hv_domain *which, uint32_t port)
{
    assert_ptr_equal(which, &domain);
    return port < 64 && planned.pending[port];
}

/* Two processors. */
struct cpu *cpu_find(unsigned id)
{
    static struct cpu cpus[2] = {{.apic = 9, .acpi = 1}, {.apic = 12, .acpi = 3}};

    return id < 2 ? &cpus[id] : NULL;
}

void sched_bind(cpumask_t cpus)
{
    vcpus[0].share.bound = cpus;
}

cpumask_t sched_allowed(const struct hv_vcpu *vcpu)
{
    return vcpu->share.bound.bits ? vcpu->share.bound : (cpumask_t){3};
}

static void make(enum width width)
{
    memset(&domain, 0, sizeof(domain));
    memset(&other, 0, sizeof(other));
    memset(vcpus, 0, sizeof(vcpus));
    memset(infos, 0, sizeof(infos));
    guest_memory_reset(&vcpus[0].engine);
    memset(guest_memory, 0xa5, GUEST_MEMORY_SIZE);
    domain.engine =
        (struct domain){.machine = &machine, .id = DOMID(0), .width = width, .vcpus = table, .nr_vcpus = VCPUS};
    other.engine = (struct domain){.machine = &machine, .id = DOMID(1)};
    for (unsigned i = 0; i < VCPUS; i++) {
        table[i] = &vcpus[i].engine;
        vcpus[i].engine.domain = &domain.engine;
        vcpus[i].engine.id = i;
        vcpus[i].frame = &frames[i];
        vcpus[i].info = &infos[i];
        vcpus[i].info_frame = MFN_NONE;
        vcpus[i].run.down = i > 0;
        vcpus[i].run.info.state = i > 0 ? RUNSTATE_offline : RUNSTATE_running;
        vcpus[i].initialised = i == 0;
        infos[i].evtchn_upcall_mask = 1;
    }
    noted = (struct noted){0};
    planned = (struct planned){.now = 5000, .extended_is_good = true};
}

int set_up_64(void **state)
{
    (void)state;
    make(WIDTH_64);
    return 0;
}

int set_up_32(void **state)
{
    (void)state;
    make(WIDTH_PAE);
    return 0;
}

bool is_wide(void)
{
    return domain.engine.width == WIDTH_64;
}
