/* SPDX-License-Identifier: MIT */
/* In order: names of disks; of directories; networks; addresses; how many devices there are. */
#include <stdio.h>
#include <string.h>

#include <cli/disk_name.h>
#include <cli/options_network.h>

#define SHARE_TAG   "share"
#define CARD_START  0x525400u /* QEMU's; and Xen's: */
#define GUEST_START 0x00163eu

static const struct disk_options *find_disk(const struct guest_options *guest, unsigned number, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (guest->disks[i].number == number)
            return &guest->disks[i];
    }
    return NULL;
}

/* More names are tried than a guest has disks, so that one is free. */
static void name_disk(const struct guest_options *guest, struct disk_options *disk)
{
    unsigned place = 0, number;

    do {
        disk_name_make(place++, disk->name);
        number = disk_name_number(disk->name);
    } while (find_disk(guest, number, guest->nr_disks));
    disk->number = number;
}

static void name_disks(struct guest_options *guest, struct argp_state *state)
{
    for (unsigned i = 0; i < guest->nr_disks; i++) {
        struct disk_options *disk = &guest->disks[i];
        const struct disk_options *other = disk->number ? find_disk(guest, disk->number, i) : NULL;

        if (other)
            argp_error(state, "%s and %s are both %s: give one another name", other->path, disk->path, disk->name);
        if (!disk->number)
            name_disk(guest, disk);
    }
}

static const struct share_options *find_share(const struct guest_options *guest, const char *tag, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (!strcmp(guest->shares[i].tag, tag))
            return &guest->shares[i];
    }
    return NULL;
}

/* "share", "share2": one is free before there are more of them than shares. */
static void name_share(const struct guest_options *guest, struct share_options *share)
{
    char tag[SHARE_TAG_MAX + 1] = SHARE_TAG;

    for (unsigned i = 2; find_share(guest, tag, guest->nr_shares); i++)
        snprintf(tag, sizeof(tag), SHARE_TAG "%u", i);
    memcpy(share->tag, tag, sizeof(tag));
}

static void name_shares(struct guest_options *guest, struct argp_state *state)
{
    for (unsigned i = 0; i < guest->nr_shares; i++) {
        struct share_options *share = &guest->shares[i];
        const struct share_options *other = *share->tag ? find_share(guest, share->tag, i) : NULL;

        if (other)
            argp_error(state, "%s and %s are both %s: give one another name", other->path, share->path, share->tag);
        if (!*share->tag)
            name_share(guest, share);
    }
}

static struct network *find_network(struct run_options *options, const struct nic_options *nic,
                                    struct argp_state *state)
{
    struct network *network;

    for (unsigned i = 0; i < options->nr_networks; i++) {
        if (!strcmp(options->networks[i].bridge, nic->bridge))
            return &options->networks[i];
    }
    if (options->nr_networks == NETWORKS_MAX)
        argp_error(state, "the network %s is one too many; there can be %u", nic->bridge, NETWORKS_MAX);
    network = &options->networks[options->nr_networks++];
    memcpy(network->bridge, nic->bridge, sizeof(network->bridge));
    return network;
}

static bool is_same(const char *text, const char *other)
{
    return text == other || (text && other && !strcmp(text, other));
}

static void add_forwards(struct network *network, const struct nic_options *nic, struct argp_state *state)
{
    for (unsigned i = 0; i < nic->nr_forwards; i++) {
        unsigned place = 0;

        while (place < network->nr_forwards && !is_same(network->forwards[place], nic->forwards[i]))
            place++;
        if (place == FORWARDS_MAX)
            argp_error(state, "--net: hostfwd=%s: one too many; a network has at most %u", nic->forwards[i],
                       FORWARDS_MAX);
        network->forwards[place] = nic->forwards[i];
        network->nr_forwards += place == network->nr_forwards;
    }
}

