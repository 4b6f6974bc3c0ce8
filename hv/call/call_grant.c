/* SPDX-License-Identifier: MIT */
/*
 * grant_table_op: abi/grant.h.  A guest grants what it likes; there is nobody to grant to but itself, and then it can
 * copy, but not map: CAVEATS.
 */
#include <abi/errno.h>
#include <abi/grant.h>
#include <abi/mmu.h>
#include <engine/access.h>
#include <engine/port.h>
#include <hv/call/calls.h>
#include <hv/domain/domain.h>
#include <hv/domain/vcpu.h>
#include <hv/service/services.h>

/* Arguments of GNTTABOP_get_status_frames, as in the same header. */
struct gnttab_get_status_frames {
    uint32_t nr_frames;
    uint16_t dom;
    int16_t status;
    uint64_t frame_list; /* address of an array of uint64_t */
};
_Static_assert(sizeof(struct gnttab_get_status_frames) == 16, "gnttab_get_status_frames");

struct compat_gnttab_get_status_frames {
    uint32_t nr_frames;
    uint16_t dom;
    int16_t status;
    uint32_t frame_list;
};
_Static_assert(sizeof(struct compat_gnttab_get_status_frames) == 12, "compat_gnttab_get_status_frames");

static bool is_caller(const struct hv_vcpu *vcpu, uint16_t domid)
{
    return domid == DOMID_SELF || domid == vcpu->engine.domain->id.v;
}

/*
 * ---- What the guest does with its own table.  Each is given where its structure lies.
 */

static int64_t query_size(struct hv_vcpu *vcpu, vaddr_t at)
{
    struct gnttab_query_size op;

    if (!access_read(&vcpu->engine, &op, at, sizeof(op)))
        return -XEN_EFAULT;
    op.status = GNTST_bad_domain;
    if (is_caller(vcpu, op.dom)) {
        op.nr_frames = hv_vcpu_domain(vcpu)->services->grants.nr_frames;
        op.max_nr_frames = GRANT_FRAMES_MAX;
        op.status = GNTST_okay;
    }
    return access_write(&vcpu->engine, at, &op, sizeof(op)) ? 0 : -XEN_EFAULT;
}

/* Write @count frame numbers of @size bytes each. */
static int16_t write_frames(struct hv_vcpu *vcpu, uint64_t to, const mfn_t *frames, uint32_t count, unsigned size)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!access_write(&vcpu->engine, VADDR(to + (uint64_t)i * size), &frames[i].v, size))
            return GNTST_bad_virt_addr;
    }
    return GNTST_okay;
}

static int16_t setup(struct hv_vcpu *vcpu, uint16_t domid, uint32_t nr_frames, uint64_t list)
{
    struct hv_domain *domain = hv_vcpu_domain(vcpu);

    if (!is_caller(vcpu, domid))
        return GNTST_bad_domain;
    if (nr_frames > GRANT_FRAMES_MAX || grant_grow(domain, nr_frames))
        return GNTST_general_error;
    return write_frames(vcpu, list, domain->services->grants.frames, nr_frames, access_word_size(&domain->engine));
}

static int64_t setup_table(struct hv_vcpu *vcpu, vaddr_t at)
{
    struct gnttab_setup_table op;
    struct compat_gnttab_setup_table compat;

    if (hv_domain_is_64bit(hv_vcpu_domain(vcpu))) {
        if (!access_read(&vcpu->engine, &op, at, sizeof(op)))
            return -XEN_EFAULT;
        op.status = setup(vcpu, op.dom, op.nr_frames, op.frame_list);
        return access_write(&vcpu->engine, at, &op, sizeof(op)) ? 0 : -XEN_EFAULT;
    }
    if (!access_read(&vcpu->engine, &compat, at, sizeof(compat)))
        return -XEN_EFAULT;
    compat.status = setup(vcpu, compat.dom, compat.nr_frames, compat.frame_list);
    return access_write(&vcpu->engine, at, &compat, sizeof(compat)) ? 0 : -XEN_EFAULT;
}

