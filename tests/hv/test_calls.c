/* SPDX-License-Identifier: MIT */
/*
 * The calls that answer for themselves: console_io, xen_version, vm_assist, memory_op's questions, grant_table_op,
 * physdev_op and platform_op, for guests of both widths.  Guest memory is this program's own, below 4 GiB; what lies
 * outside faults.
 */
/* links: hv/call/call_console.c hv/call/call_version.c hv/call/call_memory.c hv/call/call_grant.c hv/service/grant.c hv/service/grant_copy.c hv/domain/share.c */
/* links: hv/call/call_physdev.c hv/call/call_platform.c engine/access.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <cmocka.h>

#include <abi/errno.h>
#include <abi/grant.h>
#include <abi/io.h>
#include <abi/layout.h>
#include <abi/memory.h>
#include <abi/mmu.h>
#include <abi/physdev.h>
#include <abi/platform.h>
#include <abi/version.h>
#include <abi/vm_assist.h>
#include <engine/engine.h>
#include <hv/base/layout.h>
#include <hv/call/calls.h>
#include <hv/domain/vcpu.h>
#include <hv/main.h>

#define GUEST_SIZE 65536u
#define FRAMES     64u /* that domain_populate() has */

const char version[] = "v1.2.3";

static uint8_t *guest; /* its memory */
static uint8_t frames[FRAMES][4096];
static unsigned frames_taken, frames_shared, frames_left;
static struct machine machine;
static struct hv_domain domain;
static struct hv_vcpu vcpu;
static char output[4096];
static size_t output_size;
static const char *input;
static uint64_t clock_seconds, clock_at;

/*
 * ---- The rest of the hypervisor.
 */

static bool is_guest(uint64_t address, size_t size)
{
    uint64_t start = (uint64_t)guest;

    return address >= start && size <= GUEST_SIZE && address - start <= GUEST_SIZE - size;
}

bool port_copy_from_guest(struct vcpu *from, void *to, vaddr_t address, size_t size)
{
    assert_ptr_equal(from, &vcpu.vcpu);
    if (!is_guest(address.v, size))
        return false;
    memcpy(to, (const void *)address.v, size);
    return true;
}

bool port_copy_to_guest(struct vcpu *to, vaddr_t address, const void *from, size_t size)
{
    assert_ptr_equal(to, &vcpu.vcpu);
    if (!is_guest(address.v, size))
        return false;
    memcpy((void *)address.v, from, size);
    return true;
}

bool port_preempt_wanted(void)
{
    return true;
}

void port_yield(void)
{
}

void port_halt(const char *file, int line, const char *condition)
{
    print_error("%s:%d: %s\n", file, line, condition);
    abort();
}

void *port_frame_map(mfn_t mfn)
{
    assert_true(mfn.v >= 100 && mfn.v - 100 < frames_taken);
    return frames[mfn.v - 100];
}

void port_frame_clear(mfn_t mfn)
{
    memset(port_frame_map(mfn), 0, 4096);
}

int domain_populate(struct domain *of, pfn_t pfn, mfn_t *mfn)
{
    assert_true(of->nr_frames < of->max_frames);
    assert_true(pfn.v == MACH2PHYS_SHARED);
    if (frames_left == 0)
        return -XEN_ENOMEM;
    frames_left--;
    of->nr_frames++;
    memset(frames[frames_taken], 0, 4096);
    *mfn = MFN(100 + frames_taken++);
    return 0;
}

int domain_share(struct domain *of, mfn_t mfn)
{
    assert_int_equal(mfn.v, 100 + frames_shared);
    frames_shared++;
    of->nr_frames--;
    return 0;
}

static uint64_t status_is_mapped; /* the frame that the guest maps */

bool domain_shared_is_mapped(struct domain *of, mfn_t mfn)
{
    assert_ptr_equal(of, &domain.domain);
    return mfn.v == status_is_mapped;
}

/* Copies have a test of their own. */
int domain_hold_writable(struct domain *of, mfn_t mfn)
{
    fail_msg("a copy, of %p to %lx", (void *)of, mfn.v);
    return 0;
}

