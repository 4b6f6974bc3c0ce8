/* SPDX-License-Identifier: MIT */
/* In order: nodes that the hypervisor writes; the guest's directory, part by part. */
#include <abi/errno.h>
#include <hv/base/string.h>
#include <hv/domain/domain.h>
#include <hv/service/services.h>
#include <hv/service/store_home.h>
#include <hv/service/store_operation.h>
#include <hv/service/store_rights.h>
#include <hv/service/store_transaction.h>

#define PLACE_MAX     128u
#define CONSOLE_LIMIT 1048576u /* bytes of output that are kept where a back end keeps it */

static void append(char *to, size_t *length, struct store_text text)
{
    for (size_t i = 0; i < text.length && *length < PLACE_MAX; i++)
        to[(*length)++] = text.bytes[i];
}

/* The path of @name, below @above, in @bytes of PLACE_MAX bytes. */
static struct store_text path_below(const char *above, const char *name, char *bytes)
{
    size_t length = 0;

    append(bytes, &length, store_text(above));
    append(bytes, &length, store_text("/"));
    append(bytes, &length, store_text(name));
    return (struct store_text){bytes, length};
}

/* Write @value at @path, as the hypervisor, at the expense of the domain. */
static int put(struct store_session *session, struct store_text path, struct store_text value)
{
    struct store_transaction alone = {.session = session};
    int error = store_operation_write(&alone, path, value);

    return error ? error : store_change_settle_all(&alone);
}

/* Write @value at @name, below @above. */
static int set(struct store_session *session, const char *above, const char *name, struct store_text value)
{
    char bytes[PLACE_MAX];

    return put(session, path_below(above, name, bytes), value);
}

static int set_number(struct store_session *session, const char *above, const char *name, uint64_t number)
{
    char digits[STORE_DIGITS_MAX];

    return set(session, above, name, (struct store_text){digits, store_put_number(digits, number)});
}

static struct store_permission entry(char letter, uint32_t instance, unsigned domid)
{
    return (struct store_permission){.instance = instance, .domid = (uint16_t)domid, .letter = letter};
}

/* Of a node that has just been written, which nobody has looked at. */
static void set_permissions(struct store_session *session, struct store_text path, const struct store_permissions *list)
{
    struct store_node *node = store_tree_find(&session->store->tree, path);

    if (node)
        node->permissions = *list;
}

/* The guest owns the node at @path, and nobody else sees it. */
static void give(struct store_session *session, struct store_text path)
{
    const struct store_permissions list = {1, {entry('n', session->instance, session->domid)}};

    set_permissions(session, path, &list);
}

/* The guest may read the node at @path. */
static void show(struct store_session *session, struct store_text path)
{
    const struct store_permissions list = {
        2, {entry('n', STORE_CONTROL, 0), entry('r', session->instance, session->domid)}};

    set_permissions(session, path, &list);
}

static int fill_vcpus(struct store_session *session, unsigned count)
{
    char name[PLACE_MAX];
    int error = 0;

    for (unsigned i = 0; i < count && !error; i++) {
        size_t length = 0;

        append(name, &length, store_text("cpu/"));
        length += store_put_number(name + length, i);
        append(name, &length, store_text("/availability"));
        name[length] = '\0';
        error = set(session, session->home, name, store_text("online"));
    }
    return error;
}

/* What any guest finds below its directory, and whether it may write there.  Domains of xl(1) have the same. */
static const struct {
    const char *name, *value;
    bool own;
} nodes[] = {
    {"device", "", false},
    {"device/suspend/event-channel", "", true},
    {"control/shutdown", "", true},
    {"control/feature-poweroff", "", true},
    {"control/feature-reboot", "", true},
    {"control/feature-suspend", "", true},
    {"control/sysrq", "", true},
    {"control/platform-feature-multiprocessor-suspend", "1", false},
    {"control/platform-feature-xs_reset_watches", "1", false},
    {"data", "", true},
    {"drivers", "", true},
    {"feature", "", true},
    {"attr", "", true},
    {"error", "", true},
    {"memory/videoram", "0", false},
};

