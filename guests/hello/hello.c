/* SPDX-License-Identifier: MIT */
/*
 * A first kernel: what it was started with, a page that cannot become a page table, and what it takes that it can.
 */
#include <guest/errno.h>
#include <guest/guest.h>
#include <guest/print.h>
#include <guest/table.h>

void guest_main(void)
{
    uint64_t *page = page_alloc();

    print("Hello.  I am a PV guest with %" PRIuPTR " pages of memory.\n", guest.start->nr_pages);
    print("My page 0x%" PRIx64 " is the machine's frame 0x%" PRIx64 ".\n", virt_to_pfn(page).v, virt_to_mfn(page).v);
    print("A page table, while I can write to it?  %s\n", errno_name(table_pin(page, 1)));
    if (table_set_readonly(page) || table_pin(page, 1))
        guest_panic("A page that I can only read is no page table.");
    print("Once I can only read it, it is one.\n");
    if (table_unpin(page) || table_set_writable(page))
        guest_panic("A page table that nobody uses stays one.");
    page_free(page);
}
