/* SPDX-License-Identifier: MIT */
/* In order: answers, what each verb does, the line. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <hv/base/print.h>
#include <hv/base/serial.h>
#include <hv/domain/domain.h>
#include <hv/domain/report.h>
#include <hv/domain/shutdown.h>
#include <hv/service/console_list.h>
#include <hv/service/control.h>
#include <hv/service/control_request.h>
#include <hv/service/store_text.h>
#include <hv/service/xenstore.h>

#define AT_ONCE   256u /* bytes: what the line has, and what comes meanwhile */
#define PAGE_KIB  (PAGE_SIZE / 1024)
#define NS_PER_US 1000u

static const struct control_devices *devices;

void control_answer(uint32_t id, bool good, const char *words)
{
    print("answer %u %s %s\n", id, good ? "ok" : "no", words);
}

static void answer(const struct control_request *request, bool good, const char *words)
{
    control_answer(request->id, good, words);
}

/*
 * ---- What each verb does.
 */

static void list_domain(const struct hv_domain *domain, uint32_t id)
{
    const unsigned number = domain->engine.id.v;
    const uint32_t out = devices->out(domain);

    if (out)
        print("answer %u out %u %x\n", id, number, out);
    print("answer %u guest %u %s %s %u %lu %lu %lu %u\n", id, number, domain->name, console_list_state(domain),
          domain->engine.nr_vcpus, domain->engine.nr_frames * PAGE_KIB, domain->engine.max_frames * PAGE_KIB,
          console_list_time(domain) / NS_PER_US, domain->restarts);
}

static void list(const struct machine *machine, const struct control_request *request)
{
    for (unsigned i = 0; i < machine->nr_domains; i++) {
        const struct hv_domain *domain = hv_domain_find(machine, (uint16_t)i);

        if (domain && !domain->is_back_end)
            list_domain(domain, request->id);
    }
    answer(request, true, "these are all");
}

/* @asked if it has been written: the guest may have filled its part of the xenstore, or have no way to hear of it. */
static void tell_written(const struct control_request *request, int error, const char *asked)
{
    if (!error)
        answer(request, true, asked);
    else if (error == -XEN_ENOSPC)
        answer(request, false, "the guest has filled its part of the xenstore, so that it cannot be told");
    else
        answer(request, false, "the guest has no connection with the xenstore, by which it could be told");
}

static void shut_down(struct hv_domain *domain, const struct control_request *request)
{
    bool reboot = request->verb == CONTROL_REBOOT;
    bool listens = xenstore_is_one(domain, reboot ? "control/feature-reboot" : "control/feature-poweroff");

    tell_written(request, xenstore_write(domain, "control/shutdown", store_text(reboot ? "reboot" : "poweroff")),
                 listens ? "it has been asked" : "it has been asked, and has not said that it listens");
}

static void destroy(struct hv_domain *domain, const struct control_request *request)
{
    shutdown_destroy(domain);
    answer(request, true, "it is ended");
}

static void set_memory(struct hv_domain *domain, const struct control_request *request)
{
    char digits[STORE_DIGITS_MAX];
    struct store_text number = {digits, store_put_number(digits, request->amount)};

    if (request->amount == 0 || request->amount % PAGE_KIB != 0)
        answer(request, false, "memory is whole pages of 4 KiB, one at least");
    else if (request->amount / PAGE_KIB > domain->engine.max_frames)
        answer(request, false,
               "that is more than its maximum: `paravane list` shows it, --maxmem says it at the start");
    else
        tell_written(request, xenstore_write(domain, "memory/target", number), "it has been asked");
}

static void set_vcpus(struct hv_domain *domain, const struct control_request *request)
{
    if (request->amount == 0)
        answer(request, false, "one vCPU has to stay");
    else if (request->amount > domain->engine.nr_vcpus)
        answer(request, false, "it has not so many: what it may have, --vcpus N,max=M says at the start");
    else
        tell_written(request, xenstore_write_vcpus(domain, (unsigned)request->amount), "it has been asked");
}

void control_listen(const struct control_devices *of)
{
    devices = of;
}

static void change_device(struct hv_domain *domain, const struct control_request *request)
{
    devices->change(domain, request);
}

static void serve_domain(const struct machine *machine, const struct control_request *request)
{
    static void (*const verbs[])(struct hv_domain *, const struct control_request *) = {
        [CONTROL_POWEROFF] = shut_down,   [CONTROL_REBOOT] = shut_down,     [CONTROL_DESTROY] = destroy,
        [CONTROL_MEMORY] = set_memory,    [CONTROL_VCPUS] = set_vcpus,      [CONTROL_PLUG] = change_device,
        [CONTROL_UNPLUG] = change_device, [CONTROL_REMOVE] = change_device,
    };
    struct hv_domain *domain =
        request->domain < machine->nr_domains ? hv_domain_find(machine, (uint16_t)request->domain) : NULL;

    if (domain && !domain->is_back_end)
        verbs[request->verb](domain, request);
    else
        answer(request, false, "there is no such guest");
}

static void serve(const struct machine *machine, const char *line, unsigned length, bool fits)
{
    struct control_request request = {0};

    if (!fits || !control_request_parse((struct blob){(const uint8_t *)line, length}, &request))
        answer(&(struct control_request){0}, false, "that is no request");
    else if (request.verb == CONTROL_LIST)
        list(machine, &request);
    else
        serve_domain(machine, &request);
}

/*
 * ---- The line.
 */

static struct {
    char bytes[CONTROL_LINE_MAX];
    unsigned length; /* CONTROL_LINE_MAX + 1: it is too long */
} line;

/* Is the line complete? */
static bool add(char byte)
{
    if (byte == '\n')
        return true;
    if (line.length < CONTROL_LINE_MAX)
        line.bytes[line.length] = byte;
    if (line.length <= CONTROL_LINE_MAX)
        line.length++;
    return false;
}

void control_poll(const struct machine *machine)
{
    int byte = -1;

    for (unsigned i = 0; i < AT_ONCE && (byte = serial_log_get()) >= 0; i++) {
        if (byte == '?' && line.length == 0) {
            report_where(machine);
            return;
        }
        if (!add((char)byte))
            continue;
        serve(machine, line.bytes, line.length, line.length <= CONTROL_LINE_MAX);
        line.length = 0;
        return;
    }
}
