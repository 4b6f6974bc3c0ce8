/* SPDX-License-Identifier: MIT */
/* Mapping of grants, in order: the L1 entry; map; unmap in its two steps; the end of all. */
#include <engine/flush.h>
#include <engine/grant_map.h>
#include <engine/grant_mapping.h>
#include <engine/grant_use.h>
#include <engine/level.h>
#include <engine/update.h>
#include <engine/walk.h>

#define AVAIL_SHIFT      9u  /* a guest's own bits in an entry... */
#define MAP_AVAIL_SHIFT  16u /* ...and in the flags of a mapping */
#define TEARDOWN_STRETCH 32u /* mappings between two preemption points */

/*
 * ---- The entry.
 */

struct place {
    struct frame *table;
    unsigned index;
};

/* The entry that maps the virtual address @address, or (@named) the entry with that machine address. */
static bool find_place(const struct op *op, uint64_t address, bool named, struct place *place)
{
    struct frame *table;

    if (!named)
        return walk_find_l1(op->vcpu, VADDR(address), &place->table, &place->index);
    table = frame_find(op->machine, MFN(address >> PAGE_SHIFT));
    if (address % sizeof(uint64_t) || !table || frame_owner(table) != op->pt_owner->id.v ||
        !type_is_live(table->type, TYPE_L1))
        return false;
    *place = (struct place){table, (unsigned)(address % PAGE_SIZE / sizeof(uint64_t))};
    return true;
}

static uint64_t read_place(const struct op *op, const struct place *place)
{
    return __atomic_load_n(&frame_entries(op->machine, place->table)[place->index], __ATOMIC_RELAXED);
}

/* What the guest gets: never executable, and no memory type but write-back. */
static uint64_t entry_of(mfn_t frame, uint32_t flags)
{
    uint64_t bits = frame.v << PAGE_SHIFT | ENTRY_NX | ENTRY_AD | ENTRY_PRESENT;

    if (!(flags & GNTMAP_readonly))
        bits |= ENTRY_RW;
    if (flags & GNTMAP_application_map)
        bits |= ENTRY_USER;
    return bits | ((uint64_t)(flags >> MAP_AVAIL_SHIFT) << AVAIL_SHIFT & ENTRY_AVAIL);
}

static int16_t write_entry(struct op *op, const struct gnttab_map_grant_ref *map, mfn_t frame)
{
    const struct update update = {entry_of(frame, map->flags), UPDATE_REPLACE, 0};
    struct place place;

    if (!find_place(op, map->host_addr, map->flags & GNTMAP_contains_pte, &place))
        return grant_refuse(op, GNTST_general_error, REFUSE_NO_L1_ENTRY, map->host_addr);
    return update_entry(op, place.table, place.index, &update) ? GNTST_general_error : GNTST_okay;
}

/*
 * ---- Map.
 */

/* Record and entry, under the locks of both domains.  The record is found when it has its parts. */
static int16_t map_frame(struct op *op, struct gnttab_map_grant_ref *map, struct grant_mapping *mapping)
{
    struct domain *granter = op->pg_owner;
    bool write = !(map->flags & GNTMAP_readonly);
    struct granted granted;
    int16_t status = grant_use_begin(op, granter, map->ref, op->pt_owner->id, write, &granted);

    if (status != GNTST_okay)
        return status;
    if (granted.first > 0 || granted.end < PAGE_SIZE)
        status = grant_refuse(op, GNTST_general_error, REFUSE_GRANT_PART, map->ref);
    else if (map->flags & GNTMAP_host_map)
        status = write_entry(op, map, granted.frame);
    if (status != GNTST_okay) {
        grant_use_end(granter, map->ref, granted.frame, write);
        return status;
    }
    *mapping = (struct grant_mapping){
        .frame = granted.frame,
        .ref = map->ref,
        .granter = granter->id,
        .parts = map->flags & (MAPPING_HOST | MAPPING_DEVICE),
        .entry_named = !!(map->flags & GNTMAP_contains_pte),
        .readonly = !write,
        .had_entry = !!(map->flags & GNTMAP_host_map),
    };
    map->dev_bus_addr = granted.frame.v << PAGE_SHIFT;
    return GNTST_okay;
}

