/* SPDX-License-Identifier: MIT */
/* One after the other, whatever of them there is. */
#include <hv/base/asm.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/renew.h>
#include <hv/domain/vcpu.h>

/* What the root of a 32-bit guest's vCPU has copied is forgotten first: nothing may find it again behind the flush. */
void renew_translations_here(void)
{
    const struct hv_vcpu *vcpu = cpu_here()->current;

    if (vcpu && vcpu->narrow_root.tables)
        (void)narrow_root_catches_up(vcpu);
    if (!asm_flush_global())
        asm_write_cr3(asm_read_cr3());
}

void renew_here(unsigned what, vaddr_t page)
{
    const struct hv_vcpu *vcpu = cpu_here()->current;

    if (what & RENEW_TRANSLATIONS)
        renew_translations_here();
    if (what & RENEW_PAGE)
        asm_flush_page(page.v);
    if (what & RENEW_CACHES)
        asm_flush_caches();
    if (what & RENEW_ROOT)
        hv_vcpu_load_root(vcpu);
    if (what & RENEW_LDT)
        hv_vcpu_load_ldt(vcpu);
}
