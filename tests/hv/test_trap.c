/* SPDX-License-Identifier: MIT */
/*
 * What becomes of each trap of a guest: hv/trap.c among stand-ins that say what they are asked.  That the processor and
 * hv/cpu/entry.S hand over what is assumed here is seen by guests/tests/exceptions, syscalls, segments and lessons, and
 * by tests/linux; what becomes of the hypervisor's own traps, by test_trap_inside.c.
 */
/* links: hv/trap.c hv/trap_software.c tests/hv/lib/fake_cpu.c tests/hv/lib/lock_host.c */
#include <tests/hv/lib/trap_host.h>

/* What is told of a trap from the guest; of one that does not come back, too. */
static const char *trap(unsigned vector, uint64_t error)
{
    own.vector = vector;
    own.error = error;
    told[0] = '\0';
    if (setjmp(ended) == 0)
        trap_from_guest(&own);
    return told;
}

/*
 * ---- Exceptions of the guest.
 */

/* Shows shared_info.exception-first, fpu_taskswitch.cleared. */
static void test_exceptions(void **state)
{
    char expected[64];

    (void)state;
    make();
    for (unsigned vector = 0; vector < 32; vector++) {
        bool has_error = (vector >= 10 && vector <= 12) || vector == 17 || vector == 21;

        if (vector <= 3 && vector != 0)
            continue; /* below, as those here */
        if (vector == 6 || vector == 7 || vector == 13 || vector == 14)
            continue;
        snprintf(expected, sizeof(expected), has_error ? "#%u/88@401000 " : "#%u@401000 ", vector);
        if (vector == 8 || vector == 18)
            snprintf(expected, sizeof(expected), "report%u ", vector); /* no guest can cause these */
        assert_string_equal(trap(vector, 0x88), expected);
    }
    assert_int_equal(cpu_boot.nmi_ticks, 0); /* somebody gets on */
    assert_string_equal(trap(VECTOR_BREAKPOINT, 0), "stale #3@401000 ");
    assert_string_equal(trap(VECTOR_NO_DEVICE, 0), "ts0 #7@401000 ");
    assert_string_equal(trap(VECTOR_SYSENTER, 0), "renew sysenter ");
    assert_string_equal(trap(VECTOR_VM86, 0), "#13/0@401000 ");
    assert_string_equal(trap(VECTOR_NMI, 0), "");
    info.evtchn_upcall_pending = 1;
    assert_string_equal(trap(VECTOR_DIVIDE_ERROR, 0), "#0@401000 event ");
}

/* Interrupts go to their owner; a device's is looked after before its end. */
static void test_interrupts(void **state)
{
    char expected[64];

    (void)state;
    make();
    for (unsigned vector = 32; vector < 256; vector++) {
        if (vector == 0x80)
            continue;
        snprintf(expected, sizeof(expected), "device%x end ", vector);
        assert_string_equal(trap(vector, 0), vector < VECTOR_INTERRUPTS ? expected
                                             : vector == VECTOR_TIMER   ? "end run "
                                             : vector == 0xf1           ? "kicked end "
                                             : vector == 0xf2           ? "answers end "
                                             : vector < 0xff            ? "end "
                                                                        : "");
    }
}

/* The status adds up until the guest clears it, and the processor's own is clear for the next. */
static void test_debug(void **state)
{
    (void)state;
    make();
    vcpu.state.debug[6] = 0xffff0ff1;
    fake_cpu.dr[6] = 0xffff4ff2;
    assert_string_equal(trap(VECTOR_DEBUG, 0), "#1@401000 ");
    assert_int_equal(vcpu.state.debug[6], 0xffff4ff3);
    assert_int_equal(fake_cpu.dr[6], 0xffff0ff0);
}

static void test_emulation(void **state)
{
    (void)state;
    make();
    assert_string_equal(trap(VECTOR_INVALID_OPCODE, 0), "forced #6@401000 ");
    assert_string_equal(trap(VECTOR_PROTECTION, 0), "privileged #13/0@401000 ");
    assert_string_equal(trap(VECTOR_PROTECTION, 0x10), "gate #13/10@401000 "); /* a selector, not the instruction */
    emulation = EMULATE_DONE;
    assert_string_equal(trap(VECTOR_PROTECTION, 0x10), "gate ");
    assert_string_equal(trap(VECTOR_INVALID_OPCODE, 0), "forced ");
    assert_string_equal(trap(VECTOR_PROTECTION, 0), "privileged ");
    is_short = true;
    assert_string_equal(trap(VECTOR_PROTECTION, 0), "");
    assert_string_equal(trap(VECTOR_PROTECTION, 0x10), "gate ");
}

