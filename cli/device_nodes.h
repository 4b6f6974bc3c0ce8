/* SPDX-License-Identifier: MIT */
/* What the bundle says of a guest's devices: the nodes of both ends in the xenstore. */
#pragma once

#include <cli/bundle_write.h>
#include <cli/options.h>

#define DEVICE_NODES_MAX 10u
#define DEVICE_TEXT_MAX  32u

struct device_nodes {
    unsigned count;
    struct bundle_device list[DEVICES_MAX]; /* points into: */
    struct bundle_node nodes[DEVICES_MAX][DEVICE_NODES_MAX];
    char texts[DEVICES_MAX][DEVICE_NODES_MAX][DEVICE_TEXT_MAX];
};

/* Make those of the guest at @place; they point into @options, too. */
void device_nodes_make(const struct run_options *options, unsigned place, struct device_nodes *nodes);
