/* SPDX-License-Identifier: MIT */
/* In order: control blocks and pages, from the first to the end of all; words; queues. */
#include <abi/errno.h>
#include <engine/engine.h>
#include <hv/domain/call_refuse.h>
#include <hv/domain/event_fifo.h>
#include <hv/domain/event_table.h>
#include <hv/domain/vcpu.h>
#include <hv/mem/allocate.h>
#include <hv/mem/paging.h>

#define PAGE_WORDS (PAGE_SIZE / sizeof(uint32_t))
#define PAGES_MAX  (EVTCHN_FIFO_NR_CHANNELS / PAGE_WORDS)
#define LINK_TRIES 64u /* a guest that changes a word more often meanwhile does it on purpose */

#define WORD_PENDING (1u << EVTCHN_FIFO_PENDING)
#define WORD_MASKED  (1u << EVTCHN_FIFO_MASKED)
#define WORD_LINKED  (1u << EVTCHN_FIFO_LINKED)
#define WORD_LINK    ((uint32_t)EVTCHN_FIFO_LINK_MASK)

/* The words of a domain. */
struct event_fifo {
    unsigned nr_pages;
    mfn_t pages[PAGES_MAX];
};

/*
 * ---- Control blocks and pages.
 */

static int start(struct hv_domain *domain)
{
    if (!domain->events.fifo)
        domain->events.fifo = allocate(sizeof(*domain->events.fifo));
    return domain->events.fifo ? 0 : call_refuse(-XEN_ENOMEM, WHY_HYPERVISOR_MEMORY, domain->engine.id.v);
}

int event_fifo_init_control(struct hv_vcpu *vcpu, mfn_t mfn, uint32_t offset)
{
    struct hv_domain *domain = hv_vcpu_domain(vcpu);
    int error;

    if (vcpu->events.queues.control)
        return call_refuse(-XEN_EINVAL, WHY_CONTROL_BLOCK_TWICE, vcpu->engine.id);
    error = domain_hold_writable(&domain->engine, mfn);
    if (error)
        return error;
    error = start(domain);
    if (error) {
        domain_drop_writable(&domain->engine, mfn);
        return error;
    }
    vcpu->events.queues.frame = mfn;
    vcpu->events.queues.control = paging_ram((mfn.v << PAGE_SHIFT) + offset);
    return 0;
}

int event_fifo_expand(struct hv_domain *domain, mfn_t mfn, uint32_t *first)
{
    struct event_fifo *fifo = domain->events.fifo;
    int error;

    if (!fifo)
        return call_refuse(-XEN_EOPNOTSUPP, WHY_NO_EVENT_WORDS, domain->engine.id.v);
    if (fifo->nr_pages == PAGES_MAX)
        return call_refuse(-XEN_ENOSPC, WHY_EVENT_ARRAY_FULL, PAGES_MAX);
    error = domain_hold_writable(&domain->engine, mfn);
    if (error)
        return error;
    *first = (uint32_t)(fifo->nr_pages * PAGE_WORDS);
    fifo->pages[fifo->nr_pages++] = mfn;
    return 0;
}

static void drop_queues(struct hv_vcpu *vcpu)
{
    mfn_t frame = vcpu->events.queues.frame;

    if (!vcpu->events.queues.control)
        return;
    vcpu->events.queues = (struct event_queues){0};
    domain_drop_writable(vcpu->engine.domain, frame);
}

void event_fifo_stop(struct hv_domain *domain)
{
    struct event_fifo *fifo = domain->events.fifo;

    if (!fifo)
        return;
    domain->events.fifo = NULL;
    for (unsigned i = 0; i < domain->engine.nr_vcpus; i++)
        drop_queues(hv_vcpu_find(domain, i));
    for (unsigned i = 0; i < fifo->nr_pages; i++)
        domain_drop_writable(&domain->engine, fifo->pages[i]);
    release(fifo, sizeof(*fifo));
}

/*
 * ---- Words.
 */

/* NULL: its page is not there yet. */
static uint32_t *find_word(const struct hv_domain *domain, uint32_t port)
{
    const struct event_fifo *fifo = domain->events.fifo;

    if (port / PAGE_WORDS >= fifo->nr_pages)
        return NULL;
    return (uint32_t *)paging_ram(fifo->pages[port / PAGE_WORDS].v << PAGE_SHIFT) + port % PAGE_WORDS;
}

