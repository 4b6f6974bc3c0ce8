/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_mmuext_op: every command's success, each error that the ABI names.  Pins and roots: see their files. */
#include <string.h>

#include <abi/errno.h>

#include <tests/unit/lib/unit.h>

#define VCPUS 3u

static void create_with(struct unit *unit, void **state, bool devices)
{
    unit_create(
        unit, &(struct unit_config){.width = unit_width(state), .nr_vcpus = VCPUS, .nr_guests = 2, .devices = devices});
}

static void create(struct unit *unit, void **state)
{
    create_with(unit, state, false);
}

static int64_t command(struct unit *unit, unsigned cmd, uint64_t arg1, uint64_t arg2)
{
    const struct mmuext_op op = {.cmd = cmd, .arg1.linear_addr = arg1, .arg2.src_mfn = arg2};

    return guest_mmuext(unit->vcpu, &op, 1, NULL, DOMID_SELF);
}

/* ---- Flushes. */

/* Processors that saw a full flush (bits 0-7), a flush of one page (8-15), a cache flush (16-23) since @before. */
static uint32_t seen(const struct unit *unit, const struct sim_cpu *before)
{
    uint32_t bits = 0;

    for (unsigned i = 0; i < VCPUS; i++) {
        bits |= (uint32_t)(unit->sim->cpus[i].full_flushes > before[i].full_flushes) << i;
        bits |= (uint32_t)(unit->sim->cpus[i].page_flushes > before[i].page_flushes) << (8 + i);
        bits |= (uint32_t)(unit->sim->cpus[i].cache_flushes > before[i].cache_flushes) << (16 + i);
    }
    return bits;
}

#define assert_flushes(unit, call, expected)               \
    do {                                                   \
        struct sim_cpu before[VCPUS];                      \
        memcpy(before, (unit)->sim->cpus, sizeof(before)); \
        assert_int_equal(call, 0);                         \
        assert_int_equal(seen(unit, before), expected);    \
    } while (0)

/* Shows mmuext_op.flush-all, mmuext_op.flush-multi, mmuext_op.invlpg, mmuext_op.invlpg-multi. */
static void test_flushes(void **state)
{
    struct unit unit;
    uint64_t mask, page;

    create(&unit, state);
    page = unit_window(&unit, 5).v;
    mask = guest_put(unit.vcpu, &(uint32_t){0xfffffffc}, 4).v; /* vCPU 2, and many that do not exist */
    assert_flushes(&unit, command(&unit, MMUEXT_TLB_FLUSH_LOCAL, 0, 0), 0x1);
    assert_flushes(&unit, command(&unit, MMUEXT_TLB_FLUSH_ALL, 0, 0), 0x7);
    assert_flushes(&unit, command(&unit, MMUEXT_TLB_FLUSH_MULTI, 0, mask), 0x4);
    assert_flushes(&unit, command(&unit, MMUEXT_INVLPG_LOCAL, page, 0), 0x100);
    assert_flushes(&unit, command(&unit, MMUEXT_INVLPG_ALL, page, 0), 0x700);
    assert_flushes(&unit, command(&unit, MMUEXT_INVLPG_MULTI, page, mask), 0x400);
    unit_destroy(&unit);
}

static bool was_locked;

static void note_lock(struct sim *sim, cpumask_t cpus)
{
    (void)cpus;
    was_locked = sim->domains[0].lock_owner;
}

/* The flush in a list of its own, and behind a command for which the list has the lock. */
static void assert_locked(struct unit *unit, unsigned cmd, uint64_t arg1, uint64_t arg2, bool expected)
{
    const struct mmuext_op ops[] = {
        {.cmd = MMUEXT_CLEAR_PAGE, .arg1.mfn = unit_page(unit).v},
        {.cmd = cmd, .arg1.linear_addr = arg1, .arg2.src_mfn = arg2},
    };

    was_locked = true;
    assert_int_equal(guest_mmuext(unit->vcpu, &ops[1], 1, NULL, DOMID_SELF), 0);
    assert_false(was_locked);
    was_locked = !expected;
    assert_int_equal(guest_mmuext(unit->vcpu, ops, ARRAY_SIZE(ops), NULL, DOMID_SELF), 0);
    assert_int_equal(was_locked, expected);
}

