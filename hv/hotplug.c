/* SPDX-License-Identifier: MIT */
/* In order: the directories that go; what is asked; the beginning. */
#include <hv/directories.h>
#include <hv/domain/domain.h>
#include <hv/hotplug.h>
#include <hv/service/control.h>
#include <hv/service/control_request.h>
#include <hv/service/xenstore.h>
#include <hv/time/time.h>
#include <hv/time/timer.h>

#define LOOK  UINT64_C(50000000) /* ns between two looks at the back end's state */
#define PAUSE UINT64_C(1000000000)

static struct plug {
    struct timer timer; /* first: its function is given that */
    enum { PLUG_IN, PLUG_CLOSING, PLUG_PAUSING, PLUG_OUT } state;
    uint32_t request; /* in between: which one is answered when it is out */
    const struct bundle_domain *description;
    const struct bundle_device *device;
} plugs[BUNDLE_DOMAINS_MAX][BUNDLE_DEVICES_MAX]; /* by place in the bundle and in the settings */

static const struct machine *machine;
static const struct bundle *bundle;

bool hotplug_is_in(const struct bundle_domain *description, unsigned place)
{
    return plugs[description - bundle->domains][place].state == PLUG_IN;
}

bool hotplug_is_closing(const struct bundle_domain *description, unsigned place)
{
    return plugs[description - bundle->domains][place].state == PLUG_CLOSING;
}

/* The domains of both ends, NULL for one that does not live. */
struct ends {
    struct hv_domain *front, *back;
};

static struct ends find_ends(const struct plug *plug)
{
    return (struct ends){hv_domain_find(machine, (uint16_t)plug->description->id),
                         hv_domain_find(machine, (uint16_t)plug->device->backend)};
}

/*
 * ---- The directories that go.
 */

static void end_pause(struct timer *timer)
{
    struct plug *plug = (struct plug *)timer;

    plug->state = PLUG_OUT;
    directories_say(plug->description, plug->device, "unplugged", "");
    control_answer(plug->request, true, "it is unplugged");
}

/* With either domain its directories have gone, but for one of a front end whose ring outlives its back end. */
static void begin_pause(struct plug *plug)
{
    struct store_device_node nodes[BUNDLE_NODES_MAX];
    const struct store_device stored = directories_as_stored(plug->device, nodes);
    struct ends ends = find_ends(plug);

    if (ends.front && ends.back)
        xenstore_unplug_device(ends.front, ends.back, &stored);
    else if (ends.front)
        xenstore_remove_device(ends.front, &stored);
    plug->state = PLUG_PAUSING;
    plug->timer.expire = end_pause;
    timer_set(&plug->timer, time_now() + PAUSE);
}

/* Without a back end, what it has not answered is still the next one's to answer, where the ring outlives it. */
static bool is_closed(const struct plug *plug)
{
    struct store_device_node nodes[BUNDLE_NODES_MAX];
    const struct store_device stored = directories_as_stored(plug->device, nodes);
    struct ends ends = find_ends(plug);

    if (!ends.front || !ends.back)
        return !ends.front || !directories_outlive(plug->device);
    return xenstore_device_is_closed(ends.front, ends.back, &stored);
}

static void look(struct timer *timer)
{
    struct plug *plug = (struct plug *)timer;

    if (is_closed(plug))
        begin_pause(plug);
    else
        timer_set(&plug->timer, time_now() + LOOK);
}
_Static_assert(offsetof(struct plug, timer) == 0, "look(), end_pause()");

/*
 * ---- What is asked: NULL, or why it is refused.
 */

static const char *unplug(struct plug *plug, uint32_t request)
{
    struct store_device_node nodes[BUNDLE_NODES_MAX];
    const struct store_device stored = directories_as_stored(plug->device, nodes);
    struct ends ends = find_ends(plug);

    if (plug->state != PLUG_IN)
        return plug->state == PLUG_OUT ? "it is not plugged in" : "it is being unplugged already";
    if (ends.back && xenstore_close_device(ends.front, ends.back, &stored))
        return "the guest has filled its part of the xenstore, so that it cannot be told";
    plug->state = PLUG_CLOSING;
    plug->request = request;
    plug->timer.expire = look;
    timer_set(&plug->timer, time_now() + LOOK);
    return NULL;
}

/* Who waits for the guest to let go of it waits no longer. */
static const char *take(struct plug *plug, uint32_t request)
{
    if (plug->state == PLUG_OUT)
        return "it is not plugged in";
    if (plug->state == PLUG_PAUSING)
        return "it is being unplugged already";
    if (plug->state == PLUG_CLOSING)
        control_answer(plug->request, false, "it has been removed meanwhile");
    plug->request = request;
    begin_pause(plug);
    return NULL;
}

static const char *plug_in(struct plug *plug, uint32_t request)
{
    struct store_device_node nodes[BUNDLE_NODES_MAX];
    const struct store_device stored = directories_as_stored(plug->device, nodes);
    struct ends ends = find_ends(plug);

    if (plug->state != PLUG_OUT)
        return plug->state == PLUG_IN ? "it is plugged in" : "it is still being unplugged";
    if (!ends.back)
        return "the domain that serves it is not there";
    if (xenstore_write_device(ends.front, ends.back, &stored))
        return "the xenstore has no room for it";
    plug->state = PLUG_IN;
    directories_say(plug->description, plug->device, "plugged in", "");
    control_answer(request, true, "it is plugged in");
    return NULL;
}

static struct plug *find(const struct hv_domain *domain, uint64_t place)
{
    for (unsigned i = 0; i < bundle->nr_domains; i++) {
        if (bundle->domains[i].id == domain->engine.id.v && place < bundle->domains[i].nr_devices)
            return &plugs[i][place];
    }
    return NULL;
}

static void change(struct hv_domain *domain, const struct control_request *request)
{
    struct plug *plug = find(domain, request->amount);
    const char *problem;

    if (!plug)
        problem = "it has no such device";
    else if (request->verb == CONTROL_PLUG)
        problem = plug_in(plug, request->id);
    else if (request->verb == CONTROL_UNPLUG)
        problem = unplug(plug, request->id);
    else
        problem = take(plug, request->id);
    if (problem)
        control_answer(request->id, false, problem);
}

static uint32_t out(const struct hv_domain *domain)
{
    const struct plug *plug;
    uint32_t mask = 0;

    for (unsigned i = 0; (plug = find(domain, i)) != NULL; i++) {
        if (plug->state != PLUG_IN)
            mask |= UINT32_C(1) << i;
    }
    return mask;
}
_Static_assert(BUNDLE_DEVICES_MAX <= 32, "out()");

/*
 * ---- The beginning.
 */

void hotplug_begin(const struct machine *of, const struct bundle *guests)
{
    static const struct control_devices devices = {change, out};

    machine = of;
    bundle = guests;
    for (unsigned i = 0; i < guests->nr_domains; i++) {
        for (unsigned j = 0; j < guests->domains[i].nr_devices; j++)
            plugs[i][j] = (struct plug){.description = &guests->domains[i], .device = &guests->domains[i].devices[j]};
    }
    control_listen(&devices);
}
