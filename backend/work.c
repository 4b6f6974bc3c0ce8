/* SPDX-License-Identifier: MIT */
/* One flag. */
#include <backend/work.h>

static bool again;

void work_again(void)
{
    again = true;
}

bool work_take(void)
{
    bool taken = again;

    again = false;
    return taken;
}
