/* SPDX-License-Identifier: MIT */
/* A list, which is hardly ever longer than one. */
#include <stddef.h>

#include <hv/domain/domain.h>
#include <hv/domain/zombie.h>

static struct hv_domain *zombies;

void zombie_add(struct hv_domain *domain)
{
    domain->next_zombie = zombies;
    zombies = domain;
}

/* Where the first empty one is linked in; the end of the list: there is none. */
static struct hv_domain **find_empty(void)
{
    struct hv_domain **at = &zombies;

    while (*at && (*at)->engine.nr_frames > 0)
        at = &(*at)->next_zombie;
    return at;
}

bool zombie_is_empty(void)
{
    return *find_empty() != NULL;
}

struct hv_domain *zombie_take_empty(void)
{
    struct hv_domain **at = find_empty(), *found = *at;

    if (found)
        *at = found->next_zombie;
    return found;
}
