/* SPDX-License-Identifier: MIT */
/* Interrupts of devices: what can be mapped and bound, what is masked when, and what becomes of one that comes. */
/* links: hv/device/pirq.c hv/device/vector.c hv/device/pci_scan.c tests/hv/lib/pci_host.c tests/hv/lib/said.c */
/* links: tests/hv/lib/call_refused.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <hv/device/devices.h>
#include <hv/device/msix.h>
#include <hv/device/vector.h>
#include <hv/domain/domain.h>
#include <hv/time/ioapic.h>
#include <hv/time/time.h>
#include <tests/hv/lib/call_refused.h>
#include <tests/hv/lib/pci_host.h>
#include <tests/hv/lib/said.h>

#define OWN     PCI_PLACE(3u << 3)
#define SECOND  PCI_PLACE(4u << 3)
#define OTHERS  PCI_PLACE(5u << 3)
#define AREA    UINT64_C(0xfe000000)
#define ENTRIES 200u

static struct hv_domain domain, other, none;
static struct domain_devices devices, other_devices;

/* What the machine has been told. */
static struct {
    unsigned vector, unmasked; /* the latter counts */
    bool masked;
} entries[ENTRIES], lines[24];
static bool enabled, no_ioapic, pending;
static unsigned raised;
static uint32_t raised_port;
static struct timer *timer;
static uint64_t now, timer_deadline;

void msix_set(const struct pci_function *function, unsigned entry, unsigned vector)
{
    assert_non_null(function->owner);
    entries[entry].vector = vector;
    entries[entry].masked = true;
}

void msix_mask(const struct pci_function *function, unsigned entry, bool mask)
{
    assert_non_null(function);
    entries[entry].masked = mask;
    entries[entry].unmasked += !mask;
}

void msix_enable(const struct pci_function *function, bool enable)
{
    assert_non_null(function);
    enabled = enable;
}

unsigned ioapic_lines(void)
{
    return no_ioapic ? 0 : 24;
}

void ioapic_mask(unsigned pin)
{
    lines[pin].masked = true;
}

void ioapic_route_level(unsigned pin, unsigned vector)
{
    lines[pin].vector = vector;
    lines[pin].masked = false;
    lines[pin].unmasked++;
}

bool event_is_pending(const struct hv_domain *of, uint32_t port)
{
    assert_true(of == &domain && port != 0);
    return pending;
}

void event_raise_port(struct hv_domain *of, uint32_t port)
{
    assert_true(of == &domain);
    raised++;
    raised_port = port;
}

uint64_t time_now(void)
{
    return now;
}

void timer_set(struct timer *set, uint64_t deadline)
{
    timer = set;
    timer_deadline = deadline;
}

static int set_up(void **state)
{
    (void)state;
    pirq_unmap_all(&domain);
    pirq_unmap_all(&other);
    memset(entries, 0, sizeof(entries));
    memset(lines, 0, sizeof(lines));
    memset(&devices, 0, sizeof(devices));
    enabled = no_ioapic = pending = false;
    raised = raised_port = 0;
    timer = NULL;
    said[0] = '\0';
    return 0;
}

static void make_machine(void)
{
    static const pci_place_t places[] = {{3 << 3}, {4 << 3}, {5 << 3}};

    pci_host_begin();
    for (unsigned i = 0; i < 3; i++)
        fake_set(pci_host_add(places[i].v, 0x1af4), PCI_INTERRUPT_LINE, 1, 10 + i);
    pci_scan();
    pci_find(OWN)->owner = pci_find(SECOND)->owner = &domain;
    pci_find(OTHERS)->owner = &other;
    for (unsigned i = 0; i < 3; i += 2) {
        struct pci_function *function = pci_find(places[i]);

        function->bars[1] = (struct pci_bar){AREA, 0x4000};
        function->msix = (struct pci_msix){.capability = 0x40, .nr_entries = ENTRIES, .bar = 1, .table = AREA + 0x1000};
    }
    domain.devices = &devices;
    other.devices = &other_devices;
}

