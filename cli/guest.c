/* SPDX-License-Identifier: MIT */
/* In order: the kernel and the verdict on it; the ramdisk; what the bundle gets of both. */
#include <stdlib.h>
#include <string.h>

#include <cli/errand.h>
#include <cli/guest.h>
#include <cli/library.h>
#include <cli/options_value.h>
#include <cli/trim.h>
#include <cli/verdict.h>

/* Those that refuse the kernel, or the remarks. */
static void show_findings(const struct verdict *verdict, bool refusals)
{
    for (unsigned i = 0; i < verdict->findings.count; i++) {
        const struct finding *finding = &verdict->findings.list[i];
        char sentence[SENTENCE_MAX];

        verdict_word(verdict, finding, sentence);
        if (finding_refuses(finding->id) == refusals)
            say("  %s", sentence);
    }
}

/* Would it boot?  If not, each reason is told. */
static enum status check(struct guest *guest, bool verbose)
{
    const struct start_request request = {
        .nr_pages = guest->options->memory_kib / PAGE_KIB,
        .ramdisk_size = guest->ramdisk.size,
        .privileged = guest->options->privileged,
    };
    struct verdict verdict;
    enum status status = verdict_reach(guest->kernel_path, &guest->image.elf, &request, &verdict);

    if (status)
        return status;
    if (verbose)
        show_findings(&verdict, false);
    if (!verdict_refuses(&verdict)) {
        symbols_read(&verdict.kernel, &guest->symbols);
        trim_kernel(&guest->image.elf, &verdict.kernel);
        return STATUS_GOOD;
    }
    say_error("%s%s%s: refused:", guest->options->name ? guest->options->name : "", guest->options->name ? ": " : "",
              guest->kernel_path);
    show_findings(&verdict, true);
    say("`paravane inspect %s` tells more", guest->kernel_path);
    return STATUS_REFUSED;
}

static enum status read_ramdisk(struct guest *guest)
{
    enum status status;

    progress_begin("reading the ramdisk");
    status = file_read(guest->options->ramdisk, BUNDLE_MAX, &guest->ramdisk);
    progress_end();
    return status;
}

static enum status find_kernel(struct guest *guest)
{
    guest->kernel_path = guest->options->kernel ? guest->options->kernel : guest->found;
    if (guest->options->demo)
        return library_find(LIBRARY_DEMO, guest->found);
    if (guest->options->boots_disk)
        return library_find_grub(guest->options->boots_narrow, guest->found);
    return STATUS_GOOD;
}

enum status guest_read(struct guest *guest, unsigned place, const struct run_options *options)
{
    enum status status;

    guest->number = options_guest_number(options, place);
    guest->options = &options->guests[place];
    device_nodes_make(options, place, &guest->devices);
    status = find_kernel(guest);
    if (!status)
        bundle_clean_name(guest_title(guest), guest->domain_name);
    if (!status)
        status = image_read(guest->kernel_path, &guest->image);
    if (!status && guest->options->ramdisk)
        status = read_ramdisk(guest);
    if (!status && options->command)
        status = errand_add(options, &guest->ramdisk, &guest->cmdline);
    return status ? status : check(guest, options->verbose);
}

const char *guest_title(const struct guest *guest)
{
    const char *path = guest->options->boots_disk ? guest->options->disks[0].path : guest->kernel_path;
    const char *slash = strrchr(path, '/');

    if (guest->options->name)
        return guest->options->name;
    return slash && slash[1] ? slash + 1 : path;
}

struct bundle_domain guest_domain(const struct guest *guest)
{
    const struct guest_options *options = guest->options;

    return (struct bundle_domain){
        .number = guest->number,
        .name = guest->domain_name,
        .memory_kib = options->memory_kib,
        .most_kib = options->most_kib,
        .vcpus = options->vcpus,
        .most_vcpus = options->most_vcpus,
        .pinned = options->pinned,
        .weight = options->weight,
        .uuid = *options->uuid ? options->uuid : NULL,
        .privileged = options->privileged,
        .linear_tables = options->linear_tables,
        .ends_by_reboot = options->ends_by_reboot,
        .kernel = &guest->image.elf,
        .ramdisk = guest->ramdisk.size ? &guest->ramdisk : NULL,
        .cmdline = guest->cmdline ? guest->cmdline : options->cmdline,
        .rights = options->rights,
        .devices = guest->devices.list,
        .nr_devices = guest->devices.count,
    };
}

bool guest_is_made_of(const struct guest *guest, const char *path)
{
    for (unsigned i = 0; i < guest->options->nr_disks; i++) {
        if (file_is_same(path, guest->options->disks[i].path))
            return true;
    }
    return file_is_same(path, guest->kernel_path) || file_is_same(path, guest->options->ramdisk);
}

void guest_free_files(struct guest *guest)
{
    image_free(&guest->image);
    bytes_free(&guest->ramdisk);
}

void guest_free(struct guest *guest)
{
    guest_free_files(guest);
    free(guest->cmdline);
    symbols_free(&guest->symbols);
}
