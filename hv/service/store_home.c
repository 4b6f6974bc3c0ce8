/* SPDX-License-Identifier: MIT */
/* The guest's directory, part by part. */
#include <abi/errno.h>
#include <hv/base/string.h>
#include <hv/domain/domain.h>
#include <hv/service/services.h>
#include <hv/service/store_home.h>
#include <hv/service/store_rights.h>
#include <hv/service/store_set.h>

#define PAGE_KIB      (PAGE_SIZE / 1024)
#define CONSOLE_LIMIT 1048576u /* bytes of output that are kept where a back end keeps it */

static int set(struct store_session *session, const char *name, struct store_text value)
{
    return store_set(session, store_home(session), name, value);
}

static int set_number(struct store_session *session, const char *name, uint64_t number)
{
    return store_set_number(session, store_home(session), name, number);
}

int store_home_set_vcpus(struct store_session *session, unsigned count, unsigned online)
{
    char digits[STORE_DIGITS_MAX], above[STORE_PLACE_MAX], place[STORE_PLACE_MAX];
    struct store_text cpus = store_set_path(store_home(session), store_text("cpu"), above);
    int error = 0;

    for (unsigned i = 0; i < count && !error; i++) {
        struct store_text number = {digits, store_put_number(digits, i)};

        error = store_set(session, store_set_path(cpus, number, place), "availability",
                          store_text(i < online ? "online" : "offline"));
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
    char bytes[STORE_PLACE_MAX];
    int error = store_set_at(session, home, store_text(""));

    store_set_rights(session->store, home, NULL, session);
    for (size_t i = 0; i < ARRAY_SIZE(nodes) && !error; i++) {
        error = set(session, nodes[i].name, store_text(nodes[i].value));
        if (nodes[i].own)
            store_set_rights(session->store, store_set_path(home, store_text(nodes[i].name), bytes), session, NULL);
    }
    return error;
}

/* Where the directories of what it serves will be: store_device.h. */
static int fill_backend(struct store_session *session)
{
    char bytes[STORE_PLACE_MAX];
    struct store_text path = store_set_path(store_home(session), store_text("backend"), bytes);
    int error = store_set_at(session, path, store_text(""));

    store_set_rights(session->store, path, session, NULL);
    return error;
}

/* There is no terminal behind the console that the guest could be told of. */
static int fill_console(struct store_session *session, const struct domain_console *console)
{
    char digits[STORE_DIGITS_MAX], above[STORE_PLACE_MAX], backend[STORE_PLACE_MAX];
    struct store_text number = {digits, store_put_number(digits, session->domid)}, place;
    int error;

    place = store_set_path(store_text("/local/domain/0/backend/console"), number, above);
    error = set(session, "console/backend", store_set_path(place, store_text("0"), backend));
    error |= set_number(session, "console/backend-id", 0);
    error |= set_number(session, "console/limit", CONSOLE_LIMIT);
    error |= set(session, "console/type", store_text("paravane"));
    error |= set(session, "console/output", store_text("pty"));
    error |= set(session, "console/tty", store_text(""));
    error |= set_number(session, "console/port", console->port);
    error |= set_number(session, "console/ring-ref", console->frame.v);
    return error;
}

#define UUID_LENGTH 36u

/* As people write one. */
static void write_uuid(char *text, const uint8_t uuid[16])
{
    static const char digits[] = "0123456789abcdef";

    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *text++ = '-';
        *text++ = digits[uuid[i] >> 4];
        *text++ = digits[uuid[i] & 15];
    }
    *text = '\0';
}

/* Not for the guest: what tools know of it. */
static int fill_vm(struct store_session *session, const struct hv_domain *domain)
{
    char uuid[UUID_LENGTH + 1], bytes[STORE_PLACE_MAX];
    struct store_text vm;
    int error;

    write_uuid(uuid, domain->uuid);
    vm = store_set_path(store_text("/vm"), store_text(uuid), bytes);
    error = set(session, "vm", vm);
    error |= store_set_at(session, vm, store_text(""));
    error |= store_set(session, vm, "name", store_text(domain->name));
    error |= store_set(session, vm, "uuid", store_text(uuid));
    return error;
}

/* As what starts domains elsewhere leaves it for a guest that has no devices. */
static int fill(struct store_session *session, const struct hv_domain *domain)
{
    int error = fill_home(session);

    error |= set(session, "name", store_text(domain->name));
    error |= set_number(session, "domid", session->domid);
    error |= set_number(session, "memory/target", domain->engine.nr_frames * PAGE_KIB);
    error |= set_number(session, "memory/static-max", domain->engine.max_frames * PAGE_KIB);
    error |= set_number(session, "store/port", domain->services->store.port);
    error |= set_number(session, "store/ring-ref", domain->services->store.frame.v);
    if (domain->services->console.ring)
        error |= fill_console(session, &domain->services->console);
    if (domain->is_back_end)
        error |= fill_backend(session);
    error |= store_home_set_vcpus(session, domain->engine.nr_vcpus, domain->vcpus_at_start);
    return error | fill_vm(session, domain);
}

int store_home_fill(struct store_session *session, const struct hv_domain *domain)
{
    return fill(session, domain) ? -XEN_ENOSPC : 0;
}
