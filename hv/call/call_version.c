/* SPDX-License-Identifier: MIT */
/* xen_version and vm_assist: abi/version.h, abi/vm_assist.h. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <abi/version.h>
#include <abi/vm_assist.h>
#include <engine/access.h>
#include <hv/base/string.h>
#include <hv/base/version.h>
#include <hv/call/calls.h>
#include <hv/domain/call_refuse.h>
#include <hv/domain/domain.h>
#include <hv/domain/vcpu.h>

/* The release of the interface that is offered: guests derive from it what they may ask for. */
#define VERSION_MAJOR 4
#define VERSION_MINOR 17

#define TEXT_MAX (sizeof(xen_capabilities_info_t))

#define BIT(n)   (UINT32_C(1) << (n))
#define BIT64(n) (UINT64_C(1) << (n))

#define FEATURES                                                                                                 \
    (BIT(XENFEAT_mmu_pt_update_preserve_ad) | BIT(XENFEAT_highmem_assist) | BIT(XENFEAT_gnttab_map_avail_bits) | \
     BIT(XENFEAT_memory_op_vnode_supported) | BIT(XENFEAT_direct_mapped))

/*
 * ---- xen_version.
 */

static int64_t answer(struct hv_vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    return access_write(&vcpu->engine, to, from, size) ? 0 : call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, to.v);
}

/* Fill @size bytes with @text, cut if need be, and zeroes, one at least. */
static void set_text(char *to, const char *text, size_t size)
{
    size_t length = 0;

    memset(to, 0, size);
    for (; text[length] && length < size - 1; length++)
        to[length] = text[length];
}

static int64_t answer_text(struct hv_vcpu *vcpu, vaddr_t to, const char *text, size_t size)
{
    char full[TEXT_MAX];

    set_text(full, text, size);
    return answer(vcpu, to, full, size);
}

static int64_t get_version(struct hv_vcpu *vcpu, vaddr_t to)
{
    (void)vcpu;
    (void)to;
    return VERSION_MAJOR << 16 | VERSION_MINOR;
}

static int64_t get_extraversion(struct hv_vcpu *vcpu, vaddr_t to)
{
    return answer_text(vcpu, to, "-paravane", sizeof(xen_extraversion_t));
}

static int64_t get_compile_info(struct hv_vcpu *vcpu, vaddr_t to)
{
    struct xen_compile_info info;

    memset(&info, 0, sizeof(info));
    set_text(info.compiler, __VERSION__, sizeof(info.compiler));
    return answer(vcpu, to, &info, sizeof(info));
}

static int64_t get_capabilities(struct hv_vcpu *vcpu, vaddr_t to)
{
    return answer_text(vcpu, to, "xen-3.0-x86_64 xen-3.0-x86_32p ", sizeof(xen_capabilities_info_t));
}

static int64_t get_changeset(struct hv_vcpu *vcpu, vaddr_t to)
{
    return answer_text(vcpu, to, version, sizeof(xen_changeset_info_t));
}

static int64_t get_platform_parameters(struct hv_vcpu *vcpu, vaddr_t to)
{
    const struct xen_platform_parameters full = {HYPERVISOR_VIRT_START};
    const struct compat_xen_platform_parameters compat = {COMPAT_HYPERVISOR_VIRT_START};

    if (hv_vcpu_is_64bit(vcpu))
        return answer(vcpu, to, &full, sizeof(full));
    return answer(vcpu, to, &compat, sizeof(compat));
}

static int64_t get_features(struct hv_vcpu *vcpu, vaddr_t to)
{
    const struct hv_domain *domain = hv_vcpu_domain(vcpu);
    struct xen_feature_info info;

    if (!access_read(&vcpu->engine, &info, to, sizeof(info)))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, to.v);
    if (info.submap_idx >= XENFEAT_NR_SUBMAPS)
        return call_refuse(-XEN_EINVAL, WHY_FEATURE_MAP, info.submap_idx);
    info.submap = FEATURES;
    if (domain->vm_assist & BIT(VMASST_TYPE_pae_extended_cr3))
        info.submap |= BIT(XENFEAT_pae_pgdir_above_4gb);
    if (domain->initial)
        info.submap |= BIT(XENFEAT_dom0);
    return answer(vcpu, to, &info, sizeof(info));
}

