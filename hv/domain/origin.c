/* SPDX-License-Identifier: MIT */
/* port_promoted() of engine/port.h, and explain_port_origin() of hv/domain/explain_port.h. */
#include <engine/engine.h>
#include <engine/frame.h>
#include <engine/op.h>
#include <hv/base/print.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/lock.h>
#include <hv/domain/asked.h>
#include <hv/domain/explain_port.h>
#include <hv/domain/vcpu.h>
#include <hv/mem/paging.h>
#include <hv/mem/pool.h>

static struct lock lock = LOCK_INIT(LOCK_LEAF, 2); /* over what is noted */
static struct origin *origins;                     /* by frame; NULL: nothing is noted */

void origin_start(struct machine *machine)
{
    mfn_t first;

    if (!machine_take(machine, pool_order(machine->nr_frames * sizeof(*origins)), &first)) {
        print("which calls make tables is not noted: there is no memory for it\n");
        return;
    }
    origins = paging_ram(first.v << PAGE_SHIFT);
}

/* What a guest does without a call is no call that has come. */
static bool is_call(const struct op *op)
{
    return op->call < CALL_USER_MODE || op->call == CALL_NONE;
}

static void note_guest(struct origin *origin, const struct op *op, struct hv_vcpu *vcpu)
{
    uint64_t caller = is_call(op) ? asked_caller(vcpu) : 0;

    origin->domain = vcpu->engine.domain->id.v;
    origin->vcpu = (uint8_t)vcpu->engine.id;
    origin->number = (uint32_t)vcpu->report.nr_calls + is_call(op);
    origin->place = caller ? caller : vcpu->frame->rip;
}

static __cold void note(const struct op *op, const struct frame *frame)
{
    struct hv_vcpu *vcpu = op->vcpu ? cpu_here()->current : NULL;
    struct origin origin = {
        .call = op->call, .command = op->command, .domain = OWNER_NONE, .type = (uint8_t)type_of(frame->type)};

    if (vcpu && vcpu->frame)
        note_guest(&origin, op, vcpu);
    lock_take(&lock);
    origins[frame_mfn(op->machine, frame).v] = origin;
    lock_drop(&lock);
}

void port_promoted(const struct op *op, const struct frame *frame)
{
    if (origins)
        note(op, frame);
}

bool explain_port_origin(mfn_t frame, struct origin *origin)
{
    if (!origins)
        return false;
    lock_take(&lock);
    *origin = origins[frame.v];
    lock_drop(&lock);
    return origin->type != TYPE_NONE;
}