static int map_message(pci_place_t place, unsigned entry, uint64_t area, uint32_t wish, uint32_t *pirq)
{
    *pirq = wish;
    return pirq_map_msix(&domain, place, entry, area, pirq);
}

/*
 * Shows physdev_op.map, physdev_op.map-none, physdev_op.map-number, physdev_op.map-twice, physdev_op.map-beyond,
 * physdev_op.map-used, physdev_op.unmap, physdev_op.unmap-none.
 */
static void test_messages(void **state)
{
    uint32_t pirq, unchanged = 77;

    (void)state;
    assert_int_equal(map_message(OTHERS, 0, AREA, PIRQ_ANY, &pirq), -XEN_ENODEV);
    assert_int_equal(map_message(SECOND, 0, AREA, PIRQ_ANY, &pirq), -XEN_ENODEV);
    assert_int_equal(map_message(PCI_PLACE(0), 0, AREA, PIRQ_ANY, &pirq), -XEN_ENODEV);
    assert_int_equal(map_message(OWN, 0, 0, PIRQ_ANY, &pirq), -XEN_ENODEV);
    assert_int_equal(map_message(OWN, 0, AREA + 0x1000, PIRQ_ANY, &pirq), -XEN_EINVAL);
    assert_int_equal(map_message(OWN, ENTRIES, AREA, PIRQ_ANY, &pirq), -XEN_EINVAL);
    assert_int_equal(map_message(OWN, 0, AREA, PIRQS, &pirq), -XEN_EINVAL);
    assert_int_equal(pirq_map_msix(&none, OWN, 0, AREA, &unchanged), -XEN_ENODEV);
    assert_int_equal(unchanged, 77);
    assert_false(enabled);
    assert_int_equal(map_message(OWN, 2, AREA, PIRQ_ANY, &pirq), 0);
    assert_true(pirq == PIRQS - 1 && enabled && entries[2].masked && entries[2].vector >= 0x30);
    assert_int_equal(map_message(OWN, 2, AREA, PIRQ_ANY, &pirq), -XEN_EEXIST);
    assert_refused(WHY_MESSAGE_TAKEN, 2);
    assert_int_equal(map_message(OWN, 3, AREA, PIRQS - 1, &pirq), -XEN_EEXIST);
    assert_int_equal(map_message(OWN, 3, AREA, 0, &pirq), 0);
    assert_int_equal(pirq, 0);
    assert_int_equal(pirq_unmap(&domain, 0), 0);
    assert_true(enabled);
    assert_int_equal(pirq_unmap(&domain, 0), -XEN_EINVAL);
    assert_int_equal(pirq_unmap(&domain, PIRQS), -XEN_EINVAL);
    assert_int_equal(pirq_unmap(&none, 0), -XEN_EINVAL);
    assert_int_equal(pirq_unmap(&domain, PIRQS - 1), 0);
    assert_true(!enabled && entries[2].unmasked == 0); /* it is back to its line */
}

/*
 * Numbers end, and so do vectors; what is given back can be had again.
 * Shows physdev_op.map-full, event_channel_op.pirq-unmapped.
 */
static void test_ends(void **state)
{
    uint32_t pirq, count = 0;
    unsigned taken[256], nr_taken = 0;

    (void)state;
    while (map_message(OWN, count, AREA, PIRQ_ANY, &pirq) == 0) {
        assert_int_equal(pirq, PIRQS - 1 - count);
        count++;
    }
    assert_int_equal(count, PIRQS - PIRQ_LINES);
    assert_int_equal(map_message(OWN, count, AREA, PIRQ_ANY, &pirq), -XEN_ENOSPC);
    assert_int_equal(map_message(OWN, count, AREA, 3, &pirq), 0);
    pirq_unmap_all(&domain);
    for (unsigned vector; (vector = vector_take(&other, 0)) != 0;)
        taken[nr_taken++] = vector;
    assert_int_equal(map_message(OWN, 0, AREA, PIRQ_ANY, &pirq), -XEN_ENOSPC);
    assert_int_equal(pirq_check_free(&domain, PIRQS - 1), -XEN_EPERM);
    while (nr_taken > 0)
        vector_give(taken[--nr_taken]);
    assert_int_equal(map_message(OWN, 0, AREA, PIRQ_ANY, &pirq), 0);
}

