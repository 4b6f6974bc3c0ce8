/* SPDX-License-Identifier: MIT */
/* console_io, of guests of both widths. */
/* links: hv/call/call_console.c engine/access.c */
/* links: tests/hv/lib/guest_calls.c tests/hv/lib/guest_memory.c tests/hv/lib/call_refused.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/io.h>
#include <hv/service/console.h>
#include <tests/hv/lib/guest_calls.h>

static char output[4096];
static size_t output_size;
static const char *input;

void console_write(struct hv_domain *of, const char *bytes, size_t count)
{
    assert_ptr_equal(of, &domain);
    assert_true(count <= sizeof(output) - output_size);
    memcpy(output + output_size, bytes, count);
    output_size += count;
}

size_t console_read(struct hv_domain *from, char *bytes, size_t count)
{
    size_t length = strlen(input);

    assert_ptr_equal(from, &domain);
    if (length > count)
        length = count;
    memcpy(bytes, input, length);
    input += length;
    return length;
}

/* Shows console_io.write, console_io.read, console_io.too-much, console_io.unreadable, console_io.unknown-command. */
static void console(void)
{
    output_size = 0;
    memset(guest_memory, 'x', 1000);
    assert_int_equal(call(call_console_io, CONSOLEIO_write, 1000, at(0)), 0);
    assert_int_equal(output_size, 1000);
    assert_int_equal(call(call_console_io, CONSOLEIO_write, 100, at(GUEST_MEMORY_SIZE - 50)), -XEN_EFAULT);
    assert_int_equal(call(call_console_io, CONSOLEIO_write, UINT32_MAX, nowhere()), -XEN_EFAULT);
    assert_int_equal(call(call_console_io, CONSOLEIO_write, 0, nowhere()), 0);
    input = "typed";
    assert_int_equal(call(call_console_io, CONSOLEIO_read, 3, at(0)), 3);
    assert_memory_equal(guest_memory, "typx", 4);
    assert_int_equal(call(call_console_io, CONSOLEIO_read, INT32_MAX, at(0)), 2);
    assert_int_equal(call(call_console_io, CONSOLEIO_read, INT32_MAX, at(0)), 0);
    assert_int_equal(call(call_console_io, CONSOLEIO_read, UINT64_C(0x80000000), at(0)), -XEN_E2BIG);
    input = "x";
    assert_int_equal(call(call_console_io, CONSOLEIO_read, 1, nowhere()), -XEN_EFAULT);
    assert_int_equal(call(call_console_io, 2, 1, at(0)), -XEN_ENOSYS);
}

TEST_BOTH(console, guest_begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_console),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
