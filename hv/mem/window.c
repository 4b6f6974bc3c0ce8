/* SPDX-License-Identifier: MIT */
/* The pages that each vCPU sees its descriptor tables through. */
#include <abi/segment.h>
#include <engine/check.h>
#include <hv/base/asm.h>
#include <hv/base/layout.h>
#include <hv/mem/paging.h>
#include <hv/mem/window.h>

/* No descriptors.  No processor writes it: accessed bits are set in descriptors that are there. */
static const uint64_t empty[PAGE_SIZE / sizeof(uint64_t)] __attribute__((aligned(4096)));

static uint64_t page_vaddr(unsigned window, unsigned page)
{
    return window_base(window) + (uint64_t)page * PAGE_SIZE;
}

static uint64_t entry_of_nothing(unsigned page)
{
    return page < FIRST_RESERVED_GDT_PAGE ? image_maddr(empty) | MAP_CONSTANT : 0;
}

void window_init(void)
{
    paging_prepare(WINDOW_BASE, (uint64_t)WINDOWS_MAX * WINDOW_PAGES * PAGE_SIZE);
    for (unsigned window = 0; window < WINDOWS_MAX; window++) {
        for (unsigned page = 0; page < FIRST_RESERVED_GDT_PAGE; page++)
            paging_set(page_vaddr(window, page), entry_of_nothing(page));
    }
}

uint64_t window_base(unsigned window)
{
    CHECK(window < WINDOWS_MAX);
    return WINDOW_BASE + (uint64_t)window * WINDOW_PAGES * PAGE_SIZE;
}

void window_set_page(unsigned window, unsigned page, uint64_t entry)
{
    uint64_t vaddr = page_vaddr(window, page);

    CHECK(page < WINDOW_PAGES);
    paging_set(vaddr, entry);
    asm_flush_page(vaddr);
}

void window_clear_page(unsigned window, unsigned page)
{
    window_set_page(window, page, entry_of_nothing(page));
}
