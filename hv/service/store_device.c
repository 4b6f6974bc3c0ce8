/* SPDX-License-Identifier: MIT */
/* In order: where the directories are; one end; both. */
#include <abi/errno.h>
#include <hv/service/store_change.h>
#include <hv/service/store_device.h>
#include <hv/service/store_rights.h>
#include <hv/service/store_set.h>
#include <hv/service/store_transaction.h>

#define INITIALISING 1u /* of XenbusState */
#define CLOSING      5u
#define CLOSED       6u

/* "/local/domain/4294967295/backend/TYPE/4294967295/4294967295/KEY" is shorter, so that no path is cut off. */
_Static_assert(STORE_PLACE_MAX >= 64 + 2 * STORE_DEVICE_NAME_MAX, "paths of devices");

static struct store_text path_of_number(struct store_text above, unsigned number, char *bytes)
{
    char digits[STORE_DIGITS_MAX];
    struct store_text name = {digits, store_put_number(digits, number)};

    return store_set_path(above, name, bytes);
}

/* What lies above the directories of one type, of either end, whose home is @home. */
static struct store_text path_of_type(struct store_text home, const char *end, const struct store_device *device,
                                      char *bytes)
{
    char above[STORE_PLACE_MAX];

    return store_set_path(store_set_path(home, store_text(end), above), device->type, bytes);
}

static struct store_text front_path(const struct store_session *front, const struct store_device *device, char *bytes)
{
    char above[STORE_PLACE_MAX];

    return path_of_number(path_of_type(store_home(front), "device", device, above), device->id, bytes);
}

/* What lies above the back end's directories for one domain. */
static struct store_text peer_path(const struct store_session *front, struct store_text back_home,
                                   const struct store_device *device, char *bytes)
{
    char above[STORE_PLACE_MAX];

    return path_of_number(path_of_type(back_home, "backend", device, above), front->domid, bytes);
}

static struct store_text back_path(const struct store_session *front, const struct store_session *back,
                                   const struct store_device *device, char *bytes)
{
    char above[STORE_PLACE_MAX];

    return path_of_number(peer_path(front, store_home(back), device, above), device->id, bytes);
}

/*
 * ---- One end.
 */

static void remove_at(struct store *store, struct store_text path)
{
    struct store_node *node;

    store_enter(store, NULL);
    node = store_tree_find(&store->tree, path);
    if (node)
        store_change_remove_now(store, node, path);
}

/* A node in which directories lie; it stays as it is where it is there. */
static int make(struct store_session *payer, struct store_text path, const struct store_session *owner,
                const struct store_session *reader)
{
    int error;

    store_enter(payer->store, NULL);
    if (store_tree_find(&payer->store->tree, path))
        return 0;
    error = store_set_at(payer, path, store_text(""));
    store_set_rights(payer->store, path, owner, reader);
    return error;
}

/* What is written below a directory has its rights. */
static int fill(struct store_session *payer, struct store_text path, const struct store_device *device, bool back)
{
    int error = 0;

    for (unsigned i = 0; i < device->nr_nodes && !error; i++) {
        const struct store_device_node *node = &device->nodes[i];
        char bytes[STORE_PLACE_MAX];

        if (node->back == back)
            error = store_set_at(payer, store_set_path(path, node->key, bytes), node->value);
    }
    return error ? error : store_set_number(payer, path, "state", INITIALISING);
}

static int write_back(struct store_session *front, struct store_session *back, const struct store_device *device,
                      bool online)
{
    char above[STORE_PLACE_MAX], bytes[STORE_PLACE_MAX], other[STORE_PLACE_MAX];
    struct store_text path = back_path(front, back, device, bytes);
    int error = make(back, path_of_type(store_home(back), "backend", device, above), back, NULL);

    if (!error)
        error = make(front, peer_path(front, store_home(back), device, above), back, front);
    if (!error)
        error = make(front, path, back, front);
    if (!error)
        error = store_set(front, path, "frontend", front_path(front, device, other));
    if (!error)
        error = store_set_number(front, path, "frontend-id", front->domid);
    if (!error)
        error = store_set_number(front, path, "online", online);
    return error ? error : fill(front, path, device, true);
}

static int write_front(struct store_session *front, struct store_session *back, const struct store_device *device)
{
    char above[STORE_PLACE_MAX], bytes[STORE_PLACE_MAX], other[STORE_PLACE_MAX];
    struct store_text path = front_path(front, device, bytes);
    int error = make(front, path_of_type(store_home(front), "device", device, above), NULL, front);

    if (!error)
        error = make(front, path, front, back);
    if (!error)
        error = store_set(front, path, "backend", back_path(front, back, device, other));
    if (!error)
        error = store_set_number(front, path, "backend-id", back->domid);
    return error ? error : fill(front, path, device, false);
}