/* Each returns whether the bits, or any of them, were set before. */
static bool word_set(uint32_t *word, uint32_t bits)
{
    return __atomic_fetch_or(word, bits, __ATOMIC_SEQ_CST) & bits;
}

static bool word_clear(uint32_t *word, uint32_t bits)
{
    return __atomic_fetch_and(word, ~bits, __ATOMIC_SEQ_CST) & bits;
}

static bool word_test(const uint32_t *word, uint32_t bits)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST) & bits;
}

bool event_fifo_is_pending(const struct hv_domain *domain, uint32_t port)
{
    const uint32_t *word = find_word(domain, port);

    return event_table_find(domain, port)->raised || (word && word_test(word, WORD_PENDING));
}

bool event_fifo_set_pending(struct hv_domain *domain, uint32_t port)
{
    struct event_channel *channel = event_table_find(domain, port);
    uint32_t *word = find_word(domain, port);
    bool before = channel->raised;

    if (word)
        return word_set(word, WORD_PENDING);
    channel->raised = true;
    return before;
}

void event_fifo_clear_pending(struct hv_domain *domain, uint32_t port)
{
    uint32_t *word = find_word(domain, port);

    event_table_find(domain, port)->raised = false;
    if (word)
        (void)word_clear(word, WORD_PENDING);
}

void event_fifo_settle(struct hv_domain *domain, uint32_t port)
{
    struct event_channel *channel = event_table_find(domain, port);

    if (!channel->raised || !find_word(domain, port))
        return;
    channel->raised = false;
    (void)event_fifo_set_pending(domain, port);
}

bool event_fifo_is_masked(const struct hv_domain *domain, uint32_t port)
{
    const uint32_t *word = find_word(domain, port);

    return !word || word_test(word, WORD_MASKED);
}

void event_fifo_unmask(struct hv_domain *domain, uint32_t port)
{
    uint32_t *word = find_word(domain, port);

    if (word)
        (void)word_clear(word, WORD_MASKED);
}

/*
 * ---- Queues.
 */

/*
 * Is the last port that was put on @queue of @vcpu still the last one there?  It may have been taken off and put on
 * another one since, or be @port itself, which has been taken off.
 */
static bool is_tail(const struct hv_domain *domain, uint32_t tail, uint16_t queue, uint32_t port)
{
    const struct event_channel *channel = event_table_find(domain, tail);

    return tail && tail != port && channel && channel->queue == queue;
}

/* False: the guest has taken @tail off. */
static bool link_behind(uint32_t *tail, uint32_t port)
{
    uint32_t seen = __atomic_load_n(tail, __ATOMIC_SEQ_CST);

    for (unsigned i = 0; i < LINK_TRIES && (seen & WORD_LINKED); i++) {
        if (__atomic_compare_exchange_n(tail, &seen, (seen & ~WORD_LINK) | port, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return true;
    }
    return false;
}

/* True: it is the first one there. */
static bool append(const struct hv_domain *domain, struct hv_vcpu *vcpu, uint32_t port)
{
    struct event_channel *channel = event_table_find(domain, port);
    uint32_t *last = &vcpu->events.queues.tails[channel->priority], tail = *last;
    uint16_t queue = (uint16_t)(vcpu->engine.id * EVTCHN_FIFO_MAX_QUEUES + channel->priority);
    bool is_behind = is_tail(domain, tail, queue, port) && link_behind(find_word(domain, tail), port);

    channel->queue = queue;
    *last = port;
    return !is_behind;
}

bool event_fifo_link(struct hv_vcpu *vcpu, uint32_t port)
{
    const struct hv_domain *domain = hv_vcpu_domain(vcpu);
    struct evtchn_fifo_control_block *control = vcpu->events.queues.control;
    uint8_t priority = event_table_find(domain, port)->priority;
    uint32_t *word = find_word(domain, port);

    if (!control || !word || word_set(word, WORD_LINKED))
        return false;
    if (!append(domain, vcpu, port))
        return false;
    __atomic_store_n(&control->head[priority], port, __ATOMIC_SEQ_CST);
    return !word_set(&control->ready, 1u << priority);
}
