/* SPDX-License-Identifier: MIT */
/*
 * Which call has made a frame a table, or a page of descriptors: noted when it happens, for explanations that come
 * later, and with `explain` alone.
 */
#pragma once

#include <stdint.h>

struct machine;

struct origin {
    uint64_t place;         /* where the guest's call returns to, or its instruction is; 0: it has no addresses */
    uint32_t number;        /* so many calls its vCPU had made, this one included; modulo 2^32 */
    uint32_t call, command; /* as those of a refusal */
    uint16_t domain;        /* whose vCPU it was; OWNER_NONE: the hypervisor built a domain */
    uint8_t vcpu;
    uint8_t type; /* an enum frame_type: what the frame became */
};

/* Take memory for that, and note it from now on.  Without memory nothing is noted, which is said. */
void origin_start(struct machine *machine);
