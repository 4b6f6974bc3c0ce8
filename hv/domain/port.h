/* SPDX-License-Identifier: MIT */
/* What hv/domain/port.c knows beside what it does for the engine. */
#pragma once

#include <stdbool.h>

/* Does an operation of the engine hold a lock? */
bool port_is_locked(void);
