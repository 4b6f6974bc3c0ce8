/* SPDX-License-Identifier: MIT */
/*
 * What the initial domain may do with memory that is not RAM, and with caches: the first MiB of the machine can be
 * mapped, uncached, and nothing else.
 */
#include <abi/errno.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guests/tests/lib/test.h>

#define WINDOW      UINT64_C(0x30000000)
#define BIOS_FRAME  MFN(0xff) /* the last of the first MiB; the processor starts 16 bytes before its end, with a jump */
#define RESET       0xff0
#define JUMP        0xea
#define CACHE_FLAGS (PTE_PWT | PTE_PCD | PTE_PAT)

static long map(mfn_t mfn, uint64_t flags)
{
    return hypercall_update_va_mapping(WINDOW, pte_make(mfn, flags), UVMF_INVLPG);
}

static uint64_t entry(void)
{
    uint64_t bits = 0;

    return table_walk(WINDOW, &bits) ? bits : 0;
}

static long flush_cache(unsigned cmd)
{
    const struct mmuext_op op = {.cmd = cmd};

    return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static void firmware(void)
{
    test_result("map the last frame of the first MiB", map(BIOS_FRAME, PTE_READONLY), 0);
    test_equal("uncached", entry() & CACHE_FLAGS, PTE_PWT | PTE_PCD);
    test_equal("the processor's first instruction is there", *(volatile uint8_t *)(WINDOW + RESET), JUMP);
    test_result("map the first frame", map(MFN(0), PTE_READONLY), 0);
    test_result("where the iBFT is looked for", map(MFN(0x80), PTE_READONLY), 0);
    (void)*(volatile uint64_t *)WINDOW;
    test_result("the screen, writable", map(MFN(0xb8), PTE_KERNEL), 0);
    test_equal("as asked, but uncached", entry() & (PTE_RW | CACHE_FLAGS), PTE_RW | PTE_PWT | PTE_PCD);
    test_result("the local APIC", map(MFN(0xfee00), PTE_READONLY), -XEN_EPERM);
    test_result("the I/O APIC", map(MFN(0xfec00), PTE_READONLY), -XEN_EPERM);
    test_result("beyond everything", map(MFN(UINT64_C(1) << 39), PTE_READONLY), -XEN_EPERM);
    test_check(map(MFN(0x100), PTE_READONLY) < 0, "the hypervisor", "mapped");
}

static void caches(void)
{
    uint64_t *page = page_alloc();

    test_result("flush the cache", flush_cache(MMUEXT_FLUSH_CACHE), 0);
    test_result("flush all caches", flush_cache(MMUEXT_FLUSH_CACHE_GLOBAL), 0);
    test_result("an own page, uncached", map(virt_to_mfn(page), PTE_KERNEL | PTE_PCD), 0);
    test_equal("as asked", entry() & CACHE_FLAGS, PTE_PCD);
    *(volatile uint64_t *)WINDOW = 0x1234;
    test_equal("it is the page", *(volatile uint64_t *)page, 0x1234);
    test_result("shared_info, uncached", map(MFN(guest.start->shared_info >> PAGE_SHIFT), PTE_KERNEL | PTE_PCD),
                -XEN_EACCES);
    test_result("cached again", map(virt_to_mfn(page), PTE_KERNEL), 0);
    test_result("no longer", map(MFN(0), 0), 0);
}

void test_main(void)
{
    if (!(guest.start->flags & SIF_INITDOMAIN))
        test_skip("not the initial domain");
    test_need(table_make(WINDOW), "tables");
    firmware();
    caches();
}
