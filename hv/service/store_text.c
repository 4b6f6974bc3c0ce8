/* SPDX-License-Identifier: MIT */
/* In order: texts; paths; numbers; payloads. */
#include <hv/base/string.h>
#include <hv/service/store_text.h>

struct store_text store_text(const char *string)
{
    size_t length = 0;

    while (string[length])
        length++;
    return (struct store_text){string, length};
}

bool store_text_equal(struct store_text a, struct store_text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
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

/*
 * ---- Paths.
 */

static bool is_good_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '/' ||
           c == '_' || c == '@';
}

bool store_path_is_good(struct store_text path)
{
    if (path.length == 0 || path.bytes[0] != '/')
        return false;
    for (size_t i = 0; i < path.length; i++) {
        if (!is_good_character(path.bytes[i]) || (i > 0 && path.bytes[i] == '/' && path.bytes[i - 1] == '/'))
            return false;
    }
    return path.length == 1 || path.bytes[path.length - 1] != '/';
}

bool store_path_is_within(struct store_text path, struct store_text above)
{
    if (above.length == 1)
        return path.bytes[0] == '/';
    if (path.length < above.length || memcmp(path.bytes, above.bytes, above.length) != 0)
        return false;
    return path.length == above.length || path.bytes[above.length] == '/';
}

struct store_text store_path_above(struct store_text path)
{
    size_t length = path.length - 1;

    while (path.bytes[length] != '/')
        length--;
    return (struct store_text){path.bytes, length > 0 ? length : 1};
}

unsigned store_path_depth(struct store_text path)
{
    unsigned depth = 0;

    for (size_t i = 0; path.length > 1 && i < path.length; i++)
        depth += path.bytes[i] == '/';
    return depth;
}

struct store_text store_path_name(struct store_text path, size_t *at)
{
    size_t start = *at + 1;

    for (*at = start; *at < path.length && path.bytes[*at] != '/';)
        ++*at;
    return (struct store_text){path.bytes + start, *at - start};
}

/*
 * ---- Numbers, payloads.
 */

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
