/* SPDX-License-Identifier: MIT */
/* The rules on segment descriptors. */
#include <abi/layout.h>
#include <abi/segment.h>
#include <engine/descriptor.h>

#define DESC_TYPE_SHIFT   40u
#define DESC_CODE_OR_DATA (UINT64_C(1) << 44)
#define DESC_DPL_SHIFT    45u
#define DESC_DPL          (UINT64_C(3) << DESC_DPL_SHIFT)
#define DESC_PRESENT      (UINT64_C(1) << 47)
#define DESC_LONG         (UINT64_C(1) << 53)
#define DESC_GRANULAR     (UINT64_C(1) << 55)
#define DESC_LIMIT        UINT64_C(0x000f00000000ffff)
#define DESC_BASE         UINT64_C(0xff0000ffffff0000)

#define TYPE_UPPER_HALF     0x0u /* of a 16-byte gate */
#define TYPE_CALL_GATE      0xcu
#define GATE_SELECTOR_SHIFT 16u
#define GATE_RESERVED_64    (UINT64_C(0xff) << 32)
#define GATE_RESERVED_PAE   (UINT64_C(0xe0) << 32)

#define SELECTOR_LDT 4u
#define SELECTOR_RPL 3u

static unsigned descriptor_dpl(uint64_t descriptor)
{
    return (unsigned)(descriptor >> DESC_DPL_SHIFT) & 3u;
}

/* The ring of the guest's kernel: a guest has none below it. */
static uint64_t least_dpl(enum width width)
{
    return width == WIDTH_64 ? 3 : 1;
}

static uint64_t limit_in_bytes(uint64_t descriptor)
{
    uint64_t limit = (descriptor & 0xffff) | ((descriptor >> 32) & 0xf0000);

    return descriptor & DESC_GRANULAR ? limit << PAGE_SHIFT | (PAGE_SIZE - 1) : limit;
}

/*
 * A code or data segment.  A 32-bit guest must not enter 64-bit code (XSA-214); its flat segments reach to 4 GiB, since
 * its kernel knows nothing of limits that would fence off the hypervisor, and pages do that.
 */
static bool adjust_segment(enum width width, uint64_t *descriptor)
{
    uint64_t least = least_dpl(width);

    if (width == WIDTH_PAE && (*descriptor & DESC_LONG))
        return false;
    if (width == WIDTH_PAE && !(*descriptor & DESC_BASE) && limit_in_bytes(*descriptor) > COMPAT_HYPERVISOR_VIRT_START)
        *descriptor |= DESC_LIMIT | DESC_GRANULAR;
    if (descriptor_dpl(*descriptor) < least)
        *descriptor = (*descriptor & ~DESC_DPL) | least << DESC_DPL_SHIFT;
    return true;
}

/*
 * Of the hypervisor's own descriptors, the code segment of the guest's kernel.  A 32-bit guest's may be named with any
 * RPL, since a gate is stored with one of its own.
 */
static bool gate_selector_ok(enum width width, unsigned selector)
{
    if ((selector & SELECTOR_LDT) || selector < FIRST_RESERVED_GDT_BYTE)
        return true;
    if (width == WIDTH_64)
        return selector == FLAT_KERNEL_CS64;
    return (selector | SELECTOR_RPL) == (COMPAT_FLAT_KERNEL_CS | SELECTOR_RPL);
}

/*
 * A call gate works by faulting: its DPL becomes 0, so that the processor refuses every use, and the hypervisor
 * emulates it from what the guest wanted, raised like the DPL of a segment, which is kept in the selector's RPL.
 */
static bool adjust_gate(enum width width, uint64_t *descriptor)
{
    unsigned selector = (unsigned)(*descriptor >> GATE_SELECTOR_SHIFT) & 0xffff;
    uint64_t reserved = width == WIDTH_64 ? GATE_RESERVED_64 : GATE_RESERVED_PAE;
    uint64_t wanted = descriptor_dpl(*descriptor);

    if (!gate_selector_ok(width, selector) || (*descriptor & reserved))
        return false;
    if (wanted == 0)
        wanted = selector & SELECTOR_RPL; /* adjusted before, and that is what was wanted then */
    if (wanted < least_dpl(width))
        wanted = least_dpl(width);
    *descriptor &= ~(DESC_DPL | (uint64_t)SELECTOR_RPL << GATE_SELECTOR_SHIFT);
    *descriptor |= wanted << GATE_SELECTOR_SHIFT;
    return true;
}

bool descriptor_adjust(enum width width, uint64_t *descriptor)
{
    if (!(*descriptor & DESC_PRESENT))
        return true;
    if (*descriptor & DESC_CODE_OR_DATA)
        return adjust_segment(width, descriptor);
    switch ((*descriptor >> DESC_TYPE_SHIFT) & 0xf) {
    case TYPE_UPPER_HALF:
        return true;
    case TYPE_CALL_GATE:
        return adjust_gate(width, descriptor);
    default:
        return false;
    }
}

int descriptor_frame_validate(const struct op *op, const struct frame *frame)
{
    uint64_t *descriptors = frame_entries(op->machine, frame);

    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++) {
        if (!descriptor_adjust(op->pt_owner->width, &descriptors[i]))
            return refuse(op, XEN_EINVAL, REFUSE_DESCRIPTOR, (struct slot){frame_mfn(op->machine, frame), 0, i}, frame,
                          descriptors[i]);
    }
    return 0;
}
