/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_grant_table_op, in order: the caller's own table; arrays of elements; mapping and unmapping; the call. */
#include <abi/errno.h>
#include <abi/grant.h>
#include <abi/mmu.h>
#include <engine/access.h>
#include <engine/grant_copy.h>
#include <engine/grant_map.h>
#include <engine/grant_op.h>
#include <engine/grant_table.h>

static bool is_64bit(const struct op *op)
{
    return op->vcpu->domain->width == WIDTH_64;
}

static int read_argument(const struct op *op, void *to, vaddr_t at, size_t size)
{
    return access_read(op->vcpu, to, at, size) ? 0 : refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, at.v);
}

static int write_argument(const struct op *op, vaddr_t at, const void *from, size_t size)
{
    return access_write(op->vcpu, at, from, size) ? 0 : refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, at.v);
}

/*
 * ---- The caller's own table.  Each is given where its structure lies.
 */

static bool is_caller(const struct op *op, uint16_t domid)
{
    return domid == DOMID_SELF || domid == op->vcpu->domain->id.v;
}

static int16_t refuse_domain(const struct op *op, uint16_t domid)
{
    return grant_refuse(op, GNTST_bad_domain, REFUSE_NO_SUCH_DOMAIN, domid);
}

/* What of the table may be read without its lock: it never shrinks while the caller lives. */
static struct domain_grants *table_of(const struct op *op)
{
    return &op->vcpu->domain->grants;
}

static unsigned count_frames(const struct op *op, const unsigned *nr_frames)
{
    unsigned count;

    port_lock(op->vcpu->domain);
    count = *nr_frames;
    port_unlock(op->vcpu->domain);
    return count;
}

static unsigned version_now(const struct op *op)
{
    return count_frames(op, &table_of(op)->version);
}

static int64_t query_size(struct op *op, vaddr_t at)
{
    struct gnttab_query_size query;

    if (read_argument(op, &query, at, sizeof(query)))
        return -XEN_EFAULT;
    if (is_caller(op, query.dom)) {
        query.nr_frames = count_frames(op, &table_of(op)->nr_frames);
        query.max_nr_frames = GRANT_FRAMES_MAX;
        query.status = GNTST_okay;
    } else {
        query.status = refuse_domain(op, query.dom);
    }
    return write_argument(op, at, &query, sizeof(query));
}

/* Write @count frame numbers of @size bytes each. */
static int16_t write_frames(struct op *op, uint64_t to, const mfn_t *frames, uint32_t count, unsigned size)
{
    for (uint32_t i = 0; i < count; i++) {
        if (write_argument(op, VADDR(to + (uint64_t)i * size), &frames[i].v, size))
            return GNTST_bad_virt_addr;
    }
    return GNTST_okay;
}

static int16_t setup(struct op *op, uint16_t domid, uint32_t nr_frames, uint64_t list)
{
    struct domain *caller = op->vcpu->domain;

    if (!is_caller(op, domid))
        return refuse_domain(op, domid);
    if (grant_table_grow(op, caller, nr_frames))
        return GNTST_general_error;
    return write_frames(op, list, table_of(op)->frames, nr_frames, access_word_size(caller));
}

static int64_t setup_table(struct op *op, vaddr_t at)
{
    struct gnttab_setup_table wide;
    struct compat_gnttab_setup_table compat;

    if (is_64bit(op)) {
        if (read_argument(op, &wide, at, sizeof(wide)))
            return -XEN_EFAULT;
        wide.status = setup(op, wide.dom, wide.nr_frames, wide.frame_list);
        return write_argument(op, at, &wide, sizeof(wide));
    }
    if (read_argument(op, &compat, at, sizeof(compat)))
        return -XEN_EFAULT;
    compat.status = setup(op, compat.dom, compat.nr_frames, compat.frame_list);
    return write_argument(op, at, &compat, sizeof(compat));
}

