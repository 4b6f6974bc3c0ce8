/* SPDX-License-Identifier: MIT */
/*
 * An operation under way: on whose behalf, on whose memory, under which locks.
 *
 * It holds the locks of the domains whose memory it touches, in ascending domain id.  At preemption points, and while
 * it waits for a frame that another operation converts, it drops them and takes them again: whatever it knew about
 * frames that it holds no reference on is then void.  A domain is not torn down under an operation on its memory, or
 * one that a vCPU of its own has under way.
 */
#pragma once

#include <engine/machine.h>
#include <engine/refuse.h>

struct op {
    struct machine *machine;
    struct vcpu *vcpu;       /* who asks; NULL: the hypervisor itself */
    struct domain *pt_owner; /* whose page tables and types are changed; NULL: it has not begun */
    struct domain *pg_owner; /* whose frames the entries may name; NULL: DOMID_IO or DOMID_XEN, no RAM at all */
    unsigned call;           /* the hypercall's number, for refusals */
    unsigned command;        /* the call's command, for refusals; COMMAND_NONE */
    unsigned done;           /* entries of its batch that are done; the one under way has this number */
    unsigned unlocks;        /* how often the locks have been dropped since the operation began */
    bool is_plain;           /* on one domain's own memory, by itself or the hypervisor: one lock, one count */
    bool upper_changed;      /* a present entry above level 1 was replaced: see update_flush() */
};

/*
 * Begin an operation on @pt_owner's tables with @pg_owner's frames: locks are taken, -XEN_ESRCH if one of them or the
 * caller is dying (then nothing is held).  @pg_owner may be @pt_owner, or NULL.  Each op_begin() that returned 0 is
 * ended by one op_end().
 */
int __must_check op_begin(struct op *op, struct domain *pt_owner, struct domain *pg_owner);
void op_end(struct op *op);

/*
 * What is no hypercall's: a step of the hypervisor's own, on behalf of @vcpu or (NULL) of nobody.  op_begin_own()
 * begins it, on @domain's memory alone.
 */
static inline struct op op_own(const struct domain *domain, struct vcpu *vcpu)
{
    return (struct op){.machine = domain->machine, .vcpu = vcpu, .call = CALL_NONE, .command = COMMAND_NONE};
}

int __must_check op_begin_own(struct op *op, struct domain *domain, struct vcpu *vcpu);

/*
 * What @vcpu's guest does without a call of the engine's: @call is one of CALL_* (engine/refuse.h).
 * op_begin_without_call() begins it, on the memory of the guest's own domain.
 */
static inline struct op op_without_call(struct vcpu *vcpu, unsigned call)
{
    struct op op = op_own(vcpu->domain, vcpu);

    op.call = call;
    return op;
}

int __must_check op_begin_without_call(struct op *op, struct vcpu *vcpu, unsigned call);

/* The same for the teardown of @domain itself, which is dying, by the hypervisor.  Ended by op_end(). */
void op_begin_teardown(struct op *op, struct domain *domain);

/* A preemption point: let others run if the machine wishes it. */
void op_preempt_point(struct op *op);

/* Let others run, because a frame that the operation needs is under conversion. */
void op_wait(struct op *op);

/* Is one of its domains, or the caller's, being torn down? */
bool op_is_any_dying(const struct op *op); /* whichever there are */
FORCE_INLINE bool op_is_dying(const struct op *op)
{
    return op->is_plain ? domain_is_dying(op->pt_owner) : op_is_any_dying(op);
}

/*
 * Before entry op->done of a batch: a preemption point, but for the first one, which comes straight after op_begin().
 * False: one of the domains is dying, and the batch ends.
 */
FORCE_INLINE bool __must_check op_goes_on(struct op *op)
{
    if (op->done > 0)
        op_preempt_point(op);
    return !op_is_dying(op);
}

/*
 * Something that @cpus are to do for the operation is waited for next.  True: others than the caller's processor are
 * among them, and until op_take_back() they may have the operation's locks, if it has begun, as at a preemption point.
 */
bool __must_check op_lets_others(struct op *op, cpumask_t cpus);
void op_take_back(const struct op *op);

/* Flush @cpus wholly: tlb_flush(), with that around it. */
void op_flush(struct op *op, cpumask_t cpus);

/*
 * Exchange the operation's locks for that of @other, any domain that cannot go meanwhile because it owns a frame that
 * somebody holds, and back.
 */
void op_lock_other(struct op *op, struct domain *other);
void op_unlock_other(struct op *op, struct domain *other);

/*
 * Drop a writable use and a general reference (@writable), or the latter alone, of a frame that may be another domain's
 * than the operation has locked: then the locks are exchanged for its owner's meanwhile.  Cannot fail.
 */
void op_put_foreign(struct op *op, struct frame *frame, bool writable);
