/* SPDX-License-Identifier: MIT */
/* In order: disks, which libxlutil parses; words; network cards, of which it knows the rate alone; directories. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cli/config_device.h>
#include <cli/disk_name.h>
#include <cli/options_device.h>
#include <cli/options_value.h>

#define DEFAULT_BRIDGE "xenbr0"
#define MTU_MAX        65535u

static const char *qemu_format(libxl_disk_format format)
{
    switch (format) {
    case LIBXL_DISK_FORMAT_QCOW:
        return "qcow";
    case LIBXL_DISK_FORMAT_QCOW2:
        return "qcow2";
    case LIBXL_DISK_FORMAT_VHD:
        return "vpc";
    case LIBXL_DISK_FORMAT_QED:
        return "qed";
    default:
        return "raw";
    }
}

static void take_disk(struct config *config, const libxl_device_disk *from, const char *text,
                      struct guest_options *guest)
{
    unsigned number = disk_name_number(from->vdev);
    struct disk_options *disk;

    if (from->script || from->backend_domname)
        say("%s: disk %s: script and backend have no effect", config->path, text);
    if (from->format == LIBXL_DISK_FORMAT_EMPTY || !from->pdev_path || !*from->pdev_path) {
        say("%s: disk %s: an empty drive is left out", config->path, text);
        return;
    }
    if (!number) {
        config_complain(config, "disk %s: %s: not a disk's name such as xvda, xvdb1, sda (to sdp) or hda (to hdd)",
                        text, from->vdev);
        return;
    }
    disk = options_add_disk(guest);
    if (!disk) {
        config_complain(config, "disk %s: one too many; a guest has at most %u devices", text, DEVICES_MAX);
        return;
    }
    disk->path = config_keep(from->pdev_path);
    disk->format = qemu_format(from->format);
    disk->number = number;
    snprintf(disk->name, sizeof(disk->name), "%s", from->vdev);
    disk->is_cdrom = from->is_cdrom;
    disk->read_only = !from->readwrite;
    disk->keeps_zeroes = !libxl_defbool_is_default(from->discard_enable) && !libxl_defbool_val(from->discard_enable);
}

void config_read_disks(struct config *config, struct guest_options *guest)
{
    const char *text;

    for (unsigned i = 0; (text = config_item(config, "disk", i)); i++) {
        libxl_device_disk disk;

        libxl_device_disk_init(&disk);
        if (!xlu_disk_parse(config->parsed, 1, &text, &disk))
            take_disk(config, &disk, text, guest);
        config_tell(config);
        libxl_device_disk_dispose(&disk);
    }
}

/* The next word of *rest, "KEY=VALUE" or "KEY", without spaces in front.  False: there is none. */
static bool next_word(char **rest, char **key, char **value)
{
    char *word, *equals;

    do {
        word = strsep(rest, ",");
        if (!word)
            return false;
        word += strspn(word, " \t");
    } while (!*word);
    equals = strchr(word, '=');
    if (equals)
        *equals = '\0';
    *key = word;
    *value = equals ? equals + 1 : word + strlen(word);
    return true;
}

static void read_rate(struct config *config, const char *value, struct nic_options *nic)
{
    libxl_device_nic parsed;

    libxl_device_nic_init(&parsed);
    if (!xlu_vif_parse_rate(config->parsed, value, &parsed)) {
        nic->rate_bytes = parsed.rate_bytes_per_interval;
        nic->rate_us = parsed.rate_interval_usecs;
    }
    config_tell(config);
    libxl_device_nic_dispose(&parsed);
}

/* Keys of which nothing here depends. */
static bool is_ignored(const char *key)
{
    static const char *const keys[] = {"script",  "vifname", "gatewaydev", "netdev",  "type",     "model",
                                       "backend", "ip",      "devid",      "trusted", "untrusted"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (!strcmp(key, keys[i]))
            return true;
    }
    return false;
}

