/* SPDX-License-Identifier: MIT */
/* Frames of a domain that the hypervisor itself goes on writing to. */
#include <engine/engine.h>
#include <engine/hold.h>
#include <engine/typeref.h>

static int hold(struct op *op, struct domain *domain, mfn_t mfn)
{
    struct frame *frame = frame_find(op->machine, mfn);
    int error;

    if (domain->nr_holds == DOMAIN_HOLDS)
        return refuse(op, XEN_ENOMEM, REFUSE_HOLDS_EXHAUSTED, NOWHERE, frame, mfn.v);
    error = typeref_hold_writable(op, XEN_EINVAL, frame, domain, mfn.v);
    if (!error)
        domain->holds[domain->nr_holds++] = mfn;
    return error;
}

/* The hold at @index; the last one takes its place. */
static void drop(struct domain *domain, unsigned index)
{
    struct frame *frame = frame_find(domain->machine, domain->holds[index]);

    CHECK(frame);
    domain->holds[index] = domain->holds[--domain->nr_holds];
    typeref_drop_writable(domain->machine, frame);
}

int domain_hold_writable(struct domain *domain, mfn_t mfn)
{
    struct op op;
    int error = op_begin_own(&op, domain, NULL);

    if (error)
        return error;
    error = hold(&op, domain, mfn);
    op_end(&op);
    return error;
}

void domain_drop_writable(struct domain *domain, mfn_t mfn)
{
    unsigned index = 0;

    port_lock(domain);
    while (index < domain->nr_holds && !mfn_equal(domain->holds[index], mfn))
        index++;
    CHECK(index < domain->nr_holds);
    drop(domain, index);
    port_unlock(domain);
}

void holds_drop(struct domain *domain)
{
    while (domain->nr_holds > 0)
        drop(domain, domain->nr_holds - 1);
}
