/* SPDX-License-Identifier: MIT */
/* The other processors of the machine, from their start to where they wait for something to run. */
#pragma once

struct boot_info;
struct boot_memory;
struct machine;

/*
 * Find out which there are, and where in the first MiB they can be started; while all memory of the loader's is in
 * reach, at its own address from IMAGE_BASE on, and nothing of it below 1 MiB is needed any more.
 */
void processors_find(const struct boot_memory *memory, const struct boot_info *info);

/*
 * Start them, at most so many that @most run, this one included.  Of those that do not come up, or are not as the first
 * is, a message says so, and the others run.  Those that do idle.  Everything that the first processor needs is set up.
 */
void processors_start(struct machine *machine, unsigned most);

/* Where there are several, a line for each: how long it has waited for others, and of that until halts had ended. */
void processors_tell_waits(void);
