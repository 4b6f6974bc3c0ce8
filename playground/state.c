/* SPDX-License-Identifier: MIT */
/*
 * The state of the machine as JSON.  In order: what both parts need; all frames; the processor; the invariants; one
 * frame.  Numbers of 64 bits are strings of hexadecimal digits.
 */
#include <playground/play.h>
#include <hv/base/print.h>
#include <hv/domain/search.h>
#include <sim/tlb.h>

#define NR_FRAMES_MAX 256u
#define HOLDERS_MAX   64u

static void print_mfn(const char *key, mfn_t mfn)
{
    if (mfn_is_none(mfn))
        print("\"%s\":-1,", key);
    else
        print("\"%s\":%lu,", key, mfn.v);
}

/*
 * ---- All frames.
 */

/* What the M2P says of a frame that has a page: 4294967295 and the like say that it has none. */
static uint64_t pfn_of(const struct frame *frame, mfn_t mfn)
{
    uint64_t pfn = play.sim->machine.m2p[mfn.v];
    bool has_page = frame_owner(frame) < DOMID_FIRST_RESERVED && pfn < UINT32_MAX;

    return has_page ? pfn : UINT32_MAX;
}

/* [mfn, owner, type, count, validated, busy, pinned, allocated, shared, references, pfn] */
static void print_frame(mfn_t mfn)
{
    const struct frame *frame = frame_find(&play.sim->machine, mfn);
    struct type_word type = frame->type;

    print("[%lu,%u,%u,%u,%u,%u,%u,%u,%u,%u,%lu]", mfn.v, frame->owner, (unsigned)type_of(type), type_count(type),
          type_is_validated(type), type_is_busy(type), type_is_pinned(type), (frame->flags & FRAME_ALLOCATED) != 0,
          (frame->flags & FRAME_SHARED) != 0, frame->refs, pfn_of(frame, mfn));
}

static void print_frames(void)
{
    print("\"frames\":[");
    for (uint64_t mfn = 0; mfn < play.sim->machine.nr_frames; mfn++) {
        print("%s", mfn ? "," : "");
        print_frame(MFN(mfn));
    }
    print("],");
}

static void print_guest(void)
{
    const struct guest *guest = play.guest;

    print("\"narrow\":%s,\"base\":\"%lx\",\"window\":\"%lx\",", guest->domain->width == WIDTH_PAE ? "true" : "false",
          guest->base.v, guest->window.v);
    print("\"shared\":%lu,\"scratch\":%lu,\"scratchPages\":%u,\"root\":%lu,\"tables\":%lu,\"pages\":%lu,",
          guest->shared_info.v, guest->scratch.v, GUEST_SCRATCH_PAGES, guest->root.v, guest->nr_tables,
          guest->nr_pages);
    print("\"domain\":%u,\"assist\":%s,", guest->domain->id.v, guest->domain->writable_tables ? "true" : "false");
}

/*
 * ---- The processor.
 */

/* Translations, each beside what a walk would find now: a stale one differs. */
static void print_tlb(void)
{
    const struct sim_cache *cache = &play.sim->cpus[0].tlb->translations;

    print("\"tlb\":[");
    for (uint32_t i = 0; i < cache->count; i++) {
        const struct sim_cached *entry = &cache->entries[i];
        bool writable = false;
        mfn_t now = sim_peek(play.vcpu, VADDR(entry->vaddr), &writable);

        print("%s{\"vaddr\":\"%lx\",\"frame\":%lu,\"writable\":%s,", i ? "," : "", entry->vaddr, entry->mfn.v,
              entry->writable ? "true" : "false");
        print_mfn("now", now);
        print("\"nowWritable\":%s}", writable ? "true" : "false");
    }
    print("],");
}

static void print_processor(void)
{
    const struct sim_cpu *cpu = &play.sim->cpus[0];

    print_mfn("cr3", play.vcpu->kernel_root);
    print_mfn("userCr3", play.vcpu->user_root);
    print("\"gdtEntries\":%u,\"gdt\":[", play.vcpu->gdt_entries);
    for (unsigned i = 0; i * 512 < play.vcpu->gdt_entries; i++)
        print("%s%lu", i ? "," : "", play.vcpu->gdt[i].v);
    print("],\"flushes\":%lu,\"pageFlushes\":%lu,\"rootLoads\":%lu,", cpu->full_flushes, cpu->page_flushes,
          cpu->root_loads);
    print_tlb();
}

/*
 * ---- The invariants: all counted anew, after each step.
 */

static void print_invariants(void)
{
    static struct audit_counts counts[NR_FRAMES_MAX];
    struct audit_finding audit;
    struct sim_finding rule;

    if (play.sim->machine.nr_frames > NR_FRAMES_MAX)
        sim_fail("playground: more frames than the audit has room for");
    if (!audit_machine(&play.sim->machine, counts, &audit))
        print("\"broken\":\"%s of frame %lx\",", audit.invariant, audit.frame.v);
    else if (!sim_check_tlb_rule(play.sim, &rule))
        print("\"broken\":\"%s\",", rule.rule);
    else
        print("\"broken\":\"\",");
}

/* Does the kernel still map the pages in which it puts its arguments, and so, no doubt, itself? */
static bool kernel_is_mapped(void)
{
    return !mfn_is_none(sim_peek(play.vcpu, guest_vaddr(play.guest, play.guest->scratch), NULL));
}

EXPORT(play_state) void play_state(void)
{
    said_clear();
    print("{");
    print_guest();
    print_processor();
    print_invariants();
    print_frames();
    print("\"pool\":%lu,\"alive\":%s}", sim_pool_count(play.sim), kernel_is_mapped() ? "true" : "false");
}

/*
 * ---- One frame.
 */

static void print_entries(mfn_t mfn)
{
    const uint64_t *entries = sim_frame_entries(play.sim, mfn);
    bool first = true;

    print("\"entries\":[");
    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++) {
        if (!entries[i])
            continue;
        print("%s[%u,\"%lx\"]", first ? "" : ",", i, entries[i]);
        first = false;
    }
    print("]");
}

static void print_holders(mfn_t mfn)
{
    struct search search = search_begin(&play.sim->machine, mfn, 0);
    struct slot slot;
    uint64_t entry;
    unsigned count = 0;

    print("\"holders\":[");
    while (count < HOLDERS_MAX && search_next(&search, &slot, &entry)) {
        vaddr_t vaddr = VADDR(0);
        bool known = search_address(&play.sim->machine, slot, &vaddr);

        print("%s{\"table\":%lu,\"level\":%u,\"index\":%u,\"entry\":\"%lx\",", count++ ? "," : "", slot.table.v,
              slot.level, slot.index, entry);
        if (known)
            print("\"vaddr\":\"%lx\"}", vaddr.v);
        else
            print("\"vaddr\":null}");
    }
    print("],");
}

/* What is no RAM has neither. */
EXPORT(play_frame) void play_frame(uint32_t mfn)
{
    said_clear();
    if (mfn >= play.sim->machine.nr_frames || !play.sim->frames[mfn].ram) {
        print("{\"holders\":[],\"entries\":[]}");
        return;
    }
    print("{");
    print_holders(MFN(mfn));
    print_entries(MFN(mfn));
    print("}");
}