void domain_drop_writable(struct domain *of, mfn_t mfn)
{
    fail_msg("the end of a copy, of %p to %lx", (void *)of, mfn.v);
}

void console_write(const char *bytes, size_t count)
{
    assert_true(count <= sizeof(output) - output_size);
    memcpy(output + output_size, bytes, count);
    output_size += count;
}

size_t console_read(const struct hv_domain *from, char *bytes, size_t count)
{
    size_t length = strlen(input);

    assert_ptr_equal(from, &domain);
    if (length > count)
        length = count;
    memcpy(bytes, input, length);
    input += length;
    return length;
}

int time_set_wallclock(uint64_t seconds, uint64_t nanoseconds, uint64_t at)
{
    clock_seconds = seconds;
    clock_at = at;
    return nanoseconds < 1000000000 ? 0 : -XEN_EINVAL;
}

static unsigned nr_told; /* domains that have been told of the clock */

void time_update_wallclock(struct hv_domain *of)
{
    assert_ptr_equal(of, &domain);
    nr_told++;
}

/*
 * ---- A guest.
 */

static struct domain *domains[4];

static void begin(enum width width)
{
    memset(guest, 0, GUEST_SIZE);
    memset(&domain, 0, sizeof(domain));
    memset(&vcpu, 0, sizeof(vcpu));
    domain.domain.machine = &machine;
    domains[1] = &domain.domain;
    machine.domains = domains;
    machine.nr_domains = 4;
    nr_told = 0;
    domain.domain.id = DOMID(1);
    domain.domain.width = width;
    domain.domain.max_frames = domain.domain.nr_frames = 1000;
    vcpu.vcpu.domain = &domain.domain;
    frames_taken = frames_shared = 0;
    frames_left = FRAMES;
    output_size = 0;
    input = "";
    assert_int_equal(grant_create(&domain, MFN(55), MFN_NONE), 0);
}

static int64_t call(call_fn *function, uint64_t first, uint64_t second, uint64_t third)
{
    const uint64_t args[6] = {first, second, third, 0x5555, 0x5555, 0x5555};

    return function(&vcpu, args);
}

/* Where a structure at that offset of guest memory is. */
static uint64_t at(size_t offset)
{
    return (uint64_t)guest + offset;
}

#define GUEST(type) (*(type *)(void *)guest)
#define NOWHERE_64  UINT64_C(0x123456789000)
#define NOWHERE_32  UINT64_C(0x10)

static uint64_t nowhere(void)
{
    return domain.domain.width == WIDTH_64 ? NOWHERE_64 : NOWHERE_32;
}

/* Run @test for a guest of either width. */
static void both(void (*test)(void))
{
    begin(WIDTH_64);
    test();
    begin(WIDTH_PAE);
    test();
}

/*
 * ---- The tests.
 */

static void console(void)
{
    memset(guest, 'x', 1000);
    assert_int_equal(call(call_console_io, CONSOLEIO_write, 1000, at(0)), 0);
    assert_int_equal(output_size, 1000);
    assert_int_equal(call(call_console_io, CONSOLEIO_write, 100, at(GUEST_SIZE - 50)), -XEN_EFAULT);
    assert_int_equal(call(call_console_io, CONSOLEIO_write, UINT32_MAX, nowhere()), -XEN_EFAULT);
    assert_int_equal(call(call_console_io, CONSOLEIO_write, 0, nowhere()), 0);
    input = "typed";
    assert_int_equal(call(call_console_io, CONSOLEIO_read, 3, at(0)), 3);
    assert_memory_equal(guest, "typx", 4);
    assert_int_equal(call(call_console_io, CONSOLEIO_read, INT32_MAX, at(0)), 2);
    assert_int_equal(call(call_console_io, CONSOLEIO_read, INT32_MAX, at(0)), 0);
    assert_int_equal(call(call_console_io, CONSOLEIO_read, UINT64_C(0x80000000), at(0)), -XEN_E2BIG);
    input = "x";
    assert_int_equal(call(call_console_io, CONSOLEIO_read, 1, nowhere()), -XEN_EFAULT);
    assert_int_equal(call(call_console_io, 2, 1, at(0)), -XEN_ENOSYS);
}

