/* SPDX-License-Identifier: MIT */
/*
 * In order: keys; a step of one device; devices that come and go; a turn.
 */
#include <abi/errno.h>
#include <guest/errno.h>
#include <guest/event.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guest/xenstore_ring.h>
#include <backend/work.h>
#include <backend/xenbus.h>

#define KEY_MAX    (XENBUS_PATH_MAX + 32u)
#define DOMAIN_MAX 0x7fefu /* DOMID_FIRST_RESERVED comes next */
#define LIST_MAX   1024u
#define TOLD_MAX   16u /* failures of a device */

static const struct xenbus_type *types[XENBUS_TYPES_MAX];
static unsigned nr_types;
static struct xenbus_device devices[XENBUS_DEVICES_MAX];
static unsigned nr_slots; /* of devices[] that have been in use: each turn looks at these */
static bool tree_changed, unreachable, crowded;

void xenbus_register(const struct xenbus_type *type)
{
    if (nr_types < XENBUS_TYPES_MAX)
        types[nr_types++] = type;
}

/*
 * ---- Keys.
 */

static const char *path_of(const char *directory, const char *key)
{
    static char path[KEY_MAX];

    (void)print_to(path, sizeof(path), "%s/%s", directory, key);
    return path;
}

int xenbus_read_front(struct xenbus_device *device, const char *key, char *value, size_t size)
{
    return xenstore_read(0, path_of(device->front, key), value, size);
}

int xenbus_read_front_number(struct xenbus_device *device, const char *key, uint64_t max, uint64_t *number)
{
    return xenstore_read_number(0, path_of(device->front, key), max, number);
}

int xenbus_read_back(struct xenbus_device *device, const char *key, char *value, size_t size)
{
    return xenstore_read(device->transaction, path_of(device->back, key), value, size);
}

int xenbus_read_back_number(struct xenbus_device *device, const char *key, uint64_t max, uint64_t *number)
{
    return xenstore_read_number(device->transaction, path_of(device->back, key), max, number);
}

int xenbus_write(struct xenbus_device *device, const char *key, const char *value)
{
    return xenstore_write(device->transaction, path_of(device->back, key), value);
}

int xenbus_write_number(struct xenbus_device *device, const char *key, uint64_t number)
{
    return xenstore_write_number(device->transaction, path_of(device->back, key), number);
}

/*
 * ---- A step.
 */

static void tell_failure(struct xenbus_device *device, const char *format, va_list args)
{
    if (device->nr_told == TOLD_MAX)
        return;
    device->nr_told++;
    print("%s: ", device->back);
    print_list(format, args);
    print(device->nr_told == TOLD_MAX ? "; of more like that nothing is said\n" : "\n");
}

void xenbus_fail(struct xenbus_device *device, const char *format, ...)
{
    va_list args;

    if (device->failed)
        return;
    device->failed = true;
    device->changed = true;
    work_again();
    va_start(args, format);
    tell_failure(device, format, args);
    va_end(args);
}

struct change {
    struct xenbus_device *device;
    enum xenbus_state state;
    int (*write)(struct xenbus_device *device); /* what belongs to it, NULL for nothing */
};

/* A directory that has gone meanwhile must not be made again by what is written into it. */
static int change_in_transaction(uint32_t transaction, void *argument)
{
    const struct change *change = argument;
    struct xenbus_device *device = change->device;
    uint64_t seen;
    int error;

    device->transaction = transaction;
    error = xenbus_read_back_number(device, "state", UINT32_MAX, &seen);
    if (!error && change->write)
        error = change->write(device);
    if (!error)
        error = xenbus_write_number(device, "state", change->state);
    device->transaction = 0;
    return error;
}

static int change_state(struct xenbus_device *device, enum xenbus_state state, int (*write)(struct xenbus_device *))
{
    struct change change = {device, state, write};
    int error = xenstore_transaction(change_in_transaction, &change);

    if (!error)
        device->state = state;
    return error;
}

static void connect(struct xenbus_device *device)
{
    int error = device->type->connect(device);

    device->open = !error;
    if (!error)
        error = change_state(device, XENBUS_CONNECTED, device->type->announce);
    if (error)
        xenbus_fail(device, "cannot be connected: %s", errno_name(error));
}

/* False: it stays as it is, and whoever changes something will say so. */
static bool go_to(struct xenbus_device *device, enum xenbus_state next)
{
    int error = 0;

    if (next == XENBUS_CONNECTED) {
        connect(device);
        return true;
    }
    error = change_state(device, next, next == XENBUS_INIT_WAIT ? device->type->publish : NULL);
    if (next == XENBUS_CLOSING)
        device->state = next; /* it is disconnected, whether that could be said or not */
    if (error && next == XENBUS_INIT_WAIT && error != -XEN_ENOENT && !device->failed) {
        xenbus_fail(device, "cannot be offered: %s", errno_name(error));
        return true;
    }
    return !error;
}

