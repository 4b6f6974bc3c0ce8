/* SPDX-License-Identifier: MIT */
/* Call gates of 32-bit guests: [segdesc] of abi/segment.h. */
#pragma once

#include <hv/emulate/emulate_result.h>

struct hv_vcpu;

/*
 * #GP with a selector in its error code: a far call or jump through a call gate, carried out as the gate and its target
 * allow?  EMULATE_DONE: the guest is behind the gate, or gets the exception that the processor would have raised there.
 * EMULATE_UNKNOWN: the fault stands as it is.
 */
enum emulate_result emulate_gate(struct hv_vcpu *vcpu);
