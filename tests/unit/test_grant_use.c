/* SPDX-License-Identifier: MIT */
/*
 * Uses of granted pages: which entries allow them, in either version, what they hold, and what the granter is told.
 * The unit's guest grants to the domain USER.
 */
#define _GNU_SOURCE /* REG_EFL */
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <abi/errno.h>
#include <engine/grant_use.h>

#include <tests/support/guest_grant.h>
#include <tests/unit/lib/unit.h>

#define USER 1u
#define REF  20u

static void create(struct unit *unit, void **state, unsigned version)
{
    struct op op;

    unit_create(unit, &(struct unit_config){.width = unit_width(state), .nr_guests = 2});
    guest_grants_begin(unit->guest, 1);
    op = op_own(unit->domain, unit->vcpu);
    assert_int_equal(grant_table_set_version(&op, unit->domain, version), 0);
}

/* Run @check with a table of either version. */
static void both(void **state, void (*check)(struct unit *unit))
{
    for (unsigned version = 1; version <= 2; version++) {
        struct unit unit;

        create(&unit, state, version);
        check(&unit);
        unit_destroy(&unit);
    }
}

static int16_t begin_for(const struct unit *unit, unsigned user, grant_ref_t ref, bool write, struct granted *granted)
{
    struct op op = unit_begin(unit);
    int16_t status = grant_use_begin(&op, unit->domain, ref, DOMID((uint16_t)user), write, granted);

    unit_end(&op);
    return status;
}

static int16_t begin(const struct unit *unit, bool write, mfn_t *mfn)
{
    struct granted granted = {MFN_NONE, 7, 7};
    int16_t status = begin_for(unit, USER, REF, write, &granted);

    if (status == GNTST_okay) {
        assert_int_equal(granted.first, 0);
        assert_int_equal(granted.end, PAGE_SIZE);
        *mfn = granted.frame;
    }
    return status;
}

static void end(const struct unit *unit, mfn_t mfn, bool write)
{
    struct op op = unit_begin(unit);

    grant_use_end(unit->domain, REF, mfn, write);
    unit_end(&op);
}

static void grant(const struct unit *unit, mfn_t mfn, unsigned flags)
{
    guest_grant(unit->guest, REF, USER, mfn, flags);
}

#define assert_refused_use(unit, status_, reason_)                                                  \
    do {                                                                                            \
        assert_int_equal(status_, GNTST_general_error);                                             \
        assert_string_equal(refusal_name((unit)->sim->last_refusal.reason), refusal_name(reason_)); \
    } while (0)

/* Each use holds a reference, each that writes a writable use; the flags speak of what is left. */
static void counts(struct unit *unit)
{
    mfn_t page = unit_page(unit), used;

    grant(unit, page, GTF_permit_access);
    assert_int_equal(begin(unit, false, &used), GNTST_okay);
    assert_true(mfn_equal(used, page));
    assert_counts(unit, page, 3, TYPE_WRITABLE, 1); /* the boot maps it */
    assert_int_equal(guest_grant_flags(unit->guest, REF), GTF_permit_access | GTF_reading);
    assert_int_equal(unit->domain->grants.nr_in_use, 1);
    assert_int_equal(begin(unit, true, &used), GNTST_okay);
    assert_counts(unit, page, 4, TYPE_WRITABLE, 2);
    assert_int_equal(guest_grant_flags(unit->guest, REF), GTF_permit_access | GTF_reading | GTF_writing);
    assert_int_equal(begin(unit, true, &used), GNTST_okay);
    end(unit, page, true);
    assert_int_equal(guest_grant_flags(unit->guest, REF), GTF_permit_access | GTF_reading | GTF_writing);
    end(unit, page, true);
    assert_int_equal(guest_grant_flags(unit->guest, REF), GTF_permit_access | GTF_reading);
    assert_int_equal(unit->domain->grants.nr_in_use, 1);
    end(unit, page, false);
    assert_int_equal(guest_grant_flags(unit->guest, REF), GTF_permit_access);
    assert_int_equal(unit->domain->grants.nr_in_use, 0);
    assert_counts(unit, page, 2, TYPE_WRITABLE, 1);
}