static enum xenbus_state state_of(uint64_t number, int error)
{
    return error || number >= XENBUS_STATES ? XENBUS_UNKNOWN : (enum xenbus_state)number;
}

/* The front end's state; the device has failed no longer once that has noticed, and begins anew. */
static enum xenbus_state look_at_front(struct xenbus_device *device)
{
    uint64_t number = 0;
    int error = xenbus_read_front_number(device, "state", UINT32_MAX, &number);
    enum xenbus_state front = state_of(number, error);

    if (device->state == XENBUS_CLOSED && front != XENBUS_INITIALISING)
        device->failed = false;
    return front;
}

static bool is_online(struct xenbus_device *device)
{
    uint64_t online = 0;

    return xenbus_read_back_number(device, "online", UINT32_MAX, &online) == 0 && online;
}

/* Did somebody make the directory anew, or has it gone? */
static bool is_another(struct xenbus_device *device)
{
    uint64_t number = 0;
    int error = xenbus_read_back_number(device, "state", UINT32_MAX, &number);

    return error == -XEN_ENOENT || (!error && number == XENBUS_INITIALISING && device->state != XENBUS_INITIALISING);
}

/* True when nothing of the front end's is in use.  One that has kept the rules has all its requests answered. */
static bool disconnect(struct xenbus_device *device)
{
    if (device->open && device->asked && device->type->refuse && !device->vanished && !device->failed) {
        device->type->refuse(device);
        return false;
    }
    if (device->open)
        device->open = !device->type->disconnect(device);
    return !device->open;
}

static void destroy(struct xenbus_device *device)
{
    device->type->destroy(device);
    (void)!xenstore_unwatch(&device->watch);
    *device = (struct xenbus_device){0};
    tree_changed = true; /* there may be another of its name already */
    work_again();
}

/* Is it to be disconnected before anything else becomes of it? */
static bool is_ending(const struct xenbus_device *device)
{
    return device->vanished || device->state == XENBUS_CLOSING;
}

static enum xenbus_wish wish_for(struct xenbus_device *device)
{
    if (device->failed)
        return XENBUS_REFUSE;
    return is_online(device) ? XENBUS_SERVE : XENBUS_LEAVE;
}

static void step(struct xenbus_device *device)
{
    enum xenbus_state front, next;
    enum xenbus_wish wish;

    if (is_ending(device) && !disconnect(device) && !(device->asked && device->changed))
        return;
    device->changed = false;
    device->vanished = device->vanished || is_another(device);
    if (device->vanished) {
        if (disconnect(device))
            destroy(device);
        return;
    }
    front = look_at_front(device);
    device->asked = xenbus_asks(front);
    wish = wish_for(device);
    device->wanted = wish == XENBUS_SERVE;
    next = xenbus_next(device->state, front, wish);
    if (device->state == XENBUS_CLOSING && device->open) {
        if (!device->asked)
            work_again(); /* to be disconnected */
        return;
    }
    if (device->state == XENBUS_CLOSING && next == XENBUS_CLOSED)
        device->failed = false; /* the front end has noticed, and may begin anew before the next look */
    if (next != device->state && go_to(device, next)) {
        device->changed = true;
        work_again();
    }
}

/*
 * ---- Devices.
 */

static void front_changed(struct xenstore_watch *watch, const char *path)
{
    struct xenbus_device *device = (struct xenbus_device *)((char *)watch - offsetof(struct xenbus_device, watch));

    (void)path;
    device->changed = true;
}

static struct xenbus_device *find(const char *path, size_t length)
{
    for (unsigned i = 0; i < XENBUS_DEVICES_MAX; i++) {
        if (devices[i].type && strncmp(devices[i].back, path, length) == 0 && !devices[i].back[length])
            return &devices[i];
    }
    return NULL;
}

static struct xenbus_device *find_free(void)
{
    for (unsigned i = 0; i < XENBUS_DEVICES_MAX; i++) {
        if (!devices[i].type)
            return &devices[i];
    }
    return NULL;
}

static void create(const struct xenbus_type *type, unsigned domain, const char *id, const char *path)
{
    static char watched[XENBUS_DEVICES_MAX][KEY_MAX];
    struct xenbus_device *device = find_free();
    char *front_state = device ? watched[device - devices] : NULL;
    int error;

    if (!device) {
        if (!crowded)
            print("%s: more than %u devices are not served\n", path, XENBUS_DEVICES_MAX);
        crowded = true;
        return;
    }
    if (device == &devices[nr_slots])
        nr_slots++;
    *device = (struct xenbus_device){.type = type, .domain = domain, .state = XENBUS_INITIALISING, .changed = true};
    (void)print_to(device->back, sizeof(device->back), "%s", path);
    (void)print_to(device->front, sizeof(device->front), "/local/domain/%u/device/%s/%s", domain, type->name, id);
    (void)print_to(front_state, KEY_MAX, "%s/state", device->front);
    error = type->create(device);
    if (!error) {
        device->watch = (struct xenstore_watch){.path = front_state, .changed = front_changed};
        error = xenstore_watch(&device->watch);
        if (error)
            type->destroy(device);
    }
    if (error) {
        print("%s: cannot be served: %s\n", path, errno_name(error));
        *device = (struct xenbus_device){0};
    }
}

