/* SPDX-License-Identifier: MIT */
/* Ports of the machine, by their width. */
#pragma once

#include <stdint.h>

#include <hv/base/asm.h>

/* Read or write @bytes, 1, 2 or 4, at @port. */
static inline uint32_t port_io_read(uint16_t port, unsigned bytes)
{
    switch (bytes) {
    case 1:
        return asm_in8(port);
    case 2:
        return asm_in16(port);
    default:
        return asm_in32(port);
    }
}

static inline void port_io_write(uint16_t port, unsigned bytes, uint32_t value)
{
    switch (bytes) {
    case 1:
        asm_out8(port, (uint8_t)value);
        break;
    case 2:
        asm_out16(port, (uint16_t)value);
        break;
    default:
        asm_out32(port, value);
        break;
    }
}