/* Shows physdev_op.map-number, physdev_op.map-line, physdev_op.map-busy, physdev_op.map-twice. */
static void test_lines(void **state)
{
    uint32_t pirq = PIRQ_ANY;

    (void)state;
    assert_int_equal(pirq_map_line(&domain, 12, &pirq), -XEN_EPERM);
    assert_int_equal(pirq_map_line(&domain, 24, &pirq), -XEN_EINVAL);
    assert_int_equal(pirq_map_line(&domain, PIRQ_LINES, &pirq), -XEN_EINVAL);
    assert_int_equal(pirq_map_line(&domain, UINT32_MAX, &pirq), -XEN_EINVAL);
    assert_int_equal(pirq_map_line(&none, 10, &pirq), -XEN_EINVAL);
    no_ioapic = true;
    assert_int_equal(pirq_map_line(&domain, 10, &pirq), -XEN_EINVAL);
    no_ioapic = false;
    assert_int_equal(pirq_map_line(&domain, 10, &pirq), 0);
    assert_int_equal(pirq, PIRQ_LINES);
    pirq = PIRQ_ANY;
    assert_int_equal(pirq_map_line(&domain, 10, &pirq), 0);
    assert_int_equal(pirq, PIRQ_LINES);
    assert_int_equal(pirq_map_line(&domain, 10, &pirq), 0);
    pirq = 10;
    assert_int_equal(pirq_map_line(&domain, 10, &pirq), -XEN_EEXIST);
    pirq = 11;
    assert_int_equal(pirq_map_line(&domain, 11, &pirq), 0);
    assert_int_equal(pirq, 11);
    pci_find(OTHERS)->line = 11;
    pirq = PIRQ_ANY;
    assert_int_equal(pirq_map_line(&other, 11, &pirq), -XEN_EBUSY);
    assert_int_equal(pirq_unmap(&domain, 11), 0);
    assert_int_equal(pirq_map_line(&other, 11, &pirq), 0);
    pci_find(OTHERS)->line = 12;
    assert_true(lines[10].unmasked == 0 && lines[11].unmasked == 0);
    devices.lines = UINT64_C(1) << 20; /* of no function */
    pirq = 20;
    assert_int_equal(pirq_map_line(&domain, 20, &pirq), 0);
    pirq = PIRQ_ANY;
    assert_int_equal(pirq_map_line(&domain, 19, &pirq), -XEN_EPERM);
    assert_int_equal(pirq_map_line(&domain, 21, &pirq), -XEN_EPERM);
    assert_int_equal(pirq_map_line(&other, 20, &pirq), -XEN_EPERM);
}

static void test_binding(void **state)
{
    uint32_t pirq;
    bool needs = true;

    (void)state;
    assert_int_equal(map_message(OWN, 0, AREA, 20, &pirq), 0);
    assert_int_equal(pirq_check_free(&none, 20), -XEN_EINVAL);
    assert_int_equal(pirq_check_free(&domain, PIRQS), -XEN_EINVAL);
    assert_int_equal(pirq_check_free(&domain, 21), -XEN_EPERM);
    assert_int_equal(pirq_check_free(&domain, 20), 0);
    assert_int_equal(pirq_end(&domain, 20), -XEN_EINVAL);
    pirq_interrupt(entries[0].vector); /* it was under way */
    assert_int_equal(raised, 0);
    pirq_bind(&domain, 20, 5);
    assert_true(!entries[0].masked);
    assert_int_equal(pirq_check_free(&domain, 20), -XEN_EEXIST);
    assert_int_equal(pirq_end(&domain, 20), 0);
    assert_int_equal(pirq_end(&none, 20), -XEN_EINVAL);
    assert_int_equal(pirq_needs_end(&domain, 20, &needs), 0);
    assert_false(needs);
    assert_int_equal(pirq_needs_end(&domain, 21, &needs), 0);
    assert_int_equal(pirq_needs_end(&domain, PIRQS, &needs), -XEN_EINVAL);
    assert_int_equal(pirq_needs_end(&none, 20, &needs), -XEN_EINVAL);
    pirq_unbind(&domain, 20, 6); /* a port that it had once */
    assert_false(entries[0].masked);
    pirq_unbind(&domain, 20, 5);
    assert_true(entries[0].masked);
    assert_int_equal(pirq_check_free(&domain, 20), 0);
    pirq_bind(&domain, 20, 7);
    assert_int_equal(pirq_unmap(&domain, 20), 0);
    assert_true(entries[0].masked);
    pirq_interrupt(entries[0].vector);
    assert_int_equal(raised, 0);
    pirq_unbind(&domain, 20, 7);
}