/* A number without signs and zeroes in front, which is what domains and devices are named by. */
static bool to_number(const char *text, uint64_t max, uint64_t *number)
{
    *number = 0;
    if (!*text || (*text == '0' && text[1]))
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        *number = *number * 10 + (uint64_t)(*text - '0');
        if (*number > max)
            return false;
    }
    return true;
}

/* What is still being made has none, and will be seen again. */
static bool has_state(const char *path)
{
    uint64_t number;

    return xenstore_read_number(0, path_of(path, "state"), UINT32_MAX, &number) == 0;
}

static void find_in_domain(const struct xenbus_type *type, const char *domain)
{
    static char ids[LIST_MAX], path[XENBUS_PATH_MAX];
    uint64_t number, id_number;
    size_t used = 0;

    if (!to_number(domain, DOMAIN_MAX, &number))
        return;
    (void)print_to(path, sizeof(path), "backend/%s/%s", type->name, domain);
    if (xenstore_directory(0, path, ids, sizeof(ids), &used))
        return;
    for (const char *id = ids; id < ids + used; id += strlen(id) + 1) {
        if (!to_number(id, UINT32_MAX, &id_number))
            continue;
        (void)print_to(path, sizeof(path), "backend/%s/%s/%s", type->name, domain, id);
        if (!find(path, strlen(path)) && has_state(path))
            create(type, (unsigned)number, id, path);
    }
}

static void find_devices(void)
{
    static char domains[LIST_MAX], path[XENBUS_PATH_MAX];

    for (unsigned i = 0; i < nr_types; i++) {
        size_t used = 0;

        (void)print_to(path, sizeof(path), "backend/%s", types[i]->name);
        if (xenstore_directory(0, path, domains, sizeof(domains), &used))
            continue;
        for (const char *domain = domains; domain < domains + used; domain += strlen(domain) + 1)
            find_in_domain(types[i], domain);
    }
}

/* How much of @path names a device, "backend/TYPE/DOMAIN/ID"; 0 if there is less of it. */
static size_t device_length(const char *path)
{
    unsigned parts = 1;
    size_t length = 0;

    for (; path[length]; length++) {
        if (path[length] == '/' && parts++ == 4)
            return length;
    }
    return 0;
}

/*
 * What this domain itself writes is told it as well, and needs no look, but for the state, which another may have
 * written.
 */
static void back_changed(struct xenstore_watch *watch, const char *path)
{
    size_t length = device_length(path);
    struct xenbus_device *device = length ? find(path, length) : NULL;

    (void)watch;
    if (!device) {
        tree_changed = true;
        return;
    }
    if (strcmp(path + length, "/state") == 0 || strcmp(path + length, "/online") == 0)
        device->changed = true;
}

/*
 * ---- A turn.
 */

int xenbus_init(void)
{
    static struct xenstore_watch watch = {.path = "backend", .changed = back_changed};
    int error = xenstore_init();

    if (error)
        return error;
    event_set_handler(xenstore_ring_port(), work_note_event);
    return xenstore_watch(&watch);
}

static void look_into_store(void)
{
    static bool more = true;
    bool is_due = work_take_event(xenstore_ring_port()) || more;
    int error = is_due ? xenstore_poll(&more) : 0;

    if (error && !unreachable)
        print("xenbus: the xenstore cannot be used any more: %s\n", errno_name(error));
    unreachable = unreachable || error;
    if (more)
        work_again();
}

static void look_at_all(void)
{
    tree_changed = false;
    find_devices();
    for (unsigned i = 0; i < XENBUS_DEVICES_MAX; i++)
        devices[i].changed = true;
}

static void turn_of(struct xenbus_device *device)
{
    if (device->type && (device->changed || (device->open && is_ending(device))))
        step(device);
    if (device->type && device->open && device->state == XENBUS_CONNECTED && device->wanted && !device->vanished &&
        device->type->turn)
        device->type->turn(device);
}

/* Of those that there are the next one, or the same if there is no other. */
static unsigned next_device(unsigned after)
{
    unsigned next = after;

    do
        next = (next + 1) % nr_slots;
    while (next != after && !devices[next].type);
    return next;
}

/*
 * Each time another device is the first: where room is scarce, as in the queue before a card, the first one has most of
 * it.
 */
void xenbus_turn(void)
{
    static unsigned first;

    look_into_store();
    if (tree_changed)
        look_at_all();
    if (nr_slots)
        first = next_device(first);
    for (unsigned i = 0; i < nr_slots; i++)
        turn_of(&devices[(first + i) % nr_slots]);
}