/* With a handle that was set aside, which is free again unless that is a mapping then. */
static int16_t map_with_handle(struct op *op, struct gnttab_map_grant_ref *map, grant_handle_t handle)
{
    int16_t status = map_frame(op, map, grant_mapping_at(op->pt_owner, handle));

    if (status == GNTST_okay)
        map->handle = handle;
    else
        grant_mapping_free(op->pt_owner, handle);
    return status;
}

static bool has_parts(const struct gnttab_map_grant_ref *map)
{
    return map->flags & (GNTMAP_host_map | GNTMAP_device_map);
}

/* Take the locks and a handle for the first of a run.  GNTST_okay, or why that one fails: then nothing is held. */
static int16_t begin_run(struct op *op, const struct gnttab_map_grant_ref *map, grant_handle_t *handle)
{
    struct domain *caller = op->vcpu->domain, *granter = domain_find(op->machine, DOMID(map->dom));

    if (!has_parts(map))
        return grant_refuse(op, GNTST_bad_gntref, REFUSE_GRANT_FLAGS, map->flags);
    if (!granter)
        return grant_refuse(op, GNTST_bad_domain, REFUSE_NO_SUCH_DOMAIN, map->dom);
    if (!grant_mapping_reserve(caller, handle))
        return grant_refuse(op, GNTST_no_space, REFUSE_GRANT_HANDLES_EXHAUSTED, map->ref);
    if (!op_begin(op, caller, granter))
        return GNTST_okay;
    port_lock(caller);
    grant_mapping_free(caller, *handle);
    port_unlock(caller);
    return GNTST_bad_domain;
}

/*
 * The first, and those behind it that have the same granter, while there are free handles: how many.  Domains that come
 * to die meanwhile wait until the run is over.
 */
static unsigned map_run(struct op *op, struct gnttab_map_grant_ref *maps, unsigned count)
{
    grant_handle_t handle;
    unsigned done = 0;

    maps->status = begin_run(op, maps, &handle);
    if (maps->status != GNTST_okay) {
        op->done++;
        return 1;
    }
    do {
        maps[done].status = map_with_handle(op, &maps[done], handle);
        done++;
        op->done++;
    } while (done < count && maps[done].dom == maps->dom && has_parts(&maps[done]) &&
             grant_mapping_take(op->pt_owner, &handle));
    op_end(op);
    return done;
}

void grant_map(struct op *op, struct gnttab_map_grant_ref *maps, unsigned count)
{
    for (unsigned done = 0; done < count;)
        done += map_run(op, &maps[done], count - done);
}
_Static_assert(GNTMAP_device_map == MAPPING_DEVICE && GNTMAP_host_map == MAPPING_HOST, "map_frame()");

/*
 * ---- Unmap.  The first step decides and removes the entries, under the caller's lock.  Then their translations are
 * flushed, where there were any: a page that only a device uses never has one.  The second step tells the granters,
 * under the lock of each.
 */

/* Is @bits the entry that @mapping made?  Frame and rights count (XSA-234). */
static bool is_entry_of(const struct grant_mapping *mapping, uint64_t bits)
{
    return (bits & ENTRY_PRESENT) && mfn_equal(entry_mfn(bits), mapping->frame) &&
           !(bits & ENTRY_RW) == (bool)mapping->readonly;
}

/* Where the entry stands, present or not, that is to replace that of the mapping, in @host. */
static bool find_other(const struct op *op, uint64_t new_addr, const struct place *host, struct place *other)
{
    return find_place(op, new_addr, false, other) && !(other->table == host->table && other->index == host->index);
}

/* The record loses its part first: the release of the entry may exchange the locks, and this must not happen twice. */
static int16_t unmap_host(struct op *op, struct grant_mapping *mapping, const struct grant_unmapping *element)
{
    const struct update nothing = {0, UPDATE_REPLACE, 0};
    struct place host, other;

    if (!find_place(op, element->host_addr, mapping->entry_named, &host))
        return grant_refuse(op, GNTST_general_error, REFUSE_NO_L1_ENTRY, element->host_addr);
    if (!is_entry_of(mapping, read_place(op, &host)))
        return grant_refuse(op, GNTST_general_error, REFUSE_GRANT_NOT_THERE, element->host_addr);
    if (element->new_addr && !find_other(op, element->new_addr, &host, &other))
        return grant_refuse(op, GNTST_general_error, REFUSE_NO_L1_ENTRY, element->new_addr);
    mapping->parts &= (uint8_t)~MAPPING_HOST;
    if (element->new_addr)
        update_move_leaf(op, host.table, host.index, other.table, other.index);
    else if (update_entry(op, host.table, host.index, &nothing))
        CHECK(false); /* nothing is always allowed */
    return GNTST_okay;
}

