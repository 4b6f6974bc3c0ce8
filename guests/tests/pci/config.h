/* SPDX-License-Identifier: MIT */
/* Configuration space by the ports of mechanism 1. */
#pragma once

#include <guest/port.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  0x80000000u

/* @place: bus << 8 | device << 3 | function. */
static inline uint16_t config_select(unsigned place, unsigned offset)
{
    out32(CONFIG_ADDRESS, CONFIG_ENABLE | place << 8 | (offset & 0xfc));
    return (uint16_t)(CONFIG_DATA + (offset & 3));
}

static inline uint32_t config_read(unsigned place, unsigned offset)
{
    return in32(config_select(place, offset));
}

static inline void config_write(unsigned place, unsigned offset, uint32_t value)
{
    out32(config_select(place, offset), value);
}
