/* SPDX-License-Identifier: MIT */
/*
 * vcpu_op, sched_op, set_timer_op: all but what ends the domain, stops the vCPU or waits for ever.
 *
 * Left out: VCPUOP_down, VCPUOP_send_nmi without argument; SCHEDOP_block, SCHEDOP_shutdown and SCHEDOP_shutdown_code
 * with an argument that can be read; a poll without an end; a new watchdog that runs out at once.
 */
#include <abi/vcpu.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guests/differential/call.h>
#include <guests/differential/groups.h>
#include <guests/differential/pointer.h>
#include <guests/differential/say.h>
#include <guests/differential/world.h>

/* Memory that the hypervisor may write whenever it likes. */
static uint64_t sink;
static uint64_t info_frame;
static char *info_page;

static const struct item vcpus[] = {VALUE(0), VALUE(0),  VALUE(0),  VALUE(0),    VALUE(0),
                                    VALUE(1), VALUE(31), VALUE(32), VALUE(8192), VALUE(0xffffffff)};
static const struct menu menu_vcpus = MENU(vcpus);

static const struct item areas[] = {
    {"sink", 0, &sink},
    VALUE(0),
    {"unmapped", UINT64_C(0x20000000000), NULL},
    {"hv", UINT64_C(0xffff830000000000), NULL},
    {"noncanon", UINT64_C(0x900000000000), NULL},
};
static const struct menu menu_areas = MENU(areas);

static const struct item periods[] = {VALUE(0),
                                      VALUE(1),
                                      VALUE(999999),
                                      VALUE(1000000),
                                      VALUE(1000000000),
                                      VALUE(0x7fffffff),
                                      VALUE(0x80000000),
                                      VALUE(0x1000000000000),
                                      VALUE(0x7fffffffffffffff),
                                      VALUE(0x8000000000000000),
                                      VALUE(0xffffffffffffffff)};
static const struct menu menu_periods = MENU(periods);

static const struct item moments[] = {VALUE(0),
                                      VALUE(1),
                                      VALUE(0x4000000000000),
                                      VALUE(0x7fffffffffffffff),
                                      VALUE(0x8000000000000000),
                                      VALUE(0xffffffffffffffff)};
static const struct menu menu_moments = MENU(moments);

static const struct item flags[] = {VALUE(0), VALUE(0), VALUE(1), VALUE(2), VALUE(0xffffffff)};
static const struct menu menu_flags = MENU(flags);

static const struct item offsets[] = {VALUE(0),    VALUE(1),    VALUE(4),    VALUE(8),    VALUE(32),        VALUE(64),
                                      VALUE(4032), VALUE(4040), VALUE(4095), VALUE(4096), VALUE(0xffffffc0)};
static const struct menu menu_offsets = MENU(offsets);

/* Of these frames none can hold a vcpu_info; it can be moved only once. */
#define FRAME(name, id)         \
    {                           \
        name, 0, &world[id].mfn \
    }
static const struct item infos[] = {
    FRAME("t1", FRAME_T1),     FRAME("t4", FRAME_T4),         FRAME("v2", FRAME_V2),     FRAME("root", FRAME_ROOT),
    FRAME("gdt", FRAME_GDT),   FRAME("m2p", FRAME_M2P),       FRAME("gone", FRAME_GONE), FRAME("vga", FRAME_VGA),
    FRAME("hole", FRAME_HOLE), FRAME("beyond", FRAME_BEYOND), FRAME("none", FRAME_NONE), VALUE(0),
};
static const struct menu menu_infos = MENU(infos);

static const struct item good_infos[] = {{"info", 0, &info_frame}};
static const struct menu menu_good_infos = MENU(good_infos);
static const struct item good_offsets[] = {VALUE(64)};
static const struct menu menu_good_offsets = MENU(good_offsets);

static const struct field runstate_fields[] = {
    FIELD(struct vcpu_runstate_info, state, KIND_NUMBER, NULL),
    FIELD(struct vcpu_runstate_info, state_entry_time, KIND_SOME, NULL),
    FIELD(struct vcpu_runstate_info, time[0], KIND_SOME, NULL),
    FIELD(struct vcpu_runstate_info, time[3], KIND_SOME, NULL),
};
static const struct field area_fields[] = {
    FIELD(struct vcpu_register_runstate_memory_area, addr.v, KIND_NUMBER, &menu_areas),
};
static const struct field period_fields[] = {
    FIELD(struct vcpu_set_periodic_timer, period_ns, KIND_NUMBER, &menu_periods),
};
static const struct field shot_fields[] = {
    FIELD(struct vcpu_set_singleshot_timer, timeout_abs_ns, KIND_NUMBER, &menu_moments),
    FIELD(struct vcpu_set_singleshot_timer, flags, KIND_NUMBER, &menu_flags),
};
static const struct field info_fields[] = {
    FIELD(struct vcpu_register_vcpu_info, mfn, KIND_FRAME, &menu_infos),
    FIELD(struct vcpu_register_vcpu_info, offset, KIND_NUMBER, &menu_offsets),
};
static const struct field good_info_fields[] = {
    FIELD(struct vcpu_register_vcpu_info, mfn, KIND_FRAME, &menu_good_infos),
    FIELD(struct vcpu_register_vcpu_info, offset, KIND_NUMBER, &menu_good_offsets),
};
static const struct field physid_fields[] = {
    FIELD(struct vcpu_get_physid, phys_id, KIND_SOME, NULL),
};

