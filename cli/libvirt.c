/* SPDX-License-Identifier: MIT */
/* In order: text; disks and shares; networks; the domain; its file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cli/file.h>
#include <cli/libvirt.h>

#define FILE_LIMIT MIB

/* What a name has of XML's own, and of what XML cannot have, is not taken for either. */
static void write_text(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (strchr("&<>'\"", *text))
            fprintf(to, "&#%u;", (unsigned)*text);
        else
            fputc((unsigned char)*text < ' ' ? '?' : *text, to);
    }
}

/* libvirt takes no name that is seen from somewhere. */
static void write_path(FILE *to, const char *path)
{
    char full[PATH_MAX];

    write_text(to, realpath(path, full) ? full : path);
}

static bool is_device(const char *path)
{
    struct stat file;

    return !stat(path, &file) && S_ISBLK(file.st_mode);
}

/*
 * ---- Disks.
 */

static void write_medium(FILE *to, const struct image_options *options)
{
    bool is_iso = options->format == MEDIUM_ISO, is_pc = !strcmp(options->run.machine, "pc");

    fprintf(to, "    <disk type='file' device='%s'>\n", is_iso ? "cdrom" : "disk");
    fprintf(to, "      <driver name='qemu' type='%s'/>\n", options->format == MEDIUM_QCOW2 ? "qcow2" : "raw");
    fputs("      <source file='", to);
    write_path(to, options->output);
    fprintf(to, "'/>\n      <target dev='%s' bus='%s'/>\n      <boot order='1'/>\n    </disk>\n", is_pc ? "hda" : "sda",
            is_pc ? "ide" : "sata");
}

static void write_disk(FILE *to, unsigned domain, unsigned place, const struct disk_options *disk)
{
    bool device = is_device(disk->path);
    char serial[DISK_SERIAL_MAX + 1];

    device_serial(domain, disk, serial);
    fprintf(to,
            "    <disk type='%s' device='disk'>\n"
            "      <driver name='qemu' type='%s' cache='writeback' error_policy='report' discard='%s'/>\n"
            "      <source %s='",
            device ? "block" : "file", disk->format, disk->read_only || disk->keeps_zeroes ? "ignore" : "unmap",
            device ? "dev" : "file");
    write_path(to, disk->path);
    fprintf(to, "'/>\n      <target dev='vd%s%c' bus='virtio'/>\n      <serial>%s</serial>\n%s    </disk>\n",
            place < 26 ? "" : "a", 'a' + (int)(place % 26), serial, disk->read_only ? "      <readonly/>\n" : "");
}

static void write_disks(FILE *to, const struct run_options *run)
{
    unsigned place = 0;

    for (unsigned i = 0; i < run->nr_guests; i++) {
        for (unsigned j = 0; j < run->guests[i].nr_disks; j++)
            write_disk(to, options_guest_number(run, i), place++, &run->guests[i].disks[j]);
    }
}

/* As QEMU is told for a run: who owns a file is written beside it. */
static void write_share(FILE *to, unsigned domain, unsigned place, const struct share_options *share)
{
    char name[SHARE_NAME_MAX + 1];

    device_share_name(domain, place, name);
    fputs("    <filesystem type='mount' accessmode='mapped' multidevs='remap'>\n      <source dir='", to);
    write_path(to, share->path);
    fprintf(to, "'/>\n      <target dir='%s'/>\n%s    </filesystem>\n", name,
            share->read_only ? "      <readonly/>\n" : "");
}

static void write_shares(FILE *to, const struct run_options *run)
{
    for (unsigned i = 0; i < run->nr_guests; i++) {
        for (unsigned j = 0; j < run->guests[i].nr_shares; j++)
            write_share(to, options_guest_number(run, i), j, &run->guests[i].shares[j]);
    }
}

/*
 * ---- Networks.
 */

static void write_network(FILE *to, const struct network *network)
{
    char mac[MAC_TEXT_SIZE];

    if (network->uplink == UPLINK_NONE)
        return;
    device_mac_text(network->mac, mac);
    fprintf(to, "    <interface type='%s'>\n      <mac address='%s'/>\n",
            network->uplink == UPLINK_USER ? "user" : "ethernet", mac);
    if (network->uplink == UPLINK_TAP && network->ifname) {
        fputs("      <target dev='", to);
        write_text(to, network->ifname);
        fputs("' managed='no'/>\n", to);
    }
    fputs("      <model type='virtio'/>\n", to);
    if (network->nr_forwards)
        fputs("      <!-- ports that QEMU forwards cannot be said here -->\n", to);
    fputs("    </interface>\n", to);
}

