/* SPDX-License-Identifier: MIT */
/* What is said, where the hypervisor has its serial line; and what explanations ask (hv/domain/explain_port.h). */
#include <playground/play.h>
#include <hv/base/serial.h>
#include <hv/domain/explain_port.h>
#include <hv/mem/paging.h>

#define SAID_MAX (1u << 18)

static char said[SAID_MAX];
static size_t length;

void said_clear(void)
{
    length = 0;
    said[0] = '\0';
}

EXPORT(play_text) const char *play_text(void)
{
    return said;
}

void serial_begin(void)
{
}

void serial_put(char byte)
{
    if (length + 1 == SAID_MAX)
        sim_fail("playground: more than %u bytes to say", SAID_MAX);
    said[length++] = byte;
    said[length] = '\0';
}

void serial_end(void)
{
}

void *paging_ram(uint64_t maddr)
{
    return (uint8_t *)sim_frame_entries(play.sim, MFN(maddr >> PAGE_SHIFT)) + maddr % PAGE_SIZE;
}

bool explain_port_is_first_table(const struct domain *domain, uint64_t pfn)
{
    return domain == play.guest->domain && pfn - play.guest->root.v < play.guest->nr_tables;
}

void explain_port_get_on(void)
{
}
