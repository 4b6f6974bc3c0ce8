/* SPDX-License-Identifier: MIT */
/* Decoding, a byte at a time; encoding. */
#include <hv/base/multiplex.h>

#define CODE_NUMBER     0x3fu
#define CODE_SELECT     0x40u
#define CODE_HURRIED    0x80u
#define CODE_ESCAPE     '.'
#define CODE_HYPERVISOR '!'
#define CODE_LIST       '?'

static struct multiplex_item decode_code(char code)
{
    unsigned bits = (unsigned char)code;

    if (bits & CODE_SELECT)
        return (struct multiplex_item){
            .kind = MULTIPLEX_SELECT, .console = bits & CODE_NUMBER, .hurried = bits & CODE_HURRIED};
    switch (code) {
    case CODE_ESCAPE:
        return (struct multiplex_item){.kind = MULTIPLEX_BYTE, .byte = MULTIPLEX_ESCAPE};
    case CODE_HYPERVISOR:
        return (struct multiplex_item){.kind = MULTIPLEX_SELECT, .console = MULTIPLEX_HYPERVISOR};
    case CODE_LIST:
        return (struct multiplex_item){.kind = MULTIPLEX_LIST};
    default:
        return (struct multiplex_item){.kind = MULTIPLEX_NOTHING};
    }
}

struct multiplex_item multiplex_decode(struct multiplex_decoder *decoder, char byte)
{
    bool escaped = decoder->escaped;

    decoder->escaped = byte == MULTIPLEX_ESCAPE;
    if (decoder->escaped)
        return (struct multiplex_item){.kind = MULTIPLEX_NOTHING};
    return escaped ? decode_code(byte) : (struct multiplex_item){.kind = MULTIPLEX_BYTE, .byte = byte};
}

size_t multiplex_encode(char byte, char code[2])
{
    code[0] = byte;
    code[1] = CODE_ESCAPE;
    return byte == MULTIPLEX_ESCAPE ? 2 : 1;
}

void multiplex_select(unsigned console, bool hurried, char code[2])
{
    unsigned number = CODE_SELECT | (console & CODE_NUMBER) | (hurried ? CODE_HURRIED : 0);

    code[0] = MULTIPLEX_ESCAPE;
    code[1] = console == MULTIPLEX_HYPERVISOR ? CODE_HYPERVISOR : (char)number;
}

void multiplex_list(char code[2])
{
    code[0] = MULTIPLEX_ESCAPE;
    code[1] = CODE_LIST;
}
