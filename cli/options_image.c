/* SPDX-License-Identifier: MIT */
/* In order: the table; formats; what does not go together. */
#include <argp.h>
#include <string.h>

#include <cli/options_guest.h>
#include <cli/options_image.h>

#define GROUP_IMAGE (OPTIONS_GROUP_GUEST + 1)

enum {
    KEY_OUTPUT = 'o',
    KEY_FORMAT = KEY_GUEST + 1,
    KEY_MACHINE,
    KEY_ON_FAILURE,
};

static const struct argp_option image_list[] = {
    {NULL, 0, NULL, 0, "The image:", GROUP_IMAGE},
    {"output", KEY_OUTPUT, "FILE", 0,
     "write the image to FILE, in place of what is there, and a domain for libvirt to FILE.xml; one that is there "
     "and says something else stays, and FILE.xml.new is written",
     GROUP_IMAGE},
    {"format", KEY_FORMAT, "FORMAT", 0,
     "raw, qcow2 or iso (default: as FILE's name ends, otherwise raw); raw and iso are the same bytes", GROUP_IMAGE},
    {"machine", KEY_MACHINE, "NAME", 0, "the machine that it is for, pc or q35 (default: q35)", GROUP_IMAGE},
    {"on-failure", KEY_ON_FAILURE, "WHAT", 0,
     "what becomes of the machine if a guest crashes, or the hypervisor: poweroff (default), halt", GROUP_IMAGE},
    {NULL, 0, NULL, 0, "Help:", -1},
    {NULL, 0, NULL, 0, NULL, 0},
};

static const char image_help[] =
    "Make an image that any virtual machine boots, by BIOS or UEFI, and that runs the guests there: GRUB, the "
    "hypervisor, the guests' kernels, the domain that serves their disks and networks.\n"
    "\v"
    "Guests are said as for `paravane run`. Their disks are not in the image: they become disks of the machine, each a "
    "virtio disk with a serial number by which it is found; networks become virtio network cards with a MAC. Both are "
    "printed, with a command for QEMU; FILE.xml has the same for libvirt.\n"
    "\n"
    "The console of the first guest is the machine's first serial line, and the hypervisor's messages go to the second "
    "if there is one. When all guests have ended, the machine powers off.\n"
    "\n"
    "It takes Debian's packages grub-common, grub-pc-bin, grub-efi-amd64-bin, xorriso and mtools, for qcow2 qemu-utils "
    "as well; no root. TMPDIR names the directory for the files on the way (default: /tmp).\n"
    "\n"
    "Exit codes: 0 the image is there; 1 something is missing here, or it cannot be written; 2 wrong use; 4 a guest "
    "would not boot.\n"
    "\n"
    "Examples:\n"
    "  paravane image --disk debian.img --net user -o server.img\n"
    "  paravane image web.cfg mail.cfg -o server.qcow2\n"
    "      and then: virsh define server.qcow2.xml\n";

static const struct {
    const char *name, *ending;
} formats[] = {
    [MEDIUM_RAW] = {"raw", ".img"},
    [MEDIUM_QCOW2] = {"qcow2", ".qcow2"},
    [MEDIUM_ISO] = {"iso", ".iso"},
};

#define NR_FORMATS (sizeof(formats) / sizeof(formats[0]))

static enum medium_format parse_format(const char *name, struct argp_state *state)
{
    for (size_t i = 0; i < NR_FORMATS; i++) {
        if (!strcmp(name, formats[i].name))
            return (enum medium_format)i;
    }
    argp_error(state, "--format %s: not one of raw, qcow2, iso", name);
    return MEDIUM_RAW;
}

static enum medium_format guess_format(const char *path)
{
    size_t length = strlen(path);

    for (size_t i = 0; i < NR_FORMATS; i++) {
        size_t end = strlen(formats[i].ending);

        if (length > end && !strcmp(path + length - end, formats[i].ending))
            return (enum medium_format)i;
    }
    return MEDIUM_RAW;
}

static void read_output(char *path, struct image_options *options, struct argp_state *state)
{
    if (!*path || strlen(path) > IMAGE_PATH_MAX)
        argp_error(state, "--output %s: no name for a file", path);
    options->output = path;
}

static void read_machine(const char *name, struct image_options *options, struct argp_state *state)
{
    if (strcmp(name, "pc") != 0 && strcmp(name, "q35") != 0)
        argp_error(state, "--machine %s: not one of pc, q35; no other boots such an image", name);
    options->run.machine = name;
}

static void read_on_failure(const char *text, struct image_options *options, struct argp_state *state)
{
    options->halts_on_failure = !strcmp(text, "halt");
    if (!options->halts_on_failure && strcmp(text, "poweroff") != 0)
        argp_error(state, "--on-failure %s: say poweroff or halt", text);
}

static void check_all(const struct image_options *options, struct argp_state *state)
{
    if (!options->output)
        argp_error(state, "where to? Say --output FILE");
    if (options->run.command)
        argp_error(state, "-- %s: a machine of its own tells nobody how a command ended; `paravane run` does",
                   options->run.command[0]);
}

static error_t read_image(int key, char *text, struct argp_state *state)
{
    struct image_options *options = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->run;
        return 0;
    case KEY_OUTPUT:
        read_output(text, options, state);
        return 0;
    case KEY_FORMAT:
        options->format = parse_format(text, state);
        options->has_format = true;
        return 0;
    case KEY_MACHINE:
        read_machine(text, options, state);
        return 0;
    case KEY_ON_FAILURE:
        read_on_failure(text, options, state);
        return 0;
    case ARGP_KEY_END:
        check_all(options, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void options_read_image(int count, char **arguments, struct image_options *options)
{
    static const char ways[] = "KERNEL -o FILE\nGUEST.cfg... -o FILE\n--disk FILE -o FILE\n"
                               "--guest NAME [OPTION...] KERNEL --guest NAME ... -o FILE";
    static const struct argp parser = {image_list, read_image, ways, image_help, NULL, NULL, NULL};

    *options = (struct image_options){.run = {.common = options_no_guest, .machine = "q35"}};
    options_read_guests(parser, count, arguments, options);
    if (!options->has_format)
        options->format = guess_format(options->output);
}
