/* SPDX-License-Identifier: MIT */
/* The functions themselves, which do little but count what is out and has not been given back. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <abi/errno.h>
#include <abi/layout.h>
#include <engine/engine.h>
#include <hv/base/print.h>
#include <hv/build/hv_domain.h>
#include <hv/build/rights_ports.h>
#include <hv/device/devices.h>
#include <hv/mem/allocate.h>
#include <hv/mem/pool.h>
#include <hv/service/services.h>
#include <tests/hv/lib/hosted_domain.h>

static unsigned domains, services_left = HOSTED_NEVER_FAILS;
static uint64_t pretended;

struct sim *hosted_machine(uint64_t nr_frames, enum width width)
{
    const struct sim_config config = {
        .seed = 1,
        .nr_frames = nr_frames,
        .nr_domains = 2,
        .domains = {{.width = width, .nr_vcpus = 4}, {.width = width, .nr_vcpus = 4}},
    };
    struct sim *sim = sim_create(&config);

    sim->domain_table[0] = NULL;
    sim->domain_table[1] = NULL;
    return sim;
}

void hosted_fail_service(unsigned after)
{
    services_left = after;
}

void hosted_pretend_frames(uint64_t count)
{
    pretended = count;
}

unsigned hosted_domains(void)
{
    return domains;
}

uint64_t pool_count(void)
{
    return sim_pool_count(sim_current()) + pretended;
}

static unsigned devices_left;

void hosted_devices(unsigned count)
{
    devices_left = count;
}

/* Ports and lines have a test of their own: tests/hv/test_rights_ports.c. */
const char *rights_ports_check(const struct machine *of, const struct bundle_domain *description)
{
    (void)of;
    (void)description;
    return NULL;
}

void devices_give_transports(struct hv_domain *domain, uint64_t maddr, unsigned count)
{
    (void)domain;
    (void)maddr;
    (void)count;
}

int devices_create(struct hv_domain *domain)
{
    static struct domain_devices devices;

    if (devices_left == 0)
        return -XEN_ENOMEM;
    devices_left--;
    domain->devices = &devices;
    return 0;
}

void devices_give(struct hv_domain *domain, struct pci_function *function)
{
    CHECK(domain->devices);
    function->owner = domain;
}

void print(const char *format, ...)
{
    (void)format;
}

static int service(void)
{
    if (services_left == HOSTED_NEVER_FAILS)
        return 0;
    return services_left-- == 0 ? -XEN_ENOSPC : 0;
}

int xenstore_create(struct hv_domain *domain, mfn_t frame)
{
    domain->services->store.frame = frame;
    domain->services->store.ring = port_frame_map(frame);
    domain->services->store.port = 1;
    return service();
}

int xenstore_introduce(struct hv_domain *domain)
{
    (void)domain;
    return service();
}

int console_create(struct hv_domain *domain, mfn_t frame)
{
    domain->services->console.frame = frame;
    domain->services->console.ring = port_frame_map(frame);
    domain->services->console.port = 2;
    return service();
}

static struct vcpu *create_vcpu(struct hv_domain *domain, unsigned id)
{
    struct hv_vcpu *vcpu = allocate(sizeof(*vcpu));

    vcpu->engine.domain = &domain->engine;
    vcpu->engine.id = id;
    vcpu->frame = allocate(sizeof(*vcpu->frame));
    vcpu_init(&vcpu->engine);
    return &vcpu->engine;
}

struct hv_domain *hv_domain_create(struct machine *machine, unsigned id, enum width width, uint64_t max_frames,
                                   unsigned nr_vcpus)
{
    struct hv_domain *domain = allocate(sizeof(*domain));

    domains++;
    domain->services = allocate(sizeof(*domain->services));
    domain->engine = (struct domain){
        .machine = machine,
        .id = DOMID((uint16_t)id),
        .width = width,
        .max_frames = max_frames + 1,
        .vcpus = domain->vcpus,
        .nr_vcpus = nr_vcpus,
    };
    domain_init(&domain->engine);
    for (unsigned i = 0; i < nr_vcpus; i++)
        domain->vcpus[i] = create_vcpu(domain, i);
    if (domain_populate(&domain->engine, PFN(MACH2PHYS_SHARED), &domain->shared_info_frame) ||
        domain_share(&domain->engine, domain->shared_info_frame))
        abort();
    domain->engine.max_frames = max_frames;
    return domain;
}

void hv_domain_publish(struct hv_domain *domain)
{
    CHECK(!domain->engine.machine->domains[domain->engine.id.v]);
    domain->engine.machine->domains[domain->engine.id.v] = &domain->engine;
}

bool hv_domain_release(struct hv_domain *domain)
{
    uint64_t left;

    domains--;
    domain->engine.machine->domains[domain->engine.id.v] = &domain->engine;
    left = domain_destroy(&domain->engine);
    for (unsigned i = 0; i < domain->engine.nr_vcpus; i++) {
        struct hv_vcpu *vcpu = hv_vcpu_of(domain->vcpus[i]);

        release(vcpu->frame, sizeof(*vcpu->frame));
        release(vcpu, sizeof(*vcpu));
    }
    domain->engine.machine->domains[domain->engine.id.v] = NULL;
    release(domain->services, sizeof(*domain->services));
    release(domain, sizeof(*domain));
    return left == 0;
}