/* Of the whole tree the guest sees its own directory. */
static int fill_home(struct store_session *session)
{
    struct store_text home = store_home(session);
    char bytes[PLACE_MAX];
    int error = put(session, home, store_text(""));

    show(session, home);
    for (size_t i = 0; i < ARRAY_SIZE(nodes) && !error; i++) {
        error = set(session, session->home, nodes[i].name, store_text(nodes[i].value));
        if (nodes[i].own)
            give(session, path_below(session->home, nodes[i].name, bytes));
    }
    return error;
}

/* There is no terminal behind the console that the guest could be told of. */
static int fill_console(struct store_session *session, const struct domain_console *console)
{
    const char *home = session->home;
    char backend[PLACE_MAX];
    size_t length = 0;
    int error;

    append(backend, &length, store_text("/local/domain/0/backend/console/"));
    length += store_put_number(backend + length, session->domid);
    append(backend, &length, store_text("/0"));
    error = set(session, home, "console/backend", (struct store_text){backend, length});
    error |= set_number(session, home, "console/backend-id", 0);
    error |= set_number(session, home, "console/limit", CONSOLE_LIMIT);
    error |= set(session, home, "console/type", store_text("paravane"));
    error |= set(session, home, "console/output", store_text("pty"));
    error |= set(session, home, "console/tty", store_text(""));
    error |= set_number(session, home, "console/port", console->port);
    error |= set_number(session, home, "console/ring-ref", console->frame.v);
    return error;
}

/* As XENVER_guest_handle: nobody chooses one, so the number of the domain is all that it says. */
#define UUID_LENGTH 36u

static void write_uuid(char *uuid, unsigned domid)
{
    static const char digits[] = "0123456789abcdef";

    memcpy(uuid, "00000000-0000-0000-0000-000000000000", UUID_LENGTH + 1);
    for (unsigned i = 1; i <= 4; i++, domid >>= 4)
        uuid[UUID_LENGTH - i] = digits[domid & 15];
}

/* Not for the guest: what tools know of it. */
static int fill_vm(struct store_session *session, const struct hv_domain *domain)
{
    char uuid[UUID_LENGTH + 1], bytes[PLACE_MAX], vm[PLACE_MAX + 1] = {0};
    int error;

    write_uuid(uuid, session->domid);
    memcpy(vm, "/vm/", 4);
    memcpy(vm + 4, uuid, sizeof(uuid));
    error = set(session, session->home, "vm", store_text(vm));
    error |= put(session, path_below("/vm", uuid, bytes), store_text(""));
    error |= set(session, vm, "name", store_text(domain->name));
    error |= set(session, vm, "uuid", store_text(uuid));
    return error;
}

/* As what starts domains elsewhere leaves it for a guest that has no devices. */
static int fill(struct store_session *session, const struct hv_domain *domain)
{
    const char *home = session->home;
    uint64_t kib = domain->engine.max_frames * (PAGE_SIZE / 1024);
    int error = fill_home(session);

    error |= set(session, home, "name", store_text(domain->name));
    error |= set_number(session, home, "domid", session->domid);
    error |= set_number(session, home, "memory/target", kib);
    error |= set_number(session, home, "memory/static-max", kib);
    error |= set_number(session, home, "store/port", domain->services->store.port);
    error |= set_number(session, home, "store/ring-ref", domain->services->store.frame.v);
    if (domain->services->console.ring)
        error |= fill_console(session, &domain->services->console);
    error |= fill_vcpus(session, domain->engine.nr_vcpus);
    return error | fill_vm(session, domain);
}

int store_home_fill(struct store_session *session, const struct hv_domain *domain)
{
    struct store_account *account = session->account;
    bool privileged = session->privileged;
    int error;

    store_enter(session->store, NULL);
    session->privileged = true; /* it is the hypervisor that writes */
    session->account = &session->own;
    error = fill(session, domain);
    session->privileged = privileged;
    session->account = account;
    return error ? -XEN_ENOSPC : 0;
}
