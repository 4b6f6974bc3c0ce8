/* SPDX-License-Identifier: MIT */
/* The places that are looked at, in their order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cli/library.h>

/* GRUB as a guest, by the width of the kernels that it starts. */
static const struct {
    const char *variable, *name;
} grubs[] = {
    {"PARAVANE_GRUB", "grub-x86_64-xen.bin"},
    {"PARAVANE_GRUB32", "grub-i386-xen.bin"},
};
#define GRUB_OF_DEBIAN "/usr/lib/grub-xen"

/* Where each of them is in the build tree, seen from this program. */
static const struct {
    const char *name, *built;
} files[] = {
    {LIBRARY_HYPERVISOR, "/../hv"}, {LIBRARY_RECORDER, "/../hv"},        {LIBRARY_REPLAY, "/../replay"},
    {LIBRARY_MAP, "/../map"},       {LIBRARY_DEMO, "/../guests"},        {LIBRARY_BACKEND, "/../backend"},
    {LIBRARY_FIRST, "/../linux"},   {"grub-x86_64-xen.bin", "/../grub"}, {"grub-i386-xen.bin", "/../grub"},
};

static const char *built_in(const char *name)
{
    unsigned i = 0;

    while (strcmp(files[i].name, name) != 0)
        i++;
    return files[i].built;
}

/* The directory of this program; empty if it cannot be found out. */
static void own_directory(char directory[static PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", directory, PATH_MAX - 1);
    char *slash;

    directory[length > 0 ? length : 0] = '\0';
    slash = strrchr(directory, '/');
    if (slash)
        *slash = '\0';
}

static bool is_there(char path[static PATH_MAX], const char *directory, const char *subdirectory, const char *name)
{
    char plain[PATH_MAX];
    int length = snprintf(path, PATH_MAX, "%s%s/%s", directory, subdirectory, name);

    if (length <= 0 || length >= PATH_MAX || access(path, R_OK))
        return false;
    /* Without the dots of the build tree, where that can be had. */
    if (realpath(path, plain))
        memcpy(path, plain, strlen(plain) + 1);
    return true;
}

static const char *library(void)
{
    const char *named = getenv("PARAVANE_LIB");

    return named && *named ? named : NULL;
}

static bool find(const char *name, char path[static PATH_MAX])
{
    char own[PATH_MAX];

    if (library())
        return is_there(path, library(), "", name);
    own_directory(own);
    return is_there(path, own, built_in(name), name) || is_there(path, own, "/../lib/paravane", name) ||
           is_there(path, PARAVANE_LIBDIR, "", name);
}

enum status library_find(const char *name, char path[static PATH_MAX])
{
    char own[PATH_MAX];

    if (find(name, path))
        return STATUS_GOOD;
    if (library()) {
        say_error("%s: not there or not readable; PARAVANE_LIB names the directory that has it", path);
        return STATUS_FAILED;
    }
    own_directory(own);
    say_error(
        "%s is missing: neither in the build tree of %s/paravane nor in %s; build it with `make`, install it with "
        "`make install`, or name its directory in PARAVANE_LIB",
        name, own, PARAVANE_LIBDIR);
    return STATUS_FAILED;
}

enum status library_find_grub(bool narrow, char path[static PATH_MAX])
{
    const char *named = getenv(grubs[narrow].variable);

    if (named && *named) {
        snprintf(path, PATH_MAX, "%s", named);
        if (!access(path, R_OK))
            return STATUS_GOOD;
    } else if (find(grubs[narrow].name, path) || is_there(path, GRUB_OF_DEBIAN, "", grubs[narrow].name)) {
        return STATUS_GOOD;
    }
    say_error(
        "%s: not there or not readable; it boots a guest without a kernel from its disk: `make` and `make "
        "install` bring it, and so does `apt install grub-xen-host`; %s names another file, and with KERNEL it is "
        "not needed",
        path, grubs[narrow].variable);
    return STATUS_FAILED;
}
