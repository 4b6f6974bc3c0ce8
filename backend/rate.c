/* SPDX-License-Identifier: MIT */
/* Credit by periods. */
#include <abi/errno.h>
#include <backend/rate.h>

#define MOST         UINT64_C(1000000000)
#define MICROSECONDS UINT64_C(1000)

/* A number from 1 to MOST that @end stands behind; *@text is behind that afterwards. */
static bool parse_number(const char **text, char end, uint64_t *number)
{
    const char *digit = *text;

    for (*number = 0; *digit >= '0' && *digit <= '9' && *number <= MOST; digit++)
        *number = *number * 10 + (uint64_t)(*digit - '0');
    *text = digit + 1;
    return *digit == end && *number >= 1 && *number <= MOST;
}

int rate_parse(struct rate *rate, const char *text)
{
    uint64_t bytes, period;

    *rate = (struct rate){0};
    if (!parse_number(&text, ',', &bytes) || !parse_number(&text, '\0', &period))
        return -XEN_EINVAL;
    rate->bytes = bytes;
    rate->period = period * MICROSECONDS;
    return 0;
}

/* The periods that are over have paid what was owed, as far as they went. */
static void settle(struct rate *rate, uint64_t now)
{
    uint64_t periods = (now - rate->end) / rate->period + 1;
    uint64_t owed = rate->left < 0 ? (uint64_t)-rate->left : 0;

    if (owed / rate->bytes >= periods)
        rate->left += (int64_t)(periods * rate->bytes);
    else
        rate->left =
            (int64_t)(rate->bytes - (owed > (periods - 1) * rate->bytes ? owed - (periods - 1) * rate->bytes : 0));
    rate->end += periods * rate->period;
}

bool rate_allows(struct rate *rate, uint64_t now)
{
    if (!rate->bytes)
        return true;
    if (now >= rate->end)
        settle(rate, now);
    return rate->left > 0;
}

void rate_charge(struct rate *rate, unsigned size)
{
    rate->left -= size;
}
