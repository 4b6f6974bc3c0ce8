/* SPDX-License-Identifier: MIT */
/* Other vCPUs of the test. */
#pragma once

#include <guest/types.h>

/* What its kernel finds: is cli an instruction, and which rflags does a frame show? */
struct another {
    bool may_cli;
    uintptr_t rflags;
};

/* Start vCPU @id with @rflags in its kernel, and wait for what it says.  Once for each. */
struct another another_start(unsigned id, uintptr_t rflags);