/* `INT n`: its gate's privilege decides, seen from the mode that the guest is in.  Shows set_trap_table.int-n. */
static void test_software_interrupts(void **state)
{
    char expected[64];

    (void)state;
    make();
    interrupt_vector = 0x21;
    assert_string_equal(trap(VECTOR_PROTECTION, 0x21 * 8 + 2), "#13/10a@401000 ");
    emulation = EMULATE_DONE;
    for (unsigned user = 0; user < 2; user++) {
        for (uint8_t dpl = 0; dpl < 4; dpl++) {
            own.rip = RIP;
            vcpu.engine.user_mode = user;
            vcpu.engine.traps[0x21].flags = dpl | 4;
            snprintf(expected, sizeof(expected), dpl >= (user ? 3 : 1) ? "#33@401002 " : "#13/10a@401000 ");
            assert_string_equal(trap(VECTOR_PROTECTION, 2), expected); /* QEMU 7 gives no number */
        }
    }
}

static void test_int80(void **state)
{
    (void)state;
    make();
    own.rip = RIP + 2;
    vcpu.engine.traps[0x80].address = 0x1234;
    assert_string_equal(trap(0x80, 0), "#128@401002 ");
    vcpu.engine.traps[0x80].address = 0;
    assert_string_equal(trap(0x80, 0), "#13/402@401000 ");
}

/*
 * ---- Page faults.
 */

/*
 * Writes to present pages, by the kernel of a guest that wants it, may be to a table.  Shows vm_assist.emulation-off.
 */
static void test_page_faults(void **state)
{
    (void)state;
    make();
    fake_cpu.cr[2] = 0x5000;
    for (uint64_t error = 0; error < 8; error++) {
        for (unsigned i = 0; i < 8; i++) {
            char expected[128];
            bool tried = i == 3 && (error & 3) == 3;

            vcpu.engine.user_mode = !(i & 1);
            domain.engine.writable_tables = i & 2;
            emulation = i & 4 ? EMULATE_DONE : EMULATE_UNKNOWN;
            tried = !vcpu.engine.user_mode && domain.engine.writable_tables && (error & 3) == 3;
            snprintf(expected, sizeof(expected), tried ? "write/%lx:5000 " : "", error);
            if (!tried || emulation == EMULATE_UNKNOWN)
                snprintf(expected + strlen(expected), 64, "#PF/%lx:5000 ", error);
            assert_string_equal(trap(VECTOR_PAGE_FAULT, error), expected);
        }
    }
}

/* The processor's own access to the LDT brings its page; where that fails the guest hears of its own address. */
static void test_ldt_pages(void **state)
{
    (void)state;
    make();
    vcpu.engine.ldt_base = VADDR(0x700000);
    fake_cpu.cr[2] = LDT + 3 * 4096 + 8;
    assert_string_equal(trap(VECTOR_PAGE_FAULT, 0), "ldt3 ");
    ldt_error = -XEN_EINVAL;
    assert_string_equal(trap(VECTOR_PAGE_FAULT, 0), "ldt3 #PF/0:703008 ");
    assert_string_equal(trap(VECTOR_PAGE_FAULT, 4), "#PF/4:ffff810000853008 "); /* ring 3 itself: no descriptor */
    fake_cpu.cr[2] = LDT + 16 * 4096;
    assert_string_equal(trap(VECTOR_PAGE_FAULT, 0), "#PF/0:ffff810000860000 ");
    fake_cpu.cr[2] = LDT - 1;
    assert_string_equal(trap(VECTOR_PAGE_FAULT, 0), "#PF/0:ffff81000084ffff ");
}

/*
 * ---- Calls.
 */

static const char *call(unsigned vector)
{
    own.vector = vector;
    told[0] = '\0';
    trap_call(&own);
    return told;
}

