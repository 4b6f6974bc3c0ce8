/* SPDX-License-Identifier: MIT */
/*
 * Virtio devices whose registers lie in memory, and on no bus (virtio 1.x, section 4.2).  The command line says where:
 * mmio=ADDRESS, machine address of the first of mmio_count=NUMBER places for one, and mmio_line=LINE, its interrupt
 * line, those of the others being the next.
 */
#pragma once

#include <backend/virtio.h>

extern const struct virtio_transport virtio_mmio;

/*
 * The device at or behind the place of number *@next, which then is the number behind it.  False: there are no more.
 * One of the version before 1, which has other registers, is left out, and that is said.
 */
bool virtio_mmio_next(unsigned *next, struct virtio_place *place);
