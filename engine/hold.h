/* SPDX-License-Identifier: MIT */
/* The holds of domain_hold_writable(), in engine/engine.h, at the end of their domain. */
#pragma once

#include <engine/machine.h>

/* Drop all holds on frames of @domain, whose lock is held. */
void holds_drop(struct domain *domain);
