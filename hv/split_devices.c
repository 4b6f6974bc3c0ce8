/* SPDX-License-Identifier: MIT */
/* In order: back ends; those of a guest; back ends that come again; guests that wait for their back ends. */
#include <engine/check.h>
#include <hv/directories.h>
#include <hv/domain/sched.h>
#include <hv/domain/vcpu.h>
#include <hv/hotplug.h>
#include <hv/kernel/bundle.h>
#include <hv/service/store_device.h>
#include <hv/service/xenstore.h>
#include <hv/split_devices.h>
#include <hv/time/time.h>
#include <hv/time/timer.h>

#define PATIENCE UINT64_C(10000000000) /* ns */
#define PAUSE    UINT64_C(1000000000)

/*
 * ---- Back ends.
 */

/* What becomes of a back end that ends. */
enum fate {
    COMES_AGAIN,
    CLOSES, /* it comes once more, to close what it served */
    GIVEN_UP,
};

struct returning {
    struct timer timer; /* first: its function is given that */
    const struct machine *machine;
    const struct bundle *bundle; /* NULL: it has never been built */
    enum fate fate;
};

static struct returning returning[BUNDLE_DOMAINS_MAX]; /* by the back end's place in the bundle */

/* Has the back end of number @id that fate?  None has, if it has never been built. */
static bool has_fate(unsigned id, enum fate fate)
{
    for (unsigned i = 0; i < BUNDLE_DOMAINS_MAX; i++) {
        if (returning[i].bundle && returning[i].bundle->domains[i].id == id)
            return returning[i].fate == fate;
    }
    return false;
}

/* Is the back end of number @id there, or about to be built anew, so that it serves? */
static bool is_to_come(unsigned id)
{
    return has_fate(id, COMES_AGAIN);
}

static void set_fate(const struct bundle *bundle, unsigned id, enum fate fate)
{
    for (unsigned i = 0; i < bundle->nr_domains; i++) {
        if (bundle->domains[i].id == id)
            returning[i].fate = fate;
    }
}

void split_devices_give_up(const struct bundle *bundle, unsigned id)
{
    set_fate(bundle, id, GIVEN_UP);
}

void split_devices_close(const struct bundle *bundle, unsigned id)
{
    set_fate(bundle, id, CLOSES);
}

/*
 * ---- Those of a guest.
 */

void split_devices_write(const struct machine *machine, const struct bundle_domain *description)
{
    struct hv_domain *front = hv_domain_find(machine, (uint16_t)description->id), *back;

    for (unsigned i = 0; front && i < description->nr_devices; i++) {
        const struct bundle_device *device = &description->devices[i];

        back = hv_domain_find(machine, (uint16_t)device->backend);
        if (!hotplug_is_in(description, i))
            directories_say(description, device, "it does without", ", which is unplugged");
        else if (back && !has_fate(device->backend, CLOSES))
            directories_write(front, back, description, device);
        else if (!is_to_come(device->backend))
            directories_say(description, device, "it does without", ", which nobody serves");
    }
}

/* A front end whose ring outlives the back end goes on when that comes again, and has to be told when it does not. */
static void remove_one(struct hv_domain *front, const struct bundle_device *device)
{
    struct store_device_node nodes[BUNDLE_NODES_MAX];
    const struct store_device stored = directories_as_stored(device, nodes);
    bool ends = has_fate(device->backend, CLOSES) || has_fate(device->backend, GIVEN_UP);

    if (!directories_outlive(device) || (ends && !directories_close(device)))
        xenstore_remove_device(front, &stored);
    else if (has_fate(device->backend, GIVEN_UP))
        xenstore_give_up_device(front, device->backend, &stored);
}

void split_devices_remove_served(const struct machine *machine, const struct bundle *bundle, unsigned id)
{
    for (unsigned i = 0; i < bundle->nr_domains; i++) {
        const struct bundle_domain *description = &bundle->domains[i];
        struct hv_domain *front = hv_domain_find(machine, (uint16_t)description->id);

        for (unsigned j = 0; front && j < description->nr_devices; j++) {
            if (description->devices[j].backend == id)
                remove_one(front, &description->devices[j]);
        }
    }
}

/*
 * ---- Back ends that come again.
 */

/* A guest that has not started, and what starts it. */
struct waiting {
    struct timer timer;       /* first: its function is given that */
    struct hv_domain *domain; /* NULL: nobody waits here */
    const struct bundle_domain *description;
};

static struct waiting all[BUNDLE_DOMAINS_MAX];

/* Such a one has seen nothing yet, and gets its directories at once. */
static bool has_started(const struct bundle_domain *description)
{
    for (unsigned i = 0; i < BUNDLE_DOMAINS_MAX; i++) {
        if (all[i].domain && all[i].description == description)
            return false;
    }
    return true;
}

