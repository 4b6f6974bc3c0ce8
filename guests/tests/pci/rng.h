/* SPDX-License-Identifier: MIT */
/* QEMU's virtio-rng-pci, by hand: it fills what it is given with random bytes, and interrupts. */
#pragma once

#include <guest/types.h>

/*
 * Reset it and have it ready with one queue, whose interrupt is entry @entry of its MSI-X table, or for 0xffff its
 * line; its configuration at @common, its notifications at @notify, both mapped.  False: it does not want.
 */
bool rng_start(volatile uint8_t *common, volatile uint8_t *notify, uint16_t entry);

/* Ask for bytes, once more. */
void rng_ask(void);

/* Has it answered all that it was asked? */
bool rng_is_done(void);
