/* SPDX-License-Identifier: MIT */
/* From a bundle to a domain that is ready to run: [elfnote], [start_info] and [startofday] of abi/. */
#pragma once

#include <engine/machine.h>
#include <hv/kernel/bundle.h>

struct hv_domain;

/*
 * Build the domain that @description describes.  NULL: it cannot be built, and *@problem says why, in words for the one
 * who runs it; everything has been given back.  Its vCPU 0 is initialised and not started.
 */
struct hv_domain *builder_build(struct machine *machine, const struct bundle_domain *description, const char **problem);
