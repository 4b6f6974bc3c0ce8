/* SPDX-License-Identifier: MIT */
/*
 * The keys of a configuration file.  In order: is it one; the kernel; numbers; what becomes of the guest at its end;
 * what has no effect; all of it.
 */
#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cli/config.h>
#include <cli/config_device.h>
#include <cli/config_rights.h>
#include <cli/options_value.h>

#define START_MAX  8192u /* of a file, in which it shows what it is */
#define WEIGHT_MAX 65535
#define SUFFIX     ".cfg"

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);

    return length > end_length && !strcmp(text + length - end_length, end);
}

static bool is_text(const char *start, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (iscntrl((unsigned char)start[i]) && !isspace((unsigned char)start[i]))
            return false;
    }
    return true;
}

/* "name = ", "name += " at the beginning of a line. */
static bool has_assignment(const char *start)
{
    for (const char *line = start; line; line = strchr(line, '\n')) {
        size_t name;

        line += strspn(line, " \t\r\n");
        name = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        if (name) {
            line += name;
            line += strspn(line, " \t");
            line += *line == '+';
            if (*line == '=')
                return true;
        }
    }
    return false;
}

bool config_is_one(const char *path)
{
    char start[START_MAX + 1];
    struct stat about;
    ssize_t size = -1;
    int fd;

    /* What is in a pipe can be read once. */
    if (stat(path, &about) || !S_ISREG(about.st_mode))
        return false;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        size = read(fd, start, START_MAX);
        close(fd);
    }
    if (size < 0 || !is_text(start, (size_t)size))
        return false;
    start[size] = '\0';
    return ends_with(path, SUFFIX) || has_assignment(start);
}

static void tell_type(struct config *config, const char *key, const char *said)
{
    config_complain(config,
                    "%s = \"%s\": only PV guests run here. If its system has a kernel for Xen PV, as Debian's are, "
                    "say type = \"pv\" and bootloader = \"pygrub\", or name the kernel",
                    key, said);
}

/* "hvm" and "pvh" are for other machines; an old file says so by its builder. */
static void read_type(struct config *config)
{
    const char *type = config_string(config, "type"), *builder = config_string(config, "builder");

    if (type && strcmp(type, "pv") != 0)
        tell_type(config, "type", type);
    else if (!type && builder && strcmp(builder, "generic") != 0 && strcmp(builder, "linux") != 0)
        tell_type(config, "builder", builder);
}

/* Both names mean the GRUB here that runs as the guest; nothing of the disk is read on this side. */
static void read_bootloader(struct config *config, struct guest_options *guest)
{
    const char *bootloader = config_string(config, "bootloader"), *firmware = config_string(config, "firmware");
    const char *slash = bootloader ? strrchr(bootloader, '/') : NULL, *name = slash ? slash + 1 : bootloader;

    if (name && strcmp(name, "pygrub") != 0 && strcmp(name, "pvgrub") != 0)
        config_complain(config, "bootloader = \"%s\": pygrub and pvgrub are known, and mean GRUB's PV image",
                        bootloader);
    if (firmware && strcmp(firmware, "pvgrub64") != 0 && strcmp(firmware, "pvgrub32") != 0)
        config_complain(config, "firmware = \"%s\": pvgrub64 and pvgrub32 are known, and mean GRUB's PV image",
                        firmware);
    guest->boots_narrow |= firmware && strcmp(firmware, "pvgrub32") == 0;
    guest->boots_disk |= !guest->kernel && (bootloader || firmware);
}

/* "cmdline" goes before the older pair. */
static void read_cmdline(struct config *config, struct guest_options *guest)
{
    const char *cmdline = config_string(config, "cmdline"), *root = config_string(config, "root");
    const char *extra = config_string(config, "extra");

    if (!cmdline && root)
        guest->cmdline = config_print("root=%s%s%s", root, extra ? " " : "", extra ? extra : "");
    else if (cmdline || extra)
        guest->cmdline = config_keep(cmdline ? cmdline : extra);
}

/* The loader of a host with Xen, which is not here: what it did, GRUB's PV image does. */
static bool is_lost_loader(const char *kernel)
{
    const char *slash = strrchr(kernel, '/'), *name = slash ? slash + 1 : kernel;

    return (!strncmp(name, "pv-grub", strlen("pv-grub")) || !strncmp(name, "pvgrub", strlen("pvgrub"))) &&
           access(kernel, F_OK) != 0;
}

static void read_kernel(struct config *config, struct guest_options *guest)
{
    const char *kernel = config_string(config, "kernel"), *ramdisk = config_string(config, "ramdisk");

    if (kernel && is_lost_loader(kernel)) {
        say("%s: kernel = \"%s\": it is not here; GRUB's PV image boots the disk in its place", config->path, kernel);
        guest->kernel = NULL;
        guest->boots_disk = true;
        guest->boots_narrow = strstr(kernel, "x86_32") != NULL;
    } else if (kernel && *kernel) {
        guest->kernel = config_keep(kernel);
    }
    if (ramdisk && *ramdisk)
        guest->ramdisk = config_keep(ramdisk);
    read_cmdline(config, guest);
    read_bootloader(config, guest);
}

