/* SPDX-License-Identifier: MIT */
/*
 * What a domain may do with memory that is not RAM, and with caches: the initial one can map the first MiB of the
 * machine, uncached, and nothing else; an ordinary one what its settings give it, with the word "hpet=1" the registers
 * of a PC's timer, and with "hpet=0" nothing.
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
#define HPET_FRAME  MFN(0xfed00)
#define HPET_VENDOR 0x8086
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

/* Shows pte.map-device, pte.device-uncached. */
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

/* Shows pte.map-shared, mmuext_op.flush-cache. */
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

/* Of the registers of the HPET the first says who made it. */
static void timer(void)
{
    test_result("map the HPET", map(HPET_FRAME, PTE_KERNEL), 0);
    test_equal("uncached", entry() & CACHE_FLAGS, PTE_PWT | PTE_PCD);
    test_equal("it is the HPET", *(volatile uint32_t *)WINDOW >> 16, HPET_VENDOR);
    test_result("the frame before it", map(MFN(HPET_FRAME.v - 1), PTE_READONLY), -XEN_EPERM);
    test_result("the frame behind it", map(MFN(HPET_FRAME.v + 1), PTE_READONLY), -XEN_EPERM);
    test_result("the first MiB", map(BIOS_FRAME, PTE_READONLY), -XEN_EPERM);
    test_result("the local APIC", map(MFN(0xfee00), PTE_READONLY), -XEN_EPERM);
}

static void nothing(void)
{
    test_result("map the HPET", map(HPET_FRAME, PTE_READONLY), -XEN_EPERM);
    test_result("the first MiB", map(BIOS_FRAME, PTE_READONLY), -XEN_EPERM);
    test_result("flush the cache", flush_cache(MMUEXT_FLUSH_CACHE), -XEN_EACCES);
}

void test_main(void)
{
    bool initial = guest.start->flags & SIF_INITDOMAIN;
    uint64_t hpet = guest_option("hpet", 2);

    if (!initial && hpet > 1)
        test_skip("not the initial domain");
    test_need(table_make(WINDOW), "tables");
    if (hpet == 0) {
        nothing();
        return;
    }
    if (initial)
        firmware();
    else
        timer();
    caches();
}