static void read_nic_word(struct config *config, const char *key, const char *value, struct nic_options *nic)
{
    if (!strcmp(key, "mac")) {
        nic->has_mac = options_parse_mac(value, nic->mac);
        if (!nic->has_mac)
            config_complain(config, "vif: mac=%s: not an address of one card, such as 00:16:3e:01:02:03", value);
    } else if (!strcmp(key, "bridge")) {
        if (!options_is_bridge(value))
            config_complain(config, "vif: bridge=%s: a name has 1 to %u letters, digits, dots, underscores and hyphens",
                            value, BRIDGE_NAME_MAX);
        snprintf(nic->bridge, sizeof(nic->bridge), "%s", value);
    } else if (!strcmp(key, "rate")) {
        read_rate(config, value, nic);
    } else if (!strcmp(key, "mtu")) {
        nic->mtu = (unsigned)options_parse_count(value, MTU_MAX);
        if (!nic->mtu)
            config_complain(config, "vif: mtu=%s: not a number from 1 to %u", value, MTU_MAX);
    } else if (!is_ignored(key)) {
        config_complain(config, "vif: %s: not a word that is known there", key);
    }
}

/* One of the @common ones on that network that has not become a card of the file's yet. */
static struct nic_options *find_common(struct guest_options *guest, unsigned common, uint32_t *taken,
                                       const char *bridge)
{
    for (unsigned i = 0; i < common; i++) {
        if (*taken & 1u << i || strcmp(guest->nics[i].bridge, bridge) != 0)
            continue;
        *taken |= 1u << i;
        return &guest->nics[i];
    }
    return NULL;
}

/* A card that the command line gives to all guests says what its network is, and becomes one of the file's on it. */
static void take_nic(struct config *config, struct nic_options *nic, const struct nic_options *common,
                     struct nic_options *to)
{
    if (!to) {
        config_complain(config, "vif: one too many; a guest has at most %u devices", DEVICES_MAX);
        return;
    }
    if (common) {
        nic->uplink = common->uplink;
        nic->ifname = common->ifname;
        nic->nr_forwards = common->nr_forwards;
        memcpy(nic->forwards, common->forwards, sizeof(nic->forwards));
    }
    *to = *nic;
}

static void read_nic(struct config *config, const char *text, struct nic_options *nic)
{
    char *copy = config_keep(text), *rest = copy, *key, *value;

    while (next_word(&rest, &key, &value))
        read_nic_word(config, key, value, nic);
    free(copy);
}

void config_read_nics(struct config *config, struct guest_options *guest)
{
    const unsigned nr_common = guest->nr_nics;
    uint32_t taken = 0;
    const char *text;

    for (unsigned i = 0; (text = config_item(config, "vif", i)); i++) {
        struct nic_options nic = {.uplink = UPLINK_UNSAID, .bridge = DEFAULT_BRIDGE}, *common;

        read_nic(config, text, &nic);
        common = find_common(guest, nr_common, &taken, nic.bridge);
        take_nic(config, &nic, common, common ? common : options_add_nic(guest));
    }
}

static void read_share_word(struct config *config, const char *key, const char *value, struct share_options *share)
{
    if (!strcmp(key, "path")) {
        share->path = config_keep(value);
    } else if (!strcmp(key, "tag")) {
        if (!options_is_tag(value))
            config_complain(config, "p9: tag=%s: a name has 1 to %u letters, digits, dots, underscores and hyphens",
                            value, SHARE_TAG_MAX);
        snprintf(share->tag, sizeof(share->tag), "%s", value);
    } else if (!strcmp(key, "security_model")) {
        /* The only one that xl knows; to the guest what is done here looks no worse: qemu_device.c. */
        if (strcmp(value, "none") != 0)
            config_complain(config, "p9: security_model=%s: say none", value);
    } else if (strcmp(key, "backend") != 0) {
        config_complain(config, "p9: %s: not a word that is known there", key);
    }
}

void config_read_shares(struct config *config, struct guest_options *guest)
{
    const char *text;

    for (unsigned i = 0; (text = config_item(config, "p9", i)); i++) {
        struct share_options *share = options_add_share(guest);
        char *copy = config_keep(text), *rest = copy, *key, *value;

        if (!share) {
            config_complain(config, "p9 %s: one too many; a guest has at most %u devices", text, DEVICES_MAX);
            free(copy);
            return;
        }
        while (next_word(&rest, &key, &value))
            read_share_word(config, key, value, share);
        if (!share->path || !*share->path)
            config_complain(config, "p9 %s: path is missing", text);
        free(copy);
    }
}