/*
 * ---- Both.
 */

void store_device_remove_front(struct store_session *front, const struct store_device *device)
{
    char bytes[STORE_PLACE_MAX];

    remove_at(front->store, front_path(front, device, bytes));
}

void store_device_remove(struct store_session *front, struct store_session *back, const struct store_device *device)
{
    char bytes[STORE_PLACE_MAX];

    store_device_remove_front(front, device);
    remove_at(front->store, back_path(front, back, device, bytes));
}

/* A front end looks for its back end's directory, so that is there first. */
int store_device_write(struct store_session *front, struct store_session *back, const struct store_device *device)
{
    int error;

    store_device_remove(front, back, device);
    error = write_back(front, back, device, true);
    if (!error)
        error = write_front(front, back, device);
    if (error)
        store_device_remove(front, back, device);
    return error ? -XEN_ENOSPC : 0;
}

static bool is_there(const struct store *store, struct store_text path)
{
    return store_tree_find(&store->tree, path);
}

int store_device_write_back(struct store_session *front, struct store_session *back, const struct store_device *device,
                            bool online)
{
    char bytes[STORE_PLACE_MAX], other[STORE_PLACE_MAX];
    struct store_text path = front_path(front, device, bytes);
    int error;

    store_enter(front->store, NULL);
    if (!is_there(front->store, path))
        return -XEN_ENOENT;
    remove_at(front->store, back_path(front, back, device, other));
    error = write_back(front, back, device, online);
    if (error) {
        remove_at(front->store, back_path(front, back, device, other));
        return -XEN_ENOSPC;
    }
    store_set_reader(front->store, path, back);
    return 0;
}

/* Nobody is there to own what says so. */
void store_device_give_up(struct store_session *front, unsigned back, const struct store_device *device)
{
    char above[STORE_PLACE_MAX], bytes[STORE_PLACE_MAX], other[STORE_PLACE_MAX];
    struct store_text home = path_of_number(store_text("/local/domain"), back, above);
    struct store_text path = peer_path(front, home, device, bytes);
    int error;

    store_enter(front->store, NULL);
    if (!is_there(front->store, front_path(front, device, other)))
        return;
    error = make(front, path, NULL, front);
    path = path_of_number(path, device->id, other);
    if (!error)
        error = make(front, path, NULL, front);
    if (!error)
        error = store_set_number(front, path, "state", CLOSED);
    if (error)
        store_device_remove_front(front, device); /* it is told that way */
}

bool store_device_is_there(const struct store_session *front, const struct store_session *back,
                           const struct store_device *device)
{
    char bytes[STORE_PLACE_MAX];

    store_enter(front->store, NULL);
    return store_tree_find(&front->store->tree, back_path(front, back, device, bytes));
}

/* What the back end's directory says of its state; NULL: there is none. */
static const struct store_node *find_state(const struct store_session *front, const struct store_session *back,
                                           const struct store_device *device)
{
    char bytes[STORE_PLACE_MAX], state[STORE_PLACE_MAX];

    store_enter(front->store, NULL);
    return store_tree_find(&front->store->tree,
                           store_set_path(back_path(front, back, device, bytes), store_text("state"), state));
}

static bool says(const struct store_node *node, const char *text)
{
    return store_text_equal((struct store_text){node->value->bytes, node->value->length}, store_text(text));
}

bool store_device_is_new(const struct store_session *front, const struct store_session *back,
                         const struct store_device *device)
{
    const struct store_node *state = find_state(front, back, device);

    return state && says(state, "1");
}

bool store_device_is_closed(const struct store_session *front, const struct store_session *back,
                            const struct store_device *device)
{
    const struct store_node *state = find_state(front, back, device);

    return !state || says(state, "6");
}

/* A state that says closed stays: nobody would say so once more. */
int store_device_close(struct store_session *front, struct store_session *back, const struct store_device *device)
{
    char bytes[STORE_PLACE_MAX];
    struct store_text path = back_path(front, back, device, bytes);
    int error;

    if (store_device_is_closed(front, back, device))
        return 0;
    error = store_set_number(front, path, "online", 0);
    if (!error)
        error = store_set_number(front, path, "state", CLOSING);
    return error ? -XEN_ENOSPC : 0;
}
