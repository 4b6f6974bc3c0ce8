/* SPDX-License-Identifier: MIT */
/*
 * Start of day on bare hardware.  What init.c does with hypercalls is done here with the instructions that those stand
 * for, so that the rest of a kernel need not know.
 */
#include <guest/guest.h>
#include <guest/native.h>
#include <guest/native_device.h>
#include <guest/table.h>

/* What a PVH loader hands over: start information, version 1, and its memory map. */
struct hvm_start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t nr_modules;
    uint64_t modlist_paddr;
    uint64_t cmdline_paddr;
    uint64_t rsdp_paddr;
    uint64_t memmap_paddr;
    uint32_t memmap_entries;
    uint32_t reserved;
};

struct hvm_memmap_entry {
    uint64_t addr;
    uint64_t size;
    uint32_t type; /* 1: RAM */
    uint32_t reserved;
};

#define HVM_START_MAGIC 0x336ec578u
#define HVM_MEMMAP_RAM  1u

extern char image_end[];

static struct start_info start;
static vcpu_info_t vcpu;

_Noreturn void native_main(uint64_t start_paddr, uint64_t *root);

uint64_t native_first_free_pfn(void)
{
    return virt_to_pfn(image_end + PAGE_SIZE - 1).v;
}

/* The end of the RAM that begins at or below the image, as far as it is mapped. */
static uint64_t ram_end(const struct hvm_start_info *info)
{
    const struct hvm_memmap_entry *map = pfn_to_virt(PFN(0));
    uint64_t image = (uintptr_t)image_end - VIRT_BASE;

    map = (const struct hvm_memmap_entry *)(uintptr_t)((uintptr_t)map + info->memmap_paddr);
    for (uint32_t i = 0; i < info->memmap_entries; i++) {
        uint64_t end = map[i].addr + map[i].size;

        if (map[i].type == HVM_MEMMAP_RAM && map[i].addr < image && image < end)
            return end < NATIVE_MEMORY_MAX ? end : NATIVE_MEMORY_MAX;
    }
    return image;
}

static void copy_command_line(const struct hvm_start_info *info)
{
    const char *text = (const char *)(uintptr_t)(VIRT_BASE + info->cmdline_paddr);

    for (size_t i = 0; info->cmdline_paddr && text[i] && i < sizeof(start.cmd_line) - 1; i++)
        start.cmd_line[i] = text[i];
}

_Noreturn void native_main(uint64_t start_paddr, uint64_t *root)
{
    const struct hvm_start_info *info = (const struct hvm_start_info *)(uintptr_t)(VIRT_BASE + start_paddr);

    native_console_init();
    guest.native = true;
    guest.start = &start;
    guest.vcpu = &vcpu;
    table_set_root(root);
    native_traps_init();
    native_interrupts_mask();
    if (info->magic != HVM_START_MAGIC || info->version < 1)
        guest_panic("the loader handed over no PVH start information of version 1 with a memory map");
    start.nr_pages = (uintptr_t)(ram_end(info) >> PAGE_SHIFT);
    copy_command_line(info);
    guest_main();
    native_shutdown(0);
}