static void versions(void)
{
    bool is_64 = domain.domain.width == WIDTH_64;

    assert_int_equal(call(call_xen_version, XENVER_version, 0, 0), 0x40011);
    assert_int_equal(call(call_xen_version, XENVER_extraversion, at(0), 0), 0);
    assert_string_equal((const char *)guest, "-paravane");
    assert_int_equal(call(call_xen_version, XENVER_capabilities, at(0), 0), 0);
    assert_string_equal((const char *)guest, "xen-3.0-x86_64 xen-3.0-x86_32p ");
    assert_int_equal(call(call_xen_version, XENVER_changeset, at(0), 0), 0);
    assert_string_equal((const char *)guest, "v1.2.3");
    assert_int_equal(call(call_xen_version, XENVER_compile_info, at(0), 0), 0);
    assert_int_equal(call(call_xen_version, XENVER_commandline, at(0), 0), 0);
    assert_string_equal((const char *)guest, "");
    memset(guest, 0xee, 16);
    assert_int_equal(call(call_xen_version, XENVER_platform_parameters, at(0), 0), 0);
    assert_true(GUEST(uint64_t) == (is_64 ? HYPERVISOR_VIRT_START : 0xeeeeeeee00000000 | COMPAT_HYPERVISOR_VIRT_START));
    assert_int_equal(call(call_xen_version, XENVER_pagesize, 0, 0), 4096);
    assert_int_equal(call(call_xen_version, XENVER_guest_handle, at(0), 0), 0);
    assert_int_equal(call(call_xen_version, XENVER_pagesize, at(0), 0), -XEN_EINVAL);
    assert_int_equal(call(call_xen_version, XENVER_build_id, at(0), 0), -XEN_EPERM);
    domain.initial = true;
    assert_int_equal(call(call_xen_version, XENVER_build_id, at(0), 0), -XEN_ENODATA);
    assert_int_equal(call(call_xen_version, 11, at(0), 0), -XEN_ENOSYS);
    assert_int_equal(call(call_xen_version, XENVER_changeset, nowhere(), 0), -XEN_EFAULT);
    assert_int_equal(call(call_xen_version, XENVER_get_features, nowhere(), 0), -XEN_EFAULT);
}

static uint32_t features(void)
{
    GUEST(struct xen_feature_info) = (struct xen_feature_info){0, 0};
    assert_int_equal(call(call_xen_version, XENVER_get_features, at(0), 0), 0);
    return GUEST(struct xen_feature_info).submap;
}

static void features_and_assists(void)
{
    const uint32_t always = 1u << 5 | 1u << 6 | 1u << 7 | 1u << 13 | 1u << 17;

    assert_int_equal(features(), always);
    domain.initial = true;
    assert_int_equal(features(), always | 1u << 11);
    GUEST(struct xen_feature_info).submap_idx = 1;
    assert_int_equal(call(call_xen_version, XENVER_get_features, at(0), 0), -XEN_EINVAL);

    assert_int_equal(call(call_vm_assist, VMASST_CMD_enable, VMASST_TYPE_pae_extended_cr3, 0), 0);
    assert_true(domain.domain.extended_cr3);
    assert_int_equal(features(), always | 1u << 11 | 1u << 4);
    assert_int_equal(call(call_vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables, 0), 0);
    assert_int_equal(call(call_vm_assist, VMASST_CMD_enable, VMASST_TYPE_architectural_iopl, 0), 0);
    assert_int_equal(domain.vm_assist, 1u << 2 | 1u << 3 | 1u << 4);
    assert_int_equal(call(call_vm_assist, VMASST_CMD_disable, VMASST_TYPE_writable_pagetables, 0), 0);
    assert_true(domain.domain.writable_tables); /* of the initial domain, always */
    domain.initial = false;
    assert_int_equal(call(call_vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables, 0), 0);
    assert_true(domain.domain.writable_tables);
    assert_int_equal(call(call_vm_assist, VMASST_CMD_disable, VMASST_TYPE_writable_pagetables, 0), 0);
    assert_false(domain.domain.writable_tables);
    assert_int_equal(domain.vm_assist, 1u << 3 | 1u << 4);
    assert_int_equal(call(call_vm_assist, 2, VMASST_TYPE_4gb_segments, 0), -XEN_ENOSYS);
    assert_int_equal(call(call_vm_assist, 2, 6, 0), -XEN_EINVAL);
    assert_int_equal(call(call_vm_assist, VMASST_CMD_enable, VMASST_TYPE_m2p_strict, 0),
                     domain.domain.width == WIDTH_64 ? 0 : -XEN_EINVAL);
    assert_int_equal(domain.domain.m2p_strict, domain.domain.width == WIDTH_64);
    assert_int_equal(call(call_vm_assist, VMASST_CMD_enable, 33, 0), -XEN_EINVAL);
}

