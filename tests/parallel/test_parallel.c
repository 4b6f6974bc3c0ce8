/* SPDX-License-Identifier: MIT */
/*
 * The engine under real threads: three domains, one of them privileged, two vCPUs each, all at the same instant on each
 * other's frames, under ThreadSanitizer.  The hosted machine runs one vCPU at a time; here it is the locks, and what is
 * shared without them, that are looked at, and what processors have cached (lib/tlb.h).  So the rest of the port is the
 * least that will do: the memory that hypercalls read is a buffer of each thread.
 *
 * PARAVANE_PARALLEL_CALLS: hypercalls of each vCPU, 8000 if not set.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/hypercall.h>
#include <abi/memory.h>
#include <abi/mmu.h>

#include <engine/linear.h>

#include <tests/parallel/lib/parallel.h>
#include <tests/parallel/lib/tlb.h>

#define ACCESSES 8u /* between two hypercalls */

struct parallel *parallel;
static __thread uint64_t random_state;
static __thread uint8_t buffer[BUFFER_SIZE];
static __thread unsigned long succeeded;
static __thread unsigned this_cpu = MAX_CPUS; /* MAX_CPUS: of no vCPU's */

uint64_t random_below(uint64_t bound)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(0x2545f4914f6cdd1d) % bound;
}

/*
 * ---- The port.
 */

void *port_frame_map(mfn_t mfn)
{
    return parallel->ram + mfn.v * PAGE_SIZE;
}

/*
 * What guests have cleared or copied without a lock, others may write meanwhile: that is between the guests, and
 * nothing for the sanitizer, which would see into memset() and memmove().
 */
__attribute__((no_sanitize("thread"), noinline)) void port_frame_clear(mfn_t mfn)
{
    volatile uint64_t *words = port_frame_map(mfn);

    for (unsigned i = 0; i < PAGE_SIZE / sizeof(*words); i++)
        words[i] = 0;
}

__attribute__((no_sanitize("thread"), noinline)) void port_frame_copy(mfn_t to, unsigned to_offset, mfn_t from,
                                                                      unsigned from_offset, unsigned size)
{
    volatile uint8_t *dest = (uint8_t *)port_frame_map(to) + to_offset;
    const volatile uint8_t *source = (const uint8_t *)port_frame_map(from) + from_offset;
    bool forwards = dest <= source;

    for (unsigned i = 0; i < size; i++) {
        unsigned at = forwards ? i : size - 1 - i;

        dest[at] = source[at];
    }
}

static bool all_pooled(uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (!parallel->pool[first + i])
            return false;
    }
    return true;
}

/* Under the pool's lock. */
static void set_pooled(uint64_t first, unsigned order, bool pooled)
{
    for (uint64_t i = 0; i < UINT64_C(1) << order; i++)
        parallel->pool[first + i] = pooled;
    parallel->pooled += pooled ? 1u << order : -(1u << order);
}

bool port_pool_take(unsigned order, mfn_t end, mfn_t *first)
{
    uint64_t size = UINT64_C(1) << order, start = random_below(FRAMES) & ~(size - 1);
    bool found = false;

    pthread_mutex_lock(&parallel->pool_lock);
    for (uint64_t i = 0; !found && i < FRAMES; i += size) {
        *first = MFN((start + i) % FRAMES);
        found = first->v + size <= end.v && all_pooled(first->v, size);
    }
    if (found)
        set_pooled(first->v, order, false);
    pthread_mutex_unlock(&parallel->pool_lock);
    return found;
}

void port_pool_give(mfn_t first, unsigned order)
{
    pthread_mutex_lock(&parallel->pool_lock);
    set_pooled(first.v, order, true);
    pthread_mutex_unlock(&parallel->pool_lock);
}

unsigned port_pool_take_some(unsigned count, mfn_t end, mfn_t *mfns)
{
    unsigned taken = 0;

    while (taken < count && port_pool_take(0, end, &mfns[taken]))
        taken++;
    return taken;
}

void port_pool_give_some(const mfn_t *mfns, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        port_pool_give(mfns[i], 0);
}

