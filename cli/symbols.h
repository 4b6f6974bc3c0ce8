/* SPDX-License-Identifier: MIT */
/* The symbols of a kernel, for addresses in what the hypervisor says of it. */
#pragma once

#include <hv/kernel/judge.h>

struct symbol {
    uint64_t address, size;
    const char *name; /* in @names */
};

/* Functions, by address.  No symbols are {0}. */
struct symbols {
    struct symbol *list;
    size_t count;
    char *names;
    size_t names_size;
};

/*
 * Read those of a kernel, which is not needed afterwards: of its file's table, or else kallsyms.h.  One without any, or
 * with damaged ones, has none.
 */
void symbols_read(const struct kernel *kernel, struct symbols *symbols);
void symbols_free(struct symbols *symbols);

/* The function that @address lies in, and how far in it; NULL: none that is known. */
const char *symbols_find(const struct symbols *symbols, uint64_t address, uint64_t *offset);

/*
 * The line of the hypervisor's log with "<function+0xoffset>" behind the address of each "rip SELECTOR:ADDRESS" and
 * "called from ADDRESS", behind each word of a stack that lies in one, and as one more member behind each "rip" and
 * "caller" of an object; @to has room for @size bytes.  False: it has no such address, or none that is in a known
 * function.
 */
bool symbols_add(const struct symbols *symbols, const char *line, char *to, size_t size);