static int16_t list_status(struct hv_vcpu *vcpu, uint16_t domid, uint32_t nr_frames, uint64_t list)
{
    const struct domain_grants *grants = &hv_vcpu_domain(vcpu)->services->grants;

    if (!is_caller(vcpu, domid))
        return GNTST_bad_domain;
    if (grants->version != 2 || nr_frames > grants->nr_status_frames)
        return GNTST_general_error;
    return write_frames(vcpu, list, grants->status_frames, nr_frames, sizeof(uint64_t));
}

static int64_t get_status_frames(struct hv_vcpu *vcpu, vaddr_t at)
{
    struct gnttab_get_status_frames op;
    struct compat_gnttab_get_status_frames compat;

    if (hv_domain_is_64bit(hv_vcpu_domain(vcpu))) {
        if (!access_read(&vcpu->engine, &op, at, sizeof(op)))
            return -XEN_EFAULT;
        op.status = list_status(vcpu, op.dom, op.nr_frames, op.frame_list);
        return access_write(&vcpu->engine, at, &op, sizeof(op)) ? 0 : -XEN_EFAULT;
    }
    if (!access_read(&vcpu->engine, &compat, at, sizeof(compat)))
        return -XEN_EFAULT;
    compat.status = list_status(vcpu, compat.dom, compat.nr_frames, compat.frame_list);
    return access_write(&vcpu->engine, at, &compat, sizeof(compat)) ? 0 : -XEN_EFAULT;
}

static int64_t set_version(struct hv_vcpu *vcpu, vaddr_t at)
{
    struct hv_domain *domain = hv_vcpu_domain(vcpu);
    struct gnttab_set_version op;
    int64_t result = -XEN_EINVAL;

    if (!access_read(&vcpu->engine, &op, at, sizeof(op)))
        return -XEN_EFAULT;
    if (op.version == 1 || op.version == 2)
        result = grant_set_version(domain, op.version);
    op.version = domain->services->grants.version;
    if (!access_write(&vcpu->engine, at, &op, sizeof(op)))
        return -XEN_EFAULT;
    return result;
}

static int64_t get_version(struct hv_vcpu *vcpu, vaddr_t at)
{
    struct gnttab_get_version op;

    if (!access_read(&vcpu->engine, &op, at, sizeof(op)))
        return -XEN_EFAULT;
    if (!is_caller(vcpu, op.dom))
        return -XEN_ESRCH;
    op.version = hv_vcpu_domain(vcpu)->services->grants.version;
    return access_write(&vcpu->engine, at, &op, sizeof(op)) ? 0 : -XEN_EFAULT;
}

struct single {
    int64_t (*run)(struct hv_vcpu *vcpu, vaddr_t at);
    bool counted; /* must the count be 1? */
};

static const struct single singles[] = {
    [GNTTABOP_setup_table] = {setup_table, true},  [GNTTABOP_query_size] = {query_size, true},
    [GNTTABOP_set_version] = {set_version, false}, [GNTTABOP_get_status_frames] = {get_status_frames, true},
    [GNTTABOP_get_version] = {get_version, false},
};

/*
 * ---- What takes one structure after another.  Of each a copy is looked at, and the status is written back.
 */

union element {
    struct gnttab_map_grant_ref map;
    struct gnttab_transfer transfer;
    struct compat_gnttab_transfer compat_transfer;
    struct gnttab_copy copy;
    struct compat_gnttab_copy compat_copy;
    struct gnttab_swap_grant_ref swap;
};

/* Only the table's owner by its number would be served. */
static int16_t map(struct hv_domain *domain, const union element *element)
{
    return element->map.dom == domain->engine.id.v ? GNTST_general_error : GNTST_bad_domain;
}

/* There are no mappings. */
static int16_t unmap(struct hv_domain *domain, const union element *element)
{
    (void)domain;
    (void)element;
    return GNTST_bad_handle;
}

static int16_t transfer_to(const struct hv_domain *domain, uint16_t domid)
{
    return domid == DOMID_SELF || domid == domain->engine.id.v ? GNTST_general_error : GNTST_bad_domain;
}

