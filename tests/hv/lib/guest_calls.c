/* SPDX-License-Identifier: MIT */
/* The guest and its calls: guest_calls.h. */
#include <string.h>

#include <engine/engine.h>
#include <tests/hv/lib/call_refused.h>
#include <tests/hv/lib/guest_calls.h>

#define NOWHERE_64 UINT64_C(0x123456789000)
#define NOWHERE_32 UINT64_C(0x10)

struct machine machine;
struct hv_domain domain;
struct hv_vcpu vcpu;
bool preempt_wanted;
unsigned yields;

static struct domain *domains[4];

bool port_preempt_wanted(void)
{
    return preempt_wanted;
}

void port_yield(void)
{
    yields++;
}

void guest_begin(enum width width)
{
    memset(&domain, 0, sizeof(domain));
    memset(&vcpu, 0, sizeof(vcpu));
    guest_memory_reset(&vcpu.engine);
    preempt_wanted = true;
    yields = 0;
    domain.engine.machine = &machine;
    domains[1] = &domain.engine;
    machine.domains = domains;
    machine.nr_domains = 4;
    domain.engine.id = DOMID(1);
    domain.engine.width = width;
    domain.engine.max_frames = domain.engine.nr_frames = 1000;
    vcpu.engine.domain = &domain.engine;
}

int64_t call(call_fn *function, uint64_t first, uint64_t second, uint64_t third)
{
    const uint64_t args[6] = {first, second, third, 0x5555, 0x5555, 0x5555};
    const unsigned before = call_refused_count();

    return call_refused_told(before, function(&vcpu, args));
}

uint64_t at(size_t offset)
{
    return GUEST_MEMORY + offset;
}

uint64_t nowhere(void)
{
    return domain.engine.width == WIDTH_64 ? NOWHERE_64 : NOWHERE_32;
}
