/* SPDX-License-Identifier: MIT */
/*
 * A device between two domains, in the xenstore: a directory of the front end's, whose domain N uses it, and one of the
 * back end's, whose domain B serves it.
 *
 *   /local/domain/N/device/TYPE/ID       backend, backend-id, state; {nN, rB}
 *   /local/domain/B/backend/TYPE/N/ID    frontend, frontend-id, online, state; {nB, rN}
 *
 * What the hypervisor writes there is at the expense of N: it goes with N, and N cannot use up what B has.  Only
 * /local/domain/B/backend/TYPE is B's own.  docs/devices.md has the whole story.
 */
#pragma once

#include <hv/service/store_session.h>

struct store_device_node {
    struct store_text key, value;
    bool back; /* of the back end's directory */
};

struct store_device {
    struct store_text type; /* a name, as keys are: STORE_DEVICE_NAME_MAX */
    unsigned id;            /* below 10^9 */
    const struct store_device_node *nodes;
    unsigned nr_nodes;
};

#define STORE_DEVICE_NAME_MAX 31u

/*
 * Write both directories, the state of both ends 1; what there was of them goes first.  -XEN_ENOSPC: one of the domains
 * has no room for that, and nothing of the device is there.
 */
int __must_check store_device_write(struct store_session *front, struct store_session *back,
                                    const struct store_device *device);

/*
 * Write the back end's directory alone, its state 1, as that of a domain that comes again; what the front end has
 * written into its own stays, and the back end may read it.  Unless @online it is to close the device.  -XEN_ENOENT:
 * the front end has none.  -XEN_ENOSPC: there is no room, and nothing of the back end's directory is there.
 */
int __must_check store_device_write_back(struct store_session *front, struct store_session *back,
                                         const struct store_device *device, bool online);

/*
 * The back end, domain @back, has gone for good with all that it had: in its place stands that its state is 6.  Nothing
 * happens if the front end has no directory; that goes if there is no room.
 */
void store_device_give_up(struct store_session *front, unsigned back, const struct store_device *device);

/* The front end's directory goes, if it is there. */
void store_device_remove_front(struct store_session *front, const struct store_device *device);

/* Both directories go, as far as they are there. */
void store_device_remove(struct store_session *front, struct store_session *back, const struct store_device *device);

/*
 * Have both ends close the device: the back end is not to offer it any more (`online` = 0), and its state is 5, which
 * the front end sees.  Nothing happens to one that is closed.  -XEN_ENOSPC: there is no room to say so.
 */
int __must_check store_device_close(struct store_session *front, struct store_session *back,
                                    const struct store_device *device);

/* Does the back end say 6, or nothing any more? */
bool store_device_is_closed(const struct store_session *front, const struct store_session *back,
                            const struct store_device *device);

/* Is there a directory of the back end's for it? */
bool store_device_is_there(const struct store_session *front, const struct store_session *back,
                           const struct store_device *device);

/* Has the back end not looked at the device yet: is its state still 1? */
bool store_device_is_new(const struct store_session *front, const struct store_session *back,
                         const struct store_device *device);
