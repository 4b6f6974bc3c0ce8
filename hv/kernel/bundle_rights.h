/* SPDX-License-Identifier: MIT */
/* The lines of a domain's settings about parts of the machine that it has: hv/kernel/bundle.h says what they are. */
#pragma once

#include <hv/kernel/bundle.h>

/* Take the value of such a line.  -XEN_EINVAL: *@problem says what is wrong with it. */
int __must_check bundle_rights_iomem(struct bundle_domain *domain, struct blob value, const char **problem);
int __must_check bundle_rights_ioports(struct bundle_domain *domain, struct blob value, const char **problem);
int __must_check bundle_rights_irq(struct bundle_domain *domain, struct blob value, const char **problem);
int __must_check bundle_rights_pci(struct bundle_domain *domain, struct blob value, const char **problem);
int __must_check bundle_rights_virtio_mmio(struct bundle_domain *domain, struct blob value, const char **problem);
