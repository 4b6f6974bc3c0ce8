/* SPDX-License-Identifier: MIT */
/*
 * Devices of a bundle's guests that are unplugged and plugged in while the guests run, as whoever runs the machine asks
 * (hv/service/control.h).  What is unplugged stays so until it is plugged in, over the ends of either domain as well.
 *
 *   in -- unplug --> closing -- the back end has closed it --> pausing -- a second --> out -- plug --> in
 *
 * Remove leads to pausing at once.  In that second a front end finds that its directory has gone; one that came back
 * earlier it would take for the old one.
 */
#pragma once

#include <stdbool.h>

struct bundle;
struct bundle_domain;
struct machine;

/* Serve such requests for the domains of @bundle, which is there for good.  All of their devices are plugged in. */
void hotplug_begin(const struct machine *machine, const struct bundle *bundle);

/* Is the device at @place of the settings plugged in, so that its directories are to be written?  Of that bundle. */
bool hotplug_is_in(const struct bundle_domain *description, unsigned place);

/* Is it to be closed?  A back end that comes again meanwhile has to do that. */
bool hotplug_is_closing(const struct bundle_domain *description, unsigned place);
