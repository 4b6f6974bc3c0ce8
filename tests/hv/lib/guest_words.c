/* SPDX-License-Identifier: MIT */
/* The guest's side of event words: guest_words.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <tests/hv/lib/guest_words.h>

#define LINK 0x1ffffu

struct guest *const words_guest = &guests[1];

/* Of each vCPU: the queues that it knows not to be empty, and where it is in them. */
static uint32_t ready[VCPUS], heads[VCPUS][16];
static unsigned pages;

void words_start(unsigned vcpus)
{
    memset(ready, 0, sizeof(ready));
    memset(heads, 0, sizeof(heads));
    pages = 0;
    for (unsigned i = 0; i < vcpus; i++)
        words_control(i);
}

void words_control(unsigned vcpu)
{
    assert_int_equal(init_control(words_guest, vcpu, vcpu, 0), 0);
}

void words_expand(void)
{
    assert_int_equal(expand_array(words_guest, WORDS_FRAME + pages), 0);
    pages++;
}

volatile uint32_t *word_of(uint32_t port)
{
    return (uint32_t *)(void *)event_frames[WORDS_FRAME + port / 1024] + port % 1024;
}

volatile struct evtchn_fifo_control_block *control_of(unsigned vcpu)
{
    return (struct evtchn_fifo_control_block *)(void *)event_frames[vcpu];
}

uint32_t words_take(unsigned vcpu)
{
    volatile struct evtchn_fifo_control_block *control = control_of(vcpu);
    unsigned queue;
    uint32_t port;

    ready[vcpu] |= control->ready;
    control->ready = 0;
    if (!ready[vcpu])
        return 0;
    queue = (unsigned)__builtin_ctz(ready[vcpu]);
    port = heads[vcpu][queue] ? heads[vcpu][queue] : control->head[queue];
    assert_true(*word_of(port) & LINKED);
    heads[vcpu][queue] = *word_of(port) & LINK;
    *word_of(port) &= ~(LINKED | LINK);
    if (!heads[vcpu][queue])
        ready[vcpu] &= ~(1u << queue);
    return port;
}

bool words_handle(uint32_t port)
{
    if ((*word_of(port) & (PENDING | MASKED)) != PENDING)
        return false;
    *word_of(port) &= ~PENDING;
    return true;
}

void words_mask(uint32_t port)
{
    *word_of(port) |= MASKED;
}

void words_unmask(uint32_t port)
{
    *word_of(port) &= ~MASKED;
    if (*word_of(port) & PENDING)
        assert_int_equal(unmask(words_guest, port), 0);
}
