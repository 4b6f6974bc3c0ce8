/* SPDX-License-Identifier: MIT */
/* Errors by their names. */
#pragma once

#include <abi/errno.h>

/* "EINVAL" for -XEN_EINVAL and for XEN_EINVAL, "0" for 0, "?" for a number that is no errno. */
const char *errno_name(long error);

/* -XEN_EINVAL for "EINVAL"; 0 for a name that none of the ABI has. */
int errno_of(const char *name);
