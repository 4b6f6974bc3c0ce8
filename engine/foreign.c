/* SPDX-License-Identifier: MIT */
/* Whose frames a call names: abi/mmu.h, "Domain numbers". */
#include <abi/mmu.h>
#include <engine/foreign.h>

int foreign_find_other(const struct op *op, uint16_t id, struct domain **domain)
{
    struct domain *caller = op->vcpu->domain;

    *domain = NULL;
    switch (id) {
    case DOMID_IO:
    case DOMID_XEN:
        return 0;
    default:
        *domain = domain_find(op->machine, DOMID(id));
        if (!*domain || *domain == caller)
            return refuse_value(op, XEN_ESRCH, REFUSE_NO_SUCH_DOMAIN, id);
        return 0;
    }
}

bool foreign_allowed_other(const struct op *op, uint16_t id)
{
    if (id == DOMID_IO)
        return true;
    if (op->vcpu->domain->privileged)
        __atomic_store_n(&op->machine->privilege_used, true, __ATOMIC_RELAXED);
    return op->vcpu->domain->privileged;
}