static void memory_maps(void)
{
    const struct e820_entry *entry = (const struct e820_entry *)(const void *)(guest + 1024);

    if (domain.domain.width == WIDTH_64)
        GUEST(struct xen_memory_map) = (struct xen_memory_map){.nr_entries = 128, .buffer = at(1024)};
    else
        GUEST(struct compat_xen_memory_map) = (struct compat_xen_memory_map){128, (uint32_t)at(1024)};
    assert_int_equal(call(call_memory_op, XENMEM_memory_map, at(0), 0), 0);
    assert_int_equal(GUEST(uint32_t), 1);
    assert_int_equal(entry->addr, 0);
    assert_int_equal(entry->size, 1000 * 4096);
    assert_int_equal(entry->type, E820_RAM);
    assert_int_equal(call(call_memory_op, XENMEM_machine_memory_map, at(0), 0), -XEN_EPERM);
    domain.initial = true;
    assert_int_equal(call(call_memory_op, XENMEM_machine_memory_map, at(0), 0), 0);
    assert_int_equal(GUEST(uint32_t), 1);
    GUEST(uint32_t) = 0; /* no room: nothing is written */
    memset(guest + 1024, 0xee, 1);
    assert_int_equal(call(call_memory_op, XENMEM_memory_map, at(0), 0), 0);
    assert_int_equal(GUEST(uint32_t), 0);
    assert_int_equal(guest[1024], 0xee);
    assert_int_equal(call(call_memory_op, XENMEM_memory_map, nowhere(), 0), -XEN_EFAULT);
}

