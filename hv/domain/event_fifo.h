/* SPDX-License-Identifier: MIT */
/*
 * Events as words in pages that the guest gives, linked into queues: the FIFO form, abi/event.h.  A domain changes to
 * it with the first control block that one of its vCPUs gets.
 *
 * The guest may write control blocks and words at any moment.  What is read of them decides only what is written to
 * them: which ports there are and who is told stands in struct event_channel, and where queues end in struct
 * event_queues.  The frames are held writable for as long as the form is used.
 */
#pragma once

#include <engine/types.h>
#include <hv/domain/domain.h>

struct hv_vcpu;

/*
 * Give @vcpu its control block, at @offset of @mfn, which abi/event.h allows; the domain has event words from then on.
 * -XEN_EINVAL: it has one, or @mfn cannot be held.  -XEN_ENOMEM, -XEN_ESRCH: domain_hold_writable(), or no memory.
 */
int __must_check event_fifo_init_control(struct hv_vcpu *vcpu, mfn_t mfn, uint32_t offset);

/*
 * Give @domain one more page of words, *@first being the port of its first one.  -XEN_EOPNOTSUPP: it has no event
 * words.  -XEN_ENOSPC: all pages are there.  -XEN_EINVAL, -XEN_ENOMEM, -XEN_ESRCH: domain_hold_writable().
 */
int __must_check event_fifo_expand(struct hv_domain *domain, mfn_t mfn, uint32_t *first);

/* Go back to bits, and let go of all frames.  No port is in use.  Nothing happens where there are bits. */
void event_fifo_stop(struct hv_domain *domain);

/*
 * Of a known port of a domain with event words.  While the page of a port's word is missing, the channel remembers
 * whether an event is pending; event_fifo_settle() takes it over into the word.
 */
bool event_fifo_is_pending(const struct hv_domain *domain, uint32_t port);
bool event_fifo_set_pending(struct hv_domain *domain, uint32_t port); /* was it before? */
void event_fifo_clear_pending(struct hv_domain *domain, uint32_t port);
void event_fifo_settle(struct hv_domain *domain, uint32_t port);

/* A port without a word counts as masked. */
bool event_fifo_is_masked(const struct hv_domain *domain, uint32_t port);
void event_fifo_unmask(struct hv_domain *domain, uint32_t port);

/*
 * Put @port on @vcpu's queue of its priority, unless it stands on a queue, or the vCPU has no control block yet.  True:
 * the vCPU has to be told that the queue is not empty any more.
 */
bool event_fifo_link(struct hv_vcpu *vcpu, uint32_t port);
