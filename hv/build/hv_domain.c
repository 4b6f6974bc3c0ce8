/* SPDX-License-Identifier: MIT */
/* Domains, in order: their making; what the end of their guest leaves. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <abi/sched.h>
#include <abi/shared.h>
#include <engine/engine.h>
#include <engine/tlb.h>
#include <hv/base/print.h>
#include <hv/base/string.h>
#include <hv/build/hv_domain.h>
#include <hv/cpu/cpu.h>
#include <hv/device/devices.h>
#include <hv/domain/domain.h>
#include <hv/domain/vcpu.h>
#include <hv/domain/wallclock.h>
#include <hv/domain/zombie.h>
#include <hv/mem/allocate.h>
#include <hv/mem/pool.h>
#include <hv/mem/window.h>
#include <hv/service/event_channel.h>
#include <hv/service/services.h>

/*
 * ---- Making.  Everything is zero before, so that hv_domain_release() knows what there is.
 */

/* A 32-bit guest is told the address of it. */
static int share_info(struct hv_domain *domain)
{
    int error;

    if (hv_domain_is_64bit(domain))
        return domain_share_new(&domain->engine, &domain->shared_info_frame);
    domain->engine.frames_end = FRAMES_END_4G;
    error = domain_share_new(&domain->engine, &domain->shared_info_frame);
    domain->engine.frames_end = FRAMES_END_COMPAT;
    return error;
}

static int create_shared_info(struct hv_domain *domain)
{
    int error = share_info(domain);
    uint8_t *places;

    if (error)
        return error;
    domain->shared_info = places = port_frame_map(domain->shared_info_frame);
    for (unsigned i = 0; i < VCPUS_MAX; i++)
        places[i * sizeof(struct vcpu_info) + offsetof(struct vcpu_info, evtchn_upcall_mask)] = 1;
    wallclock_update(domain);
    return 0;
}

static bool uses_window(const struct domain *domain, unsigned window)
{
    for (unsigned i = 0; domain && i < domain->nr_vcpus; i++) {
        if (domain->vcpus[i] && hv_vcpu_of(domain->vcpus[i])->window == window)
            return true;
    }
    return false;
}

/*
 * Windows and stacks of vCPUs have the same numbers: one in use is that of a domain that is there, or of the only one
 * that is being made.
 */
static bool window_is_taken(const struct domain *made, unsigned window)
{
    const struct machine *machine = made->machine;

    for (unsigned i = 0; i < machine->nr_domains; i++) {
        if (uses_window(machine->domains[i], window))
            return true;
    }
    return uses_window(made, window);
}

static bool find_window(const struct domain *made, unsigned *window)
{
    for (*window = WINDOW_OF_VCPUS; *window < WINDOWS_MAX; ++*window) {
        if (!window_is_taken(made, *window))
            return true;
    }
    return false;
}

static int create_vcpu(struct hv_domain *domain, unsigned id)
{
    struct hv_vcpu *vcpu = allocate(sizeof(*vcpu));
    unsigned window;

    if (!vcpu || !find_window(&domain->engine, &window)) {
        release(vcpu, sizeof(*vcpu));
        return -XEN_ENOMEM;
    }
    vcpu->engine.domain = &domain->engine;
    vcpu->engine.id = id;
    vcpu->window = window;
    vcpu->info = (struct vcpu_info *)domain->shared_info + id;
    vcpu->info_frame = MFN_NONE;
    vcpu_init(&vcpu->engine);
    vcpu_time_create(vcpu);
    domain->vcpus[id] = &vcpu->engine;
    domain->engine.nr_vcpus = id + 1;
    if (sched_create(vcpu) || narrow_root_create(vcpu))
        return -XEN_ENOMEM;
    return state_create(vcpu);
}

static int create_parts(struct hv_domain *domain, unsigned nr_vcpus)
{
    int error = create_shared_info(domain);

    if (!error)
        error = event_create(domain);
    for (unsigned i = 0; i < nr_vcpus && !error; i++)
        error = create_vcpu(domain, i);
    return error;
}

