/* SPDX-License-Identifier: MIT */
/* Whether and how a kernel can be started: what the hypervisor's judge says of it, and what whoever runs it is told. */
#pragma once

#include <hv/kernel/judge.h>
#include <cli/file.h>

struct verdict {
    struct start_request request;
    struct kernel kernel; /* needs the file */
    struct findings findings;
    /* The least and the most memory with which it can be started, the ramdisk included; 0: not known. */
    uint64_t needed_mib, most_mib;
};

/*
 * Judge the kernel in @elf, which came from @path, for a start as @request says.  On STATUS_GOOD the findings may
 * refuse it.  STATUS_USAGE: it is no kernel.
 */
enum status __must_check verdict_reach(const char *path, const struct bytes *elf, const struct start_request *request,
                                       struct verdict *verdict);

/* Would it be refused? */
bool verdict_refuses(const struct verdict *verdict);

#define SENTENCE_MAX 320u

/* A finding in words, printable ones alone: what is the matter, and what to do. */
void verdict_word(const struct verdict *verdict, const struct finding *finding, char sentence[SENTENCE_MAX]);
