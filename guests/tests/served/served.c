/* SPDX-License-Identifier: MIT */
/* Who serves and who is served: served.h. */
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/string.h>
#include <guest/time.h>
#include <guest/xenstore.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/served/served.h>

bool served_option(const char *word)
{
    const char *line = guest.start->cmd_line;
    size_t length = strlen(word);

    for (; *line; line++) {
        if (memcmp(line, word, length) == 0)
            return true;
    }
    return false;
}

void test_main(void)
{
    event_enable();
    test_need(timer_init(NULL), "the timer");
    test_need(xenstore_init(), "the xenstore");
    if (served_option("role=server"))
        be_server();
    be_client();
}
