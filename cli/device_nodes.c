/* SPDX-License-Identifier: MIT */
/* In order: a node; a disk's; a network card's; a directory's. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cli/device_nodes.h>

enum end { FRONT, BACK };

/* One more node of the last device. */
__attribute__((format(printf, 4, 5))) static void add(struct device_nodes *nodes, enum end end, const char *key,
                                                      const char *format, ...)
{
    struct bundle_device *device = &nodes->list[nodes->count - 1];
    char *text = nodes->texts[nodes->count - 1][device->nr_nodes];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, DEVICE_TEXT_MAX, format, arguments);
    va_end(arguments);
    nodes->nodes[nodes->count - 1][device->nr_nodes++] =
        (struct bundle_node){.key = key, .value = text, .back = end == BACK};
}

/* The back end, where it comes again, takes the front end's rings as it finds them: hv/directories.h says how. */
static void add_reattach(struct device_nodes *nodes, unsigned how)
{
    add(nodes, BACK, "reattach", "%u", how);
}

static void begin(struct device_nodes *nodes, const char *type, unsigned id, unsigned backend)
{
    nodes->list[nodes->count] =
        (struct bundle_device){.type = type, .id = id, .backend = backend, .nodes = nodes->nodes[nodes->count]};
    nodes->count++;
}

static void add_disk(struct device_nodes *nodes, unsigned domain, const struct disk_options *disk)
{
    char serial[DISK_SERIAL_MAX + 1];

    device_serial(domain, disk, serial);
    add(nodes, FRONT, "virtual-device", "%u", disk->number);
    add(nodes, FRONT, "device-type", "%s", disk->is_cdrom ? "cdrom" : "disk");
    add(nodes, BACK, "params", "%s", serial);
    add(nodes, BACK, "mode", "%s", disk->read_only ? "r" : "w");
    add(nodes, BACK, "dev", "%s", disk->name);
    add(nodes, BACK, "type", "file");
    add(nodes, BACK, "removable", "%d", disk->is_cdrom);
    add(nodes, BACK, "discard-enable", "%d", !disk->read_only && !disk->keeps_zeroes);
    add_reattach(nodes, 1);
}

static const struct network *find_network(const struct run_options *options, const char *bridge)
{
    unsigned i = 0;

    /* Each has been found once: options_network.h. */
    while (strcmp(options->networks[i].bridge, bridge) != 0)
        i++;
    return &options->networks[i];
}

static void add_nic(struct device_nodes *nodes, const struct run_options *options, const struct nic_options *nic,
                    unsigned handle)
{
    const struct network *network = find_network(options, nic->bridge);
    char mac[MAC_TEXT_SIZE], card[MAC_TEXT_SIZE];

    device_mac_text(nic->mac, mac);
    device_mac_text(network->mac, card);
    add(nodes, FRONT, "handle", "%u", handle);
    add(nodes, FRONT, "mac", "%s", mac);
    if (nic->mtu)
        add(nodes, FRONT, "mtu", "%u", nic->mtu);
    add(nodes, BACK, "handle", "%u", handle);
    add(nodes, BACK, "mac", "%s", mac);
    add(nodes, BACK, "bridge", "%s", nic->bridge);
    if (network->uplink != UPLINK_NONE)
        add(nodes, BACK, "uplink", "%s", card);
    if (nic->rate_us)
        add(nodes, BACK, "rate", "%" PRIu64 ",%" PRIu32, nic->rate_bytes, nic->rate_us);
    add_reattach(nodes, 1);
}

static void add_share(struct device_nodes *nodes, unsigned domain, unsigned place, const struct share_options *share)
{
    char name[SHARE_NAME_MAX + 1];

    device_share_name(domain, place, name);
    add(nodes, FRONT, "tag", "%s", share->tag);
    add(nodes, BACK, "params", "%s", name);
    add_reattach(nodes, 2);
}

void device_nodes_make(const struct run_options *options, unsigned place, struct device_nodes *nodes)
{
    const struct guest_options *guest = &options->guests[place];
    unsigned backend = options_backend_number(options), domain = options_guest_number(options, place);

    nodes->count = 0;
    for (unsigned i = 0; i < guest->nr_disks; i++) {
        begin(nodes, "vbd", guest->disks[i].number, backend);
        add_disk(nodes, domain, &guest->disks[i]);
    }
    for (unsigned i = 0; i < guest->nr_nics; i++) {
        begin(nodes, "vif", i, backend);
        add_nic(nodes, options, &guest->nics[i], i);
    }
    for (unsigned i = 0; i < guest->nr_shares; i++) {
        begin(nodes, "9pfs", i, backend);
        add_share(nodes, domain, i, &guest->shares[i]);
    }
}
