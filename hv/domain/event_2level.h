/* SPDX-License-Identifier: MIT */
/*
 * Events as bits in shared_info: abi/shared.h.  The guest may write them at any moment.  Each is changed by one atomic
 * operation, whose answer is believed, and the hypervisor's own state never depends on them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct hv_domain;
struct hv_vcpu;

/* How many ports there are bits for, by the width of the guest. */
uint32_t event_2level_ports(const struct hv_domain *domain);

/* Of a port that has bits: is an event pending?  Make it so; was it before?  Make it not so. */
bool event_2level_is_pending(const struct hv_domain *domain, uint32_t port);
bool event_2level_set_pending(const struct hv_domain *domain, uint32_t port);
void event_2level_clear_pending(const struct hv_domain *domain, uint32_t port);

bool event_2level_is_masked(const struct hv_domain *domain, uint32_t port);
void event_2level_unmask(const struct hv_domain *domain, uint32_t port);

/* Have @vcpu find @port by its selector, or look at all ports.  True: it did not already, and has to be told. */
bool event_2level_select(const struct hv_vcpu *vcpu, uint32_t port);
void event_2level_select_all(const struct hv_vcpu *vcpu);
