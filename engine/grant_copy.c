/* SPDX-License-Identifier: MIT */
/* Copies, in order: one side, held and given up; both, and the bytes. */
#include <abi/mmu.h>
#include <engine/grant_copy.h>
#include <engine/grant_use.h>

/* A page that is held to be read or (@write) written.  The locks are not. */
struct side {
    const struct gnttab_copy_ptr *place;
    struct domain *owner;
    bool by_reference, write;
    struct granted page;
};

/* The caller's own frame, by its number.  The caller is called DOMID_SELF then, and nobody else has such frames. */
static int16_t hold_own(struct op *op, struct side *side)
{
    side->page = (struct granted){MFN(side->place->u.gmfn), 0, PAGE_SIZE};
    if (side->place->domid != DOMID_SELF)
        return grant_refuse(op, GNTST_permission_denied, REFUSE_NOT_PRIVILEGED, side->place->domid);
    return grant_hold_frame(op, side->owner, side->page.frame, side->write);
}

/* Under the lock of the page's owner, which no operation outlives. */
static int16_t hold(struct op *op, struct side *side)
{
    int16_t status;

    if (op_begin(op, side->owner, side->owner))
        return GNTST_bad_domain;
    if (side->by_reference)
        status = grant_use_begin(op, side->owner, side->place->u.ref, op->vcpu->domain->id, side->write, &side->page);
    else
        status = hold_own(op, side);
    op_end(op);
    return status;
}

static void give_up(const struct side *side)
{
    port_lock(side->owner);
    if (side->by_reference)
        grant_use_end(side->owner, side->place->u.ref, side->page.frame, side->write);
    else
        grant_drop_frame(side->owner->machine, side->page.frame, side->write);
    port_unlock(side->owner);
}

/* Whose page it is. */
static int16_t find_owner(const struct op *op, struct side *side)
{
    uint16_t domid = side->place->domid;

    side->owner = domid == DOMID_SELF ? op->vcpu->domain : domain_find(op->machine, DOMID(domid));
    if (!side->owner)
        return grant_refuse(op, GNTST_bad_domain, REFUSE_NO_SUCH_DOMAIN, domid);
    return GNTST_okay;
}

static bool crosses_page(const struct side *side, uint32_t length)
{
    return side->place->offset + length > PAGE_SIZE;
}

static bool fits(const struct side *side, uint32_t length)
{
    return side->place->offset >= side->page.first && side->place->offset + length <= side->page.end;
}

static int16_t move(const struct op *op, const struct side *from, const struct side *to, uint32_t length)
{
    if (crosses_page(from, length) || crosses_page(to, length))
        return grant_refuse(op, GNTST_bad_copy_arg, REFUSE_GRANT_COPY, length);
    if (!fits(from, length) || !fits(to, length))
        return grant_refuse(op, GNTST_general_error, REFUSE_GRANT_COPY, length);
    port_frame_copy(to->page.frame, to->place->offset, from->page.frame, from->place->offset, length);
    return GNTST_okay;
}

int16_t grant_copy(struct op *op, const struct gnttab_copy *copy)
{
    struct side from = {&copy->source, .by_reference = copy->flags & GNTCOPY_source_gref};
    struct side to = {&copy->dest, .by_reference = copy->flags & GNTCOPY_dest_gref, .write = true};
    int16_t status = find_owner(op, &from);

    if (status == GNTST_okay)
        status = find_owner(op, &to);
    if (status != GNTST_okay)
        return status;
    status = hold(op, &from);
    if (status != GNTST_okay)
        return status;
    status = find_owner(op, &to); /* again: that may have waited, and the domain has gone meanwhile */
    if (status == GNTST_okay)
        status = hold(op, &to);
    if (status == GNTST_okay) {
        status = move(op, &from, &to, copy->len);
        give_up(&to);
    }
    give_up(&from);
    return status;
}