static void read_numbers(struct config *config, struct guest_options *guest)
{
    const long most_mib = (long)(MEMORY_MAX_KIB >> 10);
    long memory = config_number(config, "memory", 1, most_mib, 0);
    long most = config_number(config, "maxmem", 1, most_mib, 0);

    if (memory || most)
        guest->memory_kib = (uint64_t)(memory ? memory : most) << 10;
    if (memory && most > memory)
        guest->most_kib = (uint64_t)most << 10;
    guest->vcpus = (unsigned)config_number(config, "vcpus", 1, GUEST_VCPUS_MAX, (long)guest->vcpus);
    guest->most_vcpus = (unsigned)config_number(config, "maxvcpus", 1, GUEST_VCPUS_MAX, (long)guest->most_vcpus);
    if (config_has(config, "maxvcpus") && guest->most_vcpus < guest->vcpus)
        config_complain(config, "maxvcpus = %u: less than vcpus = %u", guest->most_vcpus, guest->vcpus);
    guest->weight = (unsigned)config_number(config, "cpu_weight", 1, WEIGHT_MAX, (long)guest->weight);
}

/* One list for all its vCPUs; a list of lists, for each its own, has no effect. */
static void read_pinned(struct config *config, struct guest_options *guest)
{
    const char *said = config_string(config, "cpus");

    if (said && !options_parse_processors(said, &guest->pinned))
        config_complain(config, "cpus = \"%s\": not a list of processors up to %u, such as \"0-3,^1\"", said,
                        PROCESSORS_MAX - 1);
    if (!said && config_has(config, "cpus"))
        say("%s: cpus: its vCPUs run on all processors; one list for all of them, as in \"0-3,^1\", has an effect",
            config->path);
}

static void read_uuid(struct config *config, struct guest_options *guest)
{
    const char *said = config_string(config, "uuid");

    if (said && !options_parse_uuid(said, guest->uuid))
        config_complain(config, "uuid = \"%s\": not of the form 01234567-89ab-cdef-0123-456789abcdef, or zeroes alone",
                        said);
}

/* What is said to happen but does not. */
static void read_end(struct config *config, const char *key, const char *what)
{
    const char *said = config_string(config, key);

    if (said && strcmp(said, "destroy") != 0)
        say("%s: %s = \"%s\": a guest that %s has ended here", config->path, key, said, what);
}

static void read_ends(struct config *config, struct guest_options *guest)
{
    const char *said = config_string(config, "on_reboot");

    if (said) {
        guest->ends_by_reboot = !strcmp(said, "destroy");
        if (!guest->ends_by_reboot && strcmp(said, "restart") != 0)
            say("%s: on_reboot = \"%s\": restart and destroy are known; it is started anew", config->path, said);
    }
    read_end(config, "on_poweroff", "powers off");
    read_end(config, "on_crash", "crashes");
}

/* Told once, all of them. */
static void tell_ignored(struct config *config)
{
    static const char *const keys[] = {
        "vfb",
        "vkb",
        "pci",
        "channel",
        "cpus_soft",
        "cap",
        "pool",
        "vtpm",
        "usbctrl",
        "usbdev",
        "seclabel",
        "vscsi",
        "bios",
        "localtime",
        "rtc_timeoffset",
        "driver_domain",
        "e820_host",
        "tsc_mode",
        "nics",
        "console",
        "vnc",
        "bootloader_args",
        "max_grant_frames",
    };
    char list[512] = "";

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (!config_has(config, keys[i]))
            continue;
        strcat(list, *list ? ", " : "");
        strcat(list, keys[i]);
    }
    if (*list)
        say("%s: without effect, or not yet: %s", config->path, list);
}

/* Letters that no name has are replaced. */
static void read_name(struct config *config, struct guest_options *guest)
{
    const char *said = config_string(config, "name"), *slash = strrchr(config->path, '/');
    char *name, *suffix;

    if (guest->name)
        return;
    name = config_keep(said ? said : slash ? slash + 1 : config->path);
    if (!said) {
        suffix = ends_with(name, SUFFIX) ? name + strlen(name) - strlen(SUFFIX) : name + strlen(name);
        *suffix = '\0';
    }
    for (char *letter = name; *letter; letter++) {
        if (!isalnum((unsigned char)*letter) && !strchr("._-", *letter))
            *letter = '_';
    }
    if (*name == '-')
        *name = '_';
    if (strlen(name) == 0 || strlen(name) > GUEST_NAME_MAX)
        config_complain(config, "name = \"%s\": a name has 1 to %u letters", name, GUEST_NAME_MAX);
    guest->name = name;
}

enum status config_read(const char *path, struct guest_options *guest)
{
    struct config config;
    enum status status = config_open(&config, path);

    if (status)
        return status;
    read_name(&config, guest);
    read_type(&config);
    read_kernel(&config, guest);
    read_numbers(&config, guest);
    read_pinned(&config, guest);
    read_uuid(&config, guest);
    read_ends(&config, guest);
    config_read_disks(&config, guest);
    config_read_nics(&config, guest);
    config_read_shares(&config, guest);
    config_read_rights(&config, guest);
    tell_ignored(&config);
    status = config.is_bad ? STATUS_USAGE : STATUS_GOOD;
    config_close(&config);
    return status;
}
