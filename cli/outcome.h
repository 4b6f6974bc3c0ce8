/* SPDX-License-Identifier: MIT */
/* How each of several guests ended, in the hypervisor's words. */
#pragma once

#include <cli/log.h>
#include <cli/options.h>

#define OUTCOME_WORDS_MAX 512u /* what is to be done about it stands at the end of a line */

struct outcome {
    unsigned number; /* of the domain */
    const char *name;
    bool ends_by_reboot; /* otherwise that is no end */
    bool is_built;
    char words[OUTCOME_WORDS_MAX]; /* "powered off"; empty: it has not ended */
};

struct outcomes {
    unsigned count;
    struct outcome list[GUESTS_MAX];
};

/* Look at a line of the hypervisor's log: is it about the beginning or the end of one of them? */
void outcomes_note(struct outcomes *outcomes, const char *line);

/* What is to be said behind the last words of a guest: why a reboot was its end; otherwise nothing, "". */
const char *outcome_reason(const char *words);

/* Say of each how it ended, or that it has not. */
void outcomes_tell(const struct outcomes *outcomes);
