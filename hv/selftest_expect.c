/* SPDX-License-Identifier: MIT */
/* The count of checks, and the last line. */
#include <hv/base/print.h>
#include <hv/selftest_expect.h>

static unsigned checks, failures;

void selftest_expect(bool holds, const char *condition, const char *file, int line)
{
    checks++;
    if (holds)
        return;
    failures++;
    print("selftest: %s:%d: does not hold: %s\n", file, line, condition);
}

bool selftest_verdict(void)
{
    if (failures)
        print("selftest: failed, %u of %u checks\n", failures, checks);
    else
        print("selftest: passed, %u checks\n", checks);
    return failures == 0;
}
