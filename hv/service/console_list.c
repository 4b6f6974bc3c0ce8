/* SPDX-License-Identifier: MIT */
/* Lines put together in a buffer that holds the longest there can be. */
#include <hv/domain/runstate.h>
#include <hv/domain/vcpu.h>
#include <hv/service/console_list.h>
#include <hv/service/console_output.h>

#define NUMBERS    5u
#define DIGITS_MAX 20u /* of 2^64 - 1 */
#define STATE_MAX  11u
#define NS_PER_US  1000u
#define PAGE_KIB   4u

struct text {
    unsigned length;
    char bytes[NUMBERS * (DIGITS_MAX + 1) + DOMAIN_NAME_MAX + 1 + STATE_MAX + 2];
};

static void add_string(struct text *text, const char *string)
{
    while (*string)
        text->bytes[text->length++] = *string++;
}

static void add_number(struct text *text, uint64_t number, const char *behind)
{
    char digits[DIGITS_MAX];
    unsigned count = 0;

    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    while (count)
        text->bytes[text->length++] = digits[--count];
    add_string(text, behind);
}

uint64_t console_list_time(const struct hv_domain *domain)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < domain->engine.nr_vcpus; i++)
        sum += runstate_read(hv_vcpu_of(domain->vcpus[i])).time[RUNSTATE_running];
    return sum;
}

const char *console_list_state(const struct hv_domain *domain)
{
    bool waits = false, has_started = false;

    for (unsigned i = 0; i < domain->engine.nr_vcpus; i++) {
        int32_t state = hv_vcpu_of(domain->vcpus[i])->run.info.state;

        if (state == RUNSTATE_running || state == RUNSTATE_runnable)
            return "running";
        waits |= state == RUNSTATE_blocked;
        has_started |= hv_vcpu_of(domain->vcpus[i])->run.started;
    }
    if (!has_started)
        return "for-devices";
    return waits ? "waiting" : "down";
}

static void send(const struct text *text)
{
    console_output_hypervisor(text->bytes, text->length);
}

void console_list_send(const struct machine *machine)
{
    struct text text;

    for (unsigned i = 0; i < machine->nr_domains; i++) {
        const struct hv_domain *domain = hv_domain_find(machine, (uint16_t)i);

        if (!domain || domain->is_back_end)
            continue;
        text.length = 0;
        add_number(&text, i, " ");
        add_string(&text, domain->name);
        add_string(&text, " ");
        add_string(&text, console_list_state(domain));
        add_string(&text, " ");
        add_number(&text, domain->engine.nr_vcpus, " ");
        add_number(&text, domain->engine.nr_frames * PAGE_KIB, " ");
        add_number(&text, console_list_time(domain) / NS_PER_US, " ");
        add_number(&text, domain->restarts, "\r\n");
        send(&text);
    }
    console_output_hypervisor("end\r\n", 5);
}
