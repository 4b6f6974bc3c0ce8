/* SPDX-License-Identifier: MIT */
/* A broken invariant ends the program, and is told. */
#include <stdio.h>
#include <stdlib.h>

#include <engine/port.h>

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}