static int64_t get_pagesize(struct hv_vcpu *vcpu, vaddr_t to)
{
    (void)vcpu;
    return to.v == 0 ? (int64_t)PAGE_SIZE : call_refuse(-XEN_EINVAL, WHY_VERSION_ARGUMENT, to.v);
}

static int64_t get_guest_handle(struct hv_vcpu *vcpu, vaddr_t to)
{
    const struct hv_domain *domain = hv_vcpu_domain(vcpu);

    return answer(vcpu, to, domain->uuid, sizeof(domain->uuid));
}

/* Paravane's own command line is not for guests: it can hold the order in which frames are handed out. */
static int64_t get_commandline(struct hv_vcpu *vcpu, vaddr_t to)
{
    return answer_text(vcpu, to, "", sizeof(xen_commandline_t));
}

static int64_t get_build_id(struct hv_vcpu *vcpu, vaddr_t to)
{
    int error = hv_vcpu_domain(vcpu)->initial ? -XEN_ENODATA : -XEN_EPERM;

    (void)to;
    return call_refuse(error, WHY_NO_BUILD_ID, vcpu->engine.domain->id.v);
}

typedef int64_t version_fn(struct hv_vcpu *vcpu, vaddr_t to);

static version_fn *const version_commands[] = {
    [XENVER_version] = get_version,           [XENVER_extraversion] = get_extraversion,
    [XENVER_compile_info] = get_compile_info, [XENVER_capabilities] = get_capabilities,
    [XENVER_changeset] = get_changeset,       [XENVER_platform_parameters] = get_platform_parameters,
    [XENVER_get_features] = get_features,     [XENVER_pagesize] = get_pagesize,
    [XENVER_guest_handle] = get_guest_handle, [XENVER_commandline] = get_commandline,
    [XENVER_build_id] = get_build_id,
};

int64_t call_xen_version(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    uint32_t number = (uint32_t)args[0];
    version_fn *command = TABLE_FIND(version_commands, number);

    return command ? command(vcpu, VADDR(args[1])) : call_refuse(-XEN_ENOSYS, WHY_NO_COMMAND, number);
}

/*
 * ---- vm_assist.
 */

/*
 * pae_extended_cr3 means nothing to a 64-bit guest, but Linux asks for it in either width.
 */
#define ASSISTS                                                                                                    \
    (BIT(VMASST_TYPE_4gb_segments) | BIT(VMASST_TYPE_4gb_segments_notify) | BIT(VMASST_TYPE_writable_pagetables) | \
     BIT(VMASST_TYPE_pae_extended_cr3) | BIT(VMASST_TYPE_architectural_iopl) | BIT(VMASST_TYPE_runstate_update_flag))

int64_t call_vm_assist(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    struct hv_domain *domain = hv_vcpu_domain(vcpu);
    uint64_t valid = hv_domain_is_64bit(domain) ? ASSISTS | BIT64(VMASST_TYPE_m2p_strict) : ASSISTS;
    uint32_t command = (uint32_t)args[0], type = (uint32_t)args[1];

    if (type >= 64 || !(valid & BIT64(type)))
        return call_refuse(-XEN_EINVAL, WHY_ASSIST, type);
    if (command == VMASST_CMD_enable)
        domain->vm_assist |= BIT64(type);
    else if (command == VMASST_CMD_disable)
        domain->vm_assist &= ~BIT64(type);
    else
        return call_refuse(-XEN_ENOSYS, WHY_NO_COMMAND, command);
    /* The initial domain is served unasked: abi/vm_assist.h. */
    domain->engine.writable_tables = domain->initial || hv_domain_assists(domain, VMASST_TYPE_writable_pagetables);
    domain->engine.extended_cr3 = domain->vm_assist & BIT(VMASST_TYPE_pae_extended_cr3);
    domain->engine.m2p_strict = domain->vm_assist & BIT64(VMASST_TYPE_m2p_strict);
    return 0;
}