/*
 * ---- The domain.
 */

static void write_domain(FILE *to, const char *name, uint64_t memory_mib, const struct image_options *options)
{
    fputs("<!-- Made by `paravane image`. -->\n"
          "<!-- With KVM, which is untried: type='kvm'. For UEFI: <os firmware='efi'>, without Secure Boot. -->\n"
          "<domain type='qemu'>\n  <name>",
          to);
    write_text(to, name);
    fprintf(to,
            "</name>\n"
            "  <memory unit='MiB'>%llu</memory>\n"
            "  <vcpu>%u</vcpu>\n"
            "  <os>\n    <type arch='x86_64' machine='%s'>hvm</type>\n  </os>\n"
            "  <features>\n    <acpi/>\n    <apic/>\n  </features>\n"
            "  <!-- QEMU before 9.1 emulates SMAP wrongly for guests in ring 3. -->\n"
            "  <cpu mode='maximum'>\n    <feature policy='disable' name='smap'/>\n  </cpu>\n"
            "  <on_poweroff>destroy</on_poweroff>\n"
            "  <on_reboot>restart</on_reboot>\n"
            "  <on_crash>destroy</on_crash>\n"
            "  <devices>\n",
            (unsigned long long)memory_mib, options_useful_processors(&options->run), options->run.machine);
    write_medium(to, options);
    write_disks(to, &options->run);
    write_shares(to, &options->run);
    for (unsigned i = 0; i < options->run.nr_networks; i++)
        write_network(to, &options->run.networks[i]);
    fputs("    <!-- The first guest's console, and the hypervisor's messages. -->\n"
          "    <serial type='pty'>\n      <target type='isa-serial' port='0'/>\n    </serial>\n"
          "    <serial type='pty'>\n      <target type='isa-serial' port='1'/>\n    </serial>\n"
          "    <console type='pty'>\n      <target type='serial' port='0'/>\n    </console>\n"
          "    <memballoon model='none'/>\n"
          "  </devices>\n"
          "</domain>\n",
          to);
}

/*
 * ---- Its file.
 */

static enum status write_file(const char *path, const char *name, uint64_t memory_mib,
                              const struct image_options *options)
{
    FILE *to = fopen(path, "w");
    bool is_written = false;

    if (to) {
        write_domain(to, name, memory_mib, options);
        is_written = !ferror(to);
        is_written &= !fclose(to);
    }
    if (!is_written)
        say_error("%s: cannot be written: %s", path, strerror(errno));
    return is_written ? STATUS_GOOD : STATUS_FAILED;
}

/* Does a file that is there say something else? */
static enum status compare_files(const char *path, const char *other, bool *differ)
{
    struct bytes one = {NULL, 0}, two = {NULL, 0};
    enum status status;

    *differ = false;
    if (access(path, F_OK))
        return STATUS_GOOD;
    status = file_read(path, FILE_LIMIT, &one);
    if (!status)
        status = file_read(other, FILE_LIMIT, &two);
    if (!status)
        *differ = one.size != two.size || memcmp(one.data, two.data, one.size) != 0;
    bytes_free(&one);
    bytes_free(&two);
    return status;
}

enum status libvirt_write(const char *name, uint64_t memory_mib, const struct image_options *options,
                          char path[static PATH_MAX])
{
    char fresh[PATH_MAX];
    enum status status;
    bool differ;

    snprintf(path, PATH_MAX, "%s" LIBVIRT_ENDING, options->output);
    snprintf(fresh, PATH_MAX, "%s" LIBVIRT_ENDING LIBVIRT_NEW, options->output);
    status = write_file(fresh, name, memory_mib, options);
    if (!status)
        status = compare_files(path, fresh, &differ);
    if (status)
        return status;
    if (differ) {
        say("%s says something else, and stays; the machine as it is to be now is in %s", path, fresh);
        strcpy(path, fresh);
    } else if (rename(fresh, path)) {
        say_error("%s: cannot be written: %s", path, strerror(errno));
        return STATUS_FAILED;
    }
    return STATUS_GOOD;
}