/* None needs the lock; while others are waited for, they may have it; nobody drops it for itself. */
static void test_flush_and_lock(void **state)
{
    struct unit unit;
    uint64_t others, mine, page;

    create(&unit, state);
    unit.sim->on_flush = note_lock;
    page = unit_window(&unit, 5).v;
    others = guest_put(unit.vcpu, &(uint32_t){6}, 4).v;
    assert_locked(&unit, MMUEXT_TLB_FLUSH_ALL, 0, 0, false);
    assert_locked(&unit, MMUEXT_TLB_FLUSH_LOCAL, 0, 0, true);
    assert_locked(&unit, MMUEXT_TLB_FLUSH_MULTI, 0, others, false);
    assert_locked(&unit, MMUEXT_INVLPG_LOCAL, page, 0, true);
    assert_locked(&unit, MMUEXT_INVLPG_ALL, page, 0, false);
    mine = guest_put(unit.vcpu, &(uint32_t){1}, 4).v;
    assert_locked(&unit, MMUEXT_INVLPG_MULTI, page, mine, true);
    unit.sim->on_flush = NULL;
    unit_destroy(&unit);
}

/* Addresses that a guest cannot map are ignored, and succeed.  Shows mmuext_op.invlpg-nowhere. */
static void test_flush_of_nowhere(void **state)
{
    static const uint64_t wide[] = {0x800000000000, HYPERVISOR_VIRT_START, HYPERVISOR_VIRT_END - 1, 1ul << 63};
    static const uint64_t narrow[] = {0xf5800000, 0xffffffff};
    bool pae = unit_width(state) == WIDTH_PAE;
    struct unit unit;
    uint64_t mask;

    create(&unit, state);
    mask = guest_put(unit.vcpu, &(uint32_t){7}, 4).v;
    for (unsigned i = 0; i < (pae ? ARRAY_SIZE(narrow) : ARRAY_SIZE(wide)); i++) {
        uint64_t address = pae ? narrow[i] : wide[i];

        assert_flushes(&unit, command(&unit, MMUEXT_INVLPG_LOCAL, address, 0), 0);
        assert_flushes(&unit, command(&unit, MMUEXT_INVLPG_ALL, address, 0), 0);
        assert_flushes(&unit, command(&unit, MMUEXT_INVLPG_MULTI, address, mask), 0);
    }
    unit_destroy(&unit);
}

/* Shows mmuext_op.flush-mask, mmuext_op.invlpg-mask. */
static void test_flush_masks(void **state)
{
    struct unit unit;

    create(&unit, state);
    assert_refused(&unit, command(&unit, MMUEXT_TLB_FLUSH_MULTI, 0, unit_window(&unit, 5).v), XEN_EINVAL,
                   REFUSE_VCPU_MASK);
    assert_refused(&unit, command(&unit, MMUEXT_INVLPG_MULTI, unit_window(&unit, 5).v, 0xf5800000), XEN_EINVAL,
                   REFUSE_VCPU_MASK);
    unit_destroy(&unit);
}

/*
 * Caches: only for those who share memory with devices.  Shows mmuext_op.flush-cache, mmuext_op.flush-cache-refused,
 * mmuext_op.flush-cache-global-refused.
 */
