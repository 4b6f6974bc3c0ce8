/* SPDX-License-Identifier: MIT */
/* Descriptor tables of a vCPU, in order: windows, the GDT, the LDT, single descriptors. */
#include <abi/segment.h>
#include <engine/access.h>
#include <engine/descriptor.h>
#include <engine/engine.h>
#include <engine/level.h>
#include <engine/segment.h>
#include <engine/typeref.h>
#include <engine/update.h>
#include <engine/walk.h>

#define DESCRIPTORS_PER_PAGE 512u
#define GDT_ENTRIES_MAX      (GDT_FRAMES * DESCRIPTORS_PER_PAGE)
#define LDT_ENTRIES_MAX      (LDT_FRAMES * DESCRIPTORS_PER_PAGE)

_Static_assert(GDT_ENTRIES_MAX == FIRST_RESERVED_GDT_ENTRY, "the guest's part of the GDT");

/* Take a SEGDESC and a general reference on a frame of the operation's domain. */
static int frame_acquire(struct op *op, mfn_t mfn)
{
    return typeref_hold(op, NOWHERE, frame_find(op->machine, mfn), op->pt_owner, TYPE_SEGDESC, mfn.v);
}

static void frame_drop(struct op *op, mfn_t mfn)
{
    struct frame *frame = frame_find(op->machine, mfn);

    CHECK(frame);
    typeref_drop(op, frame);
}

/* Show @mfn, whose references the caller hands over, at @page of the windows, and drop what was there. */
static void window_replace(struct op *op, struct vcpu *vcpu, mfn_t *shown, unsigned page, mfn_t mfn)
{
    mfn_t old = *shown;

    if (mfn_is_none(old) && mfn_is_none(mfn))
        return;
    *shown = mfn;
    port_window_set(vcpu, page, mfn);
    if (!mfn_is_none(old))
        frame_drop(op, old);
}

/* How many frames a GDT of @entries, GDT_ENTRIES_MAX at most, fills. */
static unsigned gdt_frames(uint64_t entries)
{
    return (unsigned)((entries + DESCRIPTORS_PER_PAGE - 1) / DESCRIPTORS_PER_PAGE);
}

static void gdt_install(struct op *op, struct vcpu *vcpu, const mfn_t *frames, unsigned entries)
{
    for (unsigned i = 0; i < GDT_FRAMES; i++)
        window_replace(op, vcpu, &vcpu->gdt[i], i, frames[i]);
    vcpu->gdt_entries = entries;
}

static int gdt_acquire(struct op *op, const mfn_t *frames, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        int error = frame_acquire(op, frames[i]);

        if (error) {
            while (i-- > 0)
                frame_drop(op, frames[i]);
            return error;
        }
    }
    return 0;
}

/* All of @frames, MFN_NONE behind those that @entries need, or an error and none. */
static int gdt_set(struct op *op, struct vcpu *vcpu, const mfn_t *frames, unsigned entries)
{
    int error = op_begin(op, vcpu->domain, vcpu->domain);

    if (error)
        return error;
    error = gdt_acquire(op, frames, gdt_frames(entries));
    if (!error)
        gdt_install(op, vcpu, frames, entries);
    op_end(op);
    return error;
}

int64_t segment_set_gdt(struct op *op, vaddr_t list, uint64_t entries)
{
    struct vcpu *vcpu = op->vcpu;
    unsigned size = access_word_size(vcpu->domain);
    mfn_t frames[GDT_FRAMES];

    if (entries > GDT_ENTRIES_MAX)
        return refuse_value(op, XEN_EINVAL, REFUSE_TABLE_LIMIT, entries);
    for (unsigned i = 0; i < GDT_FRAMES; i++) {
        frames[i] = MFN_NONE;
        if (i < gdt_frames(entries) && !access_read_word(vcpu, &frames[i].v, VADDR(list.v + i * size)))
            return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, list.v);
    }
    return gdt_set(op, vcpu, frames, (unsigned)entries);
}

int vcpu_set_gdt(struct vcpu *vcpu, const mfn_t *frames, unsigned entries)
{
    struct op op = op_own(vcpu->domain, NULL);
    mfn_t padded[GDT_FRAMES];

    if (entries > GDT_ENTRIES_MAX)
        return refuse_value(&op, XEN_EINVAL, REFUSE_TABLE_LIMIT, entries);
    for (unsigned i = 0; i < GDT_FRAMES; i++)
        padded[i] = i < gdt_frames(entries) ? frames[i] : MFN_NONE;
    return gdt_set(&op, vcpu, padded, entries);
}

/* Each change of root comes here, and few guests have an LDT. */
void segment_unmap_ldt(struct op *op, struct vcpu *vcpu)
{
    if (!vcpu->ldt_shown)
        return;
    vcpu->ldt_shown = false;
    for (unsigned i = 0; i < LDT_FRAMES; i++)
        window_replace(op, vcpu, &vcpu->ldt[i], LDT_WINDOW + i, MFN_NONE);
}