/* Shows hypercall.registers-64, hypercall.user-mode, hypercall.events-first. */
static void test_calls(void **state)
{
    (void)state;
    make();
    own.rdi = 1;
    own.rsi = 2;
    own.rdx = 3;
    own.r10 = 4;
    own.r8 = 5;
    own.r9 = 6;
    own.rax = 17;
    assert_string_equal(call(VECTOR_SYSCALL), "call17(1,2,3,4,5,6) ");
    assert_int_equal((int64_t)own.rax, -5);
    assert_int_equal(vcpu.report.nr_calls, 1);
    assert_int_equal(vcpu.report.calls[0].number, 17);
    assert_int_equal(vcpu.report.calls[0].args[3], 4);
    own.rax = 23; /* goes on elsewhere: its registers are not this call's any more */
    assert_string_equal(call(VECTOR_SYSCALL), "call23(1,2,3,4,5,6) ");
    assert_int_equal(own.rax, 23);
    assert_int_equal(vcpu.report.nr_calls, 1);
    assert_string_equal(call(VECTOR_SYSCALL32), "#6@400ffe "); /* the kernel calls in 64-bit code only */
    vcpu.engine.user_mode = true;
    assert_string_equal(call(VECTOR_SYSCALL), "syscall ");
    assert_string_equal(call(VECTOR_SYSCALL32), "syscall ");
    assert_int_equal(cpu_boot.nmi_ticks, 0);
    info.evtchn_upcall_pending = 1;
    assert_string_equal(call(VECTOR_SYSCALL), "syscall event ");
}

/*
 * ---- The way back.
 */

static const char *go_back(void)
{
    return trap(VECTOR_NMI, 0);
}

/* A call that hv/cpu/entry_short.S hands over is a kernel's already; what it has done itself is attended to alike. */
static void test_short_ways(void **state)
{
    (void)state;
    make();
    own.rax = 17;
    own.rdi = own.rsi = own.rdx = own.r10 = own.r8 = own.r9 = 2;
    info.evtchn_upcall_pending = 1;
    trap_hypercall(&own);
    assert_string_equal(told, "call17(2,2,2,2,2,2) event ");
    assert_int_equal((int64_t)own.rax, -5);
    make();
    own.vector = own.error = 0x1234;
    own.rax = 17;
    info.evtchn_upcall_pending = 1;
    trap_return_short(&own);
    assert_string_equal(told, "event ");
    assert_int_equal(own.rax, 17);
    assert_int_equal(own.vector, VECTOR_SYSCALL);
    assert_int_equal(own.error, 0);
}

/* Shows callback_op.nmi, shared_info.upcall. */
static void test_way_back(void **state)
{
    (void)state;
    make();
    assert_string_equal(go_back(), "");
    due = vcpu.bounce.nmi_pending = true; /* nothing has said that there is something to look at */
    assert_string_equal(go_back(), "");
    vcpu.run.attention = true;
    assert_string_equal(go_back(), "yield nmi ");
    assert_false(vcpu.run.attention);
    vcpu.bounce.nmi_pending = vcpu.bounce.nmi_blocked = vcpu.run.attention = true;
    assert_string_equal(go_back(), "");
    info.evtchn_upcall_pending = 1;
    assert_string_equal(go_back(), "event ");
    assert_string_equal(go_back(), ""); /* masked by now */
    info.evtchn_upcall_mask = 0;
    vcpu.run.down = domain.ended = vcpu.run.attention = due = true;
    assert_string_equal(go_back(), "stop yield event ");
    domain.ended = vcpu.run.attention = true;
    assert_string_equal(go_back(), "stop ");
    info.evtchn_upcall_mask = 0;
    vcpu.bounce.nmi_blocked = false;
    vcpu.bounce.nmi_pending = vcpu.run.attention = true;
    looks = 0;
    assert_string_equal(go_back(), "nmi event ");
    assert_int_equal(looks, 1);
    has_to_look = true;
    vcpu.run.attention = true;
    assert_string_equal(go_back(), "");
    assert_true(vcpu.run.attention); /* others may want to run by the next time */
}

static void test_first_return(void **state)
{
    (void)state;
    make();
    vcpu.run.down = true;
    trap_first_return(&own);
    assert_string_equal(told, "arrive stop ");
}

/*
 * ---- What comes on a stack of its own, and frames that no processor should make.
 */

