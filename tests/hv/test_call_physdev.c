/* SPDX-License-Identifier: MIT */
/* physdev_op, of guests of both widths. */
/* links: hv/call/call_physdev.c engine/access.c */
/* links: tests/hv/lib/guest_calls.c tests/hv/lib/guest_memory.c tests/hv/lib/call_refused.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/mmu.h>
#include <abi/physdev.h>
#include <hv/device/devices.h>
#include <tests/hv/lib/call_refused.h>
#include <tests/hv/lib/guest_calls.h>

/* What pirq.h has been asked, and says. */
static struct {
    unsigned place, entry, line, ended, unmapped;
    uint64_t area;
    uint32_t wish;
    int error;
    bool needs;
} asked;

int pirq_map_msix(struct hv_domain *of, pci_place_t place, unsigned entry, uint64_t area, uint32_t *pirq)
{
    assert_ptr_equal(of, &domain);
    asked.place = place.v;
    asked.entry = entry;
    asked.area = area;
    asked.wish = *pirq;
    *pirq = asked.error ? 1234 : 99;
    return call_refused_elsewhere(asked.error);
}

int pirq_map_line(struct hv_domain *of, unsigned line, uint32_t *pirq)
{
    assert_ptr_equal(of, &domain);
    asked.line = line;
    asked.wish = *pirq;
    *pirq = 16;
    return call_refused_elsewhere(asked.error);
}

int pirq_unmap(struct hv_domain *of, uint32_t pirq)
{
    assert_ptr_equal(of, &domain);
    asked.unmapped = pirq;
    return call_refused_elsewhere(asked.error);
}

int pirq_end(struct hv_domain *of, uint32_t pirq)
{
    asked.ended = pirq;
    return call_refused_elsewhere(of->devices ? asked.error : -XEN_EINVAL);
}

int pirq_needs_end(const struct hv_domain *of, uint32_t pirq, bool *needs)
{
    (void)pirq;
    *needs = asked.needs;
    return call_refused_elsewhere(of->devices ? asked.error : -XEN_EINVAL);
}

/*
 * Shows physdev_op.unknown-command, physdev_op.unreadable, physdev_op.no-right, physdev_op.no-interrupt,
 * physdev_op.iopl-refused, physdev_op.iobitmap-refused, physdev_op.refused.
 */
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
    size_t place = domain.engine.width == WIDTH_64 ? 8 : 4;

    GUEST(struct physdev_set_iopl).iopl = 3;
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_set_iopl, at(0), 0), 0);
    assert_int_equal(vcpu.state.iopl, 3u << 12);
    GUEST(struct physdev_set_iopl).iopl = 4;
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_set_iopl, at(0), 0), -XEN_EINVAL);
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_set_iopl, nowhere(), 0), -XEN_EFAULT);
    assert_int_equal(vcpu.state.iopl, 3u << 12);
    ((uint32_t *)(void *)guest_memory)[place / 4] = 65536;
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_set_iobitmap, at(0), 0), 0);
    ((uint32_t *)(void *)guest_memory)[place / 4] = 65537;
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_set_iobitmap, at(0), 0), -XEN_EINVAL);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(call(call_physdev_op, others[i].command, at(0), 0), others[i].result);

    memset(guest_memory, 0, 64);
    guest_memory[0] = PHYSDEVOP_set_iopl;
    guest_memory[place] = 1;
    assert_int_equal(call(call_physdev_op_compat, at(0), 0, 0), 0);
    assert_int_equal(vcpu.state.iopl, 1u << 12);
    guest_memory[0] = PHYSDEVOP_eoi;
    assert_int_equal(call(call_physdev_op_compat, at(0), 0, 0), -XEN_ENOSYS);
    assert_int_equal(call(call_physdev_op_compat, nowhere(), 0, 0), -XEN_EFAULT);
}

/* A structure of the guest's width may be the last thing that it has, and is not shorter. */
static void ends(void)
{
    static const struct {
        uint32_t command;
        size_t size, compat_size;
    } rows[] = {
        {PHYSDEVOP_set_iobitmap, sizeof(struct physdev_set_iobitmap), sizeof(struct compat_physdev_set_iobitmap)},
        {PHYSDEVOP_apic_read, sizeof(struct physdev_apic), sizeof(struct compat_physdev_apic)},
        {PHYSDEVOP_map_pirq, sizeof(struct physdev_map_pirq), sizeof(struct compat_physdev_map_pirq)},
        {PHYSDEVOP_pirq_eoi_gmfn_v2, sizeof(struct physdev_pirq_eoi_gmfn), sizeof(struct compat_physdev_pirq_eoi_gmfn)},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        size_t size = domain.engine.width == WIDTH_64 ? rows[i].size : rows[i].compat_size;

        assert_true(rows[i].compat_size < rows[i].size);
        assert_int_not_equal(call(call_physdev_op, rows[i].command, at(GUEST_MEMORY_SIZE - size), 0), -XEN_EFAULT);
        assert_int_equal(call(call_physdev_op, rows[i].command, at(GUEST_MEMORY_SIZE - size + 1), 0), -XEN_EFAULT);
    }
}

TEST_BOTH(ends, guest_begin)

/* In a structure of the guest's width. */
static void place_map(const struct physdev_map_pirq *map)
{
    struct compat_physdev_map_pirq compat;

    memcpy(guest_memory, map, sizeof(*map));
    memcpy(&compat, map, offsetof(struct compat_physdev_map_pirq, table_base));
    compat.table_base = map->table_base;
    if (domain.engine.width != WIDTH_64)
        memcpy(guest_memory, &compat, sizeof(compat));
}