static int16_t list_status(struct op *op, uint16_t domid, uint32_t nr_frames, uint64_t list)
{
    const struct domain_grants *grants = table_of(op);

    if (!is_caller(op, domid))
        return refuse_domain(op, domid);
    if (version_now(op) != 2)
        return grant_refuse(op, GNTST_general_error, REFUSE_GRANT_VERSION, 2);
    if (nr_frames > count_frames(op, &grants->nr_status_frames))
        return grant_refuse(op, GNTST_general_error, REFUSE_TABLE_LIMIT, nr_frames);
    return write_frames(op, list, grants->status_frames, nr_frames, sizeof(uint64_t));
}

static int64_t get_status_frames(struct op *op, vaddr_t at)
{
    struct gnttab_get_status_frames wide;
    struct compat_gnttab_get_status_frames compat;

    if (is_64bit(op)) {
        if (read_argument(op, &wide, at, sizeof(wide)))
            return -XEN_EFAULT;
        wide.status = list_status(op, wide.dom, wide.nr_frames, wide.frame_list);
        return write_argument(op, at, &wide, sizeof(wide));
    }
    if (read_argument(op, &compat, at, sizeof(compat)))
        return -XEN_EFAULT;
    compat.status = list_status(op, compat.dom, compat.nr_frames, compat.frame_list);
    return write_argument(op, at, &compat, sizeof(compat));
}

/* The answer tells the version in force, whatever the result. */
static int64_t set_version(struct op *op, vaddr_t at)
{
    struct gnttab_set_version wanted;
    int64_t result;

    if (read_argument(op, &wanted, at, sizeof(wanted)))
        return -XEN_EFAULT;
    if (wanted.version == 1 || wanted.version == 2)
        result = grant_table_set_version(op, op->vcpu->domain, wanted.version);
    else
        result = refuse_value(op, XEN_EINVAL, REFUSE_GRANT_VERSION, wanted.version);
    wanted.version = version_now(op);
    return write_argument(op, at, &wanted, sizeof(wanted)) ? -XEN_EFAULT : result;
}

static int64_t get_version(struct op *op, vaddr_t at)
{
    struct gnttab_get_version asked;

    if (read_argument(op, &asked, at, sizeof(asked)))
        return -XEN_EFAULT;
    if (!is_caller(op, asked.dom))
        return refuse_value(op, XEN_ESRCH, REFUSE_NO_SUCH_DOMAIN, asked.dom);
    asked.version = version_now(op);
    return write_argument(op, at, &asked, sizeof(asked));
}

/* Processors of this kind have no use for it: there is no such command but for its error. */
static int64_t cache_flush(struct op *op, vaddr_t at)
{
    uint64_t argument[2];

    if (read_argument(op, argument, at, sizeof(argument)))
        return -XEN_EFAULT;
    return refuse_value(op, XEN_EINVAL, REFUSE_UNKNOWN_COMMAND, GNTTABOP_cache_flush);
}

struct single {
    int64_t (*run)(struct op *op, vaddr_t at);
    bool counted; /* must the count be 1? */
};

static const struct single singles[] = {
    [GNTTABOP_setup_table] = {setup_table, true},  [GNTTABOP_query_size] = {query_size, true},
    [GNTTABOP_set_version] = {set_version, false}, [GNTTABOP_get_status_frames] = {get_status_frames, true},
    [GNTTABOP_get_version] = {get_version, false}, [GNTTABOP_cache_flush] = {cache_flush, false},
};

/*
 * ---- What takes one structure after another.  Of each a copy is looked at, and its status is written back.
 */

union element {
    struct gnttab_transfer transfer;
    struct compat_gnttab_transfer compat_transfer;
    struct gnttab_copy copy;
    struct compat_gnttab_copy compat_copy;
    struct gnttab_swap_grant_ref swap;
};

/* No domain accepts a frame in this way, and that includes the caller. */
static int16_t transfer_to(const struct op *op, uint16_t domid)
{
    return is_caller(op, domid) ? GNTST_general_error : refuse_domain(op, domid);
}

static int16_t transfer(struct op *op, union element *element)
{
    return transfer_to(op, element->transfer.domid);
}

static int16_t compat_transfer(struct op *op, union element *element)
{
    return transfer_to(op, element->compat_transfer.domid);
}