static const char *trap_apart(void (*how)(struct cpu_frame *frame), unsigned vector, uint64_t rflags)
{
    elsewhere = own;
    elsewhere.vector = vector;
    elsewhere.rflags = rflags;
    elsewhere.rbx = 0xb;
    told[0] = '\0';
    if (setjmp(ended) == 0)
        how(&elsewhere);
    return told;
}

static void test_other_stacks(void **state)
{
    (void)state;
    make();
    assert_string_equal(trap_apart(trap_from_guest, VECTOR_DEBUG, own.rflags), "restart ");
    assert_memory_equal(&own, &elsewhere, sizeof(own));
    assert_string_equal(trap_apart(trap_from_guest, VECTOR_NMI, own.rflags), "tick restart ");
    assert_string_equal(trap_apart(trap_from_guest, VECTOR_DOUBLE_FAULT, own.rflags), "report8 ");
    assert_string_equal(trap_apart(trap_from_guest, VECTOR_MACHINE_CHECK, own.rflags), "report18 ");
}

static const char *improper(unsigned vector, uint64_t rflags)
{
    own.vector = vector;
    own.rflags = rflags;
    own.cs = 0xe008;
    told[0] = '\0';
    if (setjmp(ended) == 0)
        trap_from_guest_improper(&own);
    return told;
}

static void test_improper(void **state)
{
    (void)state;
    make();
    own.ss = UINT64_C(0x5555000000000010);
    assert_string_equal(improper(VECTOR_DIVIDE_ERROR, RFLAGS_IOPL | RFLAGS_CF), "#0@401000 ");
    assert_int_equal(own.rflags, RFLAGS_CF | RFLAGS_ONE | RFLAGS_IF);
    assert_int_equal(own.cs, 0xe00b);
    assert_int_equal(own.ss, 0x13);
    vcpu.engine.user_mode = true;
    assert_string_equal(improper(VECTOR_SYSCALL, RFLAGS_IOPL), "syscall ");
    assert_string_equal(improper(VECTOR_TIMER, RFLAGS_IF | 1 << 22), "strange400200@401000 end run ");
    assert_string_equal(improper(VECTOR_SYSCALL, RFLAGS_VM), "drop #13/0@401000 ");
    assert_string_equal(improper(VECTOR_PAGE_FAULT, RFLAGS_VM), "drop #13/0@401000 ");
    assert_string_equal(improper(VECTOR_TIMER, RFLAGS_VM), "end run drop #13/0@401000 ");
    assert_string_equal(improper(VECTOR_NMI, RFLAGS_VM), "tick drop #13/0@401000 ");
    assert_string_equal(improper(VECTOR_DOUBLE_FAULT, RFLAGS_VM), "report8 ");
    assert_string_equal(improper(VECTOR_BREAKPOINT, RFLAGS_VM), "drop #13/0@401000 ");
    assert_int_equal(own.cs, FLAT_RING3_CS64);
    assert_int_equal(own.ss, FLAT_RING3_SS64);
}

/*
 * ---- 32-bit guests.
 */

/* Rings 1 and 2 are as proper as 3, and what is behind the mending is like any trap; ring 0 no guest has. */
static void test_rings(void **state)
{
    (void)state;
    for (unsigned ring = 0; ring < 4; ring++) {
        make_narrow(3);
        own.vector = VECTOR_DIVIDE_ERROR;
        own.cs = UINT64_C(0x1111111111110070) + ring;
        own.ss = UINT64_C(0x1111111111110078) + ring;
        own.rflags |= RFLAGS_IOPL | RFLAGS_AC;
        trap_from_guest_improper(&own);
        assert_string_equal(told, "#0@401000 ");
        assert_int_equal(own.cs, 0x70 + (ring ? ring : 3));
        assert_int_equal(own.ss, 0x78 + (ring ? ring : 3));
        assert_int_equal(own.rflags, RFLAGS_ONE | RFLAGS_IF | RFLAGS_AC);
    }
    make_narrow(1);
    own.rflags |= RFLAGS_VM;
    own.vector = VECTOR_HYPERCALL32;
    trap_from_guest_improper(&own);
    assert_string_equal(told, "drop #13/0@401000 ");
    assert_int_equal(own.cs, FLAT_RING3_CS);
    assert_int_equal(own.ss, FLAT_RING3_SS);
}

