/* SPDX-License-Identifier: MIT */
/* The pieces of the xenstore's messages: texts and numbers taken off a payload, or added to one; heads. */
#include <hv/base/string.h>
#include <hv/service/store_parts.h>

size_t store_put_number(char *to, uint64_t number)
{
    char digits[STORE_DIGITS_MAX];
    size_t count = 0;

    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    for (size_t i = 0; i < count; i++)
        to[i] = digits[count - 1 - i];
    return count;
}

bool store_read_number(struct store_text text, uint32_t *number)
{
    *number = 0;
    if (text.length == 0 || text.length > 9)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return false;
        *number = *number * 10 + (uint32_t)(text.bytes[i] - '0');
    }
    return true;
}

struct store_text store_next_text(struct store_text *rest)
{
    struct store_text text = {rest->bytes, 0};
    size_t taken;

    while (text.length < rest->length && rest->bytes[text.length] != '\0')
        text.length++;
    taken = text.length < rest->length ? text.length + 1 : text.length;
    rest->bytes += taken;
    rest->length -= taken;
    return text;
}

void store_reply_text(struct store_reply *reply, struct store_text text)
{
    memcpy(reply->bytes + reply->length, text.bytes, text.length);
    reply->bytes[reply->length + text.length] = '\0';
    reply->length += text.length + 1;
}

void store_reply_number(struct store_reply *reply, struct store_text before, uint64_t number)
{
    memcpy(reply->bytes + reply->length, before.bytes, before.length);
    reply->length += before.length;
    reply->length += store_put_number(reply->bytes + reply->length, number);
    reply->bytes[reply->length++] = '\0';
}

void store_queue_head(struct store_session *session, const struct xsd_sockmsg *head)
{
    memcpy(&session->output[session->queued], head, STORE_HEAD);
    session->queued += (uint32_t)(STORE_HEAD + head->len);
}

struct store_text store_home(const struct store_session *session)
{
    return store_text(session->home);
}
