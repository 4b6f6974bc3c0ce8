/* SPDX-License-Identifier: MIT */
/*
 * In parts: the source of an interrupt; mapping; ports; what happens when one comes.
 *
 * A line that is not handled stays raised, so it is masked from the moment it has come until the guest says that it has
 * handled it.  A message is an edge: it is masked only where it comes too often.
 */
#include <stddef.h>

#include <abi/errno.h>
#include <hv/base/print.h>
#include <hv/cpu/trap.h>
#include <hv/device/devices.h>
#include <hv/device/msix.h>
#include <hv/device/pirq.h>
#include <hv/device/vector.h>
#include <hv/domain/call_refuse.h>
#include <hv/domain/domain.h>
#include <hv/time/ioapic.h>
#include <hv/time/time.h>

/* The interrupt of that number, NULL: not mapped, or no such number. */
static struct pirq *find(const struct hv_domain *domain, uint32_t number)
{
    if (!domain->devices || number >= PIRQS || domain->devices->pirqs[number].kind == PIRQ_FREE)
        return NULL;
    return &domain->devices->pirqs[number];
}

/*
 * ---- Its source.
 */

static void mask(const struct pirq *pirq)
{
    if (pirq->kind == PIRQ_LINE)
        ioapic_mask(pirq->entry);
    else
        msix_mask(pirq->function, pirq->entry, true);
}

static void unmask(const struct pirq *pirq)
{
    if (pirq->kind == PIRQ_LINE)
        ioapic_route_level(pirq->entry, pirq->vector);
    else
        msix_mask(pirq->function, pirq->entry, false);
}

static void let_come(struct pirq *pirq)
{
    pirq->held = false;
    pirq->unheard = 0;
    unmask(pirq);
}

/*
 * ---- Mapping.
 */

#define ANY_ENTRY UINT32_MAX

/* Is a message of @function mapped, of @entry or of any? */
static bool find_message(const struct hv_domain *domain, const struct pci_function *function, unsigned entry)
{
    for (unsigned i = 0; i < PIRQS; i++) {
        const struct pirq *pirq = find(domain, i);

        if (pirq && pirq->function == function && (entry == ANY_ENTRY || pirq->entry == entry))
            return true;
    }
    return false;
}

/* For a message from the top, for a line above those that have the number of a line. */
static int find_number(const struct hv_domain *domain, enum pirq_kind kind, uint32_t *number)
{
    if (*number != PIRQ_ANY) {
        if (*number >= PIRQS)
            return call_refuse(-XEN_EINVAL, WHY_PIRQ_RANGE, *number);
        return find(domain, *number) ? call_refuse(-XEN_EEXIST, WHY_PIRQ_TAKEN, *number) : 0;
    }
    for (unsigned i = PIRQ_LINES; i < PIRQS; i++) {
        *number = kind == PIRQ_MSIX ? PIRQS - 1 - (i - PIRQ_LINES) : i;
        if (!find(domain, *number))
            return 0;
    }
    return call_refuse(-XEN_ENOSPC, WHY_PIRQS_EXHAUSTED, PIRQS);
}

static int add(struct hv_domain *domain, struct pirq pirq, uint32_t *number)
{
    uint32_t chosen = *number;
    int error = find_number(domain, pirq.kind, &chosen);

    if (error)
        return error;
    pirq.vector = (uint8_t)vector_take(domain, chosen);
    if (pirq.vector == 0)
        return call_refuse(-XEN_ENOSPC, WHY_PIRQS_EXHAUSTED, VECTOR_INTERRUPTS);
    domain->devices->pirqs[chosen] = pirq;
    *number = chosen;
    return 0;
}

int pirq_map_msix(struct hv_domain *domain, pci_place_t place, unsigned entry, uint64_t area, uint32_t *pirq)
{
    const struct pci_function *function = pci_find(place);
    int error;

    if (!domain->devices || !function || function->owner != domain || !function->msix.capability || area == 0)
        return call_refuse(-XEN_ENODEV, WHY_NO_FUNCTION, place.v);
    if (area != function->bars[function->msix.bar].maddr || entry >= function->msix.nr_entries)
        return call_refuse(-XEN_EINVAL, WHY_MESSAGE_TABLE, entry);
    if (find_message(domain, function, entry))
        return call_refuse(-XEN_EEXIST, WHY_MESSAGE_TAKEN, entry);
    error = add(domain, (struct pirq){.kind = PIRQ_MSIX, .function = function, .entry = entry}, pirq);
    if (error)
        return error;
    msix_set(function, entry, domain->devices->pirqs[*pirq].vector);
    msix_enable(function, true);
    return 0;
}

static bool has_line(const struct hv_domain *domain, unsigned line)
{
    if (domain->devices->lines >> line & 1)
        return true;
    for (const struct pci_function *function = pci_next(NULL); function; function = pci_next(function)) {
        if (function->owner == domain && function->line == line)
            return true;
    }
    return false;
}

/* Who has mapped line @line, and to what; NULL: nobody. */
static struct hv_domain *find_user(unsigned line, unsigned *number)
{
    struct hv_domain *domain;

    for (unsigned vector = 0; vector < VECTOR_INTERRUPTS; vector++) {
        if (vector_find(vector, &domain, number)) {
            const struct pirq *pirq = find(domain, *number);

            if (pirq && pirq->kind == PIRQ_LINE && pirq->entry == line)
                return domain;
        }
    }
    return NULL;
}

