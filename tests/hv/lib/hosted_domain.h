/* SPDX-License-Identifier: MIT */
/*
 * What the builder asks of the rest of the hypervisor, on the hosted machine (sim/sim.h), which must exist: domains and
 * vCPUs without anything that runs them, no words on any console.  Memory for its own objects is objects.c's.
 */
#pragma once

#include <hv/domain/vcpu.h>
#include <sim/sim.h>

/* A machine with that many frames for domains of @width, numbers 0 and 1 free for them.  sim_destroy() is its end. */
struct sim *hosted_machine(uint64_t nr_frames, enum width width);

/*
 * Have the next so many calls of console_create(), xenstore_create() or xenstore_introduce() succeed,
 * and then one fail.
 */
#define HOSTED_NEVER_FAILS UINT32_MAX
void hosted_fail_service(unsigned after);

/* Have that many frames more be found, in pool_count() and by hv_domain_create(), than there are. */
void hosted_pretend_frames(uint64_t count);

/* Domains that are not released. */
unsigned hosted_domains(void);

/* So many more domains can have PCI functions (hv/device/devices.h); at first none. */
void hosted_devices(unsigned count);
