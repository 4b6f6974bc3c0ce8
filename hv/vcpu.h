/* SPDX-License-Identifier: MIT */
/* A virtual processor, as the hypervisor sees it: the engine's part, and what runs it. */
#pragma once

#include <engine/machine.h>

struct hv_vcpu {
    struct vcpu vcpu; /* first: the engine hands out pointers to it */
    unsigned window;  /* its descriptor window */
};

static inline struct hv_vcpu *hv_vcpu_of(struct vcpu *vcpu)
{
    return (struct hv_vcpu *)vcpu;
}
_Static_assert(offsetof(struct hv_vcpu, vcpu) == 0, "hv_vcpu_of()");

/*
 * Have this processor run @vcpu from now on: its root, or the hypervisor's own where it has none, and its descriptor
 * window.  NULL: no vCPU at all.  The translations of the one before are forgotten, and the engine hears of it.
 */
void vcpu_switch(struct machine *machine, struct hv_vcpu *vcpu);

/* Load the root of this processor's vCPU again, which has changed. */
void vcpu_load_root(void);
