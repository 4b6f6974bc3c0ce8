/* SPDX-License-Identifier: MIT */
/* Vectors: each is of one device, and none is anybody else's. */
/* links: hv/device/vector.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/cpu/trap.h>
#include <hv/device/vector.h>
#include <hv/domain/domain.h>

static void test_vectors(void **state)
{
    static struct hv_domain domain;
    struct hv_domain *whose;
    bool taken[256] = {false};
    unsigned count = 0, vector, pirq;

    (void)state;
    while ((vector = vector_take(&domain, count + 1000)) != 0) {
        assert_true(vector >= 0x30 && vector < VECTOR_INTERRUPTS && vector != 0x80 && vector != 0x82);
        assert_false(taken[vector]);
        taken[vector] = true;
        assert_true(vector_find(vector, &whose, &pirq));
        assert_true(whose == &domain && pirq == count + 1000);
        count++;
    }
    assert_int_equal(count, VECTOR_INTERRUPTS - 0x30 - 2);
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(vector_find(i, &whose, &pirq), i < 256 && taken[i]);
    vector_give(0x77);
    assert_false(vector_find(0x77, &whose, &pirq));
    assert_int_equal(vector_take(&domain, 5), 0x77);
    assert_int_equal(vector_take(&domain, 6), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