int pirq_map_line(struct hv_domain *domain, unsigned line, uint32_t *pirq)
{
    const struct hv_domain *user;
    unsigned number;

    if (!domain->devices || line >= PIRQ_LINES || line >= ioapic_lines())
        return call_refuse(-XEN_EINVAL, WHY_NO_LINE, line);
    if (!has_line(domain, line))
        return call_refuse(-XEN_EPERM, WHY_NO_LINE, line);
    user = find_user(line, &number);
    if (!user)
        return add(domain, (struct pirq){.kind = PIRQ_LINE, .entry = line}, pirq);
    if (user != domain)
        return call_refuse(-XEN_EBUSY, WHY_LINE_TAKEN, line);
    if (*pirq != PIRQ_ANY && *pirq != number)
        return call_refuse(-XEN_EEXIST, WHY_PIRQ_TAKEN, number);
    *pirq = number;
    return 0;
}

/* A function of which no message is left uses its line. */
static void unmap(const struct hv_domain *domain, struct pirq *pirq)
{
    const struct pci_function *function = pirq->function;

    mask(pirq);
    vector_give(pirq->vector);
    *pirq = (struct pirq){.kind = PIRQ_FREE};
    if (function && !find_message(domain, function, ANY_ENTRY))
        msix_enable(function, false);
}

int pirq_unmap(struct hv_domain *domain, uint32_t number)
{
    struct pirq *pirq = find(domain, number);

    if (!pirq)
        return call_refuse(-XEN_EINVAL, WHY_PIRQ_UNMAPPED, number);
    unmap(domain, pirq);
    return 0;
}

void pirq_unmap_all(struct hv_domain *domain)
{
    for (uint32_t i = 0; i < PIRQS; i++) {
        struct pirq *pirq = find(domain, i);

        if (pirq)
            unmap(domain, pirq);
    }
}

/*
 * ---- Ports.
 */

int pirq_check_free(const struct hv_domain *domain, uint32_t number)
{
    const struct pirq *pirq = find(domain, number);

    if (!domain->devices || number >= PIRQS)
        return call_refuse(-XEN_EINVAL, WHY_PIRQ_RANGE, number);
    if (!pirq)
        return call_refuse(-XEN_EPERM, WHY_PIRQ_UNMAPPED, number);
    return pirq->port ? call_refuse(-XEN_EEXIST, WHY_PIRQ_TAKEN, number) : 0;
}

void pirq_bind(struct hv_domain *domain, uint32_t number, uint32_t port)
{
    struct pirq *pirq = find(domain, number);

    pirq->port = port;
    let_come(pirq);
}

/* It may have been unmapped, and mapped and bound anew since. */
void pirq_unbind(struct hv_domain *domain, uint32_t number, uint32_t port)
{
    struct pirq *pirq = find(domain, number);

    if (!pirq || pirq->port != port)
        return;
    mask(pirq);
    pirq->port = 0;
}

int pirq_end(struct hv_domain *domain, uint32_t number)
{
    struct pirq *pirq = find(domain, number);

    if (!pirq || !pirq->port)
        return call_refuse(-XEN_EINVAL, WHY_PIRQ_UNMAPPED, number);
    if (pirq->held)
        let_come(pirq);
    return 0;
}

int pirq_needs_end(const struct hv_domain *domain, uint32_t number, bool *needs)
{
    const struct pirq *pirq = find(domain, number);

    if (!domain->devices || number >= PIRQS)
        return call_refuse(-XEN_EINVAL, WHY_PIRQ_RANGE, number);
    *needs = pirq && pirq->kind == PIRQ_LINE;
    return 0;
}

/*
 * ---- One comes.
 */

/* All that a storm has masked may come again. */
static void end_pause(struct timer *timer)
{
    struct domain_devices *devices = (struct domain_devices *)timer;

    for (unsigned i = 0; i < PIRQS; i++) {
        struct pirq *pirq = &devices->pirqs[i];

        if (pirq->kind == PIRQ_MSIX && pirq->port && pirq->held)
            let_come(pirq);
    }
}
_Static_assert(offsetof(struct domain_devices, pause) == 0, "end_pause()");

/* The guest does not look, and the device goes on: the processor is for others, too. */
static void pause(struct hv_domain *domain, struct pirq *pirq, unsigned number)
{
    mask(pirq);
    pirq->held = true;
    domain->devices->pause.expire = end_pause;
    timer_set(&domain->devices->pause, time_now() + PIRQ_PAUSE_NS);
    if (!domain->devices->storm_reported)
        print("domain %u (%s): interrupt storm on pirq %u: it has pauses from now on\n", domain->engine.id.v,
              domain->name, number);
    domain->devices->storm_reported = true;
}

/* A line that nobody waits for is masked; the interrupt may have been under way when it was. */
void pirq_interrupt(unsigned vector)
{
    struct hv_domain *domain;
    struct pirq *pirq;
    unsigned number;

    if (!vector_find(vector, &domain, &number))
        return;
    pirq = find(domain, number);
    if (pirq->kind == PIRQ_LINE) {
        mask(pirq);
        pirq->held = true;
    }
    if (!pirq->port)
        return;
    pirq->unheard = event_is_pending(domain, pirq->port) ? pirq->unheard + 1 : 0;
    if (pirq->unheard >= PIRQ_STORM && !pirq->held)
        pause(domain, pirq, number);
    event_raise_port(domain, pirq->port);
}
