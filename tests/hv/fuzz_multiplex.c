/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing of a multiplexed line.  The input is garbage for the decoder; and it is what two guests say in turns, sent as
 * the hypervisor does with losses here and there, of which nothing may reach the other guest's console.
 */
/* links: hv/base/multiplex.c */
#include <stdint.h>
#include <stdlib.h>

#include <hv/base/multiplex.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    struct multiplex_decoder decoder;
    unsigned console; /* selected */
} receiver;

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* What arrives is @from's. */
static void receive(char byte, unsigned from)
{
    struct multiplex_item item = multiplex_decode(&receiver.decoder, byte);

    require(item.kind <= MULTIPLEX_LIST && item.console <= MULTIPLEX_HYPERVISOR);
    if (item.kind == MULTIPLEX_SELECT)
        receiver.console = item.console;
    if (item.kind == MULTIPLEX_BYTE)
        require(receiver.console == from);
}

static void receive_garbage(const uint8_t *data, size_t size)
{
    struct multiplex_decoder decoder = {false};

    for (size_t i = 0; i < size; i++) {
        struct multiplex_item item = multiplex_decode(&decoder, (char)data[i]);

        require(item.kind <= MULTIPLEX_LIST && item.console <= MULTIPLEX_HYPERVISOR);
        require(item.kind != MULTIPLEX_BYTE || item.byte == (char)data[i] || item.byte == MULTIPLEX_ESCAPE);
    }
}

/* By pairs: who says a byte, whether and what of it is lost; and the byte. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned selected = MULTIPLEX_HYPERVISOR;

    receive_garbage(data, size);
    receiver.decoder.escaped = false;
    receiver.console = MULTIPLEX_HYPERVISOR;
    for (size_t i = 0; i + 1 < size; i += 2) {
        unsigned from = data[i] & 1, arriving = data[i] >> 1;
        char code[4];
        size_t length = 0;

        if (selected != from) {
            multiplex_select(from, false, code);
            length = 2;
        }
        length += multiplex_encode((char)data[i + 1], code + length);
        for (size_t j = 0; j < length && j < arriving; j++)
            receive(code[j], from);
        selected = arriving >= length ? from : MULTIPLEX_HYPERVISOR;
    }
    return 0;
}