static void memory_questions(void)
{
    static union {
        struct shared_info full;
        struct compat_shared_info compat;
    } shared;
    bool is_64 = domain.domain.width == WIDTH_64;
    uint64_t m2p_mfn = is_64 ? 7 : 9;

    memset(&shared, 0, sizeof(shared));
    domain.shared_info = &shared;
    GUEST(struct xen_memory_domain).domid = DOMID_SELF;
    assert_int_equal(call(call_memory_op, XENMEM_maximum_gpfn, at(0), 0), 999);
    if (is_64)
        shared.full.arch.max_pfn = 70;
    else
        shared.compat.arch.max_pfn = 70;
    assert_int_equal(call(call_memory_op, XENMEM_maximum_gpfn, at(0), 0), 69);
    GUEST(struct xen_memory_domain).domid = 1;
    assert_int_equal(call(call_memory_op, XENMEM_maximum_gpfn, at(0), 0), 69);
    GUEST(struct xen_memory_domain).domid = 2;
    assert_int_equal(call(call_memory_op, XENMEM_maximum_gpfn, at(0), 0), -XEN_ESRCH);

    machine.m2p = (uint64_t *)(DIRECT_BASE + 7 * 4096);
    machine.compat_m2p = (uint32_t *)(DIRECT_BASE + 9 * 4096);
    machine.nr_frames = is_64 ? 262145 : 524289; /* a little more than one extent */
    if (is_64)
        GUEST(struct xen_machphys_mfn_list) = (struct xen_machphys_mfn_list){.max_extents = 9, .extent_start = at(64)};
    else
        GUEST(struct compat_xen_machphys_mfn_list) = (struct compat_xen_machphys_mfn_list){9, (uint32_t)at(64), 0};
    assert_int_equal(call(call_memory_op, XENMEM_machphys_mfn_list, at(0), 0), 0);
    if (is_64) {
        assert_int_equal(GUEST(struct xen_machphys_mfn_list).nr_extents, 2);
        assert_int_equal(((uint64_t *)(void *)guest)[9], m2p_mfn + 512);
    } else {
        assert_int_equal(GUEST(struct compat_xen_machphys_mfn_list).nr_extents, 2);
        assert_int_equal(((uint32_t *)(void *)guest)[17], m2p_mfn + 512);
    }
    GUEST(uint32_t) = 1; /* room */
    memset(guest + 64, 0, 16);
    assert_int_equal(call(call_memory_op, XENMEM_machphys_mfn_list, at(0), 0), 0);
    assert_int_equal(is_64 ? GUEST(struct xen_machphys_mfn_list).nr_extents
                           : GUEST(struct compat_xen_machphys_mfn_list).nr_extents,
                     1);
    assert_int_equal(((uint64_t *)(void *)guest)[8], m2p_mfn);
    assert_int_equal(((uint64_t *)(void *)guest)[9], 0);
    assert_int_equal(call(call_memory_op, XENMEM_add_to_physmap, at(0), 0), -XEN_ENOSYS);
    assert_int_equal(call(call_memory_op, 8, at(0), 0), -XEN_ENOSYS);
    assert_int_equal(call(call_memory_op, UINT64_MAX, at(0), 0), -XEN_ENOSYS);
}

/* setup_table or get_status_frames; the list goes to offset 64. */
static int grant_list(uint32_t command, uint16_t domid, uint32_t count, uint64_t list)
{
    uint32_t *words = (uint32_t *)(void *)guest;
    bool is_64 = domain.domain.width == WIDTH_64, setup = command == GNTTABOP_setup_table;

    words[setup ? 0 : 1] = domid;
    words[setup ? 1 : 0] = count;
    words[2] = setup ? 0 : (uint32_t)list;
    words[is_64 && setup ? 4 : setup ? 3 : 2] = (uint32_t)list;
    words[is_64 && setup ? 5 : 3] = setup && !is_64 ? (uint32_t)list : 0;
    assert_int_equal(call(call_grant_table_op, command, at(0), 1), 0);
    return (int16_t)(setup ? words[2] & 0xffff : words[1] >> 16);
}

static void grants(void)
{
    const struct grant_entry_v1 *table = (const struct grant_entry_v1 *)(const void *)frames[0];
    unsigned size = domain.domain.width == WIDTH_64 ? 8 : 4;
    uint64_t number = 0;

    assert_int_equal(table[0].flags, GTF_permit_access);
    assert_int_equal(table[0].frame, 55);
    assert_int_equal(table[1].flags, 0);
    assert_int_equal(grant_list(GNTTABOP_setup_table, DOMID_SELF, 4, at(64)), GNTST_okay);
    assert_int_equal(frames_shared, 4);
    for (unsigned i = 0; i < 4; i++) {
        memcpy(&number, guest + 64 + i * size, size);
        assert_int_equal(number, 100 + i);
    }
    assert_int_equal(domain.domain.nr_frames, 1000);
    assert_int_equal(domain.domain.max_frames, 1000);
    assert_int_equal(grant_list(GNTTABOP_setup_table, 1, 2, at(64)), GNTST_okay);
    assert_int_equal(frames_shared, 4);
    assert_int_equal(grant_list(GNTTABOP_setup_table, 0, 2, at(64)), GNTST_bad_domain);
    assert_int_equal(grant_list(GNTTABOP_setup_table, DOMID_SELF, 33, at(64)), GNTST_general_error);
    assert_int_equal(grant_list(GNTTABOP_setup_table, DOMID_SELF, 2, nowhere()), GNTST_bad_virt_addr);
    frames_left = 1;
    assert_int_equal(grant_list(GNTTABOP_setup_table, DOMID_SELF, 6, at(64)), GNTST_general_error);
    frames_left = FRAMES - frames_taken;
    assert_int_equal(grant_list(GNTTABOP_setup_table, DOMID_SELF, 32, at(64)), GNTST_okay);
    assert_int_equal(frames_shared, 32);

    GUEST(struct gnttab_query_size) = (struct gnttab_query_size){.dom = DOMID_SELF};
    assert_int_equal(call(call_grant_table_op, GNTTABOP_query_size, at(0), 1), 0);
    assert_int_equal(GUEST(struct gnttab_query_size).nr_frames, 32);
    assert_int_equal(GUEST(struct gnttab_query_size).max_nr_frames, 32);
    assert_int_equal(call(call_grant_table_op, GNTTABOP_query_size, at(0), 2), -XEN_EINVAL);
    assert_int_equal(call(call_grant_table_op, GNTTABOP_query_size, at(0), 0x80000000), -XEN_EINVAL);
    assert_int_equal(call(call_grant_table_op, GNTTABOP_query_size, nowhere(), 1), -XEN_EFAULT);
    assert_int_equal(call(call_grant_table_op, 12, at(0), 1), -XEN_ENOSYS);
    assert_int_equal(call(call_grant_table_op, 13, at(0), 0), -XEN_ENOSYS);
}