/* A line is masked for as long as the guest has not ended it, and comes once for each end.  Shows physdev_op.eoi. */
static void test_level(void **state)
{
    uint32_t pirq = PIRQ_ANY;
    bool needs = false;

    (void)state;
    assert_int_equal(pirq_map_line(&domain, 10, &pirq), 0);
    assert_int_equal(pirq_needs_end(&domain, pirq, &needs), 0);
    assert_true(needs);
    pirq_bind(&domain, pirq, 9);
    assert_true(!lines[10].masked && lines[10].unmasked == 1);
    pirq_interrupt(lines[10].vector);
    assert_true(lines[10].masked && raised == 1 && raised_port == 9);
    assert_int_equal(pirq_end(&domain, pirq), 0);
    assert_true(!lines[10].masked && lines[10].unmasked == 2);
    assert_int_equal(pirq_end(&domain, pirq), 0); /* for nothing */
    assert_int_equal(lines[10].unmasked, 2);
    pirq_interrupt(lines[10].vector);
    pirq_unbind(&domain, pirq, 9);
    assert_true(lines[10].masked);
    pirq_bind(&domain, pirq, 10);
    assert_true(!lines[10].masked);
}

/* Interrupts that nobody looks at have pauses; those that somebody looks at have none, however many. */
static void test_storm(void **state)
{
    uint32_t pirq;

    (void)state;
    now = 1000;
    assert_int_equal(map_message(OWN, 0, AREA, 20, &pirq), 0);
    pirq_bind(&domain, 20, 5);
    for (unsigned i = 0; i < 10 * PIRQ_STORM; i++)
        pirq_interrupt(entries[0].vector);
    pending = true;
    for (unsigned i = 0; i < PIRQ_STORM - 1; i++)
        pirq_interrupt(entries[0].vector);
    assert_true(!entries[0].masked && !timer);
    pirq_interrupt(entries[0].vector);
    assert_true(entries[0].masked && timer == &devices.pause && timer_deadline == 1000 + PIRQ_PAUSE_NS);
    assert_said("interrupt storm on pirq 20");
    assert_int_equal(raised, 11 * PIRQ_STORM);
    said[0] = '\0';
    timer->expire(timer);
    assert_false(entries[0].masked);
    for (unsigned i = 0; i < PIRQ_STORM; i++)
        pirq_interrupt(entries[0].vector);
    assert_true(entries[0].masked);
    assert_string_equal(said, ""); /* it has been said */
    assert_int_equal(pirq_end(&domain, 20), 0);
    assert_false(entries[0].masked);
    for (unsigned i = 0; i < PIRQ_STORM; i++)
        pirq_interrupt(entries[0].vector);
    pirq_unbind(&domain, 20, 5);
    timer->expire(timer); /* it has lost its port meanwhile */
    assert_true(entries[0].masked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_messages, set_up), cmocka_unit_test_setup(test_ends, set_up),
        cmocka_unit_test_setup(test_lines, set_up),    cmocka_unit_test_setup(test_binding, set_up),
        cmocka_unit_test_setup(test_level, set_up),    cmocka_unit_test_setup(test_storm, set_up),
    };

    make_machine();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
