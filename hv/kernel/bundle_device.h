/* SPDX-License-Identifier: MIT */
/* The lines of a domain's settings about devices: hv/kernel/bundle.h says what they are. */
#pragma once

#include <hv/kernel/bundle.h>

/*
 * Take the value of a line device=, or of a line front= or (@back) back=, which belongs to the device named last.
 * -XEN_EINVAL: *@problem says what is wrong with it.
 */
int __must_check bundle_device_add(struct bundle_domain *domain, struct blob value, const char **problem);
int __must_check bundle_device_add_node(struct bundle_domain *domain, bool back, struct blob value,
                                        const char **problem);

/*
 * All domains are known: is each device served by one that serves, and is each of those nothing else?  -XEN_EINVAL: no,
 * and *@problem says why.
 */
int __must_check bundle_device_check_all(const struct bundle *bundle, const char **problem);