static int16_t copy(struct op *op, union element *element)
{
    return grant_copy(op, &element->copy);
}

/* The references have the same place in either form of a side. */
static struct gnttab_copy_ptr widen(const struct compat_gnttab_copy_ptr *side)
{
    return (struct gnttab_copy_ptr){.u.gmfn = side->u.gmfn, .domid = side->domid, .offset = side->offset};
}
_Static_assert(sizeof(grant_ref_t) == sizeof(compat_pfn_t), "widen()");

static int16_t compat_copy(struct op *op, union element *element)
{
    const struct compat_gnttab_copy *compat = &element->compat_copy;
    const struct gnttab_copy wide = {widen(&compat->source), widen(&compat->dest), compat->len, compat->flags, 0, 0};

    return grant_copy(op, &wide);
}

static int16_t swap(struct op *op, union element *element)
{
    return grant_table_swap(op, element->swap.ref_a, element->swap.ref_b);
}

struct batch {
    int16_t (*run)(struct op *op, union element *element);
    size_t size;   /* of an element */
    size_t status; /* where the outcome goes */
};

#define BATCH(function, structure)                                             \
    {                                                                          \
        function, sizeof(struct structure), offsetof(struct structure, status) \
    }

static const struct batch batches[] = {
    [GNTTABOP_transfer] = BATCH(transfer, gnttab_transfer),
    [GNTTABOP_copy] = BATCH(copy, gnttab_copy),
    [GNTTABOP_swap_grant_ref] = BATCH(swap, gnttab_swap_grant_ref),
};

static const struct batch compat_batches[] = {
    [GNTTABOP_transfer] = BATCH(compat_transfer, compat_gnttab_transfer),
    [GNTTABOP_copy] = BATCH(compat_copy, compat_gnttab_copy),
};

static const struct batch *find_batch(const struct op *op, uint32_t command)
{
    const struct batch *compat = TABLE_FIND_BY(compat_batches, command, run);

    return compat && !is_64bit(op) ? compat : TABLE_FIND_BY(batches, command, run);
}

static int run_element(struct op *op, const struct batch *batch, vaddr_t at)
{
    union element element;
    int16_t status;

    if (read_argument(op, &element, at, batch->size))
        return -XEN_EFAULT;
    status = batch->run(op, &element);
    return write_argument(op, VADDR(at.v + batch->status), &status, sizeof(status));
}

/* Between elements others may run; the guest may have ended then. */
static bool goes_on(const struct op *op)
{
    port_preempt_point();
    return !domain_is_dying(op->vcpu->domain);
}

static int64_t run_batch(struct op *op, const struct batch *batch, vaddr_t at, uint32_t count)
{
    for (op->done = 0; op->done < count && goes_on(op); op->done++) {
        int error = run_element(op, batch, VADDR(at.v + op->done * batch->size));

        if (error)
            return error;
    }
    return 0;
}

/*
 * ---- Mapping and unmapping.  Several share locks and a flush, and are copied in one go, there and back.
 */

/* Up to @count elements of @size bytes each: those before one that cannot be read, which is an @error. */
static unsigned read_elements(struct op *op, void *to, vaddr_t at, unsigned count, size_t size, int *error)
{
    unsigned filled = 0;

    *error = 0;
    if (access_read(op->vcpu, to, at, count * size))
        return count;
    while (filled < count && !*error) {
        *error = read_argument(op, (uint8_t *)to + filled * size, VADDR(at.v + filled * size), size);
        filled += !*error;
    }
    return filled;
}

/* Up to GRANT_MAPPINGS_MAX of @count; those before one that cannot be read are done. */
static int map_some(struct op *op, vaddr_t at, uint32_t count)
{
    struct gnttab_map_grant_ref maps[GRANT_MAPPINGS_MAX];
    unsigned wanted = count < GRANT_MAPPINGS_MAX ? count : GRANT_MAPPINGS_MAX, filled;
    int error;

    filled = read_elements(op, maps, at, wanted, sizeof(maps[0]), &error);
    grant_map(op, maps, filled);
    if (write_argument(op, at, maps, filled * sizeof(maps[0])))
        return -XEN_EFAULT;
    return error;
}

