/* SPDX-License-Identifier: MIT */
/* The steps of `paravane image`: see that nothing is lost, make the image, tell what machine it wants. */
#include <stdio.h>
#include <sys/stat.h>

#include <cli/disk_image.h>
#include <cli/libvirt.h>
#include <cli/make_image.h>
#include <cli/medium.h>
#include <cli/qemu.h>

/* UEFI keeps some for itself, in the middle of what is there, and GRUB has the bundle twice for a while. */
#define FIRMWARE_MIB 64u

/*
 * A file takes the place of what is there: of a device, which may be the machine's, of a pipe, of a disk whose guest
 * would go on writing where nobody finds it.
 */
static enum status spare_others(const char *output)
{
    static const char *const endings[] = {"", MEDIUM_NEW, LIBVIRT_ENDING, LIBVIRT_ENDING LIBVIRT_NEW};

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        char path[PATH_MAX];
        struct stat about;

        snprintf(path, sizeof(path), "%s%s", output, endings[i]);
        if (!stat(path, &about) && !S_ISREG(about.st_mode)) {
            say_error("--output: %s is %s, and no file; name another one", path,
                      S_ISDIR(about.st_mode) ? "a directory" : "a device, a pipe or the like");
            return STATUS_USAGE;
        }
    }
    if (!disk_image_is_written(output))
        return STATUS_GOOD;
    say_error("--output: %s is in use by a QEMU that writes to it; end that, or name another file", output);
    return STATUS_USAGE;
}

static enum status spare_inputs(const struct payload *payload, const char *output)
{
    static const char *const endings[] = {"", MEDIUM_NEW, LIBVIRT_ENDING LIBVIRT_NEW};

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s%s", output, endings[i]);
        if (!payload_is_made_of(payload, path))
            continue;
        say_error("--output: %s is a kernel, ramdisk or disk of a guest, and would be written over; name another file",
                  path);
        return STATUS_USAGE;
    }
    return STATUS_GOOD;
}

static void tell_disks(const struct run_options *run, const struct payload *payload)
{
    for (unsigned i = 0; i < run->nr_guests; i++) {
        for (unsigned j = 0; j < run->guests[i].nr_disks; j++) {
            const struct disk_options *disk = &run->guests[i].disks[j];
            char serial[DISK_SERIAL_MAX + 1];

            device_serial(options_guest_number(run, i), disk, serial);
            printf("  a virtio disk%s with the serial number %s: ", disk->read_only ? ", read-only," : "", serial);
            write_safely(stdout, disk->path);
            printf(" (%s), %s of ", disk->format, disk->name);
            write_safely(stdout, guest_title(&payload->guests[i]));
            printf("\n");
        }
    }
}

static void tell_shares(const struct run_options *run)
{
    for (unsigned i = 0; i < run->nr_guests; i++) {
        for (unsigned j = 0; j < run->guests[i].nr_shares; j++) {
            char name[SHARE_NAME_MAX + 1];

            device_share_name(options_guest_number(run, i), j, name);
            printf("  a virtio file system (9p) with the tag %s: ", name);
            write_safely(stdout, run->guests[i].shares[j].path);
            printf("\n");
        }
    }
}

static void tell_networks(const struct run_options *run)
{
    for (unsigned i = 0; i < run->nr_networks; i++) {
        char mac[MAC_TEXT_SIZE];

        if (run->networks[i].uplink == UPLINK_NONE)
            continue;
        device_mac_text(run->networks[i].mac, mac);
        printf("  a virtio network card with the MAC %s%s%s\n", mac, *run->networks[i].bridge ? ", network " : "",
               run->networks[i].bridge);
    }
}

static enum status tell(const struct payload *payload, const struct image_options *options)
{
    const struct qemu_request request = {.options = &options->run, .bundle_size = payload->bundle_size};
    uint64_t memory_mib = qemu_memory_mib(&request) + FIRMWARE_MIB;
    struct qemu_command command;
    unsigned processors = options_useful_processors(&options->run);
    char xml[PATH_MAX];
    enum status status = libvirt_write(guest_title(&payload->guests[0]), memory_mib, options, xml);

    if (status)
        return status;
    write_safely(stdout, options->output);
    printf(" boots by BIOS and by UEFI. The virtual machine that it is to be the first disk%s of wants:\n",
           options->format == MEDIUM_ISO ? " or CD-ROM" : "");
    printf("  %llu MiB of memory, %u processor%s, a serial line\n", (unsigned long long)memory_mib, processors,
           processors > 1 ? "s" : "");
    tell_disks(&options->run, payload);
    tell_shares(&options->run);
    tell_networks(&options->run);
    printf("\nWith libvirt: virsh define ");
    write_quoted(stdout, xml);
    qemu_compose_booting(&options->run, memory_mib, options->output,
                         options->format == MEDIUM_ISO ? "ide-cd" : "ide-hd",
                         options->format == MEDIUM_QCOW2 ? "qcow2" : "raw", &command);
    printf("\nWith QEMU alone:\n");
    qemu_show(stdout, "  ", &command);
    qemu_free(&command);
    return STATUS_GOOD;
}

enum status make_image(struct image_options *options)
{
    /* Guests are too large for a stack. */
    static struct payload payload;
    enum status status = medium_check_tools(options->format);

    if (!status)
        status = spare_others(options->output);
    if (status)
        return status;
    status = payload_make(&payload, &options->run);
    if (!status)
        status = spare_inputs(&payload, options->output);
    if (!status) {
        progress_begin("making the image");
        status = medium_write(&payload, options);
        progress_end();
    }
    if (!status)
        status = tell(&payload, options);
    payload_free(&payload);
    return status;
}
