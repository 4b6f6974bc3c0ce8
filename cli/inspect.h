/* SPDX-License-Identifier: MIT */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include <cli/message.h>

/* `paravane inspect`: a report on stdout.  STATUS_REFUSED: the kernel would not boot. */
enum status __must_check inspect_kernel(const char *path);

#endif /* CLI_INSPECT_H */