/* All who say what a network is must say the same. */
static void join(struct network *network, const struct nic_options *nic, struct argp_state *state)
{
    if (nic->uplink == UPLINK_UNSAID)
        return;
    if (network->uplink != UPLINK_UNSAID && (network->uplink != nic->uplink || !is_same(network->ifname, nic->ifname)))
        argp_error(state, "--net: the network %s is said to be two things; say it before the first --guest, once",
                   network->bridge);
    network->uplink = nic->uplink;
    network->ifname = nic->ifname;
    add_forwards(network, nic, state);
}

/* FNV-1a: the same name has the same address in each run. */
static uint32_t hash(const char *text, unsigned place)
{
    uint32_t sum = 2166136261u;

    for (; *text; text++)
        sum = (sum ^ (uint8_t)*text) * 16777619u;
    return (sum ^ place) * 16777619u;
}

static void make_mac(uint32_t start, uint32_t rest, uint8_t mac[MAC_SIZE])
{
    const uint64_t number = (uint64_t)start << 24 | (rest & 0xffffff);

    for (unsigned i = 0; i < MAC_SIZE; i++)
        mac[i] = (uint8_t)(number >> 8 * (MAC_SIZE - 1 - i));
}

/* Another card of a guest's with that address. */
static const struct guest_options *find_mac(const struct run_options *options, const struct nic_options *nic)
{
    for (unsigned i = 0; i < options->nr_guests; i++) {
        for (unsigned j = 0; j < options->guests[i].nr_nics; j++) {
            const struct nic_options *other = &options->guests[i].nics[j];

            if (other != nic && !memcmp(other->mac, nic->mac, MAC_SIZE))
                return &options->guests[i];
        }
    }
    return NULL;
}

/* What tells the guest from others, in this run and in the next. */
static const char *title(const struct guest_options *guest)
{
    if (guest->name)
        return guest->name;
    return guest->nr_disks ? guest->disks[0].path : "guest";
}

static void address_nic(struct run_options *options, const struct guest_options *guest, unsigned place,
                        struct argp_state *state)
{
    struct nic_options *nic = &options->guests[guest - options->guests].nics[place];
    uint32_t rest = hash(title(guest), place);
    char mac[MAC_TEXT_SIZE];

    device_mac_text(nic->mac, mac);
    if (nic->has_mac && find_mac(options, nic))
        argp_error(state, "%s: mac=%s is the address of two cards; give each its own", title(guest), mac);
    if (nic->has_mac)
        return;
    do {
        make_mac(GUEST_START, rest++, nic->mac);
    } while (find_mac(options, nic));
}

/* Does a card before that one have its address? */
static bool is_taken(const struct run_options *options, const struct network *network)
{
    for (const struct network *other = options->networks; other < network; other++) {
        if (!memcmp(other->mac, network->mac, MAC_SIZE))
            return true;
    }
    return false;
}

static void end_network(const struct run_options *options, struct network *network)
{
    uint32_t rest = hash(network->bridge, 0);

    if (network->uplink == UPLINK_UNSAID)
        network->uplink = UPLINK_USER;
    do {
        make_mac(CARD_START, rest++, network->mac);
    } while (is_taken(options, network));
}

static void check_room(const struct run_options *options, struct argp_state *state)
{
    unsigned count = 0, room = options_have_pci(options) ? MACHINE_SLOTS : MICROVM_PLACES;

    for (unsigned i = 0; i < options->nr_guests; i++)
        count += options->guests[i].nr_disks + options->guests[i].nr_shares;
    for (unsigned i = 0; i < options->nr_networks; i++)
        count += options->networks[i].uplink != UPLINK_NONE;
    if (count > room)
        argp_error(state, "%u disks, directories and network cards: the machine has room for %u", count, room);
}

void options_end_devices(struct run_options *options, struct argp_state *state)
{
    for (unsigned i = 0; i < options->nr_guests; i++) {
        struct guest_options *guest = &options->guests[i];

        name_disks(guest, state);
        name_shares(guest, state);
        for (unsigned j = 0; j < guest->nr_nics; j++) {
            join(find_network(options, &guest->nics[j], state), &guest->nics[j], state);
            address_nic(options, guest, j, state);
        }
    }
    for (unsigned i = 0; i < options->nr_networks; i++)
        end_network(options, &options->networks[i]);
    check_room(options, state);
}
