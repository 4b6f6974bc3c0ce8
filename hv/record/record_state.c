/* SPDX-License-Identifier: MIT */
/*
 * The state that the engine finds and the machine keeps: what engine/machine.h calls "set up", the flushes that the
 * machine makes by itself, and what it does to a vCPU.  It is compared with what has been told, at each beginning of an
 * operation.
 */
#include <hv/record/record.h>

#define DOMAINS_MAX 72u /* the machine has numbers for 64, and who is being made has none yet */
#define VCPUS_MAX   32u

struct known_vcpu {
    bool is_told;
    uint64_t flags, cpu;
};

struct known_domain {
    const struct domain *domain;
    uint64_t numbers[6]; /* of its event */
    const struct frame_range *iomem;
    unsigned nr_iomem;
    struct known_vcpu vcpus[VCPUS_MAX];
};

static const struct machine *machine;
static struct known_domain domains[DOMAINS_MAX];
static unsigned nr_domains;
static uint64_t flushed[MAX_CPUS];
static bool goes_on; /* an operation goes on where it has called the machine */

static uint64_t flags_of(const struct domain *domain)
{
    return (domain_find(machine, domain->id) == domain ? RECORD_DOMAIN_LISTED : 0) |
           (domain->privileged ? RECORD_DOMAIN_PRIVILEGED : 0) |
           (domain->writable_tables ? RECORD_DOMAIN_WRITABLE_TABLES : 0) |
           (domain->m2p_strict ? RECORD_DOMAIN_M2P_STRICT : 0) |
           (domain->extended_cr3 ? RECORD_DOMAIN_EXTENDED_CR3 : 0) |
           (domain->linear_tables ? RECORD_DOMAIN_LINEAR_TABLES : 0);
}

static void tell_domain(struct known_domain *known)
{
    const struct domain *domain = known->domain;
    const uint64_t now[6] = {domain->id.v,       domain->width,        flags_of(domain),
                             domain->max_frames, domain->frames_end.v, domain->nr_vcpus};
    bool same = known->iomem == domain->iomem && known->nr_iomem == domain->nr_iomem;

    for (unsigned i = 0; i < ARRAY_SIZE(now); i++) {
        same &= known->numbers[i] == now[i];
        known->numbers[i] = now[i];
    }
    known->iomem = domain->iomem;
    known->nr_iomem = domain->nr_iomem;
    if (!same)
        record_event_bytes(RECORD_DOMAIN, now, domain->iomem, domain->nr_iomem * sizeof(domain->iomem[0]));
}

/* A call begins with "diverted" cleared, so that it matters only where one goes on. */
static uint64_t vcpu_flags(const struct vcpu *vcpu)
{
    return (vcpu->user_mode ? RECORD_VCPU_USER_MODE : 0) | (vcpu->user_cached ? RECORD_VCPU_USER_CACHED : 0) |
           (goes_on && vcpu->diverted ? RECORD_VCPU_DIVERTED : 0);
}

static void tell_vcpu(struct known_vcpu *known, const struct vcpu *vcpu)
{
    uint64_t flags = vcpu_flags(vcpu);

    if (known->is_told && known->flags == flags && known->cpu == vcpu->cpu)
        return;
    *known = (struct known_vcpu){true, flags, vcpu->cpu};
    RECORD_EVENT(VCPU, vcpu->domain->id.v, vcpu->id, flags, vcpu->cpu);
}

static void tell_flushes(void)
{
    for (uint64_t left = machine->tlb.cpus.bits; left; left &= left - 1) {
        unsigned cpu = (unsigned)__builtin_ctzll(left);

        if (flushed[cpu] != machine->tlb.flushed[cpu])
            RECORD_EVENT(FLUSHED, cpu, machine->tlb.now - machine->tlb.flushed[cpu]);
    }
}

static const struct vcpu *vcpu_at(const struct known_domain *known, unsigned index)
{
    return known->domain->vcpus && index < known->domain->nr_vcpus ? known->domain->vcpus[index] : NULL;
}

/* Its memory may be somebody else's by now.  Before it is named first there is no such doubt. */
static bool is_gone(const struct known_domain *known)
{
    return (known->numbers[2] & RECORD_DOMAIN_LISTED) && machine->domains[known->numbers[0]] != known->domain;
}

static void forget_domain(struct known_domain *known)
{
    known->domain = NULL;
    known->numbers[2] &= ~(uint64_t)RECORD_DOMAIN_LISTED;
    record_event_bytes(RECORD_DOMAIN, known->numbers, NULL, 0);
}

void record_state(bool within)
{
    goes_on = within;
    for (unsigned i = 0; i < nr_domains; i++) {
        if (domains[i].domain && is_gone(&domains[i]))
            forget_domain(&domains[i]);
        if (!domains[i].domain)
            continue;
        tell_domain(&domains[i]);
        for (unsigned j = 0; j < domains[i].domain->nr_vcpus && j < VCPUS_MAX; j++) {
            if (vcpu_at(&domains[i], j))
                tell_vcpu(&domains[i].vcpus[j], vcpu_at(&domains[i], j));
        }
    }
    tell_flushes();
}

void record_state_left(void)
{
    goes_on = false;
    for (unsigned i = 0; i < nr_domains; i++) {
        for (unsigned j = 0; domains[i].domain && j < domains[i].domain->nr_vcpus && j < VCPUS_MAX; j++) {
            const struct vcpu *vcpu = vcpu_at(&domains[i], j);

            if (vcpu)
                domains[i].vcpus[j].flags = vcpu_flags(vcpu);
        }
    }
    for (unsigned i = 0; i < MAX_CPUS; i++)
        flushed[i] = machine->tlb.flushed[i];
}

/* A domain that is made where another one was, in the same memory, is told anew. */
void record_know_domain(const struct domain *domain)
{
    unsigned place = 0;

    while (place < nr_domains && domains[place].domain && domains[place].domain != domain)
        place++;
    CHECK(place < DOMAINS_MAX);
    domains[place] = (struct known_domain){.domain = domain, .numbers = {domain->id.v, RECORD_NONE}};
    nr_domains = place < nr_domains ? nr_domains : place + 1;
}

void record_renumber_domain(const struct domain *domain)
{
    for (unsigned i = 0; i < nr_domains; i++) {
        if (domains[i].domain == domain)
            domains[i].numbers[0] = domain->id.v;
    }
}

/* Runs of frames with one owner; what is nobody's RAM is left out. */
static void tell_ranges(void)
{
    for (uint64_t first = 0, end; first < machine->nr_frames; first = end) {
        uint16_t owner = frame_owner(&machine->frames[first]);

        for (end = first + 1; end < machine->nr_frames && frame_owner(&machine->frames[end]) == owner;)
            end++;
        if (owner != DOMID_IO)
            RECORD_EVENT(RANGE, first, end - first, owner);
    }
}

void record_machine(const struct machine *of)
{
    uint64_t slots[HYPERVISOR_ROOT_SLOTS + HYPERVISOR_COMPAT_SLOTS];
    const uint64_t numbers[] = {of->nr_frames, of->phys_bits, of->l1tf, of->tlb.cpus.bits, of->nr_domains};

    machine = of;
    for (unsigned i = 0; i < ARRAY_SIZE(slots); i++)
        slots[i] = i < HYPERVISOR_ROOT_SLOTS ? of->root_slots[i] : of->compat_slots[i - HYPERVISOR_ROOT_SLOTS];
    record_event_bytes(RECORD_MACHINE, numbers, slots, sizeof(slots));
    tell_ranges();
}
