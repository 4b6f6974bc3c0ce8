/* SPDX-License-Identifier: MIT */
/*
 * The interrupts of a domain's devices: messages by MSI-X, and lines.  Each is mapped to a number of the domain's, its
 * pirq, and then bound to a port, on which events come.  Without a port it is masked, and comes later.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <engine/types.h>
#include <hv/device/pci_config.h>

struct hv_domain;
struct pci_function;

#define PIRQS      128u
#define PIRQ_ANY   UINT32_MAX
#define PIRQ_LINES 48u /* lines of the machine that can be mapped; pirqs from here on may be any message */

/* So often may an interrupt come again before the guest has looked at its port; then it has a pause. */
#define PIRQ_STORM    1000u
#define PIRQ_PAUSE_NS UINT64_C(10000000)

enum pirq_kind {
    PIRQ_FREE,
    PIRQ_MSIX,
    PIRQ_LINE,
};

struct pirq {
    uint8_t kind; /* enum pirq_kind */
    uint8_t vector;
    bool held;                           /* masked until the guest has handled it, or a storm's pause is over */
    unsigned unheard;                    /* so often it has come in a row while its port was pending */
    uint32_t port;                       /* 0: not bound */
    const struct pci_function *function; /* of a message; NULL: it is a line */
    unsigned entry;                      /* of its table; or the number of the line */
};

/*
 * Map entry @entry of the MSI-X table of the function at @place, which lies in the area at @area, or line @line, one of
 * the domain's own or of its functions', to *@pirq, or for PIRQ_ANY to a number that is then there.  -XEN_ENODEV: the
 * domain has no such function, or that has no MSI-X.  -XEN_EINVAL: no such entry, area, line or number.  -XEN_EPERM:
 * the line is none of those.  -XEN_EEXIST: the number is in use, or the entry mapped.  -XEN_EBUSY: another domain has
 * the line.  -XEN_ENOSPC.  A line that is mapped already is mapped to the same number.
 */
int __must_check pirq_map_msix(struct hv_domain *domain, pci_place_t place, unsigned entry, uint64_t area,
                               uint32_t *pirq);
int __must_check pirq_map_line(struct hv_domain *domain, unsigned line, uint32_t *pirq);

/* Its port, if it has one, stays as it is, and nothing comes there any more.  -XEN_EINVAL: not mapped. */
int __must_check pirq_unmap(struct hv_domain *domain, uint32_t pirq);

/* Can it be bound?  -XEN_EINVAL: no such number.  -XEN_EPERM: not mapped.  -XEN_EEXIST: bound. */
int __must_check pirq_check_free(const struct hv_domain *domain, uint32_t pirq);

/* After that: it comes to @port from now on; and no more, whatever has become of it meanwhile. */
void pirq_bind(struct hv_domain *domain, uint32_t pirq, uint32_t port);
void pirq_unbind(struct hv_domain *domain, uint32_t pirq, uint32_t port);

/* The guest has handled it: it may come again.  -XEN_EINVAL: not mapped, or not bound. */
int __must_check pirq_end(struct hv_domain *domain, uint32_t pirq);

/* Does it wait for pirq_end() each time?  -XEN_EINVAL: no such number. */
int __must_check pirq_needs_end(const struct hv_domain *domain, uint32_t pirq, bool *needs);

/* @vector has come, which may be nobody's; its end at the local APIC is the caller's. */
void pirq_interrupt(unsigned vector);

/* Unmap all of @domain's. */
void pirq_unmap_all(struct hv_domain *domain);
