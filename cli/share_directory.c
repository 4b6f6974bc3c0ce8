/* SPDX-License-Identifier: MIT */
/* In order: attributes; what else can be wrong. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cli/share_directory.h>

/*
 * Owner, mode and kind of what the guest makes are attributes of an ordinary file (qemu_device.c), so that its file
 * system must have them.  One that has them says that this one is not there, or what it is.
 */
static bool keeps_attributes(const char *path)
{
    return getxattr(path, "user.virtfs.uid", NULL, 0) >= 0 || errno != ENOTSUP;
}

enum status share_directory_check(const struct share_options *share)
{
    struct stat about;
    const char *trouble = NULL;

    if (stat(share->path, &about))
        trouble = strerror(errno);
    else if (!S_ISDIR(about.st_mode))
        trouble = "not a directory; a file of its own is a --disk";
    else if (access(share->path, R_OK | X_OK))
        trouble = "it cannot be read";
    else if (!share->read_only && access(share->path, W_OK))
        trouble = "it cannot be written; to read it only, say ro";
    else if (!share->read_only && !keeps_attributes(share->path))
        trouble = "its file system has no user attributes, which hold the owners and modes of what a guest writes; "
                  "take one elsewhere, or to read it only, say ro";
    if (!trouble)
        return STATUS_GOOD;
    say_error("--share %s: %s", share->path, trouble);
    return STATUS_USAGE;
}
