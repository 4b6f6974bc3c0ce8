/* SPDX-License-Identifier: MIT */
/* The handler, and the panic where none is set. */
#include <guest/errno.h>
#include <guest/guest.h>
#include <guest/mmu_failure.h>

static mmu_failure_handler *failure_handler;

mmu_failure_handler *mmu_set_failure_handler(mmu_failure_handler *handler)
{
    mmu_failure_handler *old = failure_handler;

    failure_handler = handler;
    return old;
}

void mmu_fail(const struct mmu_failure *failure)
{
    if (failure_handler) {
        failure_handler(failure);
    } else {
        guest_panic("%s: %s: %" PRIx64 ", %" PRIx64 ": %s%s", failure->where, failure->what, failure->subject,
                    failure->value, failure->error < 0 ? "-" : "",
                    failure->error ? errno_name(failure->error) : "wrong use");
    }
}

void mmu_misuse(const char *where, const char *what, const volatile void *subject)
{
    mmu_fail(&(struct mmu_failure){.where = where, .what = what, .subject = (uintptr_t)subject});
}
