/* SPDX-License-Identifier: MIT */
/* Words between commas.  In order: words; disks; networks; directories. */
#include <stdio.h>
#include <string.h>

#include <cli/disk_name.h>
#include <cli/options_device.h>

/* QEMU's names of what people call formats. */
static const struct {
    const char *name, *of_qemu;
} formats[] = {{"raw", "raw"}, {"qcow2", "qcow2"}, {"qcow", "qcow"}, {"qed", "qed"},
               {"vhd", "vpc"}, {"vhdx", "vhdx"},   {"vmdk", "vmdk"}, {"vdi", "vdi"}};

/* The next word of *rest, ended; two commas are one that belongs to it.  *rest becomes NULL behind the last. */
static char *next_word(char **rest)
{
    char *word = *rest, *to = word, *from = word;

    for (; *from && !(*from == ',' && from[1] != ','); from++) {
        from += *from == ',';
        *to++ = *from;
    }
    *rest = *from ? from + 1 : NULL;
    *to = '\0';
    return word;
}

/* What stands behind "KEY=" in the word; NULL: it is another one. */
static char *value_of(char *word, const char *key)
{
    size_t length = strlen(key);

    return !strncmp(word, key, length) && word[length] == '=' ? word + length + 1 : NULL;
}

static bool has_room(const struct guest_options *guest)
{
    return guest->nr_disks + guest->nr_nics + guest->nr_shares < DEVICES_MAX;
}

struct disk_options *options_add_disk(struct guest_options *guest)
{
    if (!has_room(guest))
        return NULL;
    guest->disks[guest->nr_disks] = (struct disk_options){0};
    return &guest->disks[guest->nr_disks++];
}

struct nic_options *options_add_nic(struct guest_options *guest)
{
    if (!has_room(guest))
        return NULL;
    guest->nics[guest->nr_nics] = (struct nic_options){0};
    return &guest->nics[guest->nr_nics++];
}

struct share_options *options_add_share(struct guest_options *guest)
{
    if (!has_room(guest))
        return NULL;
    guest->shares[guest->nr_shares] = (struct share_options){0};
    return &guest->shares[guest->nr_shares++];
}

struct nic_options *options_nic_on(struct guest_options *guest, const char *bridge)
{
    struct nic_options *nic;

    for (unsigned i = 0; i < guest->nr_nics; i++) {
        if (!strcmp(guest->nics[i].bridge, bridge))
            return &guest->nics[i];
    }
    nic = options_add_nic(guest);
    if (nic)
        snprintf(nic->bridge, sizeof(nic->bridge), "%s", bridge);
    return nic;
}

static const char *parse_format(const char *text, struct argp_state *state)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (!strcmp(text, formats[i].name))
            return formats[i].of_qemu;
    }
    argp_error(state, "--disk: format=%s: not one of raw, qcow2, qcow, qed, vhd, vhdx, vmdk, vdi", text);
    return NULL;
}

static void read_name(struct disk_options *disk, const char *text, struct argp_state *state)
{
    disk->number = disk_name_number(text);
    if (!disk->number)
        argp_error(state, "--disk: as=%s: not a disk's name such as xvda, xvdb1, sda (to sdp) or hda (to hdd)", text);
    snprintf(disk->name, sizeof(disk->name), "%s", text);
}

static void read_disk_word(struct disk_options *disk, char *word, struct argp_state *state)
{
    char *format = value_of(word, "format"), *name = value_of(word, "as");

    if (format)
        disk->format = parse_format(format, state);
    else if (name)
        read_name(disk, name, state);
    else if (!strcmp(word, "ro"))
        disk->read_only = true;
    else
        argp_error(state, "--disk %s: %s: not one of ro, format=FORMAT, as=NAME; a comma in a file's name is doubled",
                   disk->path, word);
}

static void read_image(const char *option, bool is_cdrom, char *text, struct guest_options *guest,
                       struct argp_state *state)
{
    struct disk_options *disk = options_add_disk(guest);

    if (!disk)
        argp_error(state, "%s %s: one too many; a guest has at most %u devices", option, text, DEVICES_MAX);
    disk->path = next_word(&text);
    if (!*disk->path)
        argp_error(state, "%s: the name of the image is empty: was a variable not set?", option);
    disk->is_cdrom = disk->read_only = is_cdrom;
    while (text)
        read_disk_word(disk, next_word(&text), state);
}

void options_read_disk(char *text, struct guest_options *guest, struct argp_state *state)
{
    read_image("--disk", false, text, guest, state);
}

void options_read_cdrom(char *text, struct guest_options *guest, struct argp_state *state)
{
    read_image("--cdrom", true, text, guest, state);
}

bool options_parse_mac(const char *text, uint8_t mac[MAC_SIZE])
{
    unsigned bytes[MAC_SIZE];
    char end;

    if (strlen(text) != 3 * MAC_SIZE - 1 || strspn(text, "0123456789abcdefABCDEF:") != strlen(text) ||
        sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4], &bytes[5],
               &end) != MAC_SIZE)
        return false;
    for (unsigned i = 0; i < MAC_SIZE; i++)
        mac[i] = (uint8_t)bytes[i];
    return !(mac[0] & 1) && (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]);
}

