/* SPDX-License-Identifier: MIT */
/* When nothing comes for long, a message says that things are under way. */
#pragma once

#include <stdint.h>

#include <cli/log.h>

#define SILENCE_NEVER INT64_MAX

struct silence {
    int64_t until; /* ms, of the clock that all of this goes by: then it is broken; SILENCE_NEVER: it is not */
};

/* Nothing has come yet. */
void silence_begin(struct silence *silence, int64_t now);

/* A guest has said something; or else the hypervisor has. */
void silence_end(struct silence *silence);
void silence_hear(struct silence *silence, const struct log *hypervisor, int64_t now);

/* Say what takes so long, once. */
void silence_break(struct silence *silence, const struct log *hypervisor, bool has_several);