static void grant_of_a_large_number(void)
{
    assert_int_equal(grant_create(&domain, MFN(UINT64_C(1) << 32), MFN(77)), 0);
    assert_int_equal(((const struct grant_entry_v1 *)(const void *)frames[1])[0].flags, 0);
    assert_int_equal(((const struct grant_entry_v1 *)(const void *)frames[1])[1].frame, 77);
}

static int64_t set_version(uint32_t wanted)
{
    GUEST(struct gnttab_set_version).version = wanted;
    return call(call_grant_table_op, GNTTABOP_set_version, at(0), 1);
}

static void grant_versions(void)
{
    struct grant_entry_v1 *v1 = (struct grant_entry_v1 *)(void *)frames[0];
    const uint64_t *v2 = (const uint64_t *)(const void *)frames[0];

    assert_int_equal(grant_list(GNTTABOP_get_status_frames, DOMID_SELF, 0, at(64)), GNTST_general_error);
    assert_int_equal(grant_list(GNTTABOP_setup_table, DOMID_SELF, 9, at(64)), GNTST_okay);
    v1[20] = v1[0];
    assert_int_equal(set_version(3), -XEN_EINVAL);
    assert_int_equal(GUEST(struct gnttab_set_version).version, 1);
    assert_int_equal(set_version(0), -XEN_EINVAL);
    assert_int_equal(GUEST(struct gnttab_set_version).version, 1);
    assert_int_equal(set_version(2), 0);
    assert_int_equal(GUEST(struct gnttab_set_version).version, 2);
    assert_int_equal(v2[0], GTF_permit_access);
    assert_int_equal(v2[1], 55);
    for (unsigned i = 2; i < 512; i++)
        assert_int_equal(v2[i], 0); /* no other is kept */
    assert_int_equal(frames_shared, 9 + 2);
    assert_int_equal(grant_list(GNTTABOP_get_status_frames, DOMID_SELF, 2, at(64)), GNTST_okay);
    assert_int_equal(((uint64_t *)(void *)guest)[9], 110);
    assert_int_equal(grant_list(GNTTABOP_get_status_frames, DOMID_SELF, 3, at(64)), GNTST_general_error);
    assert_int_equal(grant_list(GNTTABOP_get_status_frames, 2, 1, at(64)), GNTST_bad_domain);
    GUEST(struct gnttab_get_version) = (struct gnttab_get_version){.dom = DOMID_SELF};
    assert_int_equal(call(call_grant_table_op, GNTTABOP_get_version, at(0), 1), 0);
    assert_int_equal(GUEST(struct gnttab_get_version).version, 2);
    status_is_mapped = 110;
    assert_int_equal(set_version(1), -XEN_EBUSY);
    assert_int_equal(GUEST(struct gnttab_set_version).version, 2);
    assert_int_equal(v2[1], 55);
    assert_int_equal(set_version(2), 0);
    status_is_mapped = 0;
    assert_int_equal(call(call_grant_table_op, GNTTABOP_set_version, nowhere(), 0), -XEN_EFAULT);
    assert_int_equal(set_version(1), 0);
    assert_int_equal(v1[0].flags, GTF_permit_access);
    assert_int_equal(v1[0].frame, 55);
    assert_int_equal(v1[2].flags, 0);
    frames_left = 0;
    assert_int_equal(set_version(2), 0); /* with the status frames of before */
    begin(domain.domain.width);
    frames_left = 0;
    assert_int_equal(set_version(2), -XEN_ENOMEM);
    assert_int_equal(GUEST(struct gnttab_set_version).version, 1);
}

