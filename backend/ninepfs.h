/* SPDX-License-Identifier: MIT */
/* Directories of the host's for front ends: the back end of Xen's 9pfs devices, for share.h. */
#pragma once

/* Serve them.  Before xenbus_init(), and after share_init(). */
void ninepfs_init(void);
