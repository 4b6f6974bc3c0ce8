/* SPDX-License-Identifier: MIT */
/*
 * Many steps of all vCPUs at once, domains that end in the middle of them among it.  Nobody says
 * what must come out; but the engine's promises must hold at each preemption point, and its books
 * must agree with what the oracle recounts whenever nothing is under way.
 */
#pragma once

#include <tests/model/lib/model_run.h>

/*
 * Rounds in one machine.  False: it failed, @run->message says how, @list is the last round.
 */
bool tangle(const struct model_config *config, unsigned rounds, struct step_list *list, struct model_stats *stats,
            struct run *run);