static void test_caches(void **state)
{
    struct unit unit;

    create_with(&unit, state, true);
    assert_flushes(&unit, command(&unit, MMUEXT_FLUSH_CACHE, 0, 0), 0x70000);
    assert_flushes(&unit, command(&unit, MMUEXT_FLUSH_CACHE_GLOBAL, 0, 0), 0x70000);
    unit_destroy(&unit);
    create(&unit, state);
    assert_refused(&unit, command(&unit, MMUEXT_FLUSH_CACHE, 0, 0), XEN_EACCES, REFUSE_CACHE_RIGHTS);
    assert_refused(&unit, command(&unit, MMUEXT_FLUSH_CACHE_GLOBAL, 0, 0), XEN_EINVAL, REFUSE_CACHE_RIGHTS);
    unit_destroy(&unit);
}

/* ---- Clearing and copying. */

/* Shows mmuext_op.clear. */
static void test_clear(void **state)
{
    struct unit unit;
    mfn_t page, idle;

    create(&unit, state);
    page = unit_page(&unit);
    idle = unit_idle_page(&unit);
    memset(unit_entries(&unit, page), 0x33, PAGE_SIZE);
    memset(unit_entries(&unit, idle), 0x44, PAGE_SIZE);
    assert_int_equal(command(&unit, MMUEXT_CLEAR_PAGE, page.v, 0), 0);
    assert_int_equal(command(&unit, MMUEXT_CLEAR_PAGE, idle.v, 0), 0);
    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++)
        assert_int_equal(unit_entries(&unit, page)[i] | unit_entries(&unit, idle)[i], 0);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    assert_counts(&unit, idle, 1, TYPE_NONE, 0);
    unit_destroy(&unit);
}

/* Shows mmuext_op.copy. */
static void test_copy(void **state)
{
    struct unit unit;
    mfn_t page, idle, root;

    create(&unit, state);
    page = unit_page(&unit);
    idle = unit_idle_page(&unit);
    root = guest_root(unit.guest);
    memset(unit_entries(&unit, page), 0x33, PAGE_SIZE);
    assert_int_equal(command(&unit, MMUEXT_COPY_PAGE, idle.v, page.v), 0);
    assert_memory_equal(unit_entries(&unit, idle), unit_entries(&unit, page), PAGE_SIZE);
    assert_int_equal(command(&unit, MMUEXT_COPY_PAGE, idle.v, root.v), 0); /* a table may be read */
    assert_memory_equal(unit_entries(&unit, idle), unit_entries(&unit, root), PAGE_SIZE);
    assert_int_equal(command(&unit, MMUEXT_COPY_PAGE, idle.v, idle.v), 0);
    assert_counts(&unit, idle, 1, TYPE_NONE, 0);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    unit_destroy(&unit);
}

/*
 * What cannot be written by the guest is not written for it, and what is not its own not read.  Shows
 * mmuext_op.clear-not-owned, mmuext_op.clear-in-use, mmuext_op.copy-not-owned, mmuext_op.copy-in-use.
 */
