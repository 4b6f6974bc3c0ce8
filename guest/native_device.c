/* SPDX-License-Identifier: MIT */
/* The devices of a bare machine, by their ports: the serial line, the interrupt controllers, the end of the run. */
#include <guest/native_device.h>
#include <guest/port.h>
#include <guest/processor.h>
#include <guest/types.h>

#define SERIAL      0x3f8u
#define EXIT_PORT   0xf4u
#define EXIT_GOOD   0x10u
#define EXIT_FAILED 0x15u

/* Where the masks of the two interrupt controllers are written. */
#define MASK_FIRST  0x21u
#define MASK_SECOND 0xa1u

/* 115200 baud, 8 bits, no interrupts, queues on. */
void native_console_init(void)
{
    static const uint8_t settings[][2] = {{1, 0}, {3, 0x80}, {0, 1}, {1, 0}, {3, 3}, {2, 7}, {4, 3}};

    for (unsigned i = 0; i < ARRAY_SIZE(settings); i++)
        out8((uint16_t)(SERIAL + settings[i][0]), settings[i][1]);
}

static void serial_put(char letter)
{
    while (!(in8(SERIAL + 5) & 0x20))
        cpu_relax();
    out8(SERIAL, (uint8_t)letter);
}

void native_console_write(const char *text, size_t length)
{
    for (; length; length--, text++) {
        if (*text == '\n')
            serial_put('\r');
        serial_put(*text);
    }
}

void native_interrupts_mask(void)
{
    out8(MASK_FIRST, 0xff);
    out8(MASK_SECOND, 0xff);
}

_Noreturn void native_shutdown(unsigned reason)
{
    static const uint8_t none[10]; /* an IDT without entries */

    out8(EXIT_PORT, reason ? EXIT_FAILED : EXIT_GOOD);
    for (;;)
        __asm__ volatile("lidt %0; int3" ::"m"(none));
}