/* Shows grant_table.grant, grant_table.in-use. */
static void test_counts(void **state)
{
    both(state, counts);
}

/* The last writer goes, and readers are left; the last reader goes, and writers, who read as well, are left. */
static void orders(struct unit *unit)
{
    mfn_t page = unit_page(unit), used;

    grant(unit, page, GTF_permit_access);
    assert_int_equal(begin(unit, true, &used), GNTST_okay);
    assert_int_equal(begin(unit, false, &used), GNTST_okay);
    end(unit, page, false);
    assert_int_equal(guest_grant_use(unit->guest, REF), GTF_reading | GTF_writing);
    end(unit, page, true);
    assert_int_equal(guest_grant_use(unit->guest, REF), 0);
}

static void test_orders(void **state)
{
    both(state, orders);
}

/* Whatever the entry does not say is not granted, and then neither it nor the status has changed. */
static void not_granted(struct unit *unit)
{
    static const unsigned flags[] = {GTF_invalid, GTF_accept_transfer, GTF_type_mask, GTF_readonly,
                                     GTF_reading | GTF_writing};
    mfn_t page = unit_page(unit), used;
    struct granted granted;

    for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
        grant(unit, page, flags[i]);
        assert_refused_use(unit, begin(unit, false, &used), REFUSE_GRANT_ENTRY);
        assert_refused_use(unit, begin(unit, true, &used), REFUSE_GRANT_ENTRY);
        assert_int_equal(guest_grant_flags(unit->guest, REF), flags[i]);
    }
    grant(unit, page, GTF_permit_access | GTF_readonly);
    assert_refused_use(unit, begin(unit, true, &used), REFUSE_GRANT_ENTRY);
    assert_int_equal(guest_grant_use(unit->guest, REF), 0);
    assert_int_equal(begin(unit, false, &used), GNTST_okay);
    assert_int_equal(guest_grant_use(unit->guest, REF), GTF_reading);
    end(unit, page, false);
    assert_refused_use(unit, begin_for(unit, USER + 1, REF, false, &granted), REFUSE_GRANT_ENTRY);
    assert_counts(unit, page, 2, TYPE_WRITABLE, 1);
}

static void test_not_granted(void **state)
{
    both(state, not_granted);
}

static void beyond(struct unit *unit)
{
    const grant_ref_t count = unit->domain->grants.version == 1 ? 512 : 256;
    struct granted granted;

    assert_int_equal(begin_for(unit, USER, count, false, &granted), GNTST_bad_gntref);
    assert_int_equal(unit->sim->last_refusal.reason, REFUSE_GRANT_REFERENCE);
    assert_int_equal(begin_for(unit, USER, UINT32_MAX, true, &granted), GNTST_bad_gntref);
    assert_refused_use(unit, begin_for(unit, USER, count - 1, false, &granted), REFUSE_GRANT_ENTRY);
}

static void test_beyond_the_table(void **state)
{
    both(state, beyond);
}

/* Frames that are not the granter's own, and one that is a table, which can be read. */
static void frames(struct unit *unit)
{
    const mfn_t foreign[] = {guest_mfn(unit->other, PFN(100)), MFN(UNIT_HOLE), MFN(UINT32_MAX),
                             unit->sim->hypervisor_first};
    mfn_t table = unit_table(unit, 1), used;

    for (unsigned i = 0; i < ARRAY_SIZE(foreign); i++) {
        for (unsigned write = 0; write < 2; write++) {
            grant(unit, foreign[i], GTF_permit_access);
            assert_int_equal(begin(unit, write, &used), GNTST_bad_page);
            assert_int_equal(unit->sim->last_refusal.reason, REFUSE_GRANT_FRAME);
            assert_int_equal(guest_grant_flags(unit->guest, REF), GTF_permit_access);
        }
    }
    grant(unit, table, GTF_permit_access);
    assert_refused_use(unit, begin(unit, true, &used), REFUSE_TYPE_CONFLICT);
    assert_int_equal(guest_grant_use(unit->guest, REF), 0);
    assert_counts(unit, table, 2, TYPE_L1, 1);
    assert_int_equal(begin(unit, false, &used), GNTST_okay);
    assert_refused_use(unit, begin(unit, true, &used), REFUSE_TYPE_CONFLICT);
    assert_int_equal(guest_grant_use(unit->guest, REF), GTF_reading); /* the reader is still there */
    end(unit, table, false);
    assert_int_equal(unit->domain->grants.nr_in_use, 0);
    guest_assert_clean(unit->sim);
}

