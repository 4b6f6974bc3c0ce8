/* SPDX-License-Identifier: MIT */
/* What the parts of the self-test count. */
#pragma once

#include <stdbool.h>

/* Count a check; say so where it does not hold. */
void selftest_expect(bool holds, const char *condition, const char *file, int line);

#define EXPECT(condition) selftest_expect((condition), #condition, __FILE__, __LINE__)

/* Print the last line.  Did all of them hold? */
bool selftest_verdict(void);
