/* SPDX-License-Identifier: MIT */
#include <engine/check.h>
#include <hv/asm.h>
#include <hv/layout.h>
#include <hv/paging.h>
#include <hv/window.h>

void window_init(void)
{
    paging_prepare(WINDOW_BASE, (uint64_t)WINDOWS_MAX * WINDOW_PAGES * PAGE_SIZE);
}

uint64_t window_base(unsigned window)
{
    CHECK(window < WINDOWS_MAX);
    return WINDOW_BASE + (uint64_t)window * WINDOW_PAGES * PAGE_SIZE;
}

void window_set_page(unsigned window, unsigned page, uint64_t entry)
{
    uint64_t vaddr = window_base(window) + (uint64_t)page * PAGE_SIZE;

    CHECK(page < WINDOW_PAGES);
    paging_set(vaddr, entry);
    asm_flush_page(vaddr);
}