static void test_frames(void **state)
{
    both(state, frames);
}

/* A page of the granter's own that cannot be referenced once more.  Shows grant_table_op.map-frame. */
static void exhausted(struct unit *unit)
{
    mfn_t page = unit_page(unit), used;

    grant(unit, page, GTF_permit_access);
    unit_frame(unit, page)->refs = FRAME_REFS_MAX;
    for (unsigned write = 0; write < 2; write++) {
        assert_int_equal(begin(unit, write, &used), GNTST_bad_page);
        assert_int_equal(unit->sim->last_refusal.reason, REFUSE_REFERENCES_EXHAUSTED);
        assert_int_equal(unit->sim->last_refusal.value, page.v);
    }
    assert_counts(unit, page, FRAME_REFS_MAX, TYPE_WRITABLE, 1);
    assert_int_equal(guest_grant_flags(unit->guest, REF), GTF_permit_access);
    unit_frame(unit, page)->refs = 2;
}

static void test_exhausted(void **state)
{
    both(state, exhausted);
}

/* While a page is in use its entry cannot be made to name another one, nor another user. */
static void changed_in_use(struct unit *unit)
{
    mfn_t page = unit_page(unit), second = unit_page(unit), used;
    struct granted granted;

    grant(unit, page, GTF_permit_access);
    assert_int_equal(begin(unit, false, &used), GNTST_okay);
    grant(unit, second, GTF_permit_access);
    assert_int_equal(begin(unit, true, &used), GNTST_okay);
    assert_true(mfn_equal(used, page));
    assert_counts(unit, page, 4, TYPE_WRITABLE, 2);
    assert_counts(unit, second, 2, TYPE_WRITABLE, 1);
    guest_grant(unit->guest, REF, USER + 1, page, GTF_permit_access);
    assert_refused_use(unit, begin_for(unit, USER + 1, REF, false, &granted), REFUSE_GRANT_IN_USE);
    guest_grant_end(unit->guest, REF);
    assert_refused_use(unit, begin(unit, false, &used), REFUSE_GRANT_ENTRY);
    end(unit, page, true);
    end(unit, page, false);
    assert_int_equal(guest_grant_flags(unit->guest, REF), 0);
    grant(unit, second, GTF_permit_access);
    assert_int_equal(begin(unit, false, &used), GNTST_okay);
    assert_true(mfn_equal(used, second));
    end(unit, second, false);
}

/* Shows grant_table_op.map-in-use. */
static void test_changed_in_use(void **state)
{
    both(state, changed_in_use);
}

/*
 * The granter acts between two steps of the beginning of a use: what the engine marks is write-protected, so that the
 * mark faults, and the granter acts there and then, or, with a trap, behind that instruction.
 */
#define TRAP_FLAG 0x100