static void test_clear_and_copy_refused(void **state)
{
    struct unit unit;
    mfn_t page, table, foreign, shared;

    create(&unit, state);
    page = unit_page(&unit);
    table = unit_table(&unit, 1);
    foreign = guest_mfn(unit.other, PFN(100));
    shared = guest_mfn(unit.guest, unit.guest->shared_info);
    assert_refused(&unit, command(&unit, MMUEXT_CLEAR_PAGE, table.v, 0), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_refused(&unit, command(&unit, MMUEXT_CLEAR_PAGE, foreign.v, 0), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_refused(&unit, command(&unit, MMUEXT_CLEAR_PAGE, UNIT_HOLE, 0), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_refused(&unit, command(&unit, MMUEXT_COPY_PAGE, table.v, page.v), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_refused(&unit, command(&unit, MMUEXT_COPY_PAGE, page.v, foreign.v), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_refused(&unit, command(&unit, MMUEXT_COPY_PAGE, foreign.v, page.v), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_int_equal(command(&unit, MMUEXT_CLEAR_PAGE, shared.v, 0), 0); /* the guest may write it anyway */
    unit_frame(&unit, page)->type = type_word(TYPE_WRITABLE, 0, TYPE_COUNT_MAX);
    assert_int_equal(command(&unit, MMUEXT_CLEAR_PAGE, page.v, 0), -XEN_EINVAL);
    assert_int_equal(unit.sim->last_refusal.error, XEN_EINVAL);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, TYPE_COUNT_MAX);
    unit_frame(&unit, page)->type = type_word(TYPE_WRITABLE, 0, 1);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    assert_counts(&unit, table, 2, TYPE_L1, 1);
    assert_int_equal(guest_unpin(unit.vcpu, table), 0);
    unit_destroy(&unit);
}

/* ---- The LDT, superpages. */

/* Shows mmuext_op.ldt, mmuext_op.ldt-none, mmuext_op.ldt-limit, mmuext_op.ldt-misaligned, mmuext_op.ldt-nowhere. */
static void test_set_ldt(void **state)
{
    struct unit unit;
    uint64_t base;

    create(&unit, state);
    base = unit_window(&unit, 16).v;
    assert_int_equal(command(&unit, MMUEXT_SET_LDT, base, 8192), 0);
    assert_int_equal(unit.vcpu->ldt_entries, 8192);
    assert_int_equal(unit.vcpu->ldt_base.v, base);
    assert_refused(&unit, command(&unit, MMUEXT_SET_LDT, base, 8193), XEN_EINVAL, REFUSE_TABLE_LIMIT);
    assert_refused(&unit, command(&unit, MMUEXT_SET_LDT, base + 8, 1), XEN_EINVAL, REFUSE_MISALIGNED);
    assert_refused(&unit,
                   command(&unit, MMUEXT_SET_LDT, unit_width(state) == WIDTH_64 ? 0x800000000000 : 0xf5800000, 1),
                   XEN_EINVAL, REFUSE_NOT_CANONICAL);
    assert_int_equal(unit.vcpu->ldt_entries, 8192); /* an error changes nothing */
    assert_int_equal(command(&unit, MMUEXT_SET_LDT, 0, 0), 0);
    assert_int_equal(unit.vcpu->ldt_entries, 0);
    unit_destroy(&unit);
}

/* Shows mmuext_op.superpages. */
static void test_superpages(void **state)
{
    struct unit unit;

    create(&unit, state);
    assert_refused(&unit, command(&unit, MMUEXT_MARK_SUPER, 0x200, 0), XEN_EOPNOTSUPP, REFUSE_SUPERPAGE);
    assert_refused(&unit, command(&unit, MMUEXT_UNMARK_SUPER, UINT32_MAX, 0), XEN_EOPNOTSUPP, REFUSE_SUPERPAGE);
    unit_destroy(&unit);
}

/* ---- Batches and domains. */

/* Shows mmuext_op.order, mmuext_op.done, mmuext_op.unreadable, mmuext_op.unknown-command. */
static void test_batch(void **state)
{
    struct mmuext_op ops[] = {
        {.cmd = MMUEXT_TLB_FLUSH_LOCAL}, {.cmd = MMUEXT_INVLPG_ALL}, {.cmd = 14}, {.cmd = MMUEXT_TLB_FLUSH_LOCAL}};
    struct unit unit;
    uint64_t flushes;
    unsigned done;
    vaddr_t at;

    create(&unit, state);
    flushes = unit.sim->cpus[0].full_flushes;
    assert_refused(&unit, guest_mmuext(unit.vcpu, ops, 4, &done, DOMID_SELF), XEN_ENOSYS, REFUSE_UNKNOWN_COMMAND);
    assert_int_equal(done, 2);
    assert_int_equal(unit.sim->cpus[0].full_flushes, flushes + 1);
    at = guest_put(unit.vcpu, &(uint32_t){7}, 4);
    assert_int_equal(
        guest_hypercall(unit.vcpu, __HYPERVISOR_mmuext_op, at.v, MMU_UPDATE_PREEMPTED, at.v, DOMID_SELF, 0, 0), 0);
    assert_refused(&unit,
                   guest_hypercall(unit.vcpu, __HYPERVISOR_mmuext_op, unit_window(&unit, 0).v, 1, 0, DOMID_SELF, 0, 0),
                   XEN_EFAULT, REFUSE_GUEST_FAULT);
    unit_destroy(&unit);
}

static void kill(struct sim *sim)
{
    sim_domain(sim, 0)->dying = true;
}

/* Shows mmuext_op.dying. */
static void test_dying(void **state)
{
    const struct mmuext_op ops[2] = {{.cmd = MMUEXT_TLB_FLUSH_LOCAL}, {.cmd = MMUEXT_TLB_FLUSH_LOCAL}};
    struct unit unit;
    unsigned done;

    create(&unit, state);
    unit.sim->preemption = SIM_PREEMPT_ALWAYS;
    unit.sim->on_preempt = kill;
    assert_refused(&unit, guest_mmuext(unit.vcpu, ops, 2, &done, DOMID_SELF), XEN_ESRCH, REFUSE_DYING);
    assert_int_equal(done, 1); /* before the second is the first preemption point */
    unit.sim->on_preempt = NULL;
    unit.sim->preemption = SIM_PREEMPT_NEVER;
    assert_refused(&unit, guest_mmuext(unit.vcpu, ops, 2, &done, DOMID_SELF), XEN_ESRCH, REFUSE_DYING);
    unit.domain->dying = false;
    unit_destroy(&unit);
}

/*
 * A command alone has a way of its own through the call: it is carried out, counted and refused like the first of two.
 * Shows mmuext_op.order, mmuext_op.done, mmuext_op.dying.
 */
static void test_single(void **state)
{
    const struct mmuext_op ops[] = {{.cmd = MMUEXT_TLB_FLUSH_LOCAL},
                                    {.cmd = MMUEXT_INVLPG_LOCAL, .arg1.linear_addr = 0x1000},
                                    {.cmd = MMUEXT_SET_LDT},
                                    {.cmd = 14},
                                    {.cmd = MMUEXT_MARK_SUPER},
                                    {.cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = 1u << 30},
                                    {.cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = 1u << 30}};
    struct unit unit;

    create(&unit, state);
    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
        const struct mmuext_op two[] = {ops[i], {.cmd = 14}};
        unsigned done = 77, done_of_two = 77;
        int64_t error = guest_mmuext(unit.vcpu, ops + i, 1, &done, DOMID_SELF);
        enum refusal_reason reason = unit.sim->last_refusal.reason;

        assert_int_equal(guest_mmuext(unit.vcpu, two, 2, &done_of_two, DOMID_SELF), error ? error : -XEN_ENOSYS);
        assert_int_equal(done, error ? 0 : 1);
        assert_int_equal(done_of_two, done);
        assert_true(!error || unit.sim->last_refusal.reason == reason);
        unit.domain->dying = true;
        assert_refused(&unit, guest_mmuext(unit.vcpu, ops + i, 1, &done, DOMID_SELF), XEN_ESRCH, REFUSE_DYING);
        assert_int_equal(done, 0);
        unit.domain->dying = false;
    }
    unit_destroy(&unit);
}

/*
 * Of a call that is refused as a whole, not even the count comes back.  Shows mmuext_op.done, mmuext_op.no-domain,
 * mmuext_op.no-right.
 */
static void test_refused_call(void **state)
{
    static const struct {
        uint16_t domid;
        int error;
        enum refusal_reason reason;
    } refused[] = {
        {1234, XEN_ESRCH, REFUSE_NO_SUCH_DOMAIN},
        {0, XEN_ESRCH, REFUSE_NO_SUCH_DOMAIN},
        {1, XEN_EPERM, REFUSE_NOT_PRIVILEGED},
    };
    struct unit unit;
    uint32_t done;
    vaddr_t at;

    create(&unit, state);
    for (unsigned i = 0; i < ARRAY_SIZE(refused); i++) {
        at = guest_put(unit.vcpu, &(uint32_t){77}, 4);
        assert_refused(&unit, guest_hypercall(unit.vcpu, __HYPERVISOR_mmuext_op, at.v, 0, at.v, refused[i].domid, 0, 0),
                       refused[i].error, refused[i].reason);
        assert_true(guest_read(unit.vcpu, at, &done, 4));
        assert_int_equal(done, 77);
    }
    unit_destroy(&unit);
}

/*
 * Another domain's frames for those who may; commands that concern the caller's own state are for the caller alone.
 * Shows mmuext_op.foreign, mmuext_op.no-right, mmuext_op.own-only, mmuext_op.clear-not-owned,
 * mmuext_op.unpin-not-owned.
 */
static void test_other_domain(void **state)
{
    static const unsigned own_only[] = {
        MMUEXT_NEW_BASEPTR,  MMUEXT_TLB_FLUSH_LOCAL,  MMUEXT_INVLPG_LOCAL,       MMUEXT_TLB_FLUSH_MULTI,
        MMUEXT_INVLPG_MULTI, MMUEXT_TLB_FLUSH_ALL,    MMUEXT_INVLPG_ALL,         MMUEXT_FLUSH_CACHE,
        MMUEXT_SET_LDT,      MMUEXT_NEW_USER_BASEPTR, MMUEXT_FLUSH_CACHE_GLOBAL,
    };
    struct mmuext_op op = {.cmd = MMUEXT_CLEAR_PAGE};
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = guest_mfn(unit.other, guest_page_alloc(unit.other));
    op.arg1.mfn = page.v;
    assert_refused(&unit, guest_mmuext(unit.vcpu, &op, 1, NULL, 1), XEN_EPERM, REFUSE_NOT_PRIVILEGED);
    unit.domain->privileged = true;
    unit_entries(&unit, page)[0] = 5;
    assert_int_equal(guest_mmuext(unit.vcpu, &op, 1, NULL, 1), 0);
    assert_int_equal(unit_entries(&unit, page)[0], 0);
    assert_refused(&unit, guest_mmuext(unit.vcpu, &op, 1, NULL, DOMID_IO), XEN_EINVAL, REFUSE_NOT_OWNED);
    op.cmd = MMUEXT_UNPIN_TABLE;
    op.arg1.mfn = guest_root(unit.other).v;
    assert_refused(&unit, guest_mmuext(unit.vcpu, &op, 1, NULL, DOMID_IO), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_int_equal(guest_mmuext(unit.vcpu, &op, 1, NULL, 1), 0);
    op.cmd = unit.other->domain->width == WIDTH_64 ? MMUEXT_PIN_L4_TABLE : MMUEXT_PIN_L3_TABLE;
    assert_int_equal(guest_mmuext(unit.vcpu, &op, 1, NULL, 1), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(own_only); i++) {
        op.cmd = own_only[i];
        assert_refused(&unit, guest_mmuext(unit.vcpu, &op, 1, NULL, 1), XEN_EPERM, REFUSE_NOT_PRIVILEGED);
        assert_refused(&unit, guest_mmuext(unit.vcpu, &op, 1, NULL, DOMID_IO), XEN_EPERM, REFUSE_NOT_PRIVILEGED);
    }
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_flush_and_lock),
        unit_test_both(test_flushes),
        unit_test_both(test_flush_of_nowhere),
        unit_test_both(test_flush_masks),
        unit_test_both(test_caches),
        unit_test_both(test_clear),
        unit_test_both(test_copy),
        unit_test_both(test_clear_and_copy_refused),
        unit_test_both(test_set_ldt),
        unit_test_both(test_superpages),
        unit_test_both(test_batch),
        unit_test_both(test_dying),
        unit_test_both(test_single),
        unit_test_both(test_refused_call),
        unit_test_both(test_other_domain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