/* A flush may be long in coming: others go on, and the own processor reads ahead and writes until then. */
static void linger(void)
{
    if (this_cpu == MAX_CPUS || random_below(2))
        return;
    sched_yield();
    tlb_access(this_cpu);
}

void port_tlb_flush(cpumask_t cpus)
{
    linger();
    tlb_forget(cpus);
}

void port_tlb_flush_page(cpumask_t cpus, vaddr_t vaddr)
{
    tlb_forget_page(cpus, vaddr);
}

void port_cache_flush(cpumask_t cpus)
{
    (void)cpus;
}

void port_root_load(struct vcpu *vcpu)
{
    linger();
    tlb_load_root(vcpu->cpu, vcpu_root(vcpu));
}

void port_mode_load(struct vcpu *vcpu)
{
    linger();
    tlb_change_mode(vcpu->cpu, vcpu_root(vcpu));
}

void port_ldt_load(struct vcpu *vcpu)
{
    (void)vcpu;
}

void port_window_set(struct vcpu *vcpu, unsigned page, mfn_t mfn)
{
    (void)vcpu;
    (void)page;
    (void)mfn;
}

static uint8_t *in_buffer(vaddr_t vaddr, size_t size)
{
    if (vaddr.v < BUFFER_BASE || vaddr.v + size > BUFFER_BASE + BUFFER_SIZE)
        return NULL;
    return buffer + (vaddr.v - BUFFER_BASE);
}

bool port_copy_from_guest(struct vcpu *vcpu, void *to, vaddr_t from, size_t size)
{
    const uint8_t *bytes = in_buffer(from, size);

    (void)vcpu;
    if (bytes)
        memcpy(to, bytes, size);
    return bytes;
}

bool port_copy_to_guest(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    uint8_t *bytes = in_buffer(to, size);

    (void)vcpu;
    if (bytes)
        memcpy(bytes, from, size);
    return bytes;
}

void port_lock(struct domain *domain)
{
    pthread_mutex_lock(&parallel->locks[domain->id.v]);
}

void port_unlock(struct domain *domain)
{
    pthread_mutex_unlock(&parallel->locks[domain->id.v]);
}

/* A processor reads ahead wherever it is. */
bool port_preempt_wanted(void)
{
    if (this_cpu != MAX_CPUS)
        tlb_access(this_cpu);
    return random_below(4) == 0;
}

void port_yield(void)
{
    sched_yield();
}

int64_t port_hypercall(struct vcpu *vcpu, uint64_t number, const uint64_t args[6])
{
    (void)vcpu;
    (void)number;
    (void)args;
    return -XEN_ENOSYS;
}

void port_refused(const struct refusal *refusal)
{
    (void)refusal;
}

void port_promoted(const struct op *op, const struct frame *frame)
{
    (void)op;
    (void)frame;
}

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}

/*
 * ---- What the guests do.
 */

__attribute__((no_sanitize("thread"), noinline)) uint64_t pick_frame(unsigned owner, enum frame_type type)
{
    uint64_t mfn = 0;

    for (unsigned i = 0; i < 400; i++) {
        const struct frame *frame = &parallel->machine.frames[mfn = random_below(FRAMES)];

        if (*(const volatile uint16_t *)&frame->owner == owner &&
            (type == TYPE_NONE || *(const volatile uint32_t *)&frame->type.v >> TYPE_SHIFT == type))
            break;
    }
    return mfn;
}

void *call_buffer(void)
{
    return buffer;
}

int64_t call(struct vcpu *vcpu, unsigned number, uint64_t arg0, uint64_t arg1, uint64_t arg2, uint64_t arg3)
{
    const uint64_t args[6] = {arg0, arg1, arg2, arg3, 0, 0};

    return engine_hypercall(vcpu, number, args);
}

/* The caller itself, or, if it may, another one. */
static unsigned pick_domain(const struct vcpu *vcpu)
{
    return vcpu->domain->privileged && random_below(3) == 0 ? (unsigned)random_below(DOMAINS) : vcpu->domain->id.v;
}

