/* SPDX-License-Identifier: MIT */
/* All domains that live are asked, by their records of grants. */
#include <engine/engine.h>
#include <hv/base/print.h>
#include <hv/domain/domain.h>
#include <hv/domain/shutdown.h>
#include <hv/holders.h>

/* The domain of number @id, if it lives and maps grants of @left, and how many; NULL. */
static struct hv_domain *find_holder(const struct machine *machine, unsigned id, const struct hv_domain *left,
                                     uint64_t *count)
{
    struct hv_domain *domain = hv_domain_find(machine, (uint16_t)id);

    *count = domain ? domain_count_mapped(&domain->engine, left->engine.id) : 0;
    return *count > 0 ? domain : NULL;
}

void holders_say(const struct machine *machine, const struct hv_domain *left)
{
    unsigned left_id = left->engine.id.v;
    bool found = false;

    print("domain %u (%s): it is to be built anew, and %lu frames of it are still in use\n", left_id, left->name,
          left->engine.nr_frames);
    for (unsigned i = 0; i < machine->nr_domains; i++) {
        uint64_t count;
        const struct hv_domain *holder = find_holder(machine, i, left, &count);

        if (!holder)
            continue;
        found = true;
        print("domain %u (%s): it maps %lu grants of domain %u (%s)\n", i, holder->name, count, left_id, left->name);
    }
    if (!found)
        print("domain %u (%s): they are mapped by privilege, not by grants\n", left_id, left->name);
}

bool holders_end_back_ends(const struct machine *machine, const struct hv_domain *left)
{
    bool found = false;

    for (unsigned i = 0; i < machine->nr_domains; i++) {
        uint64_t count;
        struct hv_domain *holder = find_holder(machine, i, left, &count);

        if (!holder || !holder->is_back_end)
            continue;
        found = true;
        print("domain %u (%s): it is ended, so that domain %u (%s) gets its frames back\n", i, holder->name,
              left->engine.id.v, left->name);
        shutdown_domain(holder, SHUTDOWN_crash);
    }
    return found;
}
