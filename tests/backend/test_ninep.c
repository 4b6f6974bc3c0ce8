/* SPDX-License-Identifier: MIT */
/* Sizes that requests name: each at its bounds, for sessions of several sizes, and bytes at random. */
/* links: backend/ninep.c tests/backend/lib/draw.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <backend/ninep.h>
#include <tests/backend/lib/draw.h>

#define MOST 65536u

/* Types, and where a request has its count. */
#define TREADDIR 40u
#define TVERSION 100u
#define TWALK    110u
#define TREAD    116u
#define TWRITE   118u
#define COUNT_AT 19u

static uint8_t request[MOST];

static uint32_t number_at(unsigned at)
{
    uint32_t number;

    memcpy(&number, request + at, sizeof(number));
    return number;
}

/* A request of that size with zeroes, but for the number @at. */
static void make(uint8_t type, uint32_t size, unsigned at, uint32_t number)
{
    memset(request, 0, sizeof(request));
    memcpy(request, &size, sizeof(size));
    request[4] = type;
    memcpy(request + at, &number, sizeof(number));
}

static void test_size(void **state)
{
    (void)state;
    make(TWALK, 0x12345678, 8, 0);
    assert_int_equal(ninep_size(request), 0x12345678);
}

static void test_version(void **state)
{
    static const struct {
        uint32_t asked, most, agreed;
    } rows[] = {{8192, MOST, 8192}, {MOST, MOST, MOST}, {MOST + 1, MOST, MOST}, {UINT32_MAX, 4096, 4096}, {0, MOST, 0}};
    uint32_t msize;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        msize = 5; /* what was agreed on before does not matter */
        make(TVERSION, 21, 7, rows[i].asked);
        assert_int_equal(ninep_check(request, 21, rows[i].most, &msize), 0);
        assert_int_equal(msize, rows[i].agreed);
        assert_int_equal(number_at(7), rows[i].agreed);
    }
    msize = MOST;
    make(TVERSION, 12, 7, 8192);
    assert_int_equal(ninep_check(request, 12, MOST, &msize), -XEN_EINVAL);
    make(TVERSION, 4097, 7, 8192);
    assert_int_equal(ninep_check(request, 4097, 4096, &msize), -XEN_EINVAL);
    assert_int_equal(msize, MOST);
    make(TVERSION, 13, 7, 8192);
    assert_int_equal(ninep_check(request, 13, MOST, &msize), 0);
}

static void test_read(void **state)
{
    static const uint8_t types[] = {TREAD, TREADDIR};
    uint32_t msize = 8192;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
        for (uint32_t count = 8180; count < 8184; count++) {
            make(types[i], 23, COUNT_AT, count);
            assert_int_equal(ninep_check(request, 23, MOST, &msize), 0);
            assert_int_equal(number_at(COUNT_AT), count < 8181 ? count : 8181);
        }
        make(types[i], 23, COUNT_AT, UINT32_MAX);
        assert_int_equal(ninep_check(request, 23, MOST, &msize), 0);
        assert_int_equal(number_at(COUNT_AT), 8181);
        make(types[i], 22, COUNT_AT, 1);
        assert_int_equal(ninep_check(request, 22, MOST, &msize), -XEN_EINVAL);
        /* A client that agreed on less than a reply's beginning. */
        for (msize = 23; msize > 0; msize--) {
            make(types[i], 23, COUNT_AT, UINT32_MAX);
            assert_int_equal(ninep_check(request, 23, MOST, &msize), msize < 23 ? -XEN_EINVAL : 0);
        }
        msize = 8192;
    }
}

static void test_write(void **state)
{
    uint32_t msize = 8192;

    (void)state;
    for (uint32_t size = 23; size <= 8192; size += size < 30 ? 1 : 1361) {
        make(TWRITE, size, COUNT_AT, size - 23);
        assert_int_equal(ninep_check(request, size, MOST, &msize), 0);
        assert_int_equal(number_at(COUNT_AT), size - 23);
        make(TWRITE, size, COUNT_AT, size - 22);
        assert_int_equal(ninep_check(request, size, MOST, &msize), -XEN_EINVAL);
        make(TWRITE, size, COUNT_AT, UINT32_MAX);
        assert_int_equal(ninep_check(request, size, MOST, &msize), -XEN_EINVAL);
    }
    make(TWRITE, 22, COUNT_AT, 0);
    assert_int_equal(ninep_check(request, 22, MOST, &msize), -XEN_EINVAL);
}

/* The session's size is the limit of all but the request that begins one. */
static void test_limit(void **state)
{
    uint32_t msize = 4096;

    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        bool is_write = type == TWRITE || type == TREAD || type == TREADDIR;

        make((uint8_t)type, 4097, COUNT_AT, 1);
        assert_int_equal(ninep_check(request, 4097, MOST, &msize), type == TVERSION ? 0 : -XEN_EINVAL);
        msize = 4096;
        make((uint8_t)type, 4096, COUNT_AT, 1);
        assert_int_equal(ninep_check(request, 4096, MOST, &msize), 0);
        msize = 4096;
        make((uint8_t)type, 7, 8, 0);
        assert_int_equal(ninep_check(request, 7, MOST, &msize), is_write || type == TVERSION ? -XEN_EINVAL : 0);
    }
}

