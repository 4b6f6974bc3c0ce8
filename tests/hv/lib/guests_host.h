/* SPDX-License-Identifier: MIT */
/* Guests for hv/guests.c that are built, run and end as a test says; the rest of the hypervisor says what it hears. */
#pragma once

#include <engine/engine.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/domain.h>
#include <hv/kernel/bundle.h>

#define GUESTS 3u
#define TABLE  8u /* numbers of domains */

extern struct cpu cpu_boot;
extern struct domain *table[TABLE];
extern struct machine machine;
extern struct bundle bundle;
extern struct hv_domain *attached;

/* What happens to guest i, and the order in which they end. */
extern bool unbuildable[GUESTS], leaks[GUESTS];
extern unsigned reasons[GUESTS], order[GUESTS];
extern unsigned reboots[GUESTS]; /* so often each reboots before its end */

extern bool frames_lost;    /* what leaks never comes back */
extern bool back_soon;      /* it is back at once... */
extern unsigned delays;     /* ...but so often not in time... */
extern bool back_end_holds; /* ...for a back end has it */
extern bool audit_wanted;
extern unsigned bad_audit; /* the number of the audit that fails, from 1 on; 0: none */
extern uint64_t lost;      /* frames, at the end */
extern uint64_t free_frames;

/* So often; @started has a bit for each guest. */
extern unsigned started, releases, burials, audits;
extern unsigned followed; /* by a vCPU that pays for its building */
extern unsigned looks;    /* for those that wait */
extern unsigned given_up; /* a bit for each, as far as those that wait know, */
extern unsigned closed;   /* and for what it has served */

/* All of it as if nothing had happened, nor will. */
void begin(void);