static void stop_timers(long result, void *arg)
{
    (void)result;
    (void)arg;
    (void)hypercall_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    (void)hypercall_vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL);
}

#define OP(name_, size_, times_)                                                                            \
    .name = #name_, .command = VCPUOP_##name_, .size = size_, .shape = SHAPE_MIDDLE, .middle = &menu_vcpus, \
    .times = times_

static const struct op vcpu_ops[] = {
    {OP(initialise, 16, 30), .unreadable = true},
    {OP(up, 0, 20)},
    {OP(is_up, 0, 20)},
    {OP(get_runstate_info, sizeof(struct vcpu_runstate_info), 40), FIELDS(runstate_fields)},
    {OP(register_runstate_memory_area, 8, 50), FIELDS(area_fields)},
    {OP(set_periodic_timer, 8, 80), FIELDS(period_fields), .after = stop_timers},
    {OP(stop_periodic_timer, 0, 20)},
    {OP(set_singleshot_timer, sizeof(struct vcpu_set_singleshot_timer), 80), FIELDS(shot_fields), .after = stop_timers},
    {OP(stop_singleshot_timer, 0, 20)},
    {OP(register_vcpu_info, sizeof(struct vcpu_register_vcpu_info), 150), FIELDS(info_fields)},
    {OP(get_physid, sizeof(struct vcpu_get_physid), 20), FIELDS(physid_fields)},
    {OP(register_vcpu_time_memory_area, 8, 50), FIELDS(area_fields)},
    {.name = "14", .command = 14, .size = 16, .shape = SHAPE_MIDDLE, .middle = &menu_vcpus, .times = 20},
    {.name = "ffffffff", .command = 0xffffffff, .size = 16, .shape = SHAPE_MIDDLE, .middle = &menu_vcpus, .times = 10},
};

static const struct item ports[] = {VALUE(0), VALUE(300), VALUE(4095), VALUE(4096), VALUE(0xffffffff)};
static const struct menu menu_ports = MENU(ports);
static const struct item counts[] = {VALUE(0), VALUE(0),   VALUE(1),   VALUE(1),
                                     VALUE(2), VALUE(128), VALUE(129), VALUE(0xffffffff)};
static const struct menu menu_counts = MENU(counts);
static const struct item past[] = {VALUE(1), VALUE(2)};
static const struct menu menu_past = MENU(past);
static const struct item watchdogs[] = {VALUE(0), VALUE(1), VALUE(2), VALUE(3), VALUE(77), VALUE(0xffffffff)};
static const struct menu menu_watchdogs = MENU(watchdogs);
static const struct item seconds[] = {VALUE(100000), VALUE(1000000)};
static const struct menu menu_seconds = MENU(seconds);
static const struct item started[] = {VALUE(1), VALUE(2), VALUE(3), VALUE(77), VALUE(0xffffffff)};
static const struct menu menu_started = MENU(started);
static const struct item no_seconds[] = {VALUE(0)};
static const struct menu menu_no_seconds = MENU(no_seconds);
static const struct item processors[] = {VALUE(0),      VALUE(1),          VALUE(5),
                                         VALUE(100000), VALUE(0x7fffffff), VALUE(0xffffffff)};
static const struct menu menu_processors = MENU(processors);
static const struct item strangers[] = {{"nobody", 1234, NULL},   {"invalid", DOMID_INVALID, NULL},
                                        {"ffff", 0xffff, NULL},   {"io", DOMID_IO, NULL},
                                        {"xen", DOMID_XEN, NULL}, {"self", DOMID_SELF, NULL}};
static const struct menu menu_strangers = MENU(strangers);
static const struct item reasons[] = {VALUE(0), VALUE(3), VALUE(5), VALUE(6), VALUE(0xffffffff)};
static const struct menu menu_reasons = MENU(reasons);

static const struct field poll_fields[] = {
    FIELD(struct sched_poll, nr_ports, KIND_NUMBER, &menu_counts),
    FIELD(struct sched_poll, timeout, KIND_NUMBER, &menu_past),
};
static const struct field shutdown_fields[] = {
    FIELD(struct sched_shutdown, reason, KIND_NUMBER, &menu_reasons),
};
static const struct field remote_fields[] = {
    FIELD(struct sched_remote_shutdown, domain_id, KIND_NUMBER, &menu_strangers),
    FIELD(struct sched_remote_shutdown, reason, KIND_NUMBER, &menu_reasons),
};
static const struct field watchdog_fields[] = {
    FIELD(struct sched_watchdog, id, KIND_NUMBER, &menu_watchdogs),
    FIELD(struct sched_watchdog, timeout, KIND_NUMBER, &menu_seconds),
};
static const struct field stop_fields[] = {
    FIELD(struct sched_watchdog, id, KIND_NUMBER, &menu_started),
    FIELD(struct sched_watchdog, timeout, KIND_NUMBER, &menu_no_seconds),
};
static const struct field pin_fields[] = {
    FIELD(struct sched_pin_override, pcpu, KIND_NUMBER, &menu_processors),
};

