/* SPDX-License-Identifier: MIT */
/* Registers of devices, a page of them at a time, by an entry that nothing else uses. */
#pragma once

#include <stdint.h>

#include <hv/base/asm.h>
#include <hv/base/layout.h>
#include <hv/mem/paging.h>

/* Where the registers at @maddr are until the next call. */
static inline volatile void *device_page_map(uint64_t maddr)
{
    paging_set(DEVICE_PAGE, (maddr & ~(uint64_t)(PAGE_SIZE - 1)) | MAP_DATA | ENTRY_PCD | ENTRY_PWT);
    asm_flush_page(DEVICE_PAGE);
    return (volatile void *)(DEVICE_PAGE + maddr % PAGE_SIZE);
}