static const char *go_on(uint64_t cs, uint64_t rflags)
{
    own.cs = cs;
    own.rflags = rflags;
    if (setjmp(ended) == 0)
        trap_return_improper(&own);
    return told;
}

/* Who may go on with which frame. */
static void test_proper(void **state)
{
    static const uint64_t flags[] = {RFLAGS_ONE | RFLAGS_IF, RFLAGS_ONE, RFLAGS_IF, RFLAGS_ONE | RFLAGS_IF | RFLAGS_VM,
                                     RFLAGS_ONE | RFLAGS_IF | RFLAGS_IOPL};

    (void)state;
    for (unsigned narrow = 0; narrow < 2; narrow++) {
        for (unsigned ring = 0; ring < 4; ring++) {
            for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
                bool good = i == 0 && (ring == 3 || (narrow && ring > 0));

                if (narrow)
                    make_narrow(1);
                else
                    make();
                assert_string_equal(go_on(0x70 + ring, flags[i] | RFLAGS_NT), good ? "" : "refused ");
            }
        }
    }
}

/* The traced ways in do the same, and tell of it: of calls alone, before anything else comes. */
static void test_traced(void **state)
{
    (void)state;
    make();
    own.vector = VECTOR_SYSCALL;
    own.rip = 0x1234;
    own.rdi = 1;
    own.rsi = own.rdx = own.r10 = own.r8 = own.r9 = 2;
    own.rax = 17;
    told[0] = '\0';
    trap_call_traced(&own);
    assert_string_equal(told, "call17(1,2,2,2,2,2) traced17(1,2,2,2,2,2)@1234=-5 ");
    assert_int_equal((int64_t)own.rax, -5);
    info.evtchn_upcall_pending = 1;
    told[0] = '\0';
    trap_call_traced(&own);
    assert_non_null(strstr(told, "=-5 event interrupted@1234 "));
    info.evtchn_upcall_mask = info.evtchn_upcall_pending = 0;
    own.rax = 23;
    told[0] = '\0';
    trap_call_traced(&own);
    assert_string_equal(told, "call23(1,2,2,2,2,2) traced23(1,2,2,2,2,2)@1234=-9223372036854775808 ");
    vcpu.engine.user_mode = true;
    told[0] = '\0';
    trap_call_traced(&own);
    assert_null(strstr(told, "traced"));
    make_narrow(1);
    own.vector = VECTOR_HYPERCALL32;
    own.rip = 0x1236;
    own.rbx = UINT64_C(0xdead00000001);
    own.rcx = own.rdx = own.rsi = own.rdi = own.rbp = 3;
    own.rax = 17;
    told[0] = '\0';
    trap_call32_traced(&own);
    assert_string_equal(told, "call17(1,3,3,3,3,3) traced17(1,3,3,3,3,3)@1236=-5 ");
    own.rax = 23;
    told[0] = '\0';
    trap_call32_traced(&own);
    assert_string_equal(told, "call23(1,3,3,3,3,3) traced23(1,3,3,3,3,3)@1236=-9223372036854775808 ");
}

/* Whatever becomes of a trap stands between the beginning and the end, be its frame proper or not. */
static void test_traced_traps(void **state)
{
    (void)state;
    make();
    own.vector = VECTOR_BREAKPOINT;
    own.rip = 0x1234;
    told[0] = '\0';
    trap_from_guest_traced(&own);
    assert_string_equal(told, "trap3 stale #3@1234 end3 ");
    make_narrow(1);
    own.vector = VECTOR_BREAKPOINT;
    own.rip = 0x1234;
    told[0] = '\0';
    trap_from_guest_improper_traced(&own);
    assert_string_equal(told, "trap3 stale #3@1234 end3 ");
}

static const char *call32(void)
{
    own.vector = VECTOR_HYPERCALL32;
    told[0] = '\0';
    trap_call32(&own);
    return told;
}