static void grants_of_others(void)
{
    struct gnttab_map_grant_ref *maps = (struct gnttab_map_grant_ref *)(void *)guest;
    struct gnttab_unmap_grant_ref *unmaps = (struct gnttab_unmap_grant_ref *)(void *)guest;
    unsigned count = GUEST_SIZE / sizeof(*maps);

    maps[1].dom = 1; /* itself; DOMID_SELF names nobody here */
    maps[2].dom = DOMID_SELF;
    assert_int_equal(call(call_grant_table_op, GNTTABOP_map_grant_ref, at(0), count), 0);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(maps[i].status, i == 1 ? GNTST_general_error : GNTST_bad_domain);
    maps[0].status = 0;
    assert_int_equal(call(call_grant_table_op, GNTTABOP_map_grant_ref, at(0), count + 1), -XEN_EFAULT);
    assert_int_equal(maps[0].status, GNTST_bad_domain);
    assert_int_equal(call(call_grant_table_op, GNTTABOP_map_grant_ref, nowhere(), 0), 0);
    assert_int_equal(call(call_grant_table_op, GNTTABOP_map_grant_ref, at(0), 0x80000000), -XEN_EINVAL);
    assert_int_equal(call(call_grant_table_op, GNTTABOP_unmap_grant_ref, at(0), 2), 0);
    assert_int_equal(unmaps[1].status, GNTST_bad_handle);
    memset(guest, 0, 64);
    assert_int_equal(call(call_grant_table_op, GNTTABOP_copy, at(0), 1), 0);
    if (domain.domain.width == WIDTH_64)
        assert_int_equal(GUEST(struct gnttab_copy).status, GNTST_bad_domain);
    else
        assert_int_equal(GUEST(struct compat_gnttab_copy).status, GNTST_bad_domain);
}

static void devices(void)
{
    static const struct {
        uint32_t command;
        int64_t result;
    } others[] = {
        {PHYSDEVOP_irq_status_query, -XEN_EINVAL},
        {PHYSDEVOP_apic_read, -XEN_EPERM},
        {PHYSDEVOP_eoi, -XEN_EINVAL},
        {PHYSDEVOP_map_pirq, -XEN_EPERM},
        {11, -XEN_ENOSYS},
        {17, -XEN_ENOSYS},
        {PHYSDEVOP_setup_gsi, -XEN_EPERM},
        {0, -XEN_ENOSYS},
        {UINT32_MAX, -XEN_ENOSYS},
    };
    size_t place = domain.domain.width == WIDTH_64 ? 8 : 4;

    GUEST(struct physdev_set_iopl).iopl = 3;
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_set_iopl, at(0), 0), 0);
    assert_int_equal(vcpu.state.iopl, 3u << 12);
    GUEST(struct physdev_set_iopl).iopl = 4;
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_set_iopl, at(0), 0), -XEN_EINVAL);
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_set_iopl, nowhere(), 0), -XEN_EFAULT);
    assert_int_equal(vcpu.state.iopl, 3u << 12);
    ((uint32_t *)(void *)guest)[place / 4] = 65536;
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_set_iobitmap, at(0), 0), 0);
    ((uint32_t *)(void *)guest)[place / 4] = 65537;
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_set_iobitmap, at(0), 0), -XEN_EINVAL);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(call(call_physdev_op, others[i].command, at(0), 0), others[i].result);

    memset(guest, 0, 64);
    guest[0] = PHYSDEVOP_set_iopl;
    guest[place] = 1;
    assert_int_equal(call(call_physdev_op_compat, at(0), 0, 0), 0);
    assert_int_equal(vcpu.state.iopl, 1u << 12);
    guest[0] = PHYSDEVOP_eoi;
    assert_int_equal(call(call_physdev_op_compat, at(0), 0, 0), -XEN_ENOSYS);
    assert_int_equal(call(call_physdev_op_compat, nowhere(), 0, 0), -XEN_EFAULT);
}

