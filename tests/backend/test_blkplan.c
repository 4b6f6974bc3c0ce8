/* SPDX-License-Identifier: MIT */
/* Requests at every edge: what is let through is what a second reading of the rules lets through, in 128 bits. */
/* links: backend/blkplan.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <backend/blkplan.h>

#define SECTORS 1000u

static struct disk disk = {
    .name = "a", .nr_sectors = SECTORS, .sector_size = 512, .max_segments = 254, .can_flush = true};
static const struct blkplan_rights writer = {&disk, false, true}, reader = {&disk, true, true};

static int16_t judge(const struct blkplan_rights *rights, struct blkring_request *request, struct blkplan *plan,
                     const struct blkif_request_segment *segments)
{
    int16_t status = blkplan_make(rights, request, plan);

    return status ? status : blkplan_check_segments(rights, plan, segments);
}

static bool is_segment(unsigned first, unsigned last)
{
    return first <= 7 && last <= 7 && last >= first;
}

/* Shows blkif.segments. */
static void xsa_513_sectors_of_segments(void **state)
{
    struct blkring_request request = {.operation = BLKIF_OP_WRITE, .nr_segments = 2, .segments = {{1, 0, 0, 0}}};
    struct blkplan plan;

    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned last = 0; last < 256; last++) {
            request.segments[1] = (struct blkif_request_segment){2, (uint8_t)first, (uint8_t)last, 0};
            assert_int_equal(judge(&writer, &request, &plan, request.segments),
                             is_segment(first, last) ? BLKIF_RSP_OKAY : BLKIF_RSP_ERROR);
        }
    }
}

/* Shows blkif.segments. */
static void xsa_513_numbers_of_segments(void **state)
{
    static const unsigned numbers[] = {0, 1, 10, 11, 12, 32, 63, 64, 65, 255, 256, 511, 512, 513, 4096, 65535};
    static struct blkif_request_segment segments[BLKPLAN_SEGMENTS];
    struct blkplan plan;

    (void)state;
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        unsigned number = numbers[i];
        struct blkring_request direct = {.operation = BLKIF_OP_READ, .nr_segments = (uint8_t)number};
        struct blkring_request indirect = {
            .operation = BLKIF_OP_INDIRECT, .indirect_op = BLKIF_OP_READ, .nr_indirect = (uint16_t)number};

        assert_int_equal(judge(&writer, &direct, &plan, segments),
                         (number & 255) >= 1 && (number & 255) <= 11 ? BLKIF_RSP_OKAY : BLKIF_RSP_ERROR);
        assert_int_equal(judge(&writer, &indirect, &plan, segments),
                         number >= 1 && number <= 64 ? BLKIF_RSP_OKAY : BLKIF_RSP_ERROR);
    }
}

static void xsa_513_the_end_of_the_disk(void **state)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     8,
                                     SECTORS - 16,
                                     SECTORS - 9,
                                     SECTORS - 8,
                                     SECTORS - 1,
                                     SECTORS,
                                     SECTORS + 1,
                                     UINT64_C(1) << 32,
                                     UINT64_C(1) << 55,
                                     UINT64_C(1) << 63,
                                     UINT64_MAX - 8,
                                     UINT64_MAX - 7,
                                     UINT64_MAX};
    struct blkplan plan;

    (void)state;
    for (unsigned i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        for (unsigned j = 0; j < sizeof(edges) / sizeof(edges[0]); j++) {
            struct blkring_request discard = {
                .operation = BLKIF_OP_DISCARD, .sector = edges[i], .nr_sectors = edges[j]};
            bool within = edges[j] && (unsigned __int128)edges[i] + edges[j] <= SECTORS;

            assert_int_equal(blkplan_make(&writer, &discard, &plan), within ? BLKIF_RSP_OKAY : BLKIF_RSP_ERROR);
        }
        struct blkring_request read = {
            .operation = BLKIF_OP_READ, .sector = edges[i], .nr_segments = 2, .segments = {{1, 0, 7, 0}, {2, 0, 7, 0}}};

        assert_int_equal(judge(&writer, &read, &plan, read.segments),
                         (unsigned __int128)edges[i] + 16 <= SECTORS ? BLKIF_RSP_OKAY : BLKIF_RSP_ERROR);
    }
}

/* XSA-142: nothing of a reader's changes the disk, in whatever words it comes. */
static void xsa_142_nothing_changes_a_read_only_disk(void **state)
{
    struct blkplan plan;

    (void)state;
    for (unsigned operation = 0; operation < 256; operation++) {
        for (unsigned inner = 0; inner < 256; inner++) {
            struct blkring_request request = {.operation = (uint8_t)operation,
                                              .indirect_op = (uint8_t)inner,
                                              .nr_segments = 1,
                                              .nr_indirect = 1,
                                              .nr_sectors = 1};

            if (blkplan_make(&reader, &request, &plan) == BLKIF_RSP_OKAY)
                assert_true(plan.operation == DISK_READ || plan.operation == DISK_FLUSH);
            if (blkplan_make(&writer, &request, &plan) == BLKIF_RSP_OKAY && operation == BLKIF_OP_INDIRECT)
                assert_true(inner == BLKIF_OP_READ || inner == BLKIF_OP_WRITE);
        }
    }
}

static void test_features(void **state)
{
    struct blkring_request flush = {.operation = BLKIF_OP_FLUSH_DISKCACHE}, written = flush,
                           discard = {.operation = BLKIF_OP_DISCARD, .nr_sectors = 8};
    struct blkring_request barrier = {.operation = BLKIF_OP_WRITE_BARRIER, .nr_segments = 1};
    const struct blkplan_rights no_discard = {&disk, false, false};
    struct blkplan plan;

    (void)state;
    written.nr_segments = 1;
    assert_int_equal(blkplan_make(&writer, &flush, &plan), BLKIF_RSP_OKAY);
    assert_int_equal(plan.operation, DISK_FLUSH);
    assert_int_equal(blkplan_make(&writer, &written, &plan), BLKIF_RSP_OKAY);
    assert_true(plan.operation == DISK_WRITE && plan.flush_after);
    assert_int_equal(blkplan_make(&reader, &written, &plan), BLKIF_RSP_ERROR);
    disk.can_flush = false;
    assert_int_equal(blkplan_make(&writer, &flush, &plan), BLKIF_RSP_EOPNOTSUPP);
    disk.can_flush = true;
    assert_int_equal(blkplan_make(&writer, &barrier, &plan), BLKIF_RSP_EOPNOTSUPP);
    assert_int_equal(blkplan_make(&no_discard, &discard, &plan), BLKIF_RSP_EOPNOTSUPP);
    discard.discard_flag = BLKIF_DISCARD_SECURE;
    assert_int_equal(blkplan_make(&writer, &discard, &plan), BLKIF_RSP_EOPNOTSUPP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xsa_513_sectors_of_segments),
        cmocka_unit_test(xsa_513_numbers_of_segments),
        cmocka_unit_test(xsa_513_the_end_of_the_disk),
        cmocka_unit_test(xsa_142_nothing_changes_a_read_only_disk),
        cmocka_unit_test(test_features),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