static uint64_t domid_of(const struct vcpu *vcpu, unsigned domain)
{
    return domain == vcpu->domain->id.v ? DOMID_SELF : domain;
}

static int64_t do_update(struct vcpu *vcpu)
{
    unsigned pg = pick_domain(vcpu), pt = pick_domain(vcpu), count = 1 + (unsigned)random_below(8);

    for (unsigned i = 0; i < count; i++) {
        unsigned level = 1 + (unsigned)random_below(4);
        bool linear = level > 1 && random_below(4) == 0;
        uint64_t child = pick_frame(pg, level == 1 ? TYPE_NONE : (enum frame_type)(level - !linear));
        uint64_t flags = random_below(4) == 0 ? 0 : 0x65 | (random_below(8) < (linear ? 1 : 7) ? 2 : 0);
        const struct mmu_update request = {(pick_frame(pt, (enum frame_type)level) << PAGE_SHIFT) +
                                               random_below(TLB_SLOTS) * 8,
                                           child << PAGE_SHIFT | flags};

        memcpy(buffer + i * sizeof(request), &request, sizeof(request));
    }
    return call(vcpu, __HYPERVISOR_mmu_update, BUFFER_BASE, count, 0,
                (pt == vcpu->domain->id.v ? 0 : (uint64_t)(pt + 1) << 16) | domid_of(vcpu, pg));
}

static int64_t do_mmuext(struct vcpu *vcpu)
{
    static const uint32_t commands[] = {
        MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE, MMUEXT_PIN_L4_TABLE, MMUEXT_UNPIN_TABLE,
        MMUEXT_UNPIN_TABLE,  MMUEXT_CLEAR_PAGE,   MMUEXT_COPY_PAGE,    MMUEXT_NEW_BASEPTR,  MMUEXT_NEW_USER_BASEPTR};
    unsigned domain = pick_domain(vcpu);
    struct mmuext_op ext = {.cmd = commands[random_below(ARRAY_SIZE(commands))]};

    ext.arg1.mfn = pick_frame(domain, ext.cmd <= MMUEXT_PIN_L4_TABLE ? (enum frame_type)(ext.cmd + 1) : TYPE_NONE);
    ext.arg2.src_mfn = pick_frame(domain, TYPE_NONE);
    memcpy(buffer, &ext, sizeof(ext));
    return call(vcpu, __HYPERVISOR_mmuext_op, BUFFER_BASE, 1, 0, domid_of(vcpu, domain));
}

/* Is a frame one of those that its domain needs to the end? */
static bool is_kept(unsigned domain, uint64_t mfn)
{
    for (unsigned i = 0; i < ARRAY_SIZE(parallel->trees[domain]); i++) {
        if (parallel->trees[domain][i].v == mfn)
            return true;
    }
    return false;
}

static int64_t do_memory(struct vcpu *vcpu)
{
    uint64_t given = pick_frame(vcpu->domain->id.v, TYPE_NONE);
    bool decrease = random_below(2) && !is_kept(vcpu->domain->id.v, given);
    uint64_t extent = decrease ? given : random_below(1000);
    const struct xen_memory_reservation reservation = {
        .extent_start = BUFFER_BASE + LIST_OFFSET, .nr_extents = 1, .domid = DOMID_SELF};

    memcpy(buffer, &reservation, sizeof(reservation));
    memcpy(buffer + LIST_OFFSET, &extent, sizeof(extent));
    return call(vcpu, __HYPERVISOR_memory_op, decrease ? XENMEM_decrease_reservation : XENMEM_populate_physmap,
                BUFFER_BASE, 0, 0) -
           1;
}

/* To user mode and back; not in the domain that is destroyed under way, which no other vCPU would run in by then. */
static int64_t do_modes(struct vcpu *vcpu)
{
    if ((parallel->destroy && vcpu->domain->id.v == 2) || mfn_is_none(vcpu->user_root) || vcpu_enter_user(vcpu))
        return -1;
    for (unsigned n = 0; n < ACCESSES; n++)
        tlb_access(vcpu->cpu);
    vcpu_enter_kernel(vcpu);
    return 0;
}

