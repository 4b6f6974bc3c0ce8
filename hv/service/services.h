/* SPDX-License-Identifier: MIT */
/* What the services know of a domain, each a part. */
#pragma once

#include <hv/service/console.h>
#include <hv/service/xenstore.h>

/* All zero is a domain that none of them serves. */
struct domain_services {
    struct domain_console console;
    struct domain_store store;
};
