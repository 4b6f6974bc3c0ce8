/* SPDX-License-Identifier: MIT */
/* Who keeps frames of a domain that has ended, so that it cannot be built anew under its number.  Others may run. */
#pragma once

#include <stdbool.h>

struct hv_domain;
struct machine;

/* Say how many frames of @left, a zombie, are in use, and of each domain that maps grants of it how many. */
void holders_say(const struct machine *machine, const struct hv_domain *left);

/* End those of them that are back ends, which are nobody's work: they come again.  True: there was one. */
bool holders_end_back_ends(const struct machine *machine, const struct hv_domain *left);
