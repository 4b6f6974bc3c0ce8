/* SPDX-License-Identifier: MIT */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <cli/message.h>
#include <cli/options.h>

/* `paravane run`: boot the guest and tell how it ended.  A signal that ended the run ends this program, too. */
enum status __must_check run_guest(const struct run_options *options);

#endif /* CLI_RUN_H */
