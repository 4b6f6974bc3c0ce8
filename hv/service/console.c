/* SPDX-License-Identifier: MIT */
/*
 * The console: output to the serial line, input from it to the domain that it is for.  The guest's ring is memory that
 * it can write at any time: each of its indexes is read once, and believed only as far as the ring reaches.
 */
#include <abi/event.h>
#include <abi/io.h>
#include <engine/port.h>
#include <hv/domain/domain.h>
#include <hv/domain/vcpu.h>
#include <hv/service/console.h>
#include <hv/service/console_list.h>
#include <hv/service/control.h>
#include <hv/service/event_channel.h>
#include <hv/service/power_button.h>
#include <hv/service/services.h>
#include <hv/time/time.h>
#include <hv/time/timer.h>

#define POLL_INTERVAL UINT64_C(10000000) /* ns */
#define CHUNK         128u
#define BACKGROUND    128u

static struct hv_domain *attached;
static struct timer poll_timer;

static uint32_t read_index(const uint32_t *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void write_index(uint32_t *index, uint32_t value)
{
    __atomic_store_n(index, value, __ATOMIC_RELEASE);
}

void console_multiplex(void)
{
    console_output_multiplex();
    console_input_multiplex();
}

int console_create(struct hv_domain *domain, mfn_t frame)
{
    int error = event_open_backend(domain, console_run, &domain->services->console.port);

    if (error)
        return error;
    domain->services->console.frame = frame;
    domain->services->console.ring = port_frame_map(frame);
    return 0;
}

/*
 * Was there anything?  @all of it is sent, one ring's worth at most; otherwise about BACKGROUND bytes, however many
 * lines the guest makes of them.
 */
static bool take_output(struct hv_domain *domain, struct xencons_interface *ring, bool all)
{
    bool foreground = domain == attached;
    uint32_t at = read_index(&ring->out_cons), end = read_index(&ring->out_prod);
    char chunk[CHUNK];
    size_t sent = 0;

    if (at == end || end - at > sizeof(ring->out))
        return false;
    while (at != end && (all || sent < BACKGROUND)) {
        size_t count = 0, most = foreground ? CHUNK : 1;

        for (; count < most && at != end; count++, at++)
            chunk[count] = __atomic_load_n(&ring->out[MASK_XENCONS_IDX(at, ring->out)], __ATOMIC_RELAXED);
        sent += console_output(domain, foreground, chunk, count);
    }
    write_index(&ring->out_cons, at);
    return true;
}

/* Was there anything, and room for it? */
static bool give_input(struct console_input *input, struct xencons_interface *ring)
{
    uint32_t at = read_index(&ring->in_prod), used = at - read_index(&ring->in_cons);
    uint32_t count = input->come - input->taken;

    if (used > sizeof(ring->in))
        return false;
    if (count > sizeof(ring->in) - used)
        count = (uint32_t)sizeof(ring->in) - used;
    for (uint32_t i = 0; i < count; i++)
        __atomic_store_n(&ring->in[MASK_XENCONS_IDX(at + i, ring->in)],
                         input->bytes[(input->taken + i) % CONSOLE_INPUT_MAX], __ATOMIC_RELAXED);
    input->taken += count;
    if (count > 0)
        write_index(&ring->in_prod, at + count);
    return count > 0;
}

/* Who is spoken to on a multiplexed line comes to the foreground. */
static void take_input(void)
{
    const struct machine *machine = attached->engine.machine;
    struct hv_domain *selected;

    console_input_take(machine, attached);
    selected = console_output_is_multiplexed() ? console_input_selected(machine) : NULL;
    if (selected)
        attached = selected;
}

static void run(struct hv_domain *domain)
{
    struct domain_console *console = &domain->services->console;
    struct xencons_interface *ring = console->ring;
    bool moved;

    if (ring) {
        /* What is left of the background follows when it speaks again, or in its turn. */
        moved = take_output(domain, ring, domain == attached);
        moved |= give_input(&console->input, ring);
        if (moved)
            event_notify(domain, console->port);
    } else if (domain->initial && console->announced != console->input.come) {
        console->announced = console->input.come;
        event_raise_virq(hv_vcpu_find(domain, 0), VIRQ_CONSOLE);
    }
}

void console_run(struct hv_domain *domain)
{
    if (domain == attached)
        take_input();
    run(domain);
}

void console_poll(void)
{
    if (attached)
        console_run(attached);
}

/* One of the others, in turn: what it has said may be waiting. */
static void poll_background(const struct machine *machine)
{
    static unsigned turn;

    for (unsigned i = 0; i < machine->nr_domains; i++) {
        struct hv_domain *domain = hv_domain_find(machine, (uint16_t)(++turn % machine->nr_domains));

        if (domain && domain != attached) {
            run(domain);
            return;
        }
    }
}

static void poll_again(struct timer *timer)
{
    if (!attached)
        return;
    console_poll();
    poll_background(attached->engine.machine);
    if (console_input_list_wanted())
        console_list_send(attached->engine.machine);
    control_poll(attached->engine.machine);
    power_button_poll(attached->engine.machine);
    timer_set(timer, time_now() + POLL_INTERVAL);
}

void console_detach(struct hv_domain *domain)
{
    struct xencons_interface *ring = domain->services->console.ring;

    if (ring)
        (void)take_output(domain, ring, true);
    console_output_flush(domain, false);
    if (attached != domain)
        return;
    timer_stop(&poll_timer);
    attached = NULL;
}

void console_attach(struct hv_domain *domain)
{
    console_output_flush(domain, true);
    attached = domain;
    poll_timer.expire = poll_again;
    timer_set(&poll_timer, time_now() + POLL_INTERVAL);
}

bool console_is_free(void)
{
    return !attached;
}

size_t console_read(struct hv_domain *domain, char *bytes, size_t count)
{
    struct console_input *input = &domain->services->console.input;
    size_t done = 0;

    if (domain == attached)
        take_input();
    for (; done < count && input->taken != input->come; done++)
        bytes[done] = input->bytes[input->taken++ % CONSOLE_INPUT_MAX];
    return done;
}

void console_write(struct hv_domain *domain, const char *bytes, size_t count)
{
    char *last = &domain->services->console.last;

    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\n' && *last != '\r')
            (void)console_output(domain, domain == attached, "\r", 1);
        (void)console_output(domain, domain == attached, &bytes[i], 1);
        *last = bytes[i];
    }
}
