/* SPDX-License-Identifier: MIT */
/* In order: disks that are the same; images and directories; the back end. */
#include <cli/devices.h>
#include <cli/disk_image.h>
#include <cli/library.h>
#include <cli/share_directory.h>

#define BACKEND_MAX    (64 * MIB) /* bytes of its kernel */
#define BACKEND_WEIGHT 512u       /* it works for all guests */
#define VIRTIO_VENDOR  0x1af4u

#define SHARE_EXTENT_ORDER 6u /* of a ring: backend/ninepfs.c */

/* Where QEMU's microvm with two I/O APICs has its virtio devices, told to the hypervisor and to the back end. */
#define MICROVM_SETTING "feb00,3,18"
#define MICROVM_WORDS   "mmio=0xfeb00000 mmio_count=24 mmio_line=24"
_Static_assert(MICROVM_PLACES == 24, "three frames of eight");

static const char *title(const struct guest_options *guest)
{
    return guest->name ? guest->name : "the guest";
}

/* A file that one guest writes and another has open is lost. */
static enum status check_pair(const struct guest_options *guest, const struct disk_options *disk,
                              const struct guest_options *other, const struct disk_options *its)
{
    if ((disk->read_only && its->read_only) || !file_is_same(disk->path, its->path))
        return STATUS_GOOD;
    say_error(
        "%s is a disk of %s, %s, and of %s, %s, and one that is written cannot be shared: give each a copy, say ro "
        "for both, or --snapshot",
        disk->path, title(guest), disk->name, title(other), its->name);
    return STATUS_USAGE;
}

static enum status check_alone(const struct run_options *options, unsigned place, unsigned number)
{
    const struct guest_options *guest = &options->guests[place];

    for (unsigned i = 0; i <= place; i++) {
        const struct guest_options *other = &options->guests[i];
        unsigned count = i == place ? number : other->nr_disks;

        for (unsigned j = 0; j < count; j++) {
            enum status status = check_pair(other, &other->disks[j], guest, &guest->disks[number]);

            if (status)
                return status;
        }
    }
    return STATUS_GOOD;
}

static enum status check_disks(struct run_options *options, unsigned place)
{
    struct guest_options *guest = &options->guests[place];

    for (unsigned i = 0; i < guest->nr_disks; i++) {
        enum status status = disk_image_check(&guest->disks[i], options->snapshot);

        if (!status && !options->snapshot)
            status = check_alone(options, place, i);
        if (status)
            return status;
    }
    return STATUS_GOOD;
}

enum status devices_check(struct run_options *options)
{
    for (unsigned i = 0; i < options->nr_guests; i++) {
        const struct guest_options *guest = &options->guests[i];
        enum status status = check_disks(options, i);

        for (unsigned j = 0; j < guest->nr_shares && !status; j++)
            status = share_directory_check(&guest->shares[j]);
        if (status)
            return status;
    }
    return STATUS_GOOD;
}

enum status devices_read_backend(const struct run_options *options, struct bytes *kernel)
{
    char path[PATH_MAX];
    enum status status;

    if (!options_have_devices(options))
        return STATUS_GOOD;
    status = library_find(LIBRARY_BACKEND, path);
    return status ? status : file_read(path, BACKEND_MAX, kernel);
}

unsigned devices_extent_order(const struct run_options *options)
{
    for (unsigned i = 0; i < options->nr_guests; i++) {
        if (options->guests[i].nr_shares)
            return SHARE_EXTENT_ORDER;
    }
    return 0;
}

struct bundle_domain devices_backend(const struct run_options *options, const struct bytes *kernel)
{
    bool has_pci = options_have_pci(options);

    return (struct bundle_domain){
        .number = options_backend_number(options),
        .name = "backend",
        .memory_kib = BACKEND_KIB,
        .vcpus = 1,
        .weight = BACKEND_WEIGHT,
        .is_back_end = true,
        .pci_vendor = has_pci ? VIRTIO_VENDOR : 0,
        .virtio_mmio = has_pci ? NULL : MICROVM_SETTING,
        .cmdline = has_pci ? NULL : MICROVM_WORDS,
        .kernel = kernel,
    };
}
