/* SPDX-License-Identifier: MIT */
/* Linux's last words are looked for among all that it says: they come in pieces of any size. */
#include <cli/clue.h>
#include <cli/message.h>

/* Its first character is nowhere else in it, so that what does not go on can at most begin anew. */
static const char no_root[] = "VFS: Unable to mount root fs";

void clue_look(struct clue *clue, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count && !clue->has_no_root; i++) {
        if (bytes[i] != no_root[clue->matched])
            clue->matched = 0;
        if (bytes[i] == no_root[clue->matched])
            clue->has_no_root = ++clue->matched == sizeof(no_root) - 1;
    }
}

/* A kernel that was found on a disk has its ramdisk from there. */
void clue_tell(const struct clue *clue, const struct guest_options *options)
{
    if (!clue->has_no_root || !options->kernel || options->ramdisk)
        return;
    say("%s%sLinux found no root file system, and was given no initial ramdisk, which most distributions' kernels "
        "need: --ramdisk FILE",
        options->name ? options->name : "", options->name ? ": " : "");
}