static int16_t transfer(struct hv_domain *domain, const union element *element)
{
    return transfer_to(domain, element->transfer.domid);
}

static int16_t compat_transfer(struct hv_domain *domain, const union element *element)
{
    return transfer_to(domain, element->compat_transfer.domid);
}

static int16_t copy(struct hv_domain *domain, const union element *element)
{
    return grant_copy(domain, &element->copy);
}

/* The references have the same place in either form of a side. */
static struct gnttab_copy_ptr widen(const struct compat_gnttab_copy_ptr *side)
{
    return (struct gnttab_copy_ptr){.u.gmfn = side->u.gmfn, .domid = side->domid, .offset = side->offset};
}
_Static_assert(sizeof(grant_ref_t) == sizeof(compat_pfn_t), "widen()");

static int16_t compat_copy(struct hv_domain *domain, const union element *element)
{
    const struct compat_gnttab_copy *compat = &element->compat_copy;
    const struct gnttab_copy wide = {widen(&compat->source), widen(&compat->dest), compat->len, compat->flags, 0, 0};

    return grant_copy(domain, &wide);
}

static int16_t swap(struct hv_domain *domain, const union element *element)
{
    return grant_swap(domain, element->swap.ref_a, element->swap.ref_b);
}

struct batch {
    int16_t (*run)(struct hv_domain *domain, const union element *element);
    size_t size;   /* of an element */
    size_t status; /* where the outcome goes */
};

#define BATCH(function, structure)                                             \
    {                                                                          \
        function, sizeof(struct structure), offsetof(struct structure, status) \
    }

static const struct batch batches[] = {
    [GNTTABOP_map_grant_ref] = BATCH(map, gnttab_map_grant_ref),
    [GNTTABOP_unmap_grant_ref] = BATCH(unmap, gnttab_unmap_grant_ref),
    [GNTTABOP_transfer] = BATCH(transfer, gnttab_transfer),
    [GNTTABOP_copy] = BATCH(copy, gnttab_copy),
    [GNTTABOP_unmap_and_replace] = BATCH(unmap, gnttab_unmap_and_replace),
    [GNTTABOP_swap_grant_ref] = BATCH(swap, gnttab_swap_grant_ref),
};

static const struct batch compat_batches[] = {
    [GNTTABOP_transfer] = BATCH(compat_transfer, compat_gnttab_transfer),
    [GNTTABOP_copy] = BATCH(compat_copy, compat_gnttab_copy),
};

static const struct batch *find_batch(const struct hv_vcpu *vcpu, uint32_t command)
{
    const struct batch *compat = TABLE_FIND_BY(compat_batches, command, run);

    return compat && !hv_domain_is_64bit(hv_vcpu_domain(vcpu)) ? compat : TABLE_FIND_BY(batches, command, run);
}

static int64_t run_batch(struct hv_vcpu *vcpu, const struct batch *batch, vaddr_t at, uint32_t count)
{
    for (uint32_t i = 0; i < count && !hv_vcpu_domain(vcpu)->ended; i++, at.v += batch->size) {
        union element element;
        int16_t status;

        if (!access_read(&vcpu->engine, &element, at, batch->size))
            return -XEN_EFAULT;
        status = batch->run(hv_vcpu_domain(vcpu), &element);
        if (!access_write(&vcpu->engine, VADDR(at.v + batch->status), &status, sizeof(status)))
            return -XEN_EFAULT;
        if (port_preempt_wanted())
            port_yield();
    }
    return 0;
}

int64_t call_grant_table_op(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    uint32_t command = (uint32_t)args[0], count = (uint32_t)args[2];
    const struct batch *batch = find_batch(vcpu, command);
    const struct single *single = TABLE_FIND_BY(singles, command, run);

    if (count > INT32_MAX)
        return -XEN_EINVAL;
    if (batch)
        return run_batch(vcpu, batch, VADDR(args[1]), count);
    if (!single)
        return -XEN_ENOSYS;
    if (single->counted && count != 1)
        return -XEN_EINVAL;
    return single->run(vcpu, VADDR(args[1]));
}
