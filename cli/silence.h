/* SPDX-License-Identifier: MIT */
/* When nothing comes for long, a message says that things are under way. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cli/control.h>
#include <cli/log.h>

#define SILENCE_NEVER INT64_MAX

struct silence {
    int64_t until; /* ms, of the clock that all of this goes by: then it is broken; SILENCE_NEVER: it is not */
    bool is_told;  /* that a guest is being built anew */
};

/* Nothing has come yet. */
void silence_begin(struct silence *silence, int64_t now);

/* A guest has said something; or else the hypervisor has. */
void silence_hear_guest(struct silence *silence, const struct control *control, int64_t now);
void silence_hear_hypervisor(struct silence *silence, const struct control *control, int64_t now);

/* Say what takes so long, once. */
void silence_break(struct silence *silence, const struct control *control, bool has_several);