/* The ports to poll, all of one number, in a place of their own. */
static void make_ports(void *arg)
{
    struct sched_poll *poll = arg;
    enum pointer_kind kind = pointer_choose();
    uint32_t *list = pointer_make(PLACE_LIST, kind, 128 * sizeof(*list), &poll->ports);

    say(" list=%s:", pointer_name(kind));
    list[0] = (uint32_t)choose(NULL, &menu_ports);
    for (unsigned i = 1; i < 128; i++)
        list[i] = list[0];
    pointer_put(PLACE_LIST);
}

static void stop_watchdogs(long result, void *arg)
{
    (void)result;
    (void)arg;
    for (unsigned id = 1; id <= 2; id++) {
        struct sched_watchdog stop = {.id = id};

        (void)hypercall_sched_op(SCHEDOP_watchdog, &stop);
    }
}

static void unpin(long result, void *arg)
{
    struct sched_pin_override none = {.pcpu = -1};

    (void)result;
    (void)arg;
    (void)hypercall_sched_op(SCHEDOP_pin_override, &none);
}

#define SCHED(name_, size_, times_) .name = #name_, .command = SCHEDOP_##name_, .size = size_, .times = times_

static const struct op sched_ops[] = {
    {SCHED(yield, 0, 10)},
    {SCHED(shutdown, 4, 20), FIELDS(shutdown_fields), .unreadable = true},
    {SCHED(poll, sizeof(struct sched_poll), 150), FIELDS(poll_fields), .before = make_ports},
    {SCHED(remote_shutdown, sizeof(struct sched_remote_shutdown), 50), FIELDS(remote_fields)},
    {SCHED(shutdown_code, 4, 20), FIELDS(shutdown_fields), .unreadable = true},
    {SCHED(watchdog, sizeof(struct sched_watchdog), 60), FIELDS(watchdog_fields), .after = stop_watchdogs},
    {SCHED(watchdog, sizeof(struct sched_watchdog), 30), FIELDS(stop_fields)},
    {SCHED(pin_override, 4, 40), FIELDS(pin_fields), .after = unpin},
    {.name = "8", .command = 8, .size = 16, .times = 10},
    {.name = "ffffffff", .command = 0xffffffff, .size = 16, .times = 5},
};

void group_vcpus(void)
{
    static const struct group vcpu = {"vcpu_op", __HYPERVISOR_vcpu_op, vcpu_ops, ARRAY_SIZE(vcpu_ops)};
    static const struct group sched = {"sched_op", __HYPERVISOR_sched_op, sched_ops, ARRAY_SIZE(sched_ops)};
    static const struct menu *const timer[] = {&menu_moments, NULL, NULL};

    sink = (uint64_t)page_alloc();
    call_group(&vcpu);
    call_group(&sched);
    for (unsigned i = 0; i < 20; i++)
        (void)call_plain("set_timer_op", "set", __HYPERVISOR_set_timer_op, timer);
    (void)hypercall_set_timer_op(0);
}

static void after_info(long result, void *arg)
{
    (void)arg;
    if (result == 0) {
        guest.vcpu = (struct vcpu_info *)(info_page + 64);
        say(" mask=%x upcall=%x selector=%lx", guest.vcpu->evtchn_upcall_mask, guest.vcpu->evtchn_upcall_pending,
            guest.vcpu->evtchn_pending_sel);
    }
}

/* What can be done only once, and then again all the same: hence the last group. */
void group_vcpu_info(void)
{
    static const struct op ops[] = {
        {.name = "register_vcpu_info",
         .command = VCPUOP_register_vcpu_info,
         FIELDS(good_info_fields),
         .size = sizeof(struct vcpu_register_vcpu_info),
         .shape = SHAPE_MIDDLE,
         .middle = &menu_vcpus,
         .times = 30,
         .after = after_info},
        {.name = "register_vcpu_info",
         .command = VCPUOP_register_vcpu_info,
         FIELDS(info_fields),
         .size = sizeof(struct vcpu_register_vcpu_info),
         .shape = SHAPE_MIDDLE,
         .middle = &menu_vcpus,
         .times = 40},
    };
    static const struct group group = {"vcpu_info", __HYPERVISOR_vcpu_op, ops, ARRAY_SIZE(ops)};
    char *page = page_alloc();

    info_frame = virt_to_mfn(page).v;
    info_page = page;
    call_group(&group);
}
