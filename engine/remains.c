/* SPDX-License-Identifier: MIT */
/* What is left of a domain while others map its frames: who does by grants, and a number for it that is not its own. */
#include <engine/engine.h>
#include <engine/frame.h>
#include <engine/grant_mapping.h>

#define STRETCH 128u /* frames, or records, for which a lock is held */

/*
 * Of @domain's records from *@handle on, one stretch: how many are of grants of @granter; they are @successor's then.
 * A record without parts may be one that is being given up, whose granter is yet to be told.
 */
static uint64_t look_at_records(struct domain *domain, grant_handle_t *handle, domid_t granter, domid_t successor)
{
    uint32_t end = grant_mapping_count(domain);
    uint64_t count = 0;

    if (end - *handle > STRETCH)
        end = *handle + STRETCH;
    for (; *handle < end; ++*handle) {
        struct grant_mapping *mapping = grant_mapping_at(domain, *handle);

        if (mapping->granter.v != granter.v)
            continue;
        count += mapping->parts != 0;
        mapping->granter = successor;
    }
    return count;
}

static uint64_t look_at_all_records(struct domain *domain, domid_t granter, domid_t successor)
{
    grant_handle_t handle = 0;
    uint64_t count = 0;
    bool more;

    do {
        port_lock(domain);
        count += look_at_records(domain, &handle, granter, successor);
        more = handle < grant_mapping_count(domain);
        port_unlock(domain);
        port_preempt_point();
    } while (more);
    return count;
}

uint64_t domain_count_mapped(struct domain *domain, domid_t granter)
{
    return look_at_all_records(domain, granter, granter);
}

static void renumber_frames(struct domain *domain, domid_t id)
{
    struct machine *machine = domain->machine;

    for (uint64_t i = 0; i < machine->nr_frames;) {
        uint64_t end = machine->nr_frames - i > STRETCH ? i + STRETCH : machine->nr_frames;

        port_lock(domain);
        for (; i < end; i++) {
            if (frame_owner(&machine->frames[i]) == domain->id.v)
                frame_set_owner(&machine->frames[i], id.v);
        }
        port_unlock(domain);
        port_preempt_point();
    }
}

/* While it is on its way, either number leads to the domain, so that whoever gives a frame back finds its owner. */
void domain_renumber(struct domain *domain, domid_t id)
{
    struct machine *machine = domain->machine;
    domid_t old = domain->id;

    CHECK(domain_is_dying(domain) && domain->nr_vcpus == 0 && !machine->domains[id.v]);
    machine->domains[id.v] = domain;
    renumber_frames(domain, id);
    for (unsigned i = 0; i < machine->nr_domains; i++) {
        if (machine->domains[i])
            (void)look_at_all_records(machine->domains[i], old, id);
    }
    domain->id = id; /* nobody holds its lock, who would only give frames back: that is over when this is preempted */
    machine->domains[old.v] = NULL;
}
