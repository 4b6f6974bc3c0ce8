/* SPDX-License-Identifier: MIT */
/*
 * What a guest does with grants, its own and those of others: entries written, mapped, unmapped, copied, converted.
 * The entries are written by mmu_update, which looks whose frame it is: a table is somebody else's memory soon after
 * its domain has ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <abi/grant.h>
#include <abi/hypercall.h>
#include <abi/mmu.h>

#include <tests/parallel/lib/parallel.h>

#define REFS    24u
#define MAPPED  32u /* that a thread remembers */
#define ENTRIES 6u  /* of an L1 table that are used: as many as ordinary updates use */

struct mapped {
    grant_handle_t handle;
    uint64_t host_addr, dev_bus_addr; /* 0: not that part */
};

static __thread struct mapped mapped[MAPPED];
static __thread unsigned nr_mapped;

static int64_t grant_call(struct vcpu *vcpu, unsigned command, void *element, size_t size)
{
    int64_t result;

    memcpy(call_buffer(), element, size);
    result = call(vcpu, __HYPERVISOR_grant_table_op, command, BUFFER_BASE, 1, 0);
    memcpy(element, call_buffer(), size);
    return result;
}

static uint64_t word_of_version_1(unsigned flags)
{
    return random_below(DOMAINS) << 16 | flags;
}

/* Where the caller's table begins: a glance, too, but that does not change. */
__attribute__((no_sanitize("thread"), noinline)) static uint64_t table_frame(const struct vcpu *vcpu)
{
    return vcpu->domain->grants.frames[0].v;
}

/* An entry, in the form of either version, which need not be the one in force. */
static int64_t write_entry(struct vcpu *vcpu)
{
    uint64_t frame = pick_frame(vcpu->domain->id.v, random_below(4) ? TYPE_WRITABLE : TYPE_NONE);
    uint64_t at = (table_frame(vcpu) << PAGE_SHIFT) + random_below(REFS) * 8;
    unsigned flags = random_below(8) ? GTF_permit_access | (random_below(4) ? 0 : GTF_readonly) : 0;
    struct mmu_update requests[2] = {{at, word_of_version_1(flags) | frame << 32}, {at, 0}};

    if (random_below(3) == 0) {
        requests[0] = (struct mmu_update){at + 8, frame};
        requests[1] = (struct mmu_update){at, word_of_version_1(flags)};
    }
    memcpy(call_buffer(), requests, sizeof(requests));
    return call(vcpu, __HYPERVISOR_mmu_update, BUFFER_BASE, requests[1].val ? 2 : 1, 0, DOMID_SELF);
}

static int64_t map(struct vcpu *vcpu)
{
    uint64_t table = pick_frame(vcpu->domain->id.v, TYPE_L1);
    struct gnttab_map_grant_ref element = {.host_addr = (table << PAGE_SHIFT) + random_below(ENTRIES) * 8,
                                           .flags = GNTMAP_contains_pte | (1 + (uint32_t)random_below(3)),
                                           .ref = (grant_ref_t)random_below(REFS),
                                           .dom = (uint16_t)random_below(DOMAINS)};

    if (random_below(2))
        element.flags |= GNTMAP_readonly;
    if (nr_mapped == MAPPED || grant_call(vcpu, GNTTABOP_map_grant_ref, &element, sizeof(element)) || element.status)
        return -1;
    mapped[nr_mapped++] = (struct mapped){element.handle, element.flags & GNTMAP_host_map ? element.host_addr : 0,
                                          element.flags & GNTMAP_device_map ? element.dev_bus_addr : 0};
    return 0;
}

static int64_t unmap(struct vcpu *vcpu)
{
    unsigned i = (unsigned)random_below(nr_mapped + 1);
    struct gnttab_unmap_grant_ref element = {.host_addr = pick_frame(vcpu->domain->id.v, TYPE_L1) << PAGE_SHIFT,
                                             .handle = (grant_handle_t)random_below(40)};

    if (i < nr_mapped) {
        element = (struct gnttab_unmap_grant_ref){
            .host_addr = mapped[i].host_addr, .dev_bus_addr = mapped[i].dev_bus_addr, .handle = mapped[i].handle};
        mapped[i] = mapped[--nr_mapped];
    }
    return grant_call(vcpu, GNTTABOP_unmap_grant_ref, &element, sizeof(element)) || element.status;
}

/* A page by reference, of any domain, or the caller's own. */
static struct gnttab_copy_ptr side(const struct vcpu *vcpu, bool by_reference)
{
    struct gnttab_copy_ptr side = {.domid = (uint16_t)random_below(DOMAINS), .offset = (uint16_t)random_below(64)};

    if (by_reference) {
        side.u.ref = (grant_ref_t)random_below(REFS);
    } else {
        side.u.gmfn = pick_frame(vcpu->domain->id.v, TYPE_WRITABLE);
        side.domid = DOMID_SELF;
    }
    return side;
}

static int64_t copy(struct vcpu *vcpu)
{
    unsigned flags = (unsigned)random_below(4);
    struct gnttab_copy element = {.source = side(vcpu, flags & GNTCOPY_source_gref),
                                  .dest = side(vcpu, flags & GNTCOPY_dest_gref),
                                  .len = (uint16_t)random_below(512),
                                  .flags = (uint16_t)flags};

    return grant_call(vcpu, GNTTABOP_copy, &element, sizeof(element)) || element.status;
}

static int64_t set_version(struct vcpu *vcpu)
{
    struct gnttab_set_version element = {.version = 1 + (uint32_t)random_below(2)};

    return grant_call(vcpu, GNTTABOP_set_version, &element, sizeof(element));
}

static int64_t swap(struct vcpu *vcpu)
{
    struct gnttab_swap_grant_ref element = {.ref_a = (grant_ref_t)random_below(REFS),
                                            .ref_b = (grant_ref_t)random_below(REFS)};

    return grant_call(vcpu, GNTTABOP_swap_grant_ref, &element, sizeof(element)) || element.status;
}

/* Longer now and then, up to four frames. */
static int64_t grow(struct vcpu *vcpu)
{
    struct gnttab_setup_table element = {.dom = DOMID_SELF,
                                         .nr_frames = random_below(64) ? 1 : (uint32_t)(1 + random_below(4)),
                                         .frame_list = BUFFER_BASE + LIST_OFFSET};

    return grant_call(vcpu, GNTTABOP_setup_table, &element, sizeof(element)) || element.status;
}

static const struct {
    const char *name;
    int64_t (*run)(struct vcpu *vcpu);
    unsigned weight;
} actions[] = {
    {"entry", write_entry, 3},
    {"map", map, 4},
    {"unmap", unmap, 3},
    {"copy", copy, 2},
    {"swap", swap, 1},
    {"grow", grow, 1},
    {"set_version", set_version, 1},
};
#define WEIGHTS 15u

static unsigned long succeeded[ARRAY_SIZE(actions)];

int64_t do_grants(struct vcpu *vcpu)
{
    uint64_t at = random_below(WEIGHTS);
    unsigned i = 0;
    int64_t result;

    for (; at >= actions[i].weight; i++)
        at -= actions[i].weight;
    result = actions[i].run(vcpu);
    if (result == 0)
        (void)__atomic_add_fetch(&succeeded[i], 1, __ATOMIC_RELAXED);
    return result;
}

void check_grants(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(actions); i++) {
        print_message("grants: %s succeeded %lu times\n", actions[i].name, succeeded[i]);
        assert_true(succeeded[i]);
        succeeded[i] = 0;
    }
}
