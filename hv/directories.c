/* SPDX-License-Identifier: MIT */
/* In order: as the xenstore has it; what is said; written. */
#include <abi/errno.h>
#include <hv/base/print.h>
#include <hv/base/string.h>
#include <hv/directories.h>
#include <hv/service/xenstore.h>

_Static_assert(BUNDLE_NODE_NAME_MAX == STORE_DEVICE_NAME_MAX, "names of devices");

static struct store_text text(struct blob blob)
{
    return (struct store_text){(const char *)blob.bytes, blob.size};
}

struct store_device directories_as_stored(const struct bundle_device *device, struct store_device_node *nodes)
{
    for (unsigned i = 0; i < device->nr_nodes; i++)
        nodes[i] = (struct store_device_node){text(bundle_node_key(&device->nodes[i])),
                                              text(bundle_node_value(&device->nodes[i])), device->nodes[i].back};
    return (struct store_device){text(device->type), device->id, nodes, device->nr_nodes};
}

static bool is(struct blob blob, const char *word)
{
    return store_text_equal(text(blob), store_text(word));
}

/* Of the back end's node; no bytes: there is none. */
static struct blob reattach_of(const struct bundle_device *device)
{
    for (unsigned i = 0; i < device->nr_nodes; i++) {
        const struct bundle_node *node = &device->nodes[i];

        if (node->back && is(bundle_node_key(node), "reattach"))
            return bundle_node_value(node);
    }
    return (struct blob){0};
}

bool directories_outlive(const struct bundle_device *device)
{
    return is(reattach_of(device), "1") || is(reattach_of(device), "2");
}

bool directories_close(const struct bundle_device *device)
{
    return is(reattach_of(device), "1");
}

void directories_say(const struct bundle_domain *description, const struct bundle_device *device, const char *start,
                     const char *end)
{
    char type[BUNDLE_NODE_NAME_MAX + 1] = {0};

    memcpy(type, device->type.bytes, device->type.size);
    print("domain %u (%s): %s %s/%u%s; its back end is domain %u\n", description->id, description->name, start, type,
          device->id, end, device->backend);
}

void directories_write(struct hv_domain *front, struct hv_domain *back, const struct bundle_domain *description,
                       const struct bundle_device *device)
{
    struct store_device_node nodes[BUNDLE_NODES_MAX];
    const struct store_device stored = directories_as_stored(device, nodes);

    if (xenstore_write_device(front, back, &stored))
        directories_say(description, device, "it does without", ", for which the xenstore has no room");
}

/* False: the front end has none, or its ring does not outlive the back end. */
static bool write_back(struct hv_domain *front, struct hv_domain *back, const struct bundle_domain *description,
                       const struct bundle_device *device, bool online)
{
    struct store_device_node nodes[BUNDLE_NODES_MAX];
    const struct store_device stored = directories_as_stored(device, nodes);
    int error = directories_outlive(device) ? xenstore_write_back_device(front, back, &stored, online) : -XEN_ENOENT;

    if (error && error != -XEN_ENOENT)
        directories_say(description, device, "it does without", ", for which the xenstore has no room");
    return error != -XEN_ENOENT;
}

void directories_write_again(struct hv_domain *front, struct hv_domain *back, const struct bundle_domain *description,
                             const struct bundle_device *device)
{
    if (!write_back(front, back, description, device, true))
        directories_write(front, back, description, device);
}

void directories_write_end(struct hv_domain *front, struct hv_domain *back, const struct bundle_domain *description,
                           const struct bundle_device *device)
{
    (void)write_back(front, back, description, device, false);
}