/* In memory of the request's size exactly, so that the sanitizers see what is read or written beyond it. */
static void test_random(void **state)
{
    static const uint8_t types[] = {TREADDIR, TVERSION, TREAD, TWRITE, TWALK};
    static const uint32_t counts[] = {0, 1, 11, 4085, 4086, 65513, 65536, 0x7fffffff, 0xffffffff};

    (void)state;
    for (unsigned seed = 1; seed <= 20000; seed++) {
        uint32_t size, most, msize;
        uint8_t *bytes;

        draw_seed(seed);
        size = NINEP_HEADER + draw_below(40);
        most = 4096 + draw_below(MOST - 4096);
        msize = draw_below(most);
        bytes = malloc(size);
        assert_non_null(bytes);
        draw_bytes(bytes, size);
        bytes[4] = DRAW_OF(types);
        if (size >= COUNT_AT + 4 && draw_below(2)) {
            uint32_t count = DRAW_OF(counts);

            memcpy(bytes + COUNT_AT, &count, 4);
        }
        if (!ninep_check(bytes, size, most, &msize)) {
            uint32_t count = 0;

            assert_true(msize <= most && (size <= msize || bytes[4] == TVERSION));
            if (bytes[4] == TREAD || bytes[4] == TREADDIR || bytes[4] == TWRITE)
                memcpy(&count, bytes + COUNT_AT, 4);
            assert_true(count <= (bytes[4] == TWRITE ? size - 23 : msize - 11));
        }
        free(bytes);
    }
}

/* Without a server: an error with the request's tag, but for what ends something. */
static void test_refuse(void **state)
{
    uint8_t reply[NINEP_REFUSAL_MAX];

    (void)state;
    for (unsigned type = 2; type < 128; type += 2) {
        bool ends = type == NINEP_TFLUSH || type == NINEP_TCLUNK;
        uint32_t error;

        make((uint8_t)type, 30, 5, 0xabcd);
        memset(reply, 0xee, sizeof(reply));
        assert_int_equal(ninep_refuse(request, reply, NINEP_EIO), ends ? 7 : 11);
        assert_int_equal(ninep_size(reply), ends ? 7 : 11);
        assert_int_equal(ninep_type(reply), ends ? type + 1 : 7);
        assert_int_equal(reply[5] | reply[6] << 8, 0xabcd);
        memcpy(&error, reply + 7, sizeof(error));
        assert_int_equal(error, ends ? 0xeeeeeeee : NINEP_EIO);
    }
}

/* ENOENT of what names a fid alone, and nothing else. */
static void test_stale(void **state)
{
    static const uint8_t fids_alone[] = {8, 12, 24, 26, 40, 50, 52, 54, 116, 118};

    (void)state;
    for (unsigned type = 2; type < 128; type += 2) {
        bool alone = memchr(fids_alone, (int)type, sizeof(fids_alone)) != NULL;

        for (unsigned error = 1; error < 4; error++) {
            uint8_t reply[NINEP_REFUSAL_MAX];

            make((uint8_t)type, 30, 15, 1);
            (void)ninep_refuse(request, reply, error);
            ninep_make_stale(request, 30, reply, sizeof(reply));
            if (type != NINEP_TFLUSH && type != NINEP_TCLUNK)
                assert_int_equal(reply[7], alone && error == NINEP_ENOENT ? NINEP_ESTALE : error);
            (void)ninep_refuse(request, reply, NINEP_EINVAL);
            ninep_make_stale(request, 30, reply, sizeof(reply));
            if (type != NINEP_TFLUSH && type != NINEP_TCLUNK)
                assert_int_equal(reply[7], type == 40 || (type > 112 && alone) ? NINEP_ESTALE : NINEP_EINVAL);
        }
    }
    for (unsigned size = NINEP_HEADER; size < 20; size++) {
        uint8_t reply[NINEP_REFUSAL_MAX];

        make(TWALK, size, 15, 0); /* a copy of a fid */
        (void)ninep_refuse(request, reply, NINEP_ENOENT);
        ninep_make_stale(request, size, reply, sizeof(reply));
        assert_int_equal(reply[7], size < 17 ? NINEP_ENOENT : NINEP_ESTALE);
        ninep_make_stale(request, size, reply, 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size),   cmocka_unit_test(test_version), cmocka_unit_test(test_read),
        cmocka_unit_test(test_write),  cmocka_unit_test(test_limit),   cmocka_unit_test(test_random),
        cmocka_unit_test(test_refuse), cmocka_unit_test(test_stale),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
