/* SPDX-License-Identifier: MIT */
/* What a guest finds when its first instruction runs: rings with somebody at the other end, start_info, registers. */
#include <abi/segment.h>
#include <abi/start.h>
#include <engine/engine.h>
#include <hv/build/builder_parts.h>
#include <hv/build/hv_domain.h>
#include <hv/domain/vcpu.h>
#include <hv/service/services.h>

#define START_MAGIC    "xen-3.0-x86_64"
#define START_MAGIC_32 "xen-3.0-x86_32p"
#define START_RFLAGS   0x202u /* IF, and the bit that is always set */

static bool is_64bit(const struct build *build)
{
    return build->kernel.image.width == WIDTH_64;
}

static uint64_t address(const struct build *build, uint64_t pfn)
{
    return build->kernel.virt_base + (pfn << PAGE_SHIFT);
}

/*
 * The initial domain has no rings: it uses console_io and expects to bring its own xenstore.  The holds go with the
 * domain.
 */
int build_services(const struct build *build)
{
    struct hv_domain *domain = build->domain;
    mfn_t store, console;
    int error;

    if (domain->initial)
        return domain_grants_create(&domain->engine, MFN_NONE, MFN_NONE);
    store = build_frame(build, build->layout.store);
    console = build_frame(build, build->layout.console);
    error = domain_hold_writable(&domain->engine, store);
    if (!error)
        error = xenstore_create(domain, store);
    if (!error)
        error = domain_hold_writable(&domain->engine, console);
    if (!error)
        error = console_create(domain, console);
    if (!error)
        error = domain_grants_create(&domain->engine, console, store);
    return error ? error : xenstore_introduce(domain);
}

static void describe_services(const struct build *build, struct start_info *info)
{
    const struct hv_domain *domain = build->domain;

    if (domain->initial) {
        info->flags |= SIF_PRIVILEGED | SIF_INITDOMAIN;
        info->console.dom0.info_off = is_64bit(build) ? sizeof(*info) : sizeof(struct compat_start_info);
        info->console.dom0.info_size = 0; /* there is no screen */
        return;
    }
    info->store_mfn = domain->services->store.frame.v;
    info->store_evtchn = domain->services->store.port;
    info->console.domU.mfn = domain->services->console.frame.v;
    info->console.domU.evtchn = domain->services->console.port;
}

static void describe_ramdisk(const struct build *build, struct start_info *info)
{
    const struct layout *layout = &build->layout;

    if (layout->nr_ramdisk == 0)
        return;
    info->mod_len = build->description->ramdisk.size;
    info->mod_start = build->kernel.ramdisk_unmapped ? layout->ramdisk : address(build, layout->ramdisk);
    if (build->kernel.ramdisk_unmapped)
        info->flags |= SIF_MOD_START_PFN;
}

static void describe_p2m(const struct build *build, struct start_info *info)
{
    const struct layout_region *apart = &build->layout.apart;

    info->mfn_list = address(build, build->layout.p2m);
    if (apart->nr_pages == 0)
        return;
    info->mfn_list = apart->start;
    info->first_p2m_pfn = apart->first;
    info->nr_p2m_frames = apart->nr_pages;
    for (unsigned level = 1; level < build->layout.top; level++)
        info->nr_p2m_frames += apart->nr_tables[level];
}

static void describe(const struct build *build, struct start_info *info)
{
    info->nr_pages = build->nr_pages;
    info->shared_info = build->domain->shared_info_frame.v << PAGE_SHIFT;
    info->pt_base = address(build, build->layout.main.tables[build->layout.top]);
    info->nr_pt_frames = build->layout.nr_main_tables;
    describe_services(build, info);
    describe_ramdisk(build, info);
    describe_p2m(build, info);
    memcpy(info->cmd_line, build->description->command_line, sizeof(info->cmd_line));
}

/* Addresses of a 32-bit guest, and frames of what it is given, have no more bits. */
static void narrow(const struct start_info *from, struct compat_start_info *to)
{
    to->nr_pages = (uint32_t)from->nr_pages;
    to->shared_info = (uint32_t)from->shared_info;
    to->flags = from->flags;
    to->store_mfn = (compat_pfn_t)from->store_mfn;
    to->store_evtchn = from->store_evtchn;
    if (from->flags & SIF_INITDOMAIN) {
        to->console.dom0.info_off = from->console.dom0.info_off;
        to->console.dom0.info_size = from->console.dom0.info_size;
    } else {
        to->console.domU.mfn = (compat_pfn_t)from->console.domU.mfn;
        to->console.domU.evtchn = from->console.domU.evtchn;
    }
    to->pt_base = (uint32_t)from->pt_base;
    to->nr_pt_frames = (uint32_t)from->nr_pt_frames;
    to->mfn_list = (uint32_t)from->mfn_list;
    to->mod_start = (uint32_t)from->mod_start;
    to->mod_len = (uint32_t)from->mod_len;
    memcpy(to->cmd_line, from->cmd_line, sizeof(to->cmd_line));
}

void build_start_info(const struct build *build)
{
    void *page = port_frame_map(build_frame(build, build->layout.start_info));
    struct start_info info = {.magic = START_MAGIC};
    struct compat_start_info compat = {.magic = START_MAGIC_32};

    describe(build, &info);
    if (is_64bit(build)) {
        memcpy(page, &info, sizeof(info));
        return;
    }
    narrow(&info, &compat);
    memcpy(page, &compat, sizeof(compat));
}

/*
 * ---- The first vCPU.  What is not set here is zero, or as hv_domain_create() has made it.
 */

static void set_selectors(const struct build *build, struct hv_vcpu *vcpu)
{
    struct vcpu_state *state = &vcpu->state;

    vcpu->frame->cs = is_64bit(build) ? FLAT_KERNEL_CS : COMPAT_FLAT_KERNEL_CS;
    vcpu->frame->ss = is_64bit(build) ? FLAT_KERNEL_SS : COMPAT_FLAT_KERNEL_SS;
    if (!is_64bit(build))
        state->ds = state->es = state->fs = state->gs = COMPAT_FLAT_KERNEL_DS;
}

void build_vcpu(const struct build *build)
{
    struct hv_vcpu *vcpu = hv_vcpu_of(build->domain->vcpus[0]);

    vcpu->frame->rip = build->kernel.entry;
    vcpu->frame->rsp = address(build, build->layout.stack + 1);
    vcpu->frame->rsi = address(build, build->layout.start_info);
    vcpu->frame->rflags = START_RFLAGS;
    set_selectors(build, vcpu);
    vcpu->bounce.kernel_sp = vcpu->frame->rsp;
    vcpu->bounce.kernel_ss = vcpu->frame->ss;
    vcpu->initialised = true;
}
