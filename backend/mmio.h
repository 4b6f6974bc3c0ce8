/* SPDX-License-Identifier: MIT */
/* Registers of devices in memory, read and written by their width. */
#pragma once

#include <guest/types.h>

static inline uint8_t mmio_read8(const volatile uint8_t *place)
{
    return *place;
}

static inline uint16_t mmio_read16(const volatile uint8_t *place)
{
    return *(const volatile uint16_t *)place;
}

static inline uint32_t mmio_read32(const volatile uint8_t *place)
{
    return *(const volatile uint32_t *)place;
}

static inline void mmio_write8(volatile uint8_t *place, uint8_t value)
{
    *place = value;
}

static inline void mmio_write16(volatile uint8_t *place, uint16_t value)
{
    *(volatile uint16_t *)place = value;
}

static inline void mmio_write32(volatile uint8_t *place, uint32_t value)
{
    *(volatile uint32_t *)place = value;
}
