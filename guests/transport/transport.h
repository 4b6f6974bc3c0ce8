/* SPDX-License-Identifier: MIT */
/*
 * Ways out of a machine for what a hypervisor writes down, on bare hardware: tools/bench-transport measures them.  Each
 * has the same records to send, one after the other.
 */
#pragma once

#include <guest/types.h>

#define RECORD_WORDS 20u /* a call and the five words of what its argument points to; about the mean of a trace */
#define RECORD_BYTES (RECORD_WORDS * 8)

/* A way: false from its start, where the machine has not what it needs. */
struct way {
    const char *name;
    bool (*start)(void);
    void (*send)(const uint64_t record[RECORD_WORDS]);
};

/* A virtio port, with a page at a time: guests/transport/virtio.c. */
bool virtio_start(void);
void virtio_send(const uint64_t record[RECORD_WORDS]);

/* The machine's addresses from 3 GiB on, where registers and memory of devices are. */
volatile void *device_at(uint32_t maddr);