static void platform(void)
{
    struct xen_platform_op *op = &GUEST(struct xen_platform_op);

    *op = (struct xen_platform_op){XENPF_settime64, XENPF_INTERFACE_VERSION, {{0}}};
    op->u.settime64 = (struct xenpf_settime64){UINT64_C(5000000000), 7, 0, 9};
    assert_int_equal(call(call_platform_op, at(0), 0, 0), -XEN_EPERM);
    assert_int_equal(call(call_platform_op, nowhere(), 0, 0), -XEN_EFAULT);
    op->interface_version++;
    assert_int_equal(call(call_platform_op, at(0), 0, 0), -XEN_EACCES);
    op->interface_version--;
    domain.initial = true;
    assert_int_equal(call(call_platform_op, at(0), 0, 0), 0);
    assert_int_equal(clock_seconds, UINT64_C(5000000000));
    assert_int_equal(clock_at, 9);
    assert_int_equal(nr_told, 1);
    op->u.settime64.mbz = 1;
    assert_int_equal(call(call_platform_op, at(0), 0, 0), -XEN_EINVAL);
    op->cmd = XENPF_settime32;
    op->u.settime32 = (struct xenpf_settime32){6, 7, 8};
    assert_int_equal(call(call_platform_op, at(0), 0, 0), 0);
    assert_int_equal(clock_seconds, 6);
    assert_int_equal(clock_at, 8);
    op->u.settime32.nsecs = 1000000000;
    assert_int_equal(call(call_platform_op, at(0), 0, 0), -XEN_EINVAL);
    assert_int_equal(nr_told, 2);
    op->cmd = XENPF_get_cpuinfo;
    op->u.pcpu_info = (struct xenpf_pcpuinfo){.max_present = 77};
    assert_int_equal(call(call_platform_op, at(0), 0, 0), 0);
    assert_int_equal(op->u.pcpu_info.max_present, 0);
    assert_int_equal(op->u.pcpu_info.flags, XEN_PCPU_FLAGS_ONLINE);
    op->u.pcpu_info.xen_cpuid = 1;
    assert_int_equal(call(call_platform_op, at(0), 0, 0), -XEN_EINVAL);
    op->cmd = XENPF_firmware_info;
    assert_int_equal(call(call_platform_op, at(0), 0, 0), -XEN_ENOSYS);
    op->interface_version++;
    assert_int_equal(call(call_platform_op, at(0), 0, 0), -XEN_EACCES);
    assert_int_equal(call(call_platform_op, nowhere(), 0, 0), -XEN_EFAULT);
}

#define TEST(name)                        \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        both(name);                       \
    }
TEST(console)
TEST(versions)
TEST(features_and_assists)
TEST(memory_maps)
TEST(memory_questions)
TEST(grants)
TEST(grant_of_a_large_number)
TEST(grant_versions)
TEST(grants_of_others)
TEST(devices)
TEST(platform)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_console),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_features_and_assists),
        cmocka_unit_test(test_memory_maps),
        cmocka_unit_test(test_memory_questions),
        cmocka_unit_test(test_grants),
        cmocka_unit_test(test_grant_of_a_large_number),
        cmocka_unit_test(test_grant_versions),
        cmocka_unit_test(test_grants_of_others),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_platform),
    };

    guest = mmap(NULL, GUEST_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (guest == MAP_FAILED)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
