/* SPDX-License-Identifier: MIT */
/* The names, from the ABI's list of errors. */
#include <guest/errno.h>
#include <guest/string.h>
#include <guest/types.h>

#define NAME(error) [XEN_##error] = #error

static const char *const names[] = {
    NAME(EPERM),     NAME(ENOENT),     NAME(ESRCH),   NAME(EIO),      NAME(ENXIO),     NAME(E2BIG),   NAME(EAGAIN),
    NAME(ENOMEM),    NAME(EACCES),     NAME(EFAULT),  NAME(EBUSY),    NAME(EEXIST),    NAME(ENODEV),  NAME(EINVAL),
    NAME(ENOSPC),    NAME(EROFS),      NAME(ERANGE),  NAME(ENOSYS),   NAME(ETIME),     NAME(ENODATA), NAME(ENOBUFS),
    NAME(EOVERFLOW), NAME(EOPNOTSUPP), NAME(EISCONN), NAME(ENOTCONN), NAME(ETIMEDOUT),
};

const char *errno_name(long error)
{
    unsigned long number = (unsigned long)(error < 0 ? -error : error);

    if (error == 0)
        return "0";
    return number < ARRAY_SIZE(names) && names[number] ? names[number] : "?";
}

int errno_of(const char *name)
{
    for (int number = 0; number < (int)ARRAY_SIZE(names); number++) {
        if (names[number] && strcmp(names[number], name) == 0)
            return -number;
    }
    return 0;
}