/*
 * @ended: that was the last part of the mapping.  @stale is set if translations may be left of an entry that it has, or
 * that another vCPU is removing right now: the record may be another mapping's when the locks have been exchanged.
 */
static int16_t unmap_begin(struct op *op, const struct grant_unmapping *element, bool *ended, bool *stale)
{
    struct grant_mapping *mapping = grant_mapping_find(op->pt_owner, element->handle);
    int16_t status = GNTST_okay;
    bool device;

    *ended = false;
    if (!mapping)
        return grant_refuse(op, GNTST_bad_handle, REFUSE_GRANT_HANDLE, element->handle);
    device = element->dev_bus_addr && (mapping->parts & MAPPING_DEVICE);
    if (device && element->dev_bus_addr != mapping->frame.v << PAGE_SHIFT)
        return grant_refuse(op, GNTST_bad_dev_addr, REFUSE_GRANT_NOT_THERE, element->dev_bus_addr);
    *stale |= mapping->had_entry;
    if (device)
        mapping->parts &= (uint8_t)~MAPPING_DEVICE;
    *ended = device && !mapping->parts;
    if (element->host_addr && (mapping->parts & MAPPING_HOST)) {
        *ended = mapping->parts == MAPPING_HOST;
        status = unmap_host(op, mapping, element);
        if (status != GNTST_okay) {
            mapping->parts |= device ? MAPPING_DEVICE : 0;
            *ended = false;
        }
    }
    return status;
}

static struct domain *granter_of(const struct op *op, const struct domain *domain, grant_handle_t handle)
{
    return domain_find(op->machine, grant_mapping_at(domain, handle)->granter);
}

/*
 * Give up what the first record held, and those behind it that have the same granter: how many.  Nobody finds them any
 * more.  Each run is looked for with the caller's lock, since in between a granter may get another number, which is
 * then written into the records (domain_renumber()).
 */
static unsigned unmap_end(struct op *op, struct domain *domain, const grant_handle_t *handles, unsigned count)
{
    struct domain *granter = granter_of(op, domain, handles[0]);
    struct grant_mapping run[GRANT_UNMAPPINGS_MAX];
    unsigned size = 0;

    CHECK(granter); /* it owns the frames still */
    for (; size < count && granter_of(op, domain, handles[size]) == granter; size++)
        run[size] = *grant_mapping_at(domain, handles[size]);
    op_lock_other(op, granter);
    for (unsigned i = 0; i < size; i++)
        grant_use_end(granter, run[i].ref, run[i].frame, !run[i].readonly);
    op_unlock_other(op, granter);
    for (unsigned i = 0; i < size; i++)
        grant_mapping_free(domain, handles[i]);
    return size;
}

void grant_unmap(struct op *op, struct grant_unmapping *elements, unsigned count)
{
    struct domain *domain = op->vcpu->domain;
    grant_handle_t ended[GRANT_UNMAPPINGS_MAX];
    unsigned nr_ended = 0;
    bool stale = false;

    CHECK(count <= GRANT_UNMAPPINGS_MAX);
    if (op_begin(op, domain, domain)) {
        for (unsigned i = 0; i < count; i++)
            elements[i].status = GNTST_general_error;
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        bool is_last;

        elements[i].status = unmap_begin(op, &elements[i], &is_last, &stale);
        if (is_last)
            ended[nr_ended++] = elements[i].handle;
    }
    if (stale)
        tlb_flush(op->machine, flush_domain_cpus(domain));
    for (unsigned done = 0; done < nr_ended;)
        done += unmap_end(op, domain, &ended[done], nr_ended - done);
    op_end(op);
}

void grant_unmap_all(struct op *op, struct domain *domain)
{
    uint32_t count = grant_mapping_count(domain);

    if (count > 0)
        tlb_flush(op->machine, flush_domain_cpus(domain));
    for (grant_handle_t handle = 0; handle < count; handle++) {
        struct grant_mapping *mapping = grant_mapping_find(domain, handle);

        if (mapping) {
            mapping->parts = 0;
            (void)unmap_end(op, domain, &handle, 1);
        }
        if (handle % TEARDOWN_STRETCH == 0)
            op_preempt_point(op);
    }
    grant_mapping_destroy(domain);
}