/* As the kernel has it: sigaction() would leave SIGSEGV to the sanitizer's own report. */
struct kernel_action {
    void (*handler)(int number, siginfo_t *info, void *context);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

#define KERNEL_RESTORER 0x04000000ul

void return_from_signal(void);
__asm__(".pushsection .text\n"
        "return_from_signal:\n"
        "    movl $15, %eax\n" /* rt_sigreturn */
        "    syscall\n"
        ".popsection\n");

static struct kernel_action others; /* who has SIGSEGV otherwise */

static void set_action(int number, const struct kernel_action *action, struct kernel_action *kept)
{
    assert_int_equal(syscall(SYS_rt_sigaction, number, action, kept, sizeof(action->mask)), 0);
}

static struct {
    struct grant_place place;
    uint32_t header; /* what the granter writes into the entry */
    bool after;
    unsigned acts, use; /* what the granter sees when it has acted */
} granter;

static uint8_t *marked_page(void)
{
    uintptr_t marked = granter.place.v1 ? (uintptr_t)granter.place.v1 : (uintptr_t)granter.place.status;

    return (uint8_t *)(marked & ~(uintptr_t)(PAGE_SIZE - 1));
}

static void granter_acts(void)
{
    uint16_t *flags = granter.place.v1 ? &granter.place.v1->flags : granter.place.status;

    granter.acts++;
    __atomic_store_n(granter.place.v1 ? (uint32_t *)granter.place.v1 : (uint32_t *)granter.place.v2, granter.header,
                     __ATOMIC_SEQ_CST);
    granter.use = __atomic_load_n(flags, __ATOMIC_SEQ_CST) & (GTF_reading | GTF_writing);
}

static void on_mark(int number, siginfo_t *info, void *context)
{
    uint8_t *page = marked_page(), *address = info->si_addr;

    if (address < page || address >= page + PAGE_SIZE) {
        set_action(number, &others, NULL);
        return;
    }
    mprotect(page, PAGE_SIZE, PROT_READ | PROT_WRITE);
    if (granter.after)
        ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
    else
        granter_acts();
}

static void on_step(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
    granter_acts();
}

/* The granter writes @header while a use begins. */
static int16_t begin_against(const struct unit *unit, bool write, uint32_t header, bool after)
{
    const struct kernel_action mark = {on_mark, SA_SIGINFO | KERNEL_RESTORER, return_from_signal, 0};
    const struct kernel_action step = {on_step, SA_SIGINFO | KERNEL_RESTORER, return_from_signal, 0};
    struct granted granted;
    int16_t status;

    granter.acts = 0;
    granter.header = header;
    granter.after = after;
    assert_true(grant_place_find(unit->domain, REF, &granter.place));
    set_action(SIGSEGV, &mark, &others);
    set_action(SIGTRAP, &step, NULL);
    assert_int_equal(mprotect(marked_page(), PAGE_SIZE, PROT_READ), 0);
    status = begin_for(unit, USER, REF, write, &granted);
    assert_int_equal(granter.acts, 1);
    set_action(SIGSEGV, &others, NULL);
    return status;
}

/*
 * Taken back, made read-only or somebody else's: whoever saw no use then is right.  Behind the mark of version 2 the
 * granter does see one, which is over at once.  One that reads already stays.
 */
static void taken_back(struct unit *unit)
{
    const uint32_t grants = GTF_permit_access | USER << 16;
    const uint32_t headers[] = {0, USER << 16, grants + (1u << 16), grants | GTF_readonly};
    mfn_t page = unit_page(unit), used;

    for (unsigned i = 0; i < 4 * ARRAY_SIZE(headers); i++) {
        bool after = i & 1, reads = i & 2;

        if (after && unit->domain->grants.version == 1)
            continue; /* the mark itself sees to it that it is granted */
        grant(unit, page, GTF_permit_access);
        if (reads)
            assert_int_equal(begin(unit, false, &used), GNTST_okay);
        assert_refused_use(unit, begin_against(unit, true, headers[i / 4], after), REFUSE_GRANT_ENTRY);
        if (unit->domain->grants.version == 2) {
            assert_int_equal(granter.use, after ? GTF_reading | GTF_writing : reads ? GTF_reading : 0);
            assert_int_equal(guest_grant_use(unit->guest, REF), reads ? GTF_reading : 0);
        } else {
            assert_int_equal(guest_grant_flags(unit->guest, REF), headers[i / 4] & UINT16_MAX);
        }
        assert_counts(unit, page, 2 + reads, TYPE_WRITABLE, 1);
        if (reads)
            end(unit, page, false);
        assert_int_equal(unit->domain->grants.nr_in_use, 0);
    }
}

static void test_taken_back(void **state)
{
    both(state, taken_back);
}

/* The record counts to its maximum, and then no further. */
static void maximum(struct unit *unit)
{
    mfn_t page = unit_page(unit), used;
    struct grant_place place;

    grant(unit, page, GTF_permit_access);
    assert_int_equal(begin(unit, true, &used), GNTST_okay);
    assert_true(grant_place_find(unit->domain, REF, &place));
    for (unsigned i = 0; i < 2; i++) {
        uint16_t *count = i ? &place.use->readers : &place.use->writers, kept = *count;

        *count = UINT16_MAX;
        assert_refused_use(unit, begin(unit, false, &used), REFUSE_GRANT_IN_USE);
        assert_refused_use(unit, begin(unit, true, &used), REFUSE_GRANT_IN_USE);
        assert_int_equal(*count, UINT16_MAX);
        *count = kept;
    }
    assert_counts(unit, page, 3, TYPE_WRITABLE, 2);
    end(unit, page, true);
}

static void test_maximum(void **state)
{
    both(state, maximum);
}

/* Version 2 can grant a part of a page; and what it says beyond that is no address of 32 bits. */
static void test_parts(void **state)
{
    struct grant_place place;
    struct granted granted;
    struct unit unit;
    mfn_t page;

    create(&unit, state, 2);
    page = unit_page(&unit);
    assert_true(grant_place_find(unit.domain, REF, &place));
    *place.v2 = (struct grant_entry_v2){GTF_permit_access | GTF_sub_page, USER, 256, 64, page.v};
    assert_int_equal(begin_for(&unit, USER, REF, false, &granted), GNTST_okay);
    assert_int_equal(granted.first, 256);
    assert_int_equal(granted.end, 320);
    end(&unit, page, false);
    *place.v2 = (struct grant_entry_v2){GTF_permit_access | GTF_sub_page, USER, UINT16_MAX, UINT16_MAX, page.v};
    assert_int_equal(begin_for(&unit, USER, REF, false, &granted), GNTST_okay);
    assert_int_equal(granted.end, 2 * UINT16_MAX);
    end(&unit, page, false);
    *place.v2 = (struct grant_entry_v2){GTF_permit_access, USER, 0, 0, page.v | UINT64_C(1) << 32};
    assert_int_equal(begin_for(&unit, USER, REF, false, &granted), GNTST_bad_page);
    unit_destroy(&unit);
}

/* The granter's table has gone meanwhile, and with it the record: the frame is given up all the same. */
static void without_table(struct unit *unit)
{
    struct domain_grants *grants = &unit->domain->grants;
    unsigned nr_frames = grants->nr_frames;
    mfn_t page = unit_page(unit), used;
    struct grant_place place;

    grant(unit, page, GTF_permit_access);
    for (unsigned write = 0; write < 2; write++) {
        assert_int_equal(begin(unit, write, &used), GNTST_okay);
        grants->nr_frames = 0;
        end(unit, page, write);
        grants->nr_frames = nr_frames;
        assert_counts(unit, page, 2, TYPE_WRITABLE, 1);
        assert_true(grant_place_find(unit->domain, REF, &place));
        assert_int_equal(place.use->readers + place.use->writers, 1);
        *place.use = (struct grant_use){MFN_NONE, DOMID(0), 0, 0};
        grants->nr_in_use = 0;
    }
}

static void test_without_table(void **state)
{
    both(state, without_table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_counts),           unit_test_both(test_orders),    unit_test_both(test_not_granted),
        unit_test_both(test_beyond_the_table), unit_test_both(test_frames),    unit_test_both(test_changed_in_use),
        unit_test_both(test_taken_back),       unit_test_both(test_maximum),   unit_test_both(test_parts),
        unit_test_both(test_without_table),    unit_test_both(test_exhausted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
