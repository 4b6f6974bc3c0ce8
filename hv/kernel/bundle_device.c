/* SPDX-License-Identifier: MIT */
/* In order: a device, nodes of its directories, what they all have to fit. */
#include <abi/errno.h>
#include <abi/mmu.h>
#include <hv/kernel/bundle_device.h>

#define ID_MAX 999999999u /* as large as numbers of the xenstore are read */

static int fail(const char **problem, const char *text)
{
    *problem = text;
    return -XEN_EINVAL;
}

static bool is_in_names(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '-' || byte == '_';
}

static bool is_name(struct blob name)
{
    for (uint64_t i = 0; i < name.size; i++) {
        if (!is_in_names(name.bytes[i]))
            return false;
    }
    return name.size > 0 && name.size <= BUNDLE_NODE_NAME_MAX;
}

static bool is_same(struct blob a, struct blob b)
{
    return a.size == b.size && memcmp(a.bytes, b.bytes, a.size) == 0;
}

/* A number that is written in one way only, because it becomes the name of a node. */
static bool read_id(struct blob text, uint64_t *id)
{
    return blob_decimal(text, id) && *id <= ID_MAX && (text.bytes[0] != '0' || text.size == 1);
}

static bool has_device(const struct bundle_domain *domain, struct blob type, uint64_t id)
{
    for (unsigned i = 0; i < domain->nr_devices; i++) {
        if (domain->devices[i].id == id && is_same(domain->devices[i].type, type))
            return true;
    }
    return false;
}

int bundle_device_add(struct bundle_domain *domain, struct blob value, const char **problem)
{
    struct blob type = blob_until(value, '/'), rest = blob_skip(value, type.size + 1), id = blob_until(rest, ' ');
    uint64_t number, backend;

    if (!is_name(type) || !read_id(id, &number) || !blob_decimal(blob_skip(rest, id.size + 1), &backend) ||
        backend >= DOMID_FIRST_RESERVED)
        return fail(problem, "settings: device is TYPE/ID BACKEND: a name, a number, and the number of a domain");
    if (has_device(domain, type, number))
        return fail(problem, "settings: a domain has the same device twice");
    if (domain->nr_devices == BUNDLE_DEVICES_MAX)
        return fail(problem, "settings: a domain has at most 16 devices");
    domain->devices[domain->nr_devices++] =
        (struct bundle_device){.type = type, .id = (unsigned)number, .backend = (unsigned)backend};
    return 0;
}

/*
 * ---- Nodes.
 */

/* What the hypervisor itself writes into both directories. */
static bool is_reserved(bool back, struct blob key)
{
    static const char *const names[2][4] = {{"backend", "backend-id", "state", NULL},
                                            {"frontend", "frontend-id", "online", "state"}};

    for (unsigned i = 0; i < 4 && names[back][i]; i++) {
        if (blob_equals(key, names[back][i]))
            return true;
    }
    return false;
}

static bool has_node(const struct bundle_device *device, bool back, struct blob key)
{
    for (unsigned i = 0; i < device->nr_nodes; i++) {
        if (device->nodes[i].back == back && is_same(bundle_node_key(&device->nodes[i]), key))
            return true;
    }
    return false;
}

static bool is_value(struct blob value)
{
    for (uint64_t i = 0; i < value.size; i++) {
        if (value.bytes[i] < ' ' || value.bytes[i] > '~')
            return false;
    }
    return value.size <= BUNDLE_NODE_VALUE_MAX;
}

int bundle_device_add_node(struct bundle_domain *domain, bool back, struct blob value, const char **problem)
{
    struct blob key = blob_until(value, ' '), contents = blob_skip(value, key.size + 1);
    struct bundle_device *device;

    if (domain->nr_devices == 0)
        return fail(problem, "settings: front and back belong to the line with device before them, and there is none");
    device = &domain->devices[domain->nr_devices - 1];
    if (key.size == value.size || !is_name(key) || !is_value(contents))
        return fail(problem, "settings: front and back are KEY VALUE: a name, a space and at most 127 printable "
                             "characters");
    if (is_reserved(back, key) || has_node(device, back, key))
        return fail(problem, "settings: a device has a node twice, or one that the hypervisor writes itself");
    if (device->nr_nodes == BUNDLE_NODES_MAX)
        return fail(problem, "settings: a device has at most 12 lines with front or back");
    device->nodes[device->nr_nodes++] = (struct bundle_node){
        .line = value.bytes, .key_size = (uint8_t)key.size, .value_size = (uint8_t)contents.size, .back = back};
    return 0;
}

/*
 * ---- All of them.
 */

static bool is_back_end(const struct bundle *bundle, unsigned id)
{
    for (unsigned i = 0; i < bundle->nr_domains; i++) {
        if (bundle->domains[i].id == id)
            return bundle->domains[i].is_back_end;
    }
    return false;
}

int bundle_device_check_all(const struct bundle *bundle, const char **problem)
{
    for (unsigned i = 0; i < bundle->nr_domains; i++) {
        const struct bundle_domain *domain = &bundle->domains[i];

        if (domain->is_back_end && (domain->privileged || domain->nr_devices > 0))
            return fail(problem, "a domain with backend=1 is not privileged and has no devices itself");
        if (domain->privileged && domain->nr_devices > 0)
            return fail(problem, "the initial domain has no device of a back end: it brings its own xenstore");
        for (unsigned j = 0; j < domain->nr_devices; j++) {
            if (!is_back_end(bundle, domain->devices[j].backend))
                return fail(problem, "the back end of a device is no domain of the bundle with backend=1");
        }
    }
    return 0;
}
