/* SPDX-License-Identifier: MIT */
/*
 * How often an access has to walk the tables, on the hosted machine, whose TLB is as large as anybody wants.
 *
 * tlb_fills_per_switch      translations filled for each change between user and kernel mode: a program goes around its
 *                           pages and calls its kernel, which goes around its own, and some of the program's.  Global
 *                           pages outlast such a change.
 * tlb_fills_per_switch_all  the same on a processor where nothing does: CR4.PGE is off
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <tests/support/guest.h>

#define PROGRAM VADDR(0x40201000) /* pages of the program's, one after the other */
#define PAGES   32u
#define SHARED  4u  /* of these its kernel goes to as well */
#define KERNELS 16u /* pages of the kernel's own */
#define CALLS   1000u

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static void touch(struct vcpu *vcpu, vaddr_t first, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++) {
        uint8_t byte;

        must(guest_read(vcpu, VADDR(first.v + i * PAGE_SIZE), &byte, 1), "a page is not there");
    }
}

/* The program is in the lower half of both roots, and the kernel in the upper half of one. */
static void load_program(struct guest *guest, struct vcpu *vcpu)
{
    struct guest_leaf leaves[PAGES];
    struct guest_tree kernel, user;

    for (unsigned i = 0; i < PAGES; i++)
        leaves[i] = (struct guest_leaf){VADDR(PROGRAM.v + i * PAGE_SIZE),
                                        pte(guest_mfn(guest, guest_page_alloc(guest)), PTE_RW_PAGE | PTE_US)};
    guest_build_tree(guest, vcpu, 4, GUEST_TREE_KERNEL, leaves, PAGES, &kernel);
    guest_build_tree(guest, vcpu, 4, GUEST_TREE_PLAIN, leaves, PAGES, &user);
    must(guest_new_baseptr(vcpu, kernel.root) == 0 && guest_new_user_baseptr(vcpu, user.root) == 0, "no roots");
}

static double fills_per_switch(bool no_global_pages)
{
    const struct sim_config config = {.seed = 1, .nr_frames = 2048, .nr_domains = 1, .domains = {{.nr_vcpus = 1}}};
    struct sim *sim = sim_create(&config);
    struct guest *guest = guest_boot(sim, 0, 512);
    struct vcpu *vcpu = guest_vcpu(guest, 0);
    uint64_t fills, changes;

    sim->no_global_pages = no_global_pages;
    load_program(guest, vcpu);
    fills = sim->cpus[0].fills;
    changes = sim->cpus[0].mode_changes;
    for (unsigned i = 0; i < CALLS; i++) {
        must(vcpu_enter_user(vcpu) == 0, "no user mode");
        touch(vcpu, PROGRAM, PAGES);
        vcpu_enter_kernel(vcpu);
        touch(vcpu, guest->base, KERNELS);
        touch(vcpu, PROGRAM, SHARED);
    }
    fills = sim->cpus[0].fills - fills;
    changes = sim->cpus[0].mode_changes - changes;
    sim_destroy(sim);
    return (double)fills / (double)changes;
}

int main(void)
{
    printf("a program of %u pages calls its kernel, which goes to %u of its own and to %u of them\n", PAGES, KERNELS,
           SHARED);
    printf("{\"name\": \"tlb_fills_per_switch\", \"value\": %.2f, \"unit\": \"translations\"}\n",
           fills_per_switch(false));
    printf("{\"name\": \"tlb_fills_per_switch_all\", \"value\": %.2f, \"unit\": \"translations\"}\n",
           fills_per_switch(true));
    return 0;
}