static void *run_vcpu(void *arg)
{
    static int64_t (*const calls[])(struct vcpu *) = {do_update, do_update, do_mmuext, do_memory, do_retype,
                                                      do_retype, do_retype, do_grants, do_grants, do_modes};
    struct vcpu *vcpu = arg;
    unsigned me = vcpu->domain->id.v * VCPUS + vcpu->id;

    random_state = (me + 1) * UINT64_C(0x9e3779b97f4a7c15);
    this_cpu = vcpu->cpu;
    succeeded = 0;
    for (unsigned long i = 0; i < parallel->calls; i++) {
        if (parallel->destroy && me == 2 * VCPUS && i == parallel->calls / 2) {
            domain_destroy(vcpu->domain);
            break;
        }
        succeeded += calls[random_below(ARRAY_SIZE(calls))](vcpu) == 0;
        for (unsigned n = 0; n < ACCESSES; n++)
            tlb_access(vcpu->cpu);
    }
    return (void *)(uintptr_t)succeeded;
}

/*
 * ---- The machine, and the test.
 */

/* Put @child into slot 0 of @table. */
static void link_table(struct vcpu *vcpu, mfn_t table, mfn_t child)
{
    const struct mmu_update request = {table.v << PAGE_SHIFT, child.v << PAGE_SHIFT | 0x67};

    memcpy(buffer, &request, sizeof(request));
    assert_int_equal(call(vcpu, __HYPERVISOR_mmu_update, BUFFER_BASE, 1, 0, DOMID_SELF), 0);
}

/* All vCPUs of a domain begin on one tree of tables; what becomes of it is theirs. */
static void make_tree(struct domain *domain)
{
    const mfn_t *frames = parallel->trees[domain->id.v];
    struct mmuext_op ext = {.cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = frames[3].v};

    memcpy(buffer, &ext, sizeof(ext));
    assert_int_equal(call(domain->vcpus[0], __HYPERVISOR_mmuext_op, BUFFER_BASE, 1, 0, DOMID_SELF), 0);
    for (unsigned level = 4; level > 1; level--)
        link_table(domain->vcpus[0], frames[level - 1], frames[level - 2]);
    ext.cmd = MMUEXT_NEW_BASEPTR;
    memcpy(buffer, &ext, sizeof(ext));
    for (unsigned i = 0; i < domain->nr_vcpus; i++)
        assert_int_equal(call(domain->vcpus[i], __HYPERVISOR_mmuext_op, BUFFER_BASE, 1, 0, DOMID_SELF), 0);
    ext.cmd = MMUEXT_NEW_USER_BASEPTR;
    memcpy(buffer, &ext, sizeof(ext));
    for (unsigned i = 0; i < domain->nr_vcpus; i++)
        assert_int_equal(call(domain->vcpus[i], __HYPERVISOR_mmuext_op, BUFFER_BASE, 1, 0, DOMID_SELF), 0);
}

static void make_domain(unsigned id)
{
    struct domain *domain = &parallel->domains[id];
    pthread_mutex_init(&parallel->locks[id], NULL);
    *domain = (struct domain){.machine = &parallel->machine,
                              .id = DOMID((uint16_t)id),
                              .width = WIDTH_64,
                              .privileged = id == 0,
                              .linear_tables = id != 2,
                              .max_frames = DOMAIN_MAX,
                              .vcpus = parallel->vcpu_table[id],
                              .nr_vcpus = VCPUS};
    domain_init(domain);
    parallel->domain_table[id] = domain;
    for (unsigned i = 0; i < VCPUS; i++) {
        parallel->vcpus[id][i] = (struct vcpu){.domain = domain, .id = i, .cpu = id * VCPUS + i};
        parallel->machine.tlb.runs[id * VCPUS + i] = domain;
        vcpu_init(&parallel->vcpus[id][i]);
        parallel->vcpu_table[id][i] = &parallel->vcpus[id][i];
    }
    for (unsigned i = 0; i < DOMAIN_SIZE; i++) {
        mfn_t mfn;

        assert_int_equal(domain_populate(domain, PFN(i), &mfn), 0);
        if (i < ARRAY_SIZE(parallel->trees[id]))
            parallel->trees[id][i] = mfn;
    }
    assert_int_equal(domain_grants_create(domain, MFN_NONE, MFN_NONE), 0);
    make_tree(domain);
}

