/* SPDX-License-Identifier: MIT */
/* Handles of mapped grants, in frames of the hypervisor that come one by one. */
#include <engine/engine.h>
#include <engine/grant_mapping.h>

#define PER_FRAME ((uint32_t)(PAGE_SIZE / sizeof(struct grant_mapping)))

uint32_t grant_mapping_count(const struct domain *domain)
{
    return domain->grants.nr_mapping_frames * PER_FRAME;
}

struct grant_mapping *grant_mapping_at(const struct domain *domain, grant_handle_t handle)
{
    CHECK(handle < grant_mapping_count(domain));
    return (struct grant_mapping *)port_frame_map(domain->grants.mapping_frames[handle / PER_FRAME]) +
           handle % PER_FRAME;
}

struct grant_mapping *grant_mapping_find(const struct domain *domain, grant_handle_t handle)
{
    struct grant_mapping *mapping;

    if (handle >= grant_mapping_count(domain))
        return NULL;
    mapping = grant_mapping_at(domain, handle);
    return mapping->parts ? mapping : NULL;
}

const struct grant_mapping *grant_mapping_next(const struct domain *domain, grant_handle_t *handle)
{
    while (*handle < grant_mapping_count(domain)) {
        const struct grant_mapping *first = port_frame_map(domain->grants.mapping_frames[*handle / PER_FRAME]);

        do {
            if (first[*handle % PER_FRAME].parts)
                return &first[*handle % PER_FRAME];
        } while (++*handle % PER_FRAME);
    }
    return NULL;
}

void grant_mapping_free(struct domain *domain, grant_handle_t handle)
{
    struct grant_mapping *mapping;

    if (handle >= grant_mapping_count(domain))
        return;
    mapping = grant_mapping_at(domain, handle);
    CHECK(!mapping->parts);
    mapping->next_free = domain->grants.free_mapping;
    domain->grants.free_mapping = handle + 1;
}

bool grant_mapping_take(struct domain *domain, grant_handle_t *handle)
{
    uint32_t first = domain->grants.free_mapping;

    if (first == 0)
        return false;
    *handle = first - 1;
    domain->grants.free_mapping = grant_mapping_at(domain, *handle)->next_free;
    return true;
}

/* The handles of a new frame, the lowest to be used first. */
static bool append(struct domain *domain, mfn_t frame)
{
    struct domain_grants *grants = &domain->grants;

    if (grants->nr_mapping_frames == GRANT_MAPPING_FRAMES_MAX)
        return false;
    grants->mapping_frames[grants->nr_mapping_frames++] = frame;
    for (uint32_t i = PER_FRAME; i > 0; i--)
        grant_mapping_free(domain, grant_mapping_count(domain) - PER_FRAME + i - 1);
    return true;
}

static bool take_locked(struct domain *domain, grant_handle_t *handle)
{
    bool taken;

    port_lock(domain);
    taken = grant_mapping_take(domain, handle);
    port_unlock(domain);
    return taken;
}

bool grant_mapping_reserve(struct domain *domain, grant_handle_t *handle)
{
    bool appended, taken;
    mfn_t frame;

    if (take_locked(domain, handle))
        return true;
    if (!machine_take(domain->machine, 0, &frame))
        return false;
    port_lock(domain);
    appended = !domain_is_dying(domain) && append(domain, frame); /* its teardown waits for the lock */
    taken = grant_mapping_take(domain, handle);
    port_unlock(domain);
    if (!appended)
        machine_give(domain->machine, frame, 0);
    return taken;
}

void grant_mapping_destroy(struct domain *domain)
{
    struct domain_grants *grants = &domain->grants;

    while (grants->nr_mapping_frames > 0)
        machine_give(domain->machine, grants->mapping_frames[--grants->nr_mapping_frames], 0);
    grants->free_mapping = 0;
}