static int64_t map_pirq(const struct physdev_map_pirq *map)
{
    place_map(map);
    return call(call_physdev_op, PHYSDEVOP_map_pirq, at(0), 0);
}

/* Shows physdev_op.map, physdev_op.map-right. */
static void messages(void)
{
    static struct domain_devices devices;
    const struct physdev_map_pirq good = {
        .domid = DOMID_SELF,
        .type = MAP_PIRQ_TYPE_MSI_SEG,
        .index = -1,
        .pirq = -1,
        .bus = 2,
        .devfn = 0x1a,
        .entry_nr = 3,
        .table_base = UINT64_C(0x7000001000),
    };
    struct physdev_map_pirq map = good;

    memset(&asked, 0, sizeof(asked));
    assert_int_equal(map_pirq(&good), -XEN_EPERM); /* a domain without functions */
    domain.devices = &devices;
    assert_int_equal(map_pirq(&good), 0);
    assert_true(asked.place == 0x21a && asked.entry == 3 && asked.area == good.table_base && asked.wish == PIRQ_ANY);
    assert_int_equal(GUEST(struct physdev_map_pirq).pirq, 99);
    assert_int_equal(GUEST(struct physdev_map_pirq).entry_nr, 3);
    map.type = MAP_PIRQ_TYPE_MSI;
    map.domid = domain.engine.id.v;
    map.pirq = 7;
    assert_int_equal(map_pirq(&map), 0);
    assert_int_equal(asked.wish, 7);
    asked.error = -XEN_EEXIST;
    assert_int_equal(map_pirq(&map), -XEN_EEXIST);
    assert_int_equal(GUEST(struct physdev_map_pirq).pirq, 7);
    asked.error = 0;
    map.domid++;
    assert_int_equal(map_pirq(&map), -XEN_EPERM);
    domain.devices = NULL;
}

TEST_BOTH(messages, guest_begin)

/* Shows physdev_op.map-none, physdev_op.map-kind. */
static void refused_messages(void)
{
    static struct domain_devices devices;
    const struct physdev_map_pirq good = {.domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_MSI_SEG, .pirq = -1, .bus = 2};
    struct physdev_map_pirq map;

    memset(&asked, 0, sizeof(asked));
    domain.devices = &devices;
    for (unsigned i = 0; i < 6; i++) {
        static const int32_t buses[] = {0x10002, -1, 256, 2, 2, 2}, devfns[] = {0, 0, 0, -1, 256, 0x7fffffff};

        map = good;
        map.bus = buses[i];
        map.devfn = devfns[i];
        assert_int_equal(map_pirq(&map), -XEN_ENODEV);
        assert_refused(WHY_NO_FUNCTION, (uint64_t)(uint32_t)buses[i] << 8 | (uint32_t)devfns[i]);
    }
    map = good;
    map.pirq = -2;
    assert_int_equal(map_pirq(&map), -XEN_EINVAL);
    map = good;
    for (map.type = -2; map.type < 8; map.type++) {
        if (map.type != MAP_PIRQ_TYPE_MSI && map.type != MAP_PIRQ_TYPE_MSI_SEG && map.type != MAP_PIRQ_TYPE_GSI)
            assert_int_equal(map_pirq(&map), -XEN_EINVAL);
    }
    domain.devices = NULL;
}

TEST_BOTH(refused_messages, guest_begin)

/*
 * Shows physdev_op.map, physdev_op.unmap, physdev_op.unmap-no-devices, physdev_op.unmap-right, physdev_op.status,
 * physdev_op.eoi, physdev_op.no-interrupt.
 */
static void lines(void)
{
    static struct domain_devices devices;
    const struct physdev_map_pirq line = {.domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = 11, .pirq = 11};
    const struct physdev_unmap_pirq unmap = {.domid = DOMID_SELF, .pirq = 12}, other = {.domid = 4321, .pirq = 12};

    memset(&asked, 0, sizeof(asked));
    memcpy(guest_memory, &unmap, sizeof(unmap));
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_unmap_pirq, at(0), 0), -XEN_EINVAL);
    domain.devices = &devices;
    assert_int_equal(map_pirq(&line), 0);
    assert_true(asked.line == 11 && asked.wish == 11);
    assert_int_equal(GUEST(struct physdev_map_pirq).pirq, 16);
    memcpy(guest_memory, &unmap, sizeof(unmap));
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_unmap_pirq, at(0), 0), 0);
    assert_int_equal(asked.unmapped, 12);
    memcpy(guest_memory, &other, sizeof(other));
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_unmap_pirq, at(0), 0), -XEN_EPERM);
    GUEST(struct physdev_eoi).irq = 14;
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_eoi, at(0), 0), 0);
    assert_int_equal(asked.ended, 14);
    for (unsigned i = 0; i < 2; i++) {
        asked.needs = i;
        GUEST(struct physdev_irq_status_query).flags = 77;
        assert_int_equal(call(call_physdev_op, PHYSDEVOP_irq_status_query, at(0), 0), 0);
        assert_int_equal(GUEST(struct physdev_irq_status_query).flags, i ? XENIRQSTAT_needs_eoi : 0);
    }
    asked.error = -XEN_EINVAL;
    GUEST(struct physdev_irq_status_query).flags = 77;
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_irq_status_query, at(0), 0), -XEN_EINVAL);
    assert_int_equal(GUEST(struct physdev_irq_status_query).flags, 77);
    domain.devices = NULL;
}

TEST_BOTH(lines, guest_begin)

TEST_BOTH(devices, guest_begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices),          cmocka_unit_test(test_ends),  cmocka_unit_test(test_messages),
        cmocka_unit_test(test_refused_messages), cmocka_unit_test(test_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
