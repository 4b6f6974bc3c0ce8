/* SPDX-License-Identifier: MIT */
/*
 * Guests of three vCPUs each that use event channels by their calls, and see the bits in what they share.  They have
 * the frames 0 to EVENT_FRAMES - 1 in common, each of which can be held for any of them; there are no others.
 */
#pragma once

#include <abi/event.h>
#include <hv/call/calls.h>
#include <hv/domain/event.h>
#include <hv/domain/event_table.h>
#include <hv/domain/vcpu.h>
#include <hv/service/event_channel.h>
#include <tests/hv/lib/guest_memory.h>

#define VCPUS   3u
#define DOMAINS 3u

#define EVENT_FRAMES 140u
extern uint8_t event_frames[EVENT_FRAMES][4096];
extern unsigned event_holds[EVENT_FRAMES]; /* of each frame; none is left behind */

struct guest {
    struct hv_domain domain;
    struct hv_vcpu vcpus[VCPUS];
    struct vcpu *table[VCPUS];
    unsigned wakes[VCPUS], calls; /* of vCPUs, of the listener */
    union {
        _Alignas(4096) uint8_t bytes[4096];
        struct shared_info wide;
        struct compat_shared_info compat;
    } shared;
};

extern struct guest guests[DOMAINS];
extern struct domain *domain_table[DOMAINS];

/* The one device interrupt that there is, the first guest's, and the port that it is bound to, 0: none. */
#define EVENT_PIRQ_THERE 5u
extern uint32_t event_pirq_port;

/* Set: at each preemption point others run, which is this.  Somebody has entered the domain then: domain_enter(). */
extern void (*guest_events_preempt)(void);

/* Set-up and its undoing for cmocka: new guests of that width; they leave no object behind. */
int set_up_64(void **state);
int set_up_32(void **state);
int tear_down(void **state);

/* A listener that counts: struct guest. */
void guest_listen(struct hv_domain *domain);

bool guest_is_wide(const struct guest *guest);
uint32_t guest_ports(const struct guest *guest);

/* A call of the first vCPU's with a structure, which is as the call has left it; and the calls one by one. */
int64_t event_call(struct guest *guest, unsigned command, void *structure, size_t size);
#define EVENT_CALL(guest, command, structure) event_call(guest, EVTCHNOP_##command, structure, sizeof(*(structure)))
int64_t alloc_unbound(struct guest *guest, uint16_t remote, uint32_t *port);
int64_t bind_interdomain(struct guest *guest, uint16_t remote, uint32_t remote_port, uint32_t *port);
int64_t bind_virq(struct guest *guest, uint32_t virq, uint32_t vcpu, uint32_t *port);
int64_t bind_ipi(struct guest *guest, uint32_t vcpu, uint32_t *port);
int64_t bind_vcpu(struct guest *guest, uint32_t port, uint32_t vcpu);
int64_t close_port(struct guest *guest, uint32_t port);
int64_t send(struct guest *guest, uint32_t port);
int64_t unmask(struct guest *guest, uint32_t port);
int64_t reset(struct guest *guest, uint16_t domain);
int64_t init_control(struct guest *guest, uint32_t vcpu, uint64_t frame, uint32_t offset);
int64_t expand_array(struct guest *guest, uint64_t frame);
int64_t set_priority(struct guest *guest, uint32_t port, uint32_t priority);
struct evtchn_status status(struct guest *guest, uint32_t port);

/* The guest's view of the bits, by words, which is how guests see them. */
bool is_pending(const struct guest *guest, uint32_t port);
bool is_selected(const struct guest *guest, unsigned vcpu, uint32_t port);
bool is_masked(const struct guest *guest, uint32_t port);
void set_mask(struct guest *guest, uint32_t port, bool set);

/* As an event handler does: everything is seen and cleared. */
void handle(struct guest *guest);

/* @port alone has been raised, on @vcpu alone; nothing has. */
void expect_raised(struct guest *guest, unsigned vcpu, uint32_t port);
void expect_nothing(const struct guest *guest);
