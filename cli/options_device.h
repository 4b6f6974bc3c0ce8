/* SPDX-License-Identifier: MIT */
/* Disks, networks and directories on the command line. */
#pragma once

#include <argp.h>

#include <cli/options.h>

/*
 * Add the disk, the CD-ROM, the network or the directory of @text to those of @guest; the text is taken apart, and is
 * to stay.  @is_common: the guest stands for all.  What cannot be ends the program.
 */
void options_read_disk(char *text, struct guest_options *guest, struct argp_state *state);
void options_read_cdrom(char *text, struct guest_options *guest, struct argp_state *state);
void options_read_net(char *text, struct guest_options *guest, bool is_common, struct argp_state *state);
void options_read_share(char *text, struct guest_options *guest, struct argp_state *state);

/* "00:16:3e:01:02:03", of one card and not of many. */
bool options_parse_mac(const char *text, uint8_t mac[MAC_SIZE]);

/* One more; NULL: the guest has as many devices as it can have. */
struct disk_options *options_add_disk(struct guest_options *guest);
struct nic_options *options_add_nic(struct guest_options *guest);
struct share_options *options_add_share(struct guest_options *guest);
/* The one of @guest on that network, or one more. */
struct nic_options *options_nic_on(struct guest_options *guest, const char *bridge);

bool options_is_bridge(const char *name);
bool options_is_tag(const char *name);
