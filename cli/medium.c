/* SPDX-License-Identifier: MIT */
/*
 * In order: what it takes; GRUB's configuration; the medium.  grub-mkrescue makes one that BIOS and UEFI boot, from a
 * CD-ROM and from a disk, without a mount and without root.
 */
#define _GNU_SOURCE /* nftw */
#include <errno.h>
#include <ftw.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cli/medium.h>
#include <cli/program.h>

#define FILE_SIZE_MAX (PATH_MAX + 32)
#define DEPTH_MAX     16 /* of directories that are open at a time */
#define GRUB_MIB      16 /* beside the bundle: GRUB for both kinds of firmware, the hypervisor */

static const struct {
    const char *what, *package;
    bool is_directory, is_for_qcow2;
} tools[] = {
    {"grub-mkrescue", "grub-common", false, false},
    {"/usr/lib/grub/i386-pc", "grub-pc-bin", true, false},
    {"/usr/lib/grub/x86_64-efi", "grub-efi-amd64-bin", true, false},
    {"xorriso", "xorriso", false, false},
    {"mformat", "mtools", false, false},
    {"qemu-img", "qemu-utils", false, true},
};

enum status medium_check_tools(enum medium_format format)
{
    enum status status = STATUS_GOOD;

    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
        const char *what = tools[i].what;

        if (tools[i].is_for_qcow2 && format != MEDIUM_QCOW2)
            continue;
        if (tools[i].is_directory ? !access(what, R_OK) : program_is_there(what))
            continue;
        say_error("%s is missing, and without it no image can be made: `apt install %s` brings it", what,
                  tools[i].package);
        status = STATUS_FAILED;
    }
    return status;
}

/*
 * GRUB speaks on the screen, and where there is a BIOS, which does not do that by itself, on the serial line as well.
 * Of several guests the first one has the console: there is no program that could take it apart.
 */
static enum status write_configuration(const char *path, const struct image_options *options)
{
    FILE *to = fopen(path, "w");
    bool is_written = to != NULL;

    if (to) {
        fprintf(to,
                "if [ \"$grub_platform\" = pc ]; then\n"
                "    if serial --unit=0 --speed=115200; then\n"
                "        terminal_input console serial\n"
                "        terminal_output console serial\n"
                "    fi\n"
                "fi\n"
                "set timeout=1\n"
                "menuentry 'Paravane' {\n"
                "    echo 'Paravane starts; its console is the first serial line.'\n"
                "    multiboot2 /boot/paravane.elf log=com2 quiet poweroff%s\n"
                "    module2 /boot/bundle\n"
                "}\n",
                options->halts_on_failure ? "=good" : "");
        is_written = !ferror(to);
        is_written &= !fclose(to);
    }
    if (!is_written)
        say_error("%s: cannot be written: %s", path, strerror(errno));
    return is_written ? STATUS_GOOD : STATUS_FAILED;
}

/* All that is made on the way; the last is beside the output, to become it by a new name alone. */
struct files {
    char configuration[FILE_SIZE_MAX], log[FILE_SIZE_MAX], plain[FILE_SIZE_MAX], made[FILE_SIZE_MAX];
    char scratch[FILE_SIZE_MAX]; /* a directory for the programs, some of which leave files when they fail */
};

static void name_files(const struct payload *payload, const char *output, struct files *files)
{
    snprintf(files->configuration, FILE_SIZE_MAX, "%s/grub.cfg", payload->directory);
    snprintf(files->log, FILE_SIZE_MAX, "%s/log", payload->directory);
    snprintf(files->plain, FILE_SIZE_MAX, "%s/plain", payload->directory);
    snprintf(files->made, FILE_SIZE_MAX, "%s" MEDIUM_NEW, output);
    snprintf(files->scratch, FILE_SIZE_MAX, "%s/scratch", payload->directory);
}

/* What can be seen at once is not seen after minutes. */
static enum status begin_files(const struct files *files)
{
    FILE *made = fopen(files->made, "w");

    if (!made || fclose(made)) {
        say_error("%s: cannot be written: %s", files->made, strerror(errno));
        return STATUS_FAILED;
    }
    if (mkdir(files->scratch, 0700)) {
        say_error("%s: cannot be made: %s", files->scratch, strerror(errno));
        return STATUS_FAILED;
    }
    return STATUS_GOOD;
}

static int remove_one(const char *path, const struct stat *file, int kind, struct FTW *place)
{
    (void)file;
    (void)kind;
    (void)place;
    return remove(path);
}

static void remove_files(const struct files *files)
{
    unlink(files->configuration);
    unlink(files->log);
    unlink(files->plain);
    unlink(files->made);
    (void)nftw(files->scratch, remove_one, DEPTH_MAX, FTW_DEPTH | FTW_PHYS);
}

static enum status make_plain(const struct payload *payload, const struct files *files, const char *output)
{
    char hypervisor[FILE_SIZE_MAX], bundle[2 * FILE_SIZE_MAX], configuration[2 * FILE_SIZE_MAX];
    const char *const arguments[] = {"grub-mkrescue", "--fonts=", "--locales=", "--themes=",   "-o",
                                     output,          hypervisor, bundle,       configuration, NULL};

    snprintf(hypervisor, sizeof(hypervisor), "boot/paravane.elf=%s", payload->hypervisor);
    snprintf(bundle, sizeof(bundle), "boot/bundle=%s", payload->bundle);
    snprintf(configuration, sizeof(configuration), "boot/grub/grub.cfg=%s", files->configuration);
    return program_run(arguments, files->scratch, files->log, &payload->mask);
}

static enum status make_qcow2(const struct payload *payload, const struct files *files)
{
    const char *const arguments[] = {"qemu-img", "convert",    "-f",        "raw", "-O",
                                     "qcow2",    files->plain, files->made, NULL};
    enum status status = make_plain(payload, files, files->plain);

    return status ? status : program_run(arguments, files->scratch, files->log, &payload->mask);
}

/* The programs' own last line does not say so. */
static void tell_room(const struct payload *payload, const char *directory)
{
    uint64_t wanted_mib = (payload->bundle_size + MIB - 1) / MIB + GRUB_MIB, left_mib;
    struct statvfs about;

    if (statvfs(directory, &about))
        return;
    left_mib = (uint64_t)about.f_bavail * about.f_frsize / MIB;
    if (left_mib < wanted_mib)
        say_error("%s: %llu MiB are left there, which may not be enough: the image takes up to %llu", directory,
                  (unsigned long long)left_mib, (unsigned long long)wanted_mib);
}

static void tell_rooms(const struct payload *payload, const char *output)
{
    char name[FILE_SIZE_MAX];

    snprintf(name, sizeof(name), "%s", output);
    tell_room(payload, payload->directory);
    tell_room(payload, dirname(name));
}

enum status medium_write(const struct payload *payload, const struct image_options *options)
{
    struct files files;
    enum status status;

    name_files(payload, options->output, &files);
    status = begin_files(&files);
    if (!status)
        status = write_configuration(files.configuration, options);
    if (!status)
        status =
            options->format == MEDIUM_QCOW2 ? make_qcow2(payload, &files) : make_plain(payload, &files, files.made);
    if (!status && rename(files.made, options->output)) {
        say_error("%s: cannot be written: %s", options->output, strerror(errno));
        status = STATUS_FAILED;
    }
    remove_files(&files);
    if (status)
        tell_rooms(payload, options->output);
    return status;
}
