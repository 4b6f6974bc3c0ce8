/* SPDX-License-Identifier: MIT */
/* A button becomes a word in each guest's xenstore.  What a guest makes of it is the guest's. */
#include <hv/base/power.h>
#include <hv/base/print.h>
#include <hv/domain/domain.h>
#include <hv/service/power_button.h>
#include <hv/service/store_text.h>
#include <hv/service/xenstore.h>

static void ask(struct hv_domain *domain)
{
    int error = xenstore_write(domain, "control/shutdown", store_text("poweroff"));

    print("domain %u (%s): the power button: it %s to power off\n", domain->engine.id.v, domain->name,
          error ? "cannot be asked" : "is asked");
}

void power_button_poll(const struct machine *machine)
{
    if (!power_button_is_pressed())
        return;
    for (unsigned i = 0; i < machine->nr_domains; i++) {
        struct hv_domain *domain = hv_domain_find(machine, (uint16_t)i);

        if (domain && !domain->is_back_end)
            ask(domain);
    }
}