/* Shows hypercall.registers-32, hypercall.events-first. */
static void test_narrow_calls(void **state)
{
    const uint64_t above = UINT64_C(0xdead) << 32;

    (void)state;
    make_narrow(1);
    own.rbx = above | 1;
    own.rcx = above | 2;
    own.rdx = above | 3;
    own.rsi = above | 4;
    own.rdi = above | 5;
    own.rbp = above | 0xffffffff;
    own.rax = above | 17;
    assert_string_equal(call32(), "call17(1,2,3,4,5,4294967295) ");
    assert_int_equal(own.rax, 0xfffffffb);
    assert_int_equal(vcpu.report.nr_calls, 1);
    assert_int_equal(cpu_boot.nmi_ticks, 0);
    own.rax = 23;
    info.evtchn_upcall_pending = 1;
    assert_string_equal(call32(), "call23(1,2,3,4,5,4294967295) event ");
    assert_int_equal(own.rax, 23);
}

/* A frame with a flag that it may not have makes no other call; in ring 3, and of a 64-bit guest, it is none. */
static void test_improper_narrow_calls(void **state)
{
    (void)state;
    make_narrow(1);
    own.vector = VECTOR_HYPERCALL32;
    own.rflags |= RFLAGS_IOPL;
    trap_from_guest_improper(&own);
    assert_string_equal(told, "call0(0,0,0,0,0,0) ");
    make_narrow(3);
    own.vector = VECTOR_HYPERCALL32;
    trap_from_guest_improper(&own);
    assert_string_equal(told, "device82 end ");
    make();
    own.cs = FLAT_RING1_CS;
    assert_string_equal(call32(), "device82 end ");
    assert_int_equal(own.cs & 3, 3);
}

/* The instruction does not tell which ring it was in, and in 64-bit code no such guest is. */
static void test_narrow_syscall(void **state)
{
    (void)state;
    make_narrow(3);
    assert_string_equal(call(VECTOR_SYSCALL32), "syscall ");
}

/* Ring 1 is the kernel's.  Shows set_trap_table.int-n. */
static void test_narrow_software_interrupts(void **state)
{
    (void)state;
    for (unsigned ring = 1; ring <= 3; ring++) {
        for (uint8_t dpl = 0; dpl < 4; dpl++) {
            make_narrow(ring);
            own.cs = 0x70 + ring;
            emulation = EMULATE_DONE;
            interrupt_vector = 0x82;
            vcpu.engine.traps[0x82].flags = dpl;
            assert_string_equal(trap(VECTOR_PROTECTION, 0x82 * 8 + 2),
                                dpl >= (ring == 1 ? 1 : 3) ? "#130@401002 " : "#13/412@401000 ");
        }
    }
}

/* An entry of the root that has come is used, and one that has not is the guest's fault; writes are the kernel's. */
static void test_narrow_page_faults(void **state)
{
    (void)state;
    make_narrow(1);
    fake_cpu.cr[2] = 0x5000;
    assert_string_equal(trap(VECTOR_PAGE_FAULT, 2), "root #PF/2:5000 ");
    assert_string_equal(trap(VECTOR_PAGE_FAULT, 3), "#PF/3:5000 ");
    root_has_come = true;
    assert_string_equal(trap(VECTOR_PAGE_FAULT, 2), "root ");
    domain.engine.writable_tables = true;
    assert_string_equal(trap(VECTOR_PAGE_FAULT, 3), "write/3:5000 #PF/3:5000 ");
    own.cs = FLAT_RING3_CS;
    assert_string_equal(trap(VECTOR_PAGE_FAULT, 7), "#PF/7:5000 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_traced),
        cmocka_unit_test(test_traced_traps),
        cmocka_unit_test(test_exceptions),
        cmocka_unit_test(test_interrupts),
        cmocka_unit_test(test_debug),
        cmocka_unit_test(test_emulation),
        cmocka_unit_test(test_software_interrupts),
        cmocka_unit_test(test_int80),
        cmocka_unit_test(test_page_faults),
        cmocka_unit_test(test_ldt_pages),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_short_ways),
        cmocka_unit_test(test_way_back),
        cmocka_unit_test(test_first_return),
        cmocka_unit_test(test_other_stacks),
        cmocka_unit_test(test_improper),
        cmocka_unit_test(test_rings),
        cmocka_unit_test(test_proper),
        cmocka_unit_test(test_narrow_calls),
        cmocka_unit_test(test_improper_narrow_calls),
        cmocka_unit_test(test_narrow_syscall),
        cmocka_unit_test(test_narrow_software_interrupts),
        cmocka_unit_test(test_narrow_page_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
