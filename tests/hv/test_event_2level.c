/* SPDX-License-Identifier: MIT */
/* The bits of events, of either width: each port has its own, and nothing beside it changes. */
/* links: hv/domain/event_2level.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/domain/event_2level.h>
#include <hv/domain/vcpu.h>

static union {
    _Alignas(4096) uint8_t bytes[4096];
    struct shared_info wide;
    struct compat_shared_info compat;
} shared;
static struct hv_domain domain;
static struct hv_vcpu vcpu;

static void make(enum width width)
{
    memset(&shared, 0, sizeof(shared));
    domain = (struct hv_domain){.engine = {.width = width}, .shared_info = shared.bytes};
    vcpu = (struct hv_vcpu){.engine = {.domain = &domain.engine}, .info = (struct vcpu_info *)(void *)shared.bytes};
}

static int set_up_64(void **state)
{
    (void)state;
    make(WIDTH_64);
    return 0;
}

static int set_up_32(void **state)
{
    (void)state;
    make(WIDTH_PAE);
    return 0;
}

static bool is_wide(void)
{
    return domain.engine.width == WIDTH_64;
}

/* The guest's view: words of its width. */
static bool guest_bit(const void *words, uint32_t port)
{
    uint64_t wide;
    uint32_t narrow;

    if (is_wide()) {
        memcpy(&wide, (const uint8_t *)words + port / 64 * 8, sizeof(wide));
        return wide >> port % 64 & 1;
    }
    memcpy(&narrow, (const uint8_t *)words + port / 32 * 4, sizeof(narrow));
    return narrow >> port % 32 & 1;
}

static const void *pending(void)
{
    return is_wide() ? (const void *)shared.wide.evtchn_pending : shared.compat.evtchn_pending;
}

static void *mask(void)
{
    return is_wide() ? (void *)shared.wide.evtchn_mask : shared.compat.evtchn_mask;
}

static unsigned bits_set(void)
{
    unsigned set = 0;

    for (unsigned i = 0; i < sizeof(shared.bytes); i++)
        set += (unsigned)__builtin_popcount(shared.bytes[i]);
    return set;
}

/* Shows shared_info.ports. */
static void test_ports(void **state)
{
    (void)state;
    assert_int_equal(event_2level_ports(&domain), is_wide() ? 4096 : 1024);
}

static void test_pending(void **state)
{
    (void)state;
    for (uint32_t port = 0; port < event_2level_ports(&domain); port++) {
        assert_false(event_2level_is_pending(&domain, port));
        assert_false(event_2level_set_pending(&domain, port));
        assert_true(event_2level_set_pending(&domain, port));
        assert_true(event_2level_is_pending(&domain, port));
        assert_true(guest_bit(pending(), port));
        assert_int_equal(bits_set(), 1);
        event_2level_clear_pending(&domain, port);
        assert_int_equal(bits_set(), 0);
    }
}

/* Shows event_channel_op.unmask. */
static void test_mask(void **state)
{
    unsigned bytes = event_2level_ports(&domain) / 8;

    (void)state;
    memset(mask(), 0xff, bytes);
    for (uint32_t port = 0; port < event_2level_ports(&domain); port++) {
        assert_true(event_2level_is_masked(&domain, port));
        event_2level_unmask(&domain, port);
        assert_false(event_2level_is_masked(&domain, port));
        assert_false(guest_bit(mask(), port));
        assert_int_equal(bits_set(), event_2level_ports(&domain) - 1 - port);
    }
}

static bool is_selected(unsigned word)
{
    return (is_wide() ? shared.wide.vcpu_info[0].evtchn_pending_sel : shared.compat.vcpu_info[0].evtchn_pending_sel) >>
               word &
           1;
}

/* Shows shared_info.raise. */
static void test_select(void **state)
{
    unsigned word_bits = is_wide() ? 64 : 32;

    (void)state;
    for (uint32_t port = 0; port < event_2level_ports(&domain); port++) {
        assert_int_equal(event_2level_select(&vcpu, port), port % word_bits == 0);
        assert_true(is_selected(port / word_bits));
        assert_int_equal(bits_set(), port / word_bits + 1);
    }
    memset(&shared, 0, sizeof(shared));
    event_2level_select_all(&vcpu);
    assert_int_equal(bits_set(), word_bits);
    assert_true(is_selected(0) && is_selected(word_bits - 1));
}

int main(void)
{
#define BOTH(test) cmocka_unit_test_setup(test, set_up_64), cmocka_unit_test_setup(test, set_up_32)
    const struct CMUnitTest tests[] = {
        BOTH(test_ports),
        BOTH(test_pending),
        BOTH(test_mask),
        BOTH(test_select),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
