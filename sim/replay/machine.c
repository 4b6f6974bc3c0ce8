/* SPDX-License-Identifier: MIT */
/* What a recording says of machine, domains and vCPUs, in order: the machine; domains; vCPUs; frames. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sim/replay/replay.h>

#define FRAMES_MAX (UINT64_C(1) << 32)
#define VCPUS_MAX  64u

struct replayed_domain {
    struct domain domain;
    bool is_gone, is_listed;
    struct replayed_domain *next;
    struct vcpu *table[VCPUS_MAX];
    struct vcpu vcpus[VCPUS_MAX];
};

static struct replayed_domain *domains;

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (!memory)
        tell_end(REPLAY_NO_FILE, "there is no memory for a machine as large as the recorded one");
    return memory;
}

/* ---- The machine. */

static bool take_machine(const struct record_event *event)
{
    struct machine *machine = &replay.machine;
    uint64_t nr_frames = event->number[0], nr_domains = event->number[4];
    struct record_reader words = record_reader(event->bytes, event->size);
    void *ram;

    if (machine->frames || !nr_frames || nr_frames > FRAMES_MAX || nr_domains > DOMID_FIRST_RESERVED ||
        event->number[1] < 36 || event->number[1] > 52 || !event->number[3])
        return false;
    ram = mmap(NULL, nr_frames * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ram == MAP_FAILED)
        tell_end(REPLAY_NO_FILE, "there is no memory for a machine as large as the recorded one");
    replay.ram = ram;
    machine->nr_frames = nr_frames;
    machine->phys_bits = (unsigned)event->number[1];
    machine->l1tf = event->number[2];
    machine->tlb.cpus.bits = event->number[3];
    machine->nr_domains = (unsigned)nr_domains;
    machine->frames = allocate(nr_frames, sizeof(*machine->frames));
    machine->m2p = allocate(nr_frames, sizeof(*machine->m2p));
    machine->compat_m2p = allocate(nr_frames, sizeof(*machine->compat_m2p));
    replay.promoted = allocate(nr_frames, sizeof(*replay.promoted));
    machine->domains = allocate(nr_domains + 1, sizeof(machine->domains[0]));
    for (unsigned i = 0; i < HYPERVISOR_ROOT_SLOTS; i++)
        machine->root_slots[i] = record_word(&words);
    for (unsigned i = 0; i < HYPERVISOR_COMPAT_SLOTS; i++)
        machine->compat_slots[i] = record_word(&words);
    machine_init(machine);
    return !words.is_broken;
}

static bool take_range(const struct record_event *event)
{
    uint64_t first = event->number[0], count = event->number[1], limit = replay.machine.nr_frames;

    if (first >= limit || count > limit - first || (first == 0 && replay.machine.l1tf))
        return false;
    if (event->number[2] == OWNER_NONE)
        machine_add_ram(&replay.machine, MFN(first), count);
    else if (event->number[2] == DOMID_XEN)
        machine_reserve(&replay.machine, MFN(first), count);
    else
        return false;
    return true;
}

static bool take_flush(const struct record_event *event)
{
    if (event->number[0] >= MAX_CPUS || event->number[1] > replay.machine.tlb.now)
        return false;
    if (replay.judges)
        caches_flush();
    tlb_flush_end_one(&replay.machine, (unsigned)event->number[0], replay.machine.tlb.now - event->number[1]);
    return true;
}

/* ---- Domains. */

static struct replayed_domain *find(uint64_t id)
{
    struct replayed_domain *found = domains;

    while (found && (found->is_gone || found->domain.id.v != id))
        found = found->next;
    return found;
}

static struct replayed_domain *make(uint64_t id)
{
    struct replayed_domain *made = allocate(1, sizeof(*made));

    made->next = domains;
    domains = made;
    made->domain.machine = &replay.machine;
    made->domain.id = DOMID((uint16_t)id);
    made->domain.vcpus = made->table;
    for (unsigned i = 0; i < VCPUS_MAX; i++) {
        made->table[i] = &made->vcpus[i];
        made->vcpus[i].domain = &made->domain;
        made->vcpus[i].id = i;
    }
    return made;
}