static void make_machine(bool destroy)
{
    const char *calls = getenv("PARAVANE_PARALLEL_CALLS");
    struct machine *machine;

    parallel = calloc(1, sizeof(*parallel));
    assert_non_null(parallel);
    machine = &parallel->machine;
    parallel->calls = calls ? strtoul(calls, NULL, 10) : 8000;
    parallel->destroy = destroy;
    parallel->ram = aligned_alloc(PAGE_SIZE, FRAMES * PAGE_SIZE);
    *machine = (struct machine){.frames = calloc(FRAMES, sizeof(struct frame)),
                                .nr_frames = FRAMES,
                                .m2p = calloc(FRAMES, sizeof(uint64_t)),
                                .compat_m2p = calloc(FRAMES, sizeof(uint32_t)),
                                .domains = parallel->domain_table,
                                .nr_domains = DOMAINS,
                                .phys_bits = 40};
    machine->tlb.cpus.bits = (1u << (DOMAINS * VCPUS)) - 1;
    pthread_mutex_init(&parallel->pool_lock, NULL);
    machine_init(machine);
    tlb_create();
    machine_reserve(machine, MFN(0), RESERVED);
    machine_add_ram(machine, MFN(RESERVED), FRAMES - RESERVED);
    for (unsigned i = RESERVED; i < FRAMES; i++)
        set_pooled(i, 0, true);
    random_state = 1;
    for (unsigned i = 0; i < DOMAINS; i++)
        make_domain(i);
}

static void run_vcpus(void)
{
    pthread_t threads[DOMAINS * VCPUS];

    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_vcpu, &parallel->vcpus[i / VCPUS][i % VCPUS]), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        void *done;

        assert_int_equal(pthread_join(threads[i], &done), 0);
        print_message("domain %u vCPU %u: %lu of %lu calls succeeded\n", i / VCPUS, i % VCPUS,
                      (unsigned long)(uintptr_t)done, parallel->calls);
        assert_true(done);
    }
    check_grants();
}

/* All counts are what they should be, and everything comes back. */
static void check_and_end(void)
{
    struct machine *machine = &parallel->machine;
    struct audit_counts *counts = calloc(FRAMES, sizeof(*counts));
    struct audit_finding finding;
    unsigned links = 0;

    for (unsigned i = 0; i < FRAMES; i++)
        links += linear_is_source(&machine->frames[i]) ? linear_count(&machine->frames[i]) : 0;
    print_message("%u links between tables of a level are left\n", links);
    if (!audit_machine(machine, counts, &finding))
        fail_msg("%s: frame %lu, expected %lu, found %lu", finding.invariant, (unsigned long)finding.frame.v,
                 (unsigned long)finding.expected, (unsigned long)finding.found);
    for (unsigned i = 0; i < DOMAINS; i++) {
        if (!domain_is_dying(&parallel->domains[i]))
            domain_destroy(&parallel->domains[i]);
    }
    assert_int_equal(parallel->pooled, FRAMES - RESERVED);
    for (unsigned i = 0; i < DOMAINS; i++)
        assert_int_equal(parallel->domains[i].nr_frames, 0);
    tlb_destroy();
    free(counts);
    free(machine->frames);
    free(machine->m2p);
    free(machine->compat_m2p);
    free(parallel->ram);
    free(parallel);
}

static void test_at_the_same_instant(void **state)
{
    (void)state;
    make_machine(false);
    run_vcpus();
    check_and_end();
}

static void test_while_one_is_destroyed(void **state)
{
    (void)state;
    make_machine(true);
    run_vcpus();
    check_and_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_the_same_instant),
        cmocka_unit_test(test_while_one_is_destroyed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