static int64_t run_maps(struct op *op, vaddr_t at, uint32_t count)
{
    for (op->done = 0; op->done < count && goes_on(op);) {
        int error = map_some(op, VADDR(at.v + op->done * sizeof(struct gnttab_map_grant_ref)), count - op->done);

        if (error)
            return error;
    }
    return 0;
}

/* The second address of either structure has the same place. */
static struct grant_unmapping unmapping_of(const struct gnttab_unmap_grant_ref *element, bool replace)
{
    return (struct grant_unmapping){.host_addr = element->host_addr,
                                    .dev_bus_addr = replace ? 0 : element->dev_bus_addr,
                                    .new_addr = replace ? element->dev_bus_addr : 0,
                                    .handle = element->handle};
}
_Static_assert(sizeof(struct gnttab_unmap_grant_ref) == sizeof(struct gnttab_unmap_and_replace) &&
                   offsetof(struct gnttab_unmap_grant_ref, dev_bus_addr) ==
                       offsetof(struct gnttab_unmap_and_replace, new_addr) &&
                   offsetof(struct gnttab_unmap_grant_ref, handle) ==
                       offsetof(struct gnttab_unmap_and_replace, handle) &&
                   offsetof(struct gnttab_unmap_grant_ref, status) == offsetof(struct gnttab_unmap_and_replace, status),
               "unmapping_of()");

/* Up to GRANT_UNMAPPINGS_MAX of @count; those before one that cannot be read are done. */
static int unmap_some(struct op *op, vaddr_t at, uint32_t count, bool replace)
{
    struct gnttab_unmap_grant_ref elements[GRANT_UNMAPPINGS_MAX];
    struct grant_unmapping unmappings[GRANT_UNMAPPINGS_MAX];
    unsigned wanted = count < GRANT_UNMAPPINGS_MAX ? count : GRANT_UNMAPPINGS_MAX, filled;
    int error;

    filled = read_elements(op, elements, at, wanted, sizeof(elements[0]), &error);
    for (unsigned i = 0; i < filled; i++)
        unmappings[i] = unmapping_of(&elements[i], replace);
    grant_unmap(op, unmappings, filled);
    for (unsigned i = 0; i < filled; i++)
        elements[i].status = unmappings[i].status;
    if (write_argument(op, at, elements, filled * sizeof(elements[0])))
        return -XEN_EFAULT;
    return error;
}

static int64_t run_unmaps(struct op *op, vaddr_t at, uint32_t count, bool replace)
{
    for (op->done = 0; op->done < count && goes_on(op); op->done += GRANT_UNMAPPINGS_MAX) {
        int error =
            unmap_some(op, VADDR(at.v + op->done * sizeof(struct gnttab_unmap_grant_ref)), count - op->done, replace);

        if (error)
            return error;
    }
    return 0;
}

/*
 * ---- The call.
 */

int64_t grant_table_op(struct op *op, const uint64_t args[6])
{
    uint32_t command = (uint32_t)args[0], count = (uint32_t)args[2];
    const struct batch *batch = find_batch(op, command);
    const struct single *single = TABLE_FIND_BY(singles, command, run);

    op->command = command;
    if (count > INT32_MAX)
        return refuse_value(op, XEN_EINVAL, REFUSE_ELEMENT_COUNT, count);
    if (batch)
        return run_batch(op, batch, VADDR(args[1]), count);
    if (command == GNTTABOP_map_grant_ref)
        return run_maps(op, VADDR(args[1]), count);
    if (command == GNTTABOP_unmap_grant_ref || command == GNTTABOP_unmap_and_replace)
        return run_unmaps(op, VADDR(args[1]), count, command == GNTTABOP_unmap_and_replace);
    if (!single)
        return refuse_value(op, XEN_ENOSYS, REFUSE_UNKNOWN_COMMAND, command);
    if (single->counted && count != 1)
        return refuse_value(op, XEN_EINVAL, REFUSE_ELEMENT_COUNT, count);
    return single->run(op, VADDR(args[1]));
}
