/* SPDX-License-Identifier: MIT */
/*
 * The devices of a bundle's guests, from the settings to the xenstore: when the directories of both ends are written
 * (hv/service/store_device.h), and that a guest starts when its back ends are ready for it.  docs/devices.md.
 */
#pragma once

struct bundle;
struct bundle_domain;
struct hv_domain;
struct machine;

/* The domain of @description has been built: write the directories of its devices.  What has no back end is said. */
void split_devices_write(const struct machine *machine, const struct bundle_domain *description);

/*
 * The back end of number @id has ended: the front ends' directories of what it served go, of the guests that live; or
 * it has been built anew, and both directories are written: at once for guests that have not started, for others a
 * second later, so that front ends which only look then have seen that theirs had gone.
 *
 * Where a ring outlives the back end (directories_outlive()) the front end's directory stays, and the back end's comes
 * again at once; or says that the device is closed, if the back end has been given up.
 */
void split_devices_remove_served(const struct machine *machine, const struct bundle *bundle, unsigned id);
void split_devices_write_served(const struct machine *machine, const struct bundle *bundle, unsigned id);

/*
 * The back end of number @id has ended, or cannot be built, and does not come again: nobody waits for it.  Or it comes
 * once more, so that those whose rings outlived it are told that their devices are closed, and serves nobody else.
 */
void split_devices_give_up(const struct bundle *bundle, unsigned id);
void split_devices_close(const struct bundle *bundle, unsigned id);

/*
 * Start vCPU 0 of @domain as soon as no device of it is new to its back end, at once if it has none; or after ten
 * seconds, with a message.  @description stays as long as the domain.
 */
void split_devices_start(struct hv_domain *domain, const struct bundle_domain *description);

/* Look again whether those that wait may start: a back end has gone. */
void split_devices_look(void);

/* @domain has ended, and does not wait any more if it did. */
void split_devices_forget(const struct hv_domain *domain);
