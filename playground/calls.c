/* SPDX-License-Identifier: MIT */
/*
 * What the guest does.  In order: hypercalls, each of which explains itself where it is refused, by the code and in the
 * words of --explain; instructions.
 */
#include <playground/play.h>
#include <abi/mmuext.h>
#include <hv/base/print.h>
#include <hv/domain/explain.h>
#include <hv/domain/report.h>

/*
 * ---- Hypercalls.
 */

/* No guest's registers or memory have to be read to know what was asked for, as asked.c does: it is @asked. */
static void explain_last(const struct asked *asked)
{
    const struct noted_refusal noted = {
        .refusal = play.sim->last_refusal,
        .domain = play.guest->domain->id,
        .asked = *asked,
    };
    struct explanation explanation;

    explain(&play.sim->machine, &noted, &explanation);
    report_refusal(&noted);
    report_explanation(&explanation);
}

static void begin_call(void)
{
    said_clear();
    play.nr_calls++;
}

static int32_t answer(int64_t result, const struct asked *asked)
{
    if (play.sim->nr_refusals != play.nr_refusals) {
        play.nr_refusals = play.sim->nr_refusals;
        explain_last(asked);
    }
    return (int32_t)result;
}

EXPORT(play_mmu_update) int32_t play_mmu_update(uint64_t ptr, uint64_t val)
{
    const struct mmu_update update = {ptr, val};
    const struct asked asked = {
        .knows_command = true,
        .command = (unsigned)ptr & 3,
        .knows_entry = (ptr & 3) != MMU_MACHPHYS_UPDATE,
        .entry = val,
    };

    begin_call();
    return answer(guest_mmu_update(play.vcpu, &update, 1, NULL, DOMID_SELF), &asked);
}

EXPORT(play_va_mapping) int32_t play_va_mapping(uint64_t vaddr, uint64_t entry, uint32_t flags)
{
    const struct asked asked = {.knows_address = true, .address = vaddr, .knows_entry = true, .entry = entry};

    begin_call();
    return answer(guest_update_va_mapping(play.vcpu, VADDR(vaddr), entry, flags), &asked);
}

EXPORT(play_mmuext) int32_t play_mmuext(uint32_t command, uint64_t arg1, uint64_t arg2)
{
    const struct mmuext_op op = {.cmd = command, .arg1.mfn = arg1, .arg2.src_mfn = arg2};
    const struct asked asked = {.knows_entry = false};

    begin_call();
    return answer(guest_mmuext(play.vcpu, &op, 1, NULL, DOMID_SELF), &asked);
}

EXPORT(play_set_gdt) int32_t play_set_gdt(uint64_t mfn, uint32_t entries)
{
    const mfn_t frames[GDT_FRAMES] = {MFN(mfn)};
    const struct asked asked = {.knows_entry = false};

    begin_call();
    return answer(guest_set_gdt(play.vcpu, frames, entries), &asked);
}

EXPORT(play_descriptor) int32_t play_descriptor(uint64_t maddr, uint64_t descriptor)
{
    const struct asked asked = {.knows_entry = false};

    begin_call();
    return answer(guest_update_descriptor(play.vcpu, maddr, descriptor), &asked);
}

/* An exchange that has been made, as the guest writes it down: page @pfn has another frame. */
static int64_t exchange(uint64_t pfn)
{
    uint64_t in, out = pfn, done;
    int64_t result;

    if (pfn >= play.guest->nr_pages)
        return -(int64_t)XEN_EINVAL;
    in = play.guest->p2m[pfn].v;
    result = guest_exchange(play.vcpu, &in, 1, 0, &out, 1, 0, 0, &done);
    if (result == 0)
        play.guest->p2m[pfn] = MFN(out);
    return result;
}

/* @extent: a frame that is given back; a page that gets one, or another one. */
EXPORT(play_memory) int32_t play_memory(uint32_t command, uint64_t extent)
{
    const struct asked asked = {.knows_entry = false};
    uint64_t named = extent;
    int64_t result;

    begin_call();
    if (command == XENMEM_exchange)
        return answer(exchange(extent), &asked);
    result = guest_reservation(play.vcpu, command, &named, 1, 0, 0);
    if (result == 1 && command == XENMEM_populate_physmap && extent < play.guest->nr_pages)
        play.guest->p2m[extent] = MFN(named);
    return answer(result, &asked);
}

/*
 * ---- Instructions.
 */

static int32_t say_fault(const struct sim_fault *fault)
{
    if (fault->code & SIM_PF_NOT_CANONICAL)
        print("fault: the address %016lx is not canonical\n", fault->vaddr.v);
    else
        print("page fault at %016lx: %s, by a %s\n", fault->vaddr.v,
              fault->code & SIM_PF_RESERVED  ? "a reserved bit is set in an entry"
              : fault->code & SIM_PF_PRESENT ? "the page is there, but may not be accessed so"
                                             : "an entry is not present",
              fault->code & SIM_PF_WRITE ? "write" : "read");
    return -1;
}

EXPORT(play_store) int32_t play_store(uint64_t vaddr, uint64_t value)
{
    const struct asked asked = {.knows_address = true, .address = vaddr, .knows_entry = true, .entry = value};
    struct table_write write = {.form = WRITE_MOV, .vaddr = VADDR(vaddr), .bytes = 8, .operand = value};
    struct sim_fault fault;
    int error;

    said_clear();
    if (sim_store(play.vcpu, VADDR(vaddr), &value, sizeof(value), &fault))
        return 0;
    error = table_write_emulate(play.vcpu, &write);
    if (error == 0)
        return 1;
    (void)answer(error, &asked);
    return say_fault(&fault);
}

EXPORT(play_load) int32_t play_load(uint64_t vaddr)
{
    struct sim_fault fault;
    uint64_t value;

    said_clear();
    if (!sim_load(play.vcpu, VADDR(vaddr), &value, sizeof(value), &fault))
        return say_fault(&fault);
    print("%016lx", value);
    return 0;
}

EXPORT(play_assist) void play_assist(int on)
{
    play.guest->domain->writable_tables = on != 0;
}
