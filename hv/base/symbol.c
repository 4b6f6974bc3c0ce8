/* SPDX-License-Identifier: MIT */
/* The table that hv/make-symbols has put into the image. */
#include <stddef.h>

#include <hv/base/layout.h>
#include <hv/base/symbol.h>

/* Sorted by address, as offsets from the start of the text. */
struct symbol {
    uint32_t start;
    uint32_t name; /* offset into the strings */
};

#pragma GCC visibility push(hidden)
extern const uint32_t symbol_count;
extern const struct symbol symbol_table[];
extern const char symbol_strings[];
#pragma GCC visibility pop

const char *symbol_find(uint64_t address, uint64_t *offset)
{
    uint64_t place = address - (uint64_t)image_text_start;
    uint32_t low = 0, high = symbol_count;

    if (address < (uint64_t)image_text_start || address >= (uint64_t)image_text_end)
        return NULL;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (symbol_table[middle].start <= place)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    *offset = place - symbol_table[low - 1].start;
    return symbol_strings + symbol_table[low - 1].name;
}
