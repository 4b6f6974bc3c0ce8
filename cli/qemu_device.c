/* SPDX-License-Identifier: MIT */
/* The devices of the machine, which are the back end's: for each disk and share of a guest's, and for each network. */
#define _GNU_SOURCE /* asprintf */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cli/qemu.h>

/* An option and its value, which the command then owns.  Without memory for it QEMU is told what it will refuse. */
__attribute__((format(printf, 3, 4))) static void add(struct qemu_command *command, const char *option,
                                                      const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    command->arguments[command->count++] = option;
    command->arguments[command->count++] = text ? text : "out-of-memory";
    command->owned[command->nr_owned++] = text;
}

/* A comma in a name is doubled. */
static char *double_commas(const char *name)
{
    char *doubled = calloc(2, strlen(name) + 1), *to = doubled;

    for (; doubled && *name; name++) {
        if (*name == ',')
            *to++ = ',';
        *to++ = *name;
    }
    return doubled;
}

/*
 * A name with a colon must not be taken for a protocol, and the format is never a guess of QEMU's.  What cannot be
 * written or read is the guest's to know: by itself QEMU would stop the machine.
 */
static void add_disk(struct qemu_command *command, const struct run_options *options, unsigned domain,
                     const struct disk_options *disk)
{
    char serial[DISK_SERIAL_MAX + 1], *path = double_commas(disk->path);
    const char *discards = disk->read_only || disk->keeps_zeroes ? "ignore" : "unmap";

    device_serial(domain, disk, serial);
    add(command, "-drive", "if=none,id=%s,file=%s%s,format=%s,cache=writeback,discard=%s%s%s", serial,
        *disk->path == '/' ? "" : "./", path ? path : "", disk->format, discards, disk->read_only ? ",readonly=on" : "",
        options->snapshot && !disk->read_only ? ",snapshot=on" : "");
    add(command, "-device", "virtio-blk-%s,drive=%s,serial=%s,werror=report,rerror=report",
        options_have_pci(options) ? "pci" : "device", serial, serial);
    free(path);
}

/*
 * What the guest makes is an ordinary file that this user alone may read, with owner, mode and kind in attributes: so
 * no rights are needed, and the guest can leave no link, no device and no set-user-id program of this user's here.
 */
static void add_share(struct qemu_command *command, const struct run_options *options, unsigned domain, unsigned place,
                      const struct share_options *share)
{
    char name[SHARE_NAME_MAX + 1], *path = double_commas(share->path);

    device_share_name(domain, place, name);
    add(command, "-fsdev", "local,id=%s,path=%s,security_model=mapped-xattr,multidevs=remap%s", name, path ? path : "",
        share->read_only ? ",readonly=on" : "");
    add(command, "-device", "virtio-9p-%s,fsdev=%s,mount_tag=%s", options_have_pci(options) ? "pci" : "device", name,
        name);
    free(path);
}

/* Nobody boots from it: no file with such a program need be there, where the machine could. */
static void add_network(struct qemu_command *command, const struct run_options *options, unsigned place)
{
    const struct network *network = &options->networks[place];
    char mac[MAC_TEXT_SIZE], forwards[FORWARDS_MAX * (sizeof(",hostfwd=") + FORWARD_MAX)] = "";
    int length = 0;

    if (network->uplink == UPLINK_NONE)
        return;
    for (unsigned i = 0; i < network->nr_forwards; i++)
        length += snprintf(forwards + length, sizeof(forwards) - (size_t)length, ",hostfwd=%s", network->forwards[i]);
    device_mac_text(network->mac, mac);
    if (network->uplink == UPLINK_USER)
        add(command, "-netdev", "user,id=net%u%s", place, forwards);
    else
        add(command, "-netdev", "tap,id=net%u%s%s,script=no,downscript=no", place, network->ifname ? ",ifname=" : "",
            network->ifname ? network->ifname : "");
    add(command, "-device", "virtio-net-%s,netdev=net%u,mac=%s%s", options_have_pci(options) ? "pci" : "device", place,
        mac, options_have_pci(options) ? ",romfile=" : "");
}

void qemu_add_medium(const char *path, const char *device, const char *format, struct qemu_command *command)
{
    char *doubled = double_commas(path);

    add(command, "-drive", "if=none,id=boot,file=%s%s,format=%s%s", *path == '/' ? "" : "./", doubled ? doubled : "",
        format, strcmp(device, "ide-cd") ? "" : ",readonly=on");
    add(command, "-device", "%s,drive=boot,bootindex=0", device);
    free(doubled);
}

/* The registers of version 1, and none of those before it. */
void qemu_add_devices(const struct run_options *options, struct qemu_command *command)
{
    if (!options_have_pci(options) && options_have_devices(options))
        add(command, "-global", "%s", "virtio-mmio.force-legacy=false");
    for (unsigned i = 0; i < options->nr_guests; i++) {
        const struct guest_options *guest = &options->guests[i];
        unsigned domain = options_guest_number(options, i);

        for (unsigned j = 0; j < guest->nr_disks; j++)
            add_disk(command, options, domain, &guest->disks[j]);
        for (unsigned j = 0; j < guest->nr_shares; j++)
            add_share(command, options, domain, j, &guest->shares[j]);
    }
    for (unsigned i = 0; i < options->nr_networks; i++)
        add_network(command, options, i);
}

void qemu_free(struct qemu_command *command)
{
    while (command->nr_owned)
        free(command->owned[--command->nr_owned]);
}
