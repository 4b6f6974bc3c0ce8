/* SPDX-License-Identifier: MIT */
/* In order: memory; what guests get; the write itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include <engine/access.h>
#include <engine/engine.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/user_word.h>
#include <hv/domain/vcpu.h>
#include <hv/mem/window.h>
#include <tests/hv/lib/write_host.h>

uint8_t write_copy[WRITE_COPY_MAX];
unsigned write_exceptions;
bool write_host_has_words;
struct cpu_features cpu_features_found; /* without SMAP */

static const uint8_t *of;
static size_t bytes;

void write_host_begin(const uint8_t *original, size_t size)
{
    assert_true(size <= WRITE_COPY_MAX);
    of = original;
    bytes = size;
    memcpy(write_copy, original, size);
    write_exceptions = 0;
}

uint64_t window_base(unsigned window)
{
    (void)window;
    return 0;
}

/* What is read of the memory is the copy's: the memory itself is the processor's. */
bool user_word_read(uint64_t from, uint64_t *word)
{
    memcpy(word, (const void *)from, sizeof(*word));
    return write_host_has_words;
}

bool port_copy_from_guest(struct vcpu *vcpu, void *to, vaddr_t from, size_t size)
{
    const uint8_t *place = (const uint8_t *)from.v;

    (void)vcpu;
    if (place >= of && place + size <= of + bytes)
        place = write_copy + (place - of);
    memcpy(to, place, size);
    return true;
}

bool port_copy_to_guest(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    (void)vcpu, (void)to, (void)from, (void)size;
    return false;
}

void bounce_page_fault(struct hv_vcpu *vcpu, uint64_t address, uint64_t error)
{
    (void)vcpu, (void)address, (void)error;
    write_exceptions++;
}

void bounce_exception(struct hv_vcpu *vcpu, unsigned vector)
{
    (void)vcpu, (void)vector;
    write_exceptions++;
}

void bounce_exception_error(struct hv_vcpu *vcpu, unsigned vector, uint64_t error)
{
    (void)vcpu, (void)vector, (void)error;
    write_exceptions++;
}

static uint64_t apply(const struct table_write *write, uint64_t seen)
{
    switch (write->form) {
    case WRITE_MOV:
    case WRITE_XCHG:
        return write->operand;
    case WRITE_CMPXCHG:
        return write->expected == seen ? write->operand : seen;
    case WRITE_AND:
        return seen & write->operand;
    case WRITE_OR:
        return seen | write->operand;
    case WRITE_XOR:
        return seen ^ write->operand;
    case WRITE_ADD:
        return seen + write->operand;
    }
    return 0;
}

int table_write_emulate(struct vcpu *vcpu, struct table_write *write)
{
    uint64_t offset = write->vaddr.v - (uint64_t)of, value;

    (void)vcpu;
    if (write->vaddr.v % write->bytes)
        return -22;
    assert_true(offset < bytes);
    write->seen = 0;
    memcpy(&write->seen, write_copy + offset, write->bytes);
    value = apply(write, write->seen);
    memcpy(write_copy + offset, &value, write->bytes);
    return 0;
}
