/* SPDX-License-Identifier: MIT */
/*
 * Segment descriptors, as the processor goes by them outside 64-bit code: Intel SDM volume 3, 3.4.5, 5.2 and 5.3.  They
 * are read from the guest's tables, where they may have changed since the processor loaded them: each is judged as if
 * it were loaded now.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hv/emulate/decode.h>

struct hv_vcpu;

#define SELECTOR_PRIVILEGE 3u
#define SELECTOR_TABLE     4u /* the LDT */

#define DESCRIPTOR_WRITABLE   (UINT64_C(1) << 41) /* data; readable, of code */
#define DESCRIPTOR_READABLE   (UINT64_C(1) << 41)
#define DESCRIPTOR_DOWN       (UINT64_C(1) << 42) /* data: expands down; conforming, of code */
#define DESCRIPTOR_CONFORMING (UINT64_C(1) << 42)
#define DESCRIPTOR_CODE       (UINT64_C(1) << 43)
#define DESCRIPTOR_SEGMENT    (UINT64_C(1) << 44) /* not a system descriptor */
#define DESCRIPTOR_PRESENT    (UINT64_C(1) << 47)
#define DESCRIPTOR_LONG       (UINT64_C(1) << 53)
#define DESCRIPTOR_DEFAULT \
    (UINT64_C(1) << 54) /* 32 bits: operands of code, stack pointers, the end of what expands down */
#define DESCRIPTOR_GRANULAR (UINT64_C(1) << 55)

enum segment_use {
    SEGMENT_READ,
    SEGMENT_WRITE,
    SEGMENT_EXECUTE,
};

/*
 * The descriptor of @selector in the tables of the vCPU that runs, whatever it says.  False: the null selector, one
 * beyond the limit that the guest has set (XSA-298), or one that cannot be read.
 */
bool segment_find(const struct hv_vcpu *vcpu, unsigned selector, uint64_t *descriptor);

/* Is it a present code or data segment that allows @use? */
bool segment_allows(uint64_t descriptor, enum segment_use use);

/* May code of @ring have it in a register by that @selector? */
bool segment_is_open(uint64_t descriptor, unsigned selector, unsigned ring);

/* Do @bytes from @offset on, at least one, all lie in it? */
bool segment_holds(uint64_t descriptor, uint64_t offset, unsigned bytes);

uint32_t segment_base(uint64_t descriptor);
unsigned segment_privilege(uint64_t descriptor);

/* What code in it is. */
enum decode_mode segment_mode(uint64_t descriptor);
