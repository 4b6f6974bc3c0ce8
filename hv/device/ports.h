/* SPDX-License-Identifier: MIT */
/* The ports that a domain with devices has, carried out in its stead. */
#pragma once

#include <stdint.h>

struct hv_domain;

/*
 * @bytes, 1, 2 or 4, at @port.  Where the domain has not the right to all of them, they read as all ones and are not
 * written.
 */
uint32_t ports_read(const struct hv_domain *domain, uint16_t port, unsigned bytes);
void ports_write(struct hv_domain *domain, uint16_t port, unsigned bytes, uint32_t value);