struct hv_domain *hv_domain_create(struct machine *machine, unsigned id, enum width width, uint64_t max_frames,
                                   unsigned nr_vcpus)
{
    struct hv_domain *domain;

    CHECK(id < machine->nr_domains && !machine->domains[id] && nr_vcpus >= 1 && nr_vcpus <= VCPUS_MAX);
    domain = allocate(sizeof(*domain));
    if (!domain)
        return NULL;
    domain->services = allocate(sizeof(*domain->services));
    if (!domain->services) {
        release(domain, sizeof(*domain));
        return NULL;
    }
    domain->engine = (struct domain){
        .machine = machine,
        .id = DOMID((uint16_t)id),
        .width = width,
        .max_frames = max_frames,
        .vcpus = domain->vcpus,
    };
    domain->lock = (struct lock)LOCK_INIT(LOCK_DOMAIN, id);
    domain->vcpus_at_start = nr_vcpus;
    domain->weight = WEIGHT_DEFAULT;
    domain->shared_info_frame = MFN_NONE;
    domain_init(&domain->engine);
    if (!create_parts(domain, nr_vcpus))
        return domain;
    (void)hv_domain_release(domain);
    return NULL;
}

void hv_domain_publish(struct hv_domain *domain)
{
    struct machine *machine = domain->engine.machine;

    CHECK(!machine->domains[domain->engine.id.v]);
    machine->domains[domain->engine.id.v] = &domain->engine;
}

/*
 * ---- Afterwards.
 */

static void release_vcpu(struct hv_domain *domain, unsigned id)
{
    struct hv_vcpu *vcpu = hv_vcpu_of(domain->vcpus[id]);

    if (vcpu->state.extended)
        state_destroy(vcpu);
    narrow_root_destroy(vcpu);
    if (vcpu->run.stack)
        sched_destroy(vcpu);
    release(vcpu, sizeof(*vcpu));
    domain->vcpus[id] = NULL;
}

/*
 * In the order in which one thing needs another: nothing new begins, no vCPU runs, no timer, device or peer makes
 * events, no device knows memory any more; then channels go, then memory: its own, and what it maps of others.  For
 * memory to come back, the domain has to be known by its number.
 */
bool hv_domain_release(struct hv_domain *domain)
{
    unsigned nr_vcpus = domain->engine.nr_vcpus;

    domain_set_dying(&domain->engine);
    domain->engine.machine->domains[domain->engine.id.v] = &domain->engine;
    for (unsigned i = 0; i < nr_vcpus; i++) {
        sched_retire(hv_vcpu_of(domain->vcpus[i]));
        vcpu_time_stop(hv_vcpu_of(domain->vcpus[i]));
    }
    devices_destroy(domain);
    console_detach(domain);
    xenstore_destroy(domain);
    event_destroy(domain);
    domain->shared_info = NULL;
    (void)domain_destroy(&domain->engine);
    domain->engine.nr_vcpus = 0;
    for (unsigned i = 0; i < nr_vcpus; i++)
        release_vcpu(domain, i);
    release(domain->services, sizeof(*domain->services));
    domain->services = NULL;
    if (domain->engine.nr_frames > 0) {
        zombie_add(domain);
        return false;
    }
    hv_domain_bury(domain);
    return true;
}

/*
 * Other processors may have found @domain by its number just before it lost that.  From there to where an operation is
 * counted they wait for nothing: those that have answered a flush since are counted, or have not found it.  And whoever
 * gave the last frame back had its lock, and may be about to drop it.
 */
static void wait_for_the_last(struct hv_domain *domain)
{
    struct machine *machine = domain->engine.machine;

    tlb_flush(machine, machine->tlb.cpus);
    while (__atomic_load_n(&domain->engine.operations, __ATOMIC_SEQ_CST) > 0)
        port_yield();
    port_lock(&domain->engine);
    port_unlock(&domain->engine);
}

void hv_domain_bury(struct hv_domain *domain)
{
    CHECK(domain->engine.nr_frames == 0 && domain->engine.nr_vcpus == 0);
    __atomic_store_n(&domain->engine.machine->domains[domain->engine.id.v], NULL, __ATOMIC_SEQ_CST);
    wait_for_the_last(domain);
    release(domain, sizeof(*domain));
}

/* Nobody is left who could map them: what the domain should have let go of, and has not. */
static void report_leaks(const struct hv_domain *domain)
{
    const struct machine *machine = domain->engine.machine;
    unsigned shown = 0;

    print("domain %u (%s) has left %lu frames behind:\n", domain->engine.id.v, domain->name, domain->engine.nr_frames);
    for (uint64_t i = 0; i < machine->nr_frames && shown < 8; i++) {
        const struct frame *frame = &machine->frames[i];

        if (frame_owner(frame) != domain->engine.id.v)
            continue;
        print("  frame %lx: %u references, type word %x\n", i, frame->refs, frame->type.v);
        shown++;
    }
}

bool hv_domain_none_left(const struct machine *machine)
{
    bool none = true;

    for (unsigned i = 0; i < machine->nr_domains; i++) {
        if (machine->domains[i]) {
            report_leaks(hv_domain_of(machine->domains[i]));
            none = false;
        }
    }
    return none;
}