/*
 * A guest that was built meanwhile has its directories already.  @lasting: those alone whose rings outlive the back
 * end, for which nobody has to see that anything had gone.
 */
static void write_missing(const struct machine *machine, const struct bundle_domain *description,
                          const struct bundle_domain *back_end, bool lasting)
{
    struct hv_domain *front = hv_domain_find(machine, (uint16_t)description->id);
    struct hv_domain *back = hv_domain_find(machine, (uint16_t)back_end->id);
    struct store_device_node nodes[BUNDLE_NODES_MAX];

    for (unsigned i = 0; front && back && i < description->nr_devices; i++) {
        const struct bundle_device *device = &description->devices[i];
        const struct store_device stored = directories_as_stored(device, nodes);

        if (device->backend != back_end->id || (lasting && !directories_outlive(device)) ||
            xenstore_device_is_there(front, back, &stored))
            continue;
        if (has_fate(back_end->id, CLOSES) || hotplug_is_closing(description, i))
            directories_write_end(front, back, description, device);
        else if (hotplug_is_in(description, i))
            directories_write_again(front, back, description, device);
    }
}

static void end_pause(struct timer *timer)
{
    const struct returning *back_end = (struct returning *)timer;
    const struct bundle *bundle = back_end->bundle;

    for (unsigned i = 0; i < bundle->nr_domains; i++)
        write_missing(back_end->machine, &bundle->domains[i], &bundle->domains[back_end - returning], false);
}
_Static_assert(offsetof(struct returning, timer) == 0, "end_pause()");

void split_devices_write_served(const struct machine *machine, const struct bundle *bundle, unsigned id)
{
    for (unsigned i = 0; i < bundle->nr_domains; i++) {
        if (bundle->domains[i].id != id || !bundle->domains[i].is_back_end)
            continue;
        for (unsigned j = 0; j < bundle->nr_domains; j++)
            write_missing(machine, &bundle->domains[j], &bundle->domains[i], has_started(&bundle->domains[j]));
        returning[i].machine = machine;
        returning[i].bundle = bundle;
        if (returning[i].fate == GIVEN_UP)
            returning[i].fate = COMES_AGAIN;
        returning[i].timer.expire = end_pause;
        timer_set(&returning[i].timer, time_now() + PAUSE);
    }
}

/*
 * ---- Guests that wait.
 */

/*
 * A device that its back end has not looked at, which may have ended and come again; NULL: there is none.  Nobody waits
 * for one that is not served.
 */
static const struct bundle_device *find_new(const struct waiting *waiting)
{
    const struct machine *machine = waiting->domain->engine.machine;
    struct store_device_node nodes[BUNDLE_NODES_MAX];

    for (unsigned i = 0; i < waiting->description->nr_devices; i++) {
        const struct bundle_device *device = &waiting->description->devices[i];
        const struct hv_domain *back = hv_domain_find(machine, (uint16_t)device->backend);
        const struct store_device stored = directories_as_stored(device, nodes);

        if (!hotplug_is_in(waiting->description, i))
            continue;
        if (back ? xenstore_device_is_new(waiting->domain, back, &stored) : is_to_come(device->backend))
            return device;
    }
    return NULL;
}

static void start(struct waiting *waiting)
{
    struct hv_domain *domain = waiting->domain;

    timer_stop(&waiting->timer);
    waiting->domain = NULL;
    sched_start(hv_vcpu_of(domain->vcpus[0]));
}

void split_devices_look(void)
{
    for (unsigned i = 0; i < BUNDLE_DOMAINS_MAX; i++) {
        if (all[i].domain && !find_new(&all[i]))
            start(&all[i]);
    }
}

static void lose_patience(struct timer *timer)
{
    struct waiting *waiting = (struct waiting *)timer;
    const struct bundle_device *device = find_new(waiting);

    if (device)
        directories_say(waiting->description, device, "it starts without", ", which has not been looked at for 10 s");
    start(waiting);
}
_Static_assert(offsetof(struct waiting, timer) == 0, "lose_patience()");

void split_devices_start(struct hv_domain *domain, const struct bundle_domain *description)
{
    struct waiting *waiting = all;

    while (waiting->domain) /* one for each domain of a bundle */
        waiting++;
    *waiting = (struct waiting){.domain = domain, .description = description};
    if (!find_new(waiting)) {
        start(waiting);
        return;
    }
    xenstore_listen(split_devices_look);
    waiting->timer.expire = lose_patience;
    timer_set(&waiting->timer, time_now() + PATIENCE);
}

void split_devices_forget(const struct hv_domain *domain)
{
    for (unsigned i = 0; i < BUNDLE_DOMAINS_MAX; i++) {
        if (all[i].domain != domain)
            continue;
        timer_stop(&all[i].timer);
        all[i].domain = NULL;
    }
}
