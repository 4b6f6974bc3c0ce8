/* SPDX-License-Identifier: MIT */
/*
 * What a loader handed over, in one form for all loaders.  The parsers read machine memory through boot_memory_read()
 * alone and believe nothing: every count, length and address is checked.  All that is needed later is copied, so the
 * loader's structures may be overwritten afterwards.  None of this depends on the rest of the hypervisor.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <engine/types.h>
#include <hv/base/ranges.h>

/* The machine memory that parsers may look at: @size bytes from address 0 on. */
struct boot_memory {
    const uint8_t *bytes;
    uint64_t size;
};

#define BOOT_COMMAND_LINE_SIZE 2048u

struct boot_info {
    const char *protocol;
    const char *problem; /* what is wrong, where a parser failed; NULL before */
    struct ranges ram;   /* whole frames that the loader calls RAM, and calls nothing else */
    struct ranges other; /* what the loader's map calls anything else, in whole frames */
    bool has_bundle;
    struct range bundle; /* in bytes, not aligned */
    uint64_t rsdp;       /* where ACPI's root pointer is, or a copy of it; 0: the loader does not say */
    char command_line[BOOT_COMMAND_LINE_SIZE];
};

/*
 * Fill in @info from what the loader left: @magic was in eax (PVH: PVH_MAGIC), @start in ebx.
 * 0: @info is complete.  -XEN_EINVAL: @info->problem says what is wrong.
 */
int __must_check boot_parse(const struct boot_memory *memory, uint32_t magic, uint64_t start, struct boot_info *info);

/*
 * ---- For the parsers, one for each protocol.  They return like boot_parse(), of which they are the middle part.
 */
int __must_check boot_parse_mb1(const struct boot_memory *memory, uint64_t start, struct boot_info *info);
int __must_check boot_parse_mb2(const struct boot_memory *memory, uint64_t start, struct boot_info *info);
int __must_check boot_parse_pvh(const struct boot_memory *memory, uint64_t start, struct boot_info *info);

/* Copy @size bytes at @address.  False: they are not all in reach; nothing has been copied. */
bool __must_check boot_memory_read(const struct boot_memory *memory, uint64_t address, void *to, size_t size);

/* Note a failure: returns -XEN_EINVAL. */
int __must_check boot_fail(struct boot_info *info, const char *problem);

/* An entry of the loader's memory map: @size bytes from @start, RAM or something else. */
int __must_check boot_add_memory(struct boot_info *info, uint64_t start, uint64_t size, bool ram);

/* A module.  The first is the bundle; there may be no other. */
int __must_check boot_add_module(struct boot_info *info, uint64_t start, uint64_t end);

/* The command line, a string at @address that ends within @size bytes at the latest. */
int __must_check boot_set_command_line(const struct boot_memory *memory, struct boot_info *info, uint64_t address,
                                       uint64_t size);
