/* SPDX-License-Identifier: MIT */
/*
 * Arguments: menus of named values, and the seeded choice among them.  What is chosen depends on the seed alone, never
 * on an answer of the hypervisor.
 */
#pragma once

#include <guest/types.h>

struct item {
    const char *name;
    uint64_t value;
    const uint64_t *at; /* if not NULL, the value is there */
};

struct menu {
    const struct item *items;
    unsigned count;
};

#define MENU(array) ((struct menu){(array), ARRAY_SIZE(array)})
#define ITEM(v)                 \
    {                           \
#v, (uint64_t)(v), NULL \
    }
#define VALUE(v)              \
    {                         \
#v, UINT64_C(v), NULL \
    }

/* The sequence starts anew. */
void choose_seed(uint64_t seed);

/* A number below @count. */
unsigned choose_number(unsigned count);

/* One of @count times. */
bool choose_seldom(unsigned count);

/* An item of @menu, and its value. */
const struct item *choose_item(const struct menu *menu);
uint64_t item_value(const struct item *item);

/* Choose, and say " LABEL=NAME", or just "NAME" without a label. */
uint64_t choose(const char *label, const struct menu *menu);

/* Menus that more than one group uses. */
extern const struct menu menu_frames, menu_domains, menu_numbers, menu_addresses;
