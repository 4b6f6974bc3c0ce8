/* SPDX-License-Identifier: MIT */
/* Tasks and the locks that they wait for. */
#pragma once

#include <sim/sim.h>

void tasks_create(struct sim *sim);
void tasks_destroy(struct sim *sim);

/* Should the preemption point that is asked for now be taken? */
bool tasks_preempt_wanted(struct sim *sim);

/* port_yield(): the hook, then others. */
void tasks_yield(struct sim *sim);

/* Something has been done that a loop of waiting does not do. */
void tasks_progress(struct sim *sim);

void tasks_lock(struct sim *sim, struct domain *domain);
void tasks_unlock(struct sim *sim, struct domain *domain);

/* sim->on_flush, unless a hook is running. */
void tasks_flush_hook(struct sim *sim, cpumask_t cpus);