static bool is_word(const char *name, size_t most)
{
    size_t length = strlen(name);

    return length > 0 && length <= most &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == length;
}

bool options_is_bridge(const char *name)
{
    return is_word(name, BRIDGE_NAME_MAX);
}

bool options_is_tag(const char *name)
{
    return is_word(name, SHARE_TAG_MAX);
}

static enum uplink parse_uplink(const char *text, struct argp_state *state)
{
    static const char *const names[] = {[UPLINK_USER] = "user", [UPLINK_TAP] = "tap", [UPLINK_NONE] = "none"};

    for (enum uplink uplink = UPLINK_USER; uplink <= UPLINK_NONE; uplink++) {
        if (!strcmp(text, names[uplink]))
            return uplink;
    }
    argp_error(state, "--net %s: not one of user, tap, none", text);
    return UPLINK_UNSAID;
}

/* "tcp::2222-:22": the rest of it is for QEMU to understand, in which a comma would begin another word of its own. */
static void add_forward(struct nic_options *nic, const char *text, struct argp_state *state)
{
    if (nic->nr_forwards == FORWARDS_MAX)
        argp_error(state, "--net: hostfwd=%s: one too many; a network has at most %u", text, FORWARDS_MAX);
    if ((strncmp(text, "tcp:", 4) && strncmp(text, "udp:", 4)) || !strchr(text, '-') || strchr(text, ',') ||
        strlen(text) > FORWARD_MAX)
        argp_error(state, "--net: hostfwd=%s: say tcp:ADDRESS:PORT-GUEST:PORT, such as tcp::2222-:22, or udp the same",
                   text);
    nic->forwards[nic->nr_forwards++] = text;
}

static void read_net_word(struct nic_options *nic, char *word, struct argp_state *state)
{
    char *mac = value_of(word, "mac"), *forward = value_of(word, "hostfwd"), *ifname = value_of(word, "ifname");

    if (mac) {
        nic->has_mac = options_parse_mac(mac, nic->mac);
        if (!nic->has_mac)
            argp_error(state, "--net: mac=%s: not an address of one card, such as 00:16:3e:01:02:03", mac);
    } else if (forward && nic->uplink == UPLINK_USER) {
        add_forward(nic, forward, state);
    } else if (ifname && *ifname && !strchr(ifname, ',') && nic->uplink == UPLINK_TAP) {
        nic->ifname = ifname;
    } else {
        argp_error(state, "--net: %s: not one of mac=MAC, bridge=NAME, of user hostfwd=FORWARD, of tap ifname=NAME",
                   word);
    }
}

/* Without a name a network is that of all guests, or of one, by the place where it is said. */
static void name_network(struct nic_options *nic, unsigned place, bool is_common)
{
    static unsigned nr_own;

    if (*nic->bridge)
        return;
    if (is_common)
        snprintf(nic->bridge, sizeof(nic->bridge), "net%u", place);
    else
        snprintf(nic->bridge, sizeof(nic->bridge), "own%u", nr_own++);
}

void options_read_net(char *text, struct guest_options *guest, bool is_common, struct argp_state *state)
{
    struct nic_options nic = {.uplink = parse_uplink(next_word(&text), state)}, *to;

    while (text) {
        char *word = next_word(&text), *bridge = value_of(word, "bridge");

        if (bridge && !options_is_bridge(bridge))
            argp_error(state, "--net: bridge=%s: a name has 1 to %u letters, digits, dots, underscores and hyphens",
                       bridge, BRIDGE_NAME_MAX);
        if (bridge)
            snprintf(nic.bridge, sizeof(nic.bridge), "%s", bridge);
        else
            read_net_word(&nic, word, state);
    }
    name_network(&nic, guest->nr_nics, is_common);
    to = options_nic_on(guest, nic.bridge);
    if (!to)
        argp_error(state, "--net: one too many; a guest has at most %u devices", DEVICES_MAX);
    *to = nic;
}

static void read_share_word(struct share_options *share, char *word, struct argp_state *state)
{
    char *tag = value_of(word, "tag");

    if (tag && !options_is_tag(tag))
        argp_error(state, "--share %s: tag=%s: a name has 1 to %u letters, digits, dots, underscores and hyphens",
                   share->path, tag, SHARE_TAG_MAX);
    if (tag)
        snprintf(share->tag, sizeof(share->tag), "%s", tag);
    else if (!strcmp(word, "ro"))
        share->read_only = true;
    else
        argp_error(state, "--share %s: %s: not one of ro, tag=NAME; a comma in a directory's name is doubled",
                   share->path, word);
}

void options_read_share(char *text, struct guest_options *guest, struct argp_state *state)
{
    struct share_options *share = options_add_share(guest);

    if (!share)
        argp_error(state, "--share %s: one too many; a guest has at most %u devices", text, DEVICES_MAX);
    share->path = next_word(&text);
    if (!*share->path)
        argp_error(state, "--share: the name of the directory is empty: was a variable not set?");
    while (text)
        read_share_word(share, next_word(&text), state);
}
