/* SPDX-License-Identifier: MIT */
/* A byte is taken from the line only when there is a place for it, or nobody to wait for. */
#include <hv/base/multiplex.h>
#include <hv/base/serial.h>
#include <hv/domain/domain.h>
#include <hv/service/console_input.h>
#include <hv/service/services.h>
#include <hv/time/time.h>

#define AT_ONCE  CONSOLE_INPUT_MAX    /* bytes */
#define PATIENCE UINT64_C(1000000000) /* ns */

static struct {
    bool on;
    struct multiplex_decoder decoder;
    unsigned selected; /* console; MULTIPLEX_HYPERVISOR: none */
    bool hurried;
    uint64_t full_since; /* 0: it is not */
    bool list_wanted;
} multiplexed;

void console_input_multiplex(void)
{
    multiplexed.on = true;
    multiplexed.selected = MULTIPLEX_HYPERVISOR;
}

struct hv_domain *console_input_selected(const struct machine *machine)
{
    struct hv_domain *domain;

    if (multiplexed.selected == MULTIPLEX_HYPERVISOR)
        return NULL;
    domain = hv_domain_find(machine, (uint16_t)multiplexed.selected);
    return domain && !domain->is_back_end ? domain : NULL;
}

bool console_input_list_wanted(void)
{
    bool wanted = multiplexed.list_wanted;

    multiplexed.list_wanted = false;
    return wanted;
}

static bool has_room(const struct hv_domain *domain)
{
    const struct console_input *input = &domain->services->console.input;

    return input->come - input->taken < CONSOLE_INPUT_MAX;
}

static void put(struct hv_domain *domain, char byte)
{
    struct console_input *input = &domain->services->console.input;

    if (has_room(domain))
        input->bytes[input->come++ % CONSOLE_INPUT_MAX] = byte;
}

/* May the next byte be taken from the line, even if it is one for @domain?  NULL: that is nobody. */
static bool may_take(const struct hv_domain *domain)
{
    if (!domain || has_room(domain)) {
        multiplexed.full_since = 0;
        return true;
    }
    if (!multiplexed.hurried)
        return false;
    if (!multiplexed.full_since)
        multiplexed.full_since = time_now();
    return time_now() - multiplexed.full_since > PATIENCE;
}

static void take_plain(struct hv_domain *domain)
{
    int byte;

    while (domain && has_room(domain) && (byte = serial_get()) >= 0)
        put(domain, (char)byte);
}

static void take_item(const struct machine *machine, struct multiplex_item item)
{
    struct hv_domain *domain = console_input_selected(machine);

    if (item.kind == MULTIPLEX_BYTE && domain)
        put(domain, item.byte);
    if (item.kind == MULTIPLEX_LIST)
        multiplexed.list_wanted = true;
    if (item.kind != MULTIPLEX_SELECT)
        return;
    /* What is sent from elsewhere comes in pieces, each behind a selection: it is one wait for all of them. */
    if (item.console != multiplexed.selected)
        multiplexed.full_since = 0;
    multiplexed.selected = item.console;
    multiplexed.hurried = item.hurried;
}

void console_input_take(const struct machine *machine, struct hv_domain *attached)
{
    int byte;

    if (!multiplexed.on) {
        take_plain(attached);
        return;
    }
    for (unsigned i = 0; i < AT_ONCE && may_take(console_input_selected(machine)); i++) {
        byte = serial_get();
        if (byte < 0)
            return;
        take_item(machine, multiplex_decode(&multiplexed.decoder, (char)byte));
    }
}
