/* SPDX-License-Identifier: MIT */
/* A GDT and an LDT. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/processor.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/recipes/recipes.h>

#define DATA UINT64_C(0x00cf92000000ffff) /* flat, writable, privilege 0 */
#define TSS  UINT64_C(0x0000890000000067)

#define SELECTOR(index, table) ((uint64_t)(index)*8 + (table) + 3)
#define IN_GDT                 0u
#define IN_LDT                 4u

static void load_fs(void *selector)
{
    __asm__ volatile("movw %w0, %%fs; movw %w1, %%fs" ::"r"(selector), "r"(0));
}

static void loads(const char *what, uint64_t selector, unsigned want)
{
    raises(what, load_fs, (void *)selector, want);
}

/* [gdt] */
static long set_gdt(uint64_t *gdt, unsigned entries)
{
    uint64_t frames[] = {virt_to_mfn(gdt).v}; /* one for each 512 descriptors */
    long error = table_set_readonly(gdt);

    return error ? error : hypercall_set_gdt(frames, entries);
}
/* [/gdt] */

static void wrong_gdt(uint64_t *gdt)
{
    uint64_t virtual[] = {(uint64_t)gdt}, own[] = {virt_to_mfn(gdt).v}, table[] = {virt_to_mfn(table_root()).v};

    part("wrong-gdt");
    /* [wrong-gdt] */
    gives("a page that is mapped writable", hypercall_set_gdt(own, 512), -XEN_EINVAL);
    gives("an address in place of a frame", hypercall_set_gdt(virtual, 512), -XEN_EINVAL);
    gives("a page table", hypercall_set_gdt(table, 512), -XEN_EINVAL);
    gives("the hypervisor's part as well", hypercall_set_gdt(own, 8192), -XEN_EINVAL);
    gdt[511] = TSS;
    gives("a TSS behind the last descriptor in use", set_gdt(gdt, 4), -XEN_EINVAL);
    /* [/wrong-gdt] */
    test_need(table_set_writable(gdt), "the GDT is memory still");
    gdt[511] = 0;
}

static void gdt_in_use(uint64_t *gdt)
{
    part("gdt");
    gives("load the GDT", set_gdt(gdt, 512), 0);
    test_check(gdt[1] >> 45 & 3, "its descriptor has got privilege 3", "%lx", gdt[1]);
    loads("load fs with it", SELECTOR(1, IN_GDT), TRAP_NONE);
    gives("another descriptor", hypercall_update_descriptor(virt_to_maddr(&gdt[2]), DATA), 0);
    loads("load fs with that", SELECTOR(2, IN_GDT), TRAP_NONE);
    part("wrong-descriptor");
    raises("a store to the GDT", store, &gdt[3], TRAP_PF);
    gives("map it writable", table_set_writable(gdt), -XEN_EBUSY);
    gives("a TSS", hypercall_update_descriptor(virt_to_maddr(&gdt[3]), TSS), -XEN_EINVAL);
    gives("not on 8 bytes", hypercall_update_descriptor(virt_to_maddr(&gdt[3]) + 4, DATA), -XEN_EINVAL);
    gives("in a page table", hypercall_update_descriptor(virt_to_maddr(table_root()), DATA), -XEN_EINVAL);
    gives("by mmu_update", table_write(&gdt[3], DATA), -XEN_EINVAL);
}

static void gdt_recipe(void)
{
    uint64_t *gdt = page_alloc();

    gdt[1] = DATA;
    wrong_gdt(gdt);
    gdt_in_use(gdt);
    part("gdt-end");
    gives("no GDT", hypercall_set_gdt(NULL, 0), 0);
    gives("its page is memory again", table_set_writable(gdt), 0);
    page_free(gdt);
}

/* [ldt] */
static long set_ldt(const void *ldt, uint32_t entries)
{
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT, .arg1.linear_addr = (uint64_t)ldt, .arg2.nr_ents = entries};

    return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}
/* [/ldt] */

static void wrong_ldt(uint64_t *ldt)
{
    part("wrong-ldt");
    gives("an LDT in the midst of a page", set_ldt(&ldt[1], 600), -XEN_EINVAL);
    gives("more descriptors than 16 pages hold", set_ldt(ldt, 8193), -XEN_EINVAL);
    gives("at the hypervisor's addresses", set_ldt((void *)HYPERVISOR_VIRT_START, 600), -XEN_EINVAL);
}

static void ldt_recipe(void)
{
    uint64_t *ldt = pages_alloc(2);

    ldt[1] = ldt[600] = DATA;
    wrong_ldt(ldt);
    part("ldt");
    test_need(table_set_readonly(ldt), "the first page read-only"); /* and not the second */
    gives("an LDT of 601 descriptors, in two pages", set_ldt(ldt, 600 + 1), 0);
    loads("load fs with descriptor 1", SELECTOR(1, IN_LDT), TRAP_NONE);
    loads("with descriptor 600, whose page is mapped writable, refused", SELECTOR(600, IN_LDT), TRAP_PF);
    test_need(table_set_readonly(&ldt[512]), "the second page read-only");
    loads("with descriptor 600, whose page is read-only", SELECTOR(600, IN_LDT), TRAP_NONE);
    loads("with descriptor 601, beyond the limit", SELECTOR(601, IN_LDT), TRAP_GP);
    gives("map the second page writable", table_set_writable(&ldt[512]), -XEN_EBUSY);
    gives("no LDT", set_ldt(NULL, 0), 0);
    gives("its pages are memory again", table_set_writable(ldt), 0);
    gives("both of them", table_set_writable(&ldt[512]), 0);
}

void recipe_segments(void)
{
    gdt_recipe();
    ldt_recipe();
}
