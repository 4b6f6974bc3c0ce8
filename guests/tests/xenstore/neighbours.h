/* SPDX-License-Identifier: MIT */
/*
 * Domains that meet in the xenstore: tests/several/run.sh starts a watcher, writers and a hostile one.  The watcher is
 * domain 1, and writers are those behind it.
 */
#pragma once

/* role=1 writers=N: open data/inbox to all, and see what the writers do, until nothing of them is left. */
void neighbours_watcher(void);

/* role=2 steps=N: do so many of the steps, and end in the middle of it all. */
void neighbours_writer(void);

/* role=3: guess paths, flood, never read; nothing of that does anything to the others. */
void neighbours_hostile(void);
