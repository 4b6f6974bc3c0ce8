/* SPDX-License-Identifier: MIT */
/* A kernel for the judge, made step by step, and what becomes of it.  One at a time. */
#pragma once

#include <hv/kernel/judge.h>
#include <tests/hv/lib/elf_maker.h>

#define LINUX_BASE UINT64_C(0xffffffff80000000)

extern struct elf_maker maker;
extern struct note_list notes; /* until maker_notes() */

/* Nothing yet. */
void made_begin(bool is_64, uint64_t entry);

/* The least that is a kernel, but for a place for its notes: one segment at 1 MiB. */
void made_begin_small(void);

/* One with all that Linux has. */
void made_linux(void);

/* A section __xen_guest. */
void made_legacy(const char *text, size_t size);

/* Judge what has been made; this finding is the first refusal. */
void expect_refused(enum finding_id id);

/* There is none; what of @kernel points into the file is of no use. */
void expect_accepted(struct kernel *kernel);
void expect_accepted_with(struct kernel *kernel, struct findings *findings);

/* The same of a file, which may be damaged. */
void expect_file_refused(struct blob file, enum finding_id id);
