/* SPDX-License-Identifier: MIT */
/*
 * Memory for the hypervisor's own objects after boot, in whole pages.  The frames are those of machine_take()
 * (engine/engine.h): no guest can name them.
 */
#pragma once

#include <stddef.h>

struct machine;

/* Provide the page tables of all objects there will ever be; then, once there is a pool, say which machine's it is. */
void allocate_prepare(void);
void allocate_init(struct machine *of);

/* @size bytes of zeroes, page-aligned, in a row of addresses but not of frames; NULL: there are none. */
void *allocate(size_t size);

/* Give back what allocate() of the same @size returned, or NULL. */
void release(void *object, size_t size);