static void list(struct replayed_domain *to, bool is_listed)
{
    struct domain **place = &replay.machine.domains[to->domain.id.v];

    to->is_gone = to->is_listed && !is_listed;
    to->is_listed = is_listed;
    *place = is_listed ? &to->domain : *place == &to->domain ? NULL : *place;
}

static void take_iomem(struct domain *domain, const struct record_event *event)
{
    size_t count = event->size / sizeof(struct frame_range);
    struct frame_range *ranges = allocate(count + 1, sizeof(*ranges));

    memcpy(ranges, event->bytes, count * sizeof(*ranges));
    free((void *)(uintptr_t)domain->iomem);
    domain->iomem = ranges;
    domain->nr_iomem = (unsigned)count;
}

static bool take_domain(const struct record_event *event)
{
    const uint64_t *number = event->number;
    struct replayed_domain *to;

    if (number[0] >= replay.machine.nr_domains || number[1] > WIDTH_PAE || number[5] > VCPUS_MAX)
        return false;
    to = find(number[0]);
    if (!to)
        to = make(number[0]);
    to->domain.width = (enum width)number[1];
    to->domain.privileged = number[2] & RECORD_DOMAIN_PRIVILEGED;
    to->domain.writable_tables = number[2] & RECORD_DOMAIN_WRITABLE_TABLES;
    to->domain.m2p_strict = number[2] & RECORD_DOMAIN_M2P_STRICT;
    to->domain.extended_cr3 = number[2] & RECORD_DOMAIN_EXTENDED_CR3;
    to->domain.linear_tables = number[2] & RECORD_DOMAIN_LINEAR_TABLES;
    to->domain.max_frames = number[3];
    to->domain.frames_end = MFN(number[4]);
    to->domain.nr_vcpus = (unsigned)number[5];
    take_iomem(&to->domain, event);
    list(to, number[2] & RECORD_DOMAIN_LISTED);
    return true;
}

bool machine_is_whole(void)
{
    const struct replayed_domain *domain = domains;

    while (domain && (domain->is_gone || domain->is_listed))
        domain = domain->next;
    return replay.machine.frames && !domain;
}

struct domain *machine_domain(uint64_t id)
{
    struct replayed_domain *found = find(id);

    if (!found)
        tell_end(REPLAY_NO_FILE, "the recording is damaged: it has nothing of domain %llu", (unsigned long long)id);
    return &found->domain;
}

/* ---- vCPUs. */

struct vcpu *machine_vcpu(uint64_t domain, uint64_t vcpu)
{
    if (vcpu >= VCPUS_MAX)
        tell_end(REPLAY_NO_FILE, "the recording is damaged: vCPU %llu", (unsigned long long)vcpu);
    return machine_domain(domain)->vcpus[vcpu];
}

static bool take_vcpu(const struct record_event *event)
{
    struct vcpu *vcpu = machine_vcpu(event->number[0], event->number[1]);

    if (event->number[3] >= MAX_CPUS)
        return false;
    if (replay.judges && vcpu->user_mode != !!(event->number[2] & RECORD_VCPU_USER_MODE))
        caches_flush_local();
    vcpu->user_mode = event->number[2] & RECORD_VCPU_USER_MODE;
    vcpu->user_cached = event->number[2] & RECORD_VCPU_USER_CACHED;
    vcpu->diverted = event->number[2] & RECORD_VCPU_DIVERTED;
    vcpu->cpu = (unsigned)event->number[3];
    return true;
}

/* ---- Frames. */

uint64_t *machine_frame(uint64_t mfn)
{
    if (mfn >= replay.machine.nr_frames)
        tell_end(REPLAY_NO_FILE, "the recording is damaged: it has contents of frame %llx, of which there is none",
                 (unsigned long long)mfn);
    return (uint64_t *)(void *)(replay.ram + mfn * PAGE_SIZE);
}

bool machine_take_in(const struct record_event *event)
{
    if (event->kind != RECORD_MACHINE && !replay.machine.frames)
        return false;
    switch (event->kind) {
    case RECORD_MACHINE:
        return take_machine(event);
    case RECORD_RANGE:
        return take_range(event);
    case RECORD_FLUSHED:
        return take_flush(event);
    case RECORD_DOMAIN:
        return take_domain(event);
    case RECORD_VCPU:
        return take_vcpu(event);
    case RECORD_TIME:
        return true;
    default:
        return false;
    }
}
