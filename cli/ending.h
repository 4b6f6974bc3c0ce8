/* SPDX-License-Identifier: MIT */
/* How a run ended: in words, and as the status of the command. */
#pragma once

#include <cli/clue.h>
#include <cli/errand.h>
#include <cli/outcome.h>
#include <cli/proof.h>
#include <cli/session.h>

struct ending {
    struct session_result result;
    const struct proof *proof;
    const struct errand *errand; /* how the command of options->command ended */
    const struct log *hypervisor, *qemu;
    const struct outcomes *outcomes; /* of several guests; none: there is one, and its end is the run's */
    const struct run_options *options;
    const struct clue *clues; /* of each guest */
    unsigned timeout_seconds;
};

/*
 * Say how it ended, each guest of several, with what the hypervisor said if that explains it.  A good end, or a guest's
 * bad one, is believed only with the proof that it was the hypervisor who ended the run.
 */
enum status ending_tell(const struct ending *ending);
