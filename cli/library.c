/* SPDX-License-Identifier: MIT */
/* The places that are looked at, in their order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cli/library.h>

/* GRUB as a guest, by the width of the kernels that it starts. */
static const struct {
    const char *variable, *installed;
} grubs[] = {
    {"PARAVANE_GRUB", "/usr/lib/grub-xen/grub-x86_64-xen.bin"},
    {"PARAVANE_GRUB32", "/usr/lib/grub-xen/grub-i386-xen.bin"},
};

/* Where each of them is in the build tree, seen from this program. */
static const struct {
    const char *name, *built;
} files[] = {
    {LIBRARY_HYPERVISOR, "/../hv"}, {LIBRARY_RECORDER, "/../hv"}, {LIBRARY_REPLAY, "/../replay"},
    {LIBRARY_MAP, "/../map"},       {LIBRARY_DEMO, "/../guests"}, {LIBRARY_BACKEND, "/../backend"},
    {LIBRARY_FIRST, "/../linux"},
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

enum status library_find(const char *name, char path[static PATH_MAX])
{
    const char *library = getenv("PARAVANE_LIB");
    char own[PATH_MAX];

    if (library && *library) {
        if (is_there(path, library, "", name))
            return STATUS_GOOD;
        say_error("%s: not there or not readable; PARAVANE_LIB names the directory that has it", path);
        return STATUS_FAILED;
    }
    own_directory(own);
    if (is_there(path, own, built_in(name), name) || is_there(path, own, "/../lib/paravane", name) ||
        is_there(path, PARAVANE_LIBDIR, "", name))
        return STATUS_GOOD;
    say_error(
        "%s is missing: neither in the build tree of %s/paravane nor in %s; build it with `make`, install it with "
        "`make install`, or name its directory in PARAVANE_LIB",
        name, own, PARAVANE_LIBDIR);
    return STATUS_FAILED;
}

enum status library_find_grub(bool narrow, char path[static PATH_MAX])
{
    const char *named = getenv(grubs[narrow].variable);

    snprintf(path, PATH_MAX, "%s", named && *named ? named : grubs[narrow].installed);
    if (!access(path, R_OK))
        return STATUS_GOOD;
    say_error("%s: not there or not readable; it boots a guest without a kernel from its disk: `apt install "
              "grub-xen-host` brings it, %s names another file, and with KERNEL it is not needed",
              path, grubs[narrow].variable);
    return STATUS_FAILED;
}
