/* SPDX-License-Identifier: MIT */
/* In order: the table as the guest writes it; the calls. */
#include <tests/support/guest_grant.h>

void guest_grants_begin(struct guest *guest, unsigned nr_frames)
{
    struct op op = op_own(guest->domain, NULL);

    if (domain_grants_create(guest->domain, MFN_NONE, MFN_NONE) || grant_table_grow(&op, guest->domain, nr_frames))
        sim_fail("domain %u gets no grant table", guest->domain->id.v);
}

static struct grant_place place_of(const struct guest *guest, grant_ref_t ref)
{
    struct grant_place place;

    if (!grant_place_find(guest->domain, ref, &place))
        sim_fail("domain %u has no grant entry %u", guest->domain->id.v, ref);
    return place;
}

void guest_grant(const struct guest *guest, grant_ref_t ref, unsigned domid, mfn_t mfn, unsigned flags)
{
    struct grant_place place = place_of(guest, ref);

    if (place.v1) {
        *place.v1 = (struct grant_entry_v1){0, (uint16_t)domid, (uint32_t)mfn.v};
        place.v1->flags = (uint16_t)flags;
    } else {
        *place.v2 = (struct grant_entry_v2){0, (uint16_t)domid, 0, 0, mfn.v};
        place.v2->flags = (uint16_t)flags;
    }
}

void guest_grant_end(const struct guest *guest, grant_ref_t ref)
{
    struct grant_place place = place_of(guest, ref);

    if (place.v1)
        place.v1->flags = 0;
    else
        place.v2->flags = 0;
}

unsigned guest_grant_flags(const struct guest *guest, grant_ref_t ref)
{
    struct grant_place place = place_of(guest, ref);

    return place.v1 ? place.v1->flags : place.v2->flags | *place.status;
}

unsigned guest_grant_use(const struct guest *guest, grant_ref_t ref)
{
    return guest_grant_flags(guest, ref) & GTF_USE;
}

int64_t guest_grant_op(struct vcpu *vcpu, unsigned command, void *elements, size_t size, unsigned count)
{
    struct guest *guest = guest_of(vcpu);
    size_t used = guest->scratch_used[vcpu->id];
    vaddr_t at = guest_put(vcpu, elements, size * count);
    int64_t result = guest_hypercall(vcpu, __HYPERVISOR_grant_table_op, command, at.v, count, 0, 0, 0);

    guest_take(vcpu, at, elements, size * count);
    guest->scratch_used[vcpu->id] = used;
    return result;
}

static struct compat_gnttab_copy_ptr narrow(const struct gnttab_copy_ptr *side)
{
    return (struct compat_gnttab_copy_ptr){.u.ref = side->u.ref, .domid = side->domid, .offset = side->offset};
}

int64_t guest_grant_copy(struct vcpu *vcpu, struct gnttab_copy *copies, unsigned count)
{
    struct compat_gnttab_copy compat[16];
    int64_t result;

    if (vcpu->domain->width == WIDTH_64)
        return guest_grant_op(vcpu, GNTTABOP_copy, copies, sizeof(*copies), count);
    if (count > ARRAY_SIZE(compat))
        sim_fail("%u copies are more than guest_grant_copy() narrows", count);
    for (unsigned i = 0; i < count; i++)
        compat[i] = (struct compat_gnttab_copy){.source = narrow(&copies[i].source),
                                                .dest = narrow(&copies[i].dest),
                                                .len = copies[i].len,
                                                .flags = copies[i].flags,
                                                .status = copies[i].status};
    result = guest_grant_op(vcpu, GNTTABOP_copy, compat, sizeof(compat[0]), count);
    for (unsigned i = 0; i < count; i++)
        copies[i].status = compat[i].status;
    return result;
}

int16_t guest_grant_map(struct vcpu *vcpu, unsigned domid, grant_ref_t ref, uint64_t host_addr, unsigned flags,
                        grant_handle_t *handle)
{
    struct gnttab_map_grant_ref map = {
        .host_addr = host_addr, .flags = flags, .ref = ref, .dom = (uint16_t)domid, .status = INT16_MAX};
    int64_t result = guest_grant_op(vcpu, GNTTABOP_map_grant_ref, &map, sizeof(map), 1);

    if (result)
        sim_fail("grant_table_op: %lld", (long long)result);
    if (map.status == GNTST_okay && handle)
        *handle = map.handle;
    return map.status;
}

int16_t guest_grant_unmap(struct vcpu *vcpu, grant_handle_t handle, uint64_t host_addr, uint64_t dev_bus_addr)
{
    struct gnttab_unmap_grant_ref unmap = {
        .host_addr = host_addr, .dev_bus_addr = dev_bus_addr, .handle = handle, .status = INT16_MAX};
    int64_t result = guest_grant_op(vcpu, GNTTABOP_unmap_grant_ref, &unmap, sizeof(unmap), 1);

    if (result)
        sim_fail("grant_table_op: %lld", (long long)result);
    return unmap.status;
}

static void call_one(struct vcpu *vcpu, unsigned command, void *element, size_t size)
{
    int64_t result = guest_grant_op(vcpu, command, element, size, 1);

    if (result)
        sim_fail("grant_table_op %u: %lld", command, (long long)result);
}

int16_t guest_grant_setup(struct vcpu *vcpu, unsigned domid, unsigned nr_frames, uint64_t list)
{
    struct gnttab_setup_table wide = {.dom = (uint16_t)domid, .nr_frames = nr_frames, .frame_list = list};
    struct compat_gnttab_setup_table compat = {
        .dom = (uint16_t)domid, .nr_frames = nr_frames, .frame_list = (uint32_t)list};
    bool is_64 = vcpu->domain->width == WIDTH_64;

    wide.status = compat.status = INT16_MAX;
    call_one(vcpu, GNTTABOP_setup_table, is_64 ? (void *)&wide : &compat, is_64 ? sizeof(wide) : sizeof(compat));
    return is_64 ? wide.status : compat.status;
}

int16_t guest_grant_list_status(struct vcpu *vcpu, unsigned domid, unsigned nr_frames, uint64_t list)
{
    struct gnttab_get_status_frames wide = {nr_frames, (uint16_t)domid, INT16_MAX, list};
    struct compat_gnttab_get_status_frames compat = {nr_frames, (uint16_t)domid, INT16_MAX, (uint32_t)list};
    bool is_64 = vcpu->domain->width == WIDTH_64;

    call_one(vcpu, GNTTABOP_get_status_frames, is_64 ? (void *)&wide : &compat, is_64 ? sizeof(wide) : sizeof(compat));
    return is_64 ? wide.status : compat.status;
}

int64_t guest_grant_set_version(struct vcpu *vcpu, uint32_t *version)
{
    struct gnttab_set_version wanted = {*version};
    int64_t result = guest_grant_op(vcpu, GNTTABOP_set_version, &wanted, sizeof(wanted), 1);

    *version = wanted.version;
    return result;
}

int16_t guest_grant_swap(struct vcpu *vcpu, grant_ref_t a, grant_ref_t b)
{
    struct gnttab_swap_grant_ref swap = {a, b, INT16_MAX, 0};

    call_one(vcpu, GNTTABOP_swap_grant_ref, &swap, sizeof(swap));
    return swap.status;
}
