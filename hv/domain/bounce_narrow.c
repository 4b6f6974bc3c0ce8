/* SPDX-License-Identifier: MIT */
/*
 * Frames for the kernel of a 32-bit guest: abi/trap.h, [frame32], and abi/callback.h.
 *
 * The guest chooses the segments that its handlers run in.  They are looked at before anything is written, so that the
 * return to a handler cannot fail: a fault of it would be one more frame for the same handler, without end.
 */
#include <abi/segment.h>
#include <engine/engine.h>
#include <hv/cpu/entry.h>
#include <hv/domain/bounce_frame.h>
#include <hv/domain/shutdown.h>

#define CS_MASK_SHIFT 16u /* of the saved evtchn_upcall_mask in the word of cs */
#define REST          5u  /* words that every frame may have, from eip on */

/* Access rights as the instruction lar has them: Intel SDM volume 3, 3.4.5. */
#define RIGHTS_PRESENT    (1u << 15)
#define RIGHTS_DPL        (3u << 13)
#define RIGHTS_SEGMENT    (1u << 12)
#define RIGHTS_CODE       (1u << 11)
#define RIGHTS_CONFORMING (1u << 10)
#define RIGHTS_WRITABLE   (1u << 9) /* of data */
#define RIGHTS_LONG       (1u << 21)
#define RIGHTS_RING1      (1u << 13)

static bool is_from_kernel(const struct hv_vcpu *vcpu)
{
    return TRAP_RING(vcpu->frame) == NARROW_KERNEL_RING;
}

/*
 * ---- Segments.
 */

static uint16_t in_kernel_ring(uint64_t selector)
{
    return (uint16_t)((selector & 0xfffc) | NARROW_KERNEL_RING);
}

static bool is_code(uint16_t selector, uint32_t offset)
{
    const uint32_t always = RIGHTS_PRESENT | RIGHTS_SEGMENT | RIGHTS_CODE;
    uint32_t rights, limit;

    if (selector == FLAT_RING1_CS)
        return true;
    if (!entry_read_segment(selector, &rights, &limit) || offset > limit)
        return false;
    if ((rights & (always | RIGHTS_LONG)) != always)
        return false;
    return (rights & RIGHTS_DPL) == RIGHTS_RING1 || (rights & RIGHTS_CONFORMING && !(rights & RIGHTS_DPL));
}

static bool is_stack(uint16_t selector)
{
    const uint32_t always = RIGHTS_PRESENT | RIGHTS_SEGMENT | RIGHTS_WRITABLE | RIGHTS_RING1;
    uint32_t rights, limit;

    if (selector == FLAT_RING1_SS)
        return true;
    if (!entry_read_segment(selector, &rights, &limit))
        return false;
    return (rights & (RIGHTS_PRESENT | RIGHTS_SEGMENT | RIGHTS_CODE | RIGHTS_WRITABLE | RIGHTS_DPL)) == always;
}

/*
 * ---- Frames.
 */

/* As the guest sees itself, from eip on; esp and ss are there if the stack changes.  Returns the number of words. */
static unsigned put_interrupted(const struct hv_vcpu *vcpu, uint32_t words[REST])
{
    const struct cpu_frame *frame = vcpu->frame;
    uint8_t mask = bounce_events_mask(vcpu);

    words[0] = (uint32_t)frame->rip;
    words[1] = (uint32_t)(frame->cs & 0xffff) | (uint32_t)mask << CS_MASK_SHIFT;
    words[2] = (uint32_t)bounce_flags_seen(vcpu, mask);
    if (is_from_kernel(vcpu))
        return 3;
    words[3] = (uint32_t)frame->rsp;
    words[4] = (uint32_t)(frame->ss & 0xffff);
    return 5;
}

/* Write @count words to the kernel's stack and go on at @handler. */
static void enter(struct hv_vcpu *vcpu, const uint32_t *words, unsigned count, struct callback handler)
{
    struct cpu_frame *frame = vcpu->frame;
    bool stays = is_from_kernel(vcpu);
    uint16_t cs = in_kernel_ring(handler.cs);
    uint16_t ss = in_kernel_ring(stays ? frame->ss : vcpu->bounce.kernel_ss);
    uint32_t size = count * (uint32_t)sizeof(words[0]);
    uint32_t esp = (uint32_t)(stays ? frame->rsp : vcpu->bounce.kernel_sp) - size;

    if (!is_code(cs, (uint32_t)handler.address)) {
        shutdown_crash(vcpu, "a handler is at %x:%lx, which is no place in a kernel's code", cs, handler.address);
        return;
    }
    if (!is_stack(ss) || !access_write(&vcpu->engine, VADDR(esp), words, size)) {
        shutdown_crash(vcpu, "the frame of a handler cannot be written to the kernel's stack at %x:%x", ss, esp);
        return;
    }
    bounce_mask_events(vcpu, handler);
    frame->rip = (uint32_t)handler.address;
    frame->cs = cs;
    frame->ss = ss;
    frame->rsp = esp;
    frame->rflags &= ~(RFLAGS_TF | RFLAGS_RF | RFLAGS_NT | RFLAGS_VM);
}

void bounce_narrow(struct hv_vcpu *vcpu, struct callback handler)
{
    uint32_t words[REST];
    unsigned count = put_interrupted(vcpu, words);

    enter(vcpu, words, count, handler);
}

void bounce_narrow_error(struct hv_vcpu *vcpu, struct callback handler, uint64_t error)
{
    uint32_t words[1 + REST] = {(uint32_t)error};
    unsigned count = put_interrupted(vcpu, words + 1);

    enter(vcpu, words, 1 + count, handler);
}

void bounce_narrow_selectors(struct hv_vcpu *vcpu, struct callback handler, const uint64_t selectors[4])
{
    uint32_t words[4 + REST];
    unsigned count = put_interrupted(vcpu, words + 4);

    for (unsigned i = 0; i < 4; i++)
        words[i] = (uint32_t)selectors[i];
    enter(vcpu, words, 4 + count, handler);
}
