/* SPDX-License-Identifier: MIT */
/*
 * Why a call failed.  The constants are positive, which is enum xen_errno; a call returns them negated.
 */
#ifndef ABI_ERRNO_H
#define ABI_ERRNO_H

/*
 * `incontents 20 errno Error numbers
 * `
 * ` A call that returns enum neg_errnoval returns 0, or one of the numbers below with its sign turned:
 * ` -XEN_EINVAL is -22. {sign}
 * ` Some calls return a count instead of 0; each says so.  The result fills the whole result register, 64 or 32 bits
 * ` wide.
 * `
 * ` The numbers are those of Linux on x86.  The texts of this reference write -EINVAL for -XEN_EINVAL.
 */
/* ` enum neg_errnoval { */
enum xen_errno {
    XEN_EPERM = 1,          /* the caller lacks the privilege */
    XEN_ENOENT = 2,         /* no such vCPU, port or entry */
    XEN_ESRCH = 3,          /* no such domain, or not one that may be named here */
    XEN_EIO = 5,            /* a device failed */
    XEN_ENXIO = 6,          /* the place given cannot hold what is asked */
    XEN_E2BIG = 7,          /* more items than the call takes */
    XEN_ENOEXEC = 8,        /* not an image that can be started */
    XEN_EBADF = 9,          /* the handle names nothing open */
    XEN_ECHILD = 10,        /* nothing to wait for */
    XEN_EAGAIN = 11,        /* not now: ask again */
    XEN_EWOULDBLOCK = 11,   /* second name of XEN_EAGAIN */
    XEN_ENOMEM = 12,        /* out of memory */
    XEN_EACCES = 13,        /* the object exists but must not be used so */
    XEN_EFAULT = 14,        /* guest memory could not be read or written */
    XEN_EBUSY = 16,         /* in use in a way that excludes the request */
    XEN_EEXIST = 17,        /* there already */
    XEN_EXDEV = 18,         /* the two ends lie on different devices */
    XEN_ENODEV = 19,        /* no such device or register */
    XEN_ENOTDIR = 20,       /* a part of the path is not a directory */
    XEN_EISDIR = 21,        /* a directory where none is wanted */
    XEN_EINVAL = 22,        /* an argument, or an entry it leads to, is not acceptable */
    XEN_ENFILE = 23,        /* the system's table of handles is full */
    XEN_EMFILE = 24,        /* the caller's table of handles is full */
    XEN_ENOSPC = 28,        /* no free slot is left */
    XEN_EROFS = 30,         /* must not be written */
    XEN_EMLINK = 31,        /* one reference too many */
    XEN_EDOM = 33,          /* outside the domain of the function */
    XEN_ERANGE = 34,        /* the number does not fit where it must go */
    XEN_EDEADLK = 35,       /* going on would wait for ever */
    XEN_EDEADLOCK = 35,     /* second name of XEN_EDEADLK */
    XEN_ENAMETOOLONG = 36,  /* the name is longer than allowed */
    XEN_ENOLCK = 37,        /* no lock to be had */
    XEN_ENOSYS = 38,        /* no such call or sub-command */
    XEN_ENOTEMPTY = 39,     /* something is still inside */
    XEN_ENODATA = 61,       /* nothing to give */
    XEN_ETIME = 62,         /* the moment has passed */
    XEN_EBADMSG = 74,       /* the message makes no sense */
    XEN_EOVERFLOW = 75,     /* the value does not fit its type */
    XEN_EILSEQ = 84,        /* a malformed byte sequence */
    XEN_ENOTSOCK = 88,      /* not a communication end point */
    XEN_EMSGSIZE = 90,      /* the message is too long */
    XEN_EOPNOTSUPP = 95,    /* known, but not offered here */
    XEN_EADDRINUSE = 98,    /* the address is taken */
    XEN_EADDRNOTAVAIL = 99, /* the address cannot be given */
    XEN_ENOBUFS = 105,      /* no room for the message */
    XEN_EISCONN = 106,      /* connected already */
    XEN_ENOTCONN = 107,     /* not connected */
    XEN_ETIMEDOUT = 110,    /* no answer in time */
    XEN_ECONNREFUSED = 111, /* the other end declined */
};
/* ` } */

#endif /* ABI_ERRNO_H */