static void ldt_resize(struct vcpu *vcpu, unsigned entries)
{
    vcpu->ldt_entries = entries;
    port_ldt_load(vcpu);
}

void segment_drop(struct op *op, struct vcpu *vcpu)
{
    for (unsigned i = 0; i < GDT_FRAMES; i++)
        window_replace(op, vcpu, &vcpu->gdt[i], i, MFN_NONE);
    vcpu->gdt_entries = 0;
    segment_unmap_ldt(op, vcpu);
    ldt_resize(vcpu, 0);
}

int segment_set_ldt(struct op *op, struct vcpu *vcpu, vaddr_t base, uint32_t entries)
{
    if (entries > LDT_ENTRIES_MAX)
        return refuse_value(op, XEN_EINVAL, REFUSE_TABLE_LIMIT, entries);
    if (entries > 0 && base.v % PAGE_SIZE)
        return refuse_value(op, XEN_EINVAL, REFUSE_MISALIGNED, base.v);
    if (!access_array_ok(vcpu->domain, base, entries, sizeof(uint64_t)))
        return refuse_value(op, XEN_EINVAL, REFUSE_NOT_CANONICAL, base.v);
    segment_unmap_ldt(op, vcpu);
    vcpu->ldt_base = base;
    ldt_resize(vcpu, entries);
    return 0;
}

int vcpu_set_ldt(struct vcpu *vcpu, vaddr_t base, unsigned entries)
{
    struct op op;
    int error = op_begin_own(&op, vcpu->domain, NULL);

    if (error)
        return error;
    error = segment_set_ldt(&op, vcpu, base, entries);
    op_end(&op);
    return error;
}

/*
 * Only the frame is taken from the guest's entry, never its flags, and nothing is typed beyond the LDT's limit
 * (XSA-298).
 */
static int ldt_map(struct op *op, struct vcpu *vcpu, unsigned page)
{
    vaddr_t vaddr = VADDR(vcpu->ldt_base.v + (uint64_t)page * PAGE_SIZE);
    uint64_t entry;
    int error;

    if (page >= LDT_FRAMES || page * DESCRIPTORS_PER_PAGE >= vcpu->ldt_entries)
        return -XEN_EINVAL;
    if (!mfn_is_none(vcpu->ldt[page]))
        return 0;
    entry = walk_read_l1(vcpu, vaddr);
    if (!(entry & ENTRY_PRESENT))
        return -XEN_EINVAL;
    error = frame_acquire(op, entry_mfn(entry));
    if (error)
        return error;
    window_replace(op, vcpu, &vcpu->ldt[page], LDT_WINDOW + page, entry_mfn(entry));
    vcpu->ldt_shown = true;
    return 0;
}

int ldt_fault(struct vcpu *vcpu, unsigned page)
{
    struct op op;
    int error = op_begin_without_call(&op, vcpu, CALL_LDT_USE);

    if (error)
        return error;
    error = ldt_map(&op, vcpu, page);
    op_end(&op);
    return error;
}

/* Write one checked descriptor; the frame is a descriptor table or ordinary memory, and stays what it is. */
static int descriptor_write(struct op *op, struct frame *frame, unsigned index, uint64_t descriptor)
{
    if (type_is_live(frame->type, TYPE_SEGDESC)) {
        __atomic_store_n(&frame_entries(op->machine, frame)[index], descriptor, __ATOMIC_SEQ_CST);
        return 0;
    }
    if (!typeref_is_writable(frame))
        return refuse(op, XEN_EINVAL, typeref_conflict(frame, TYPE_WRITABLE), NOWHERE, frame, TYPE_WRITABLE);
    return update_memory(op, frame, index, &(struct update){descriptor, UPDATE_REPLACE, 0});
}

int64_t segment_update_descriptor(struct op *op, maddr_t maddr, uint64_t descriptor)
{
    struct domain *domain = op->vcpu->domain;
    struct frame *frame = frame_find(op->machine, MFN(maddr.v >> PAGE_SHIFT));
    int error;

    if (maddr.v % 8)
        return refuse_value(op, XEN_EINVAL, REFUSE_MISALIGNED, maddr.v);
    if (!descriptor_adjust(domain->width, &descriptor))
        return refuse(op, XEN_EINVAL, REFUSE_DESCRIPTOR, NOWHERE, frame, descriptor);
    error = op_begin(op, domain, domain);
    if (error)
        return error;
    if (!frame || !frame_get(frame, domain)) {
        error = typeref_refuse_frame(op, XEN_EINVAL, NOWHERE, frame, domain, maddr.v >> PAGE_SHIFT);
    } else {
        error = descriptor_write(op, frame, (unsigned)(maddr.v % PAGE_SIZE) / 8, descriptor);
        frame_put(op->machine, frame);
    }
    op_end(op);
    return error;
}
