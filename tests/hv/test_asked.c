/* SPDX-License-Identifier: MIT */
/* What a guest had asked for: its registers, and its memory, which is that of the test. */
/* links: hv/domain/asked.c engine/refuse.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <abi/hypercall.h>
#include <abi/mmu.h>
#include <abi/multicall.h>
#include <engine/access.h>
#include <engine/refuse.h>
#include <hv/domain/asked.h>
#include <hv/domain/vcpu.h>

#define CALLER UINT64_C(0xffffffff81000123)
#define ENTRY  UINT64_C(0x5067)

static struct cpu_frame frame;
static struct hv_domain domain;
static struct hv_vcpu vcpu;
static uint64_t stack[4];
static const uint8_t stub[] = {0x41, 0x5b, 0x59, 0xc3}, narrow_stub[] = {0xc3}, thunk[] = {0x41, 0x5b, 0x59, 0xe9},
                     no_thunk[] = {0xe9, 0, 0, 0, 0}, no_stub[] = {0x48, 0x85, 0xc0, 0xc3};
static bool unreachable;

bool port_copy_from_guest(struct vcpu *which, void *to, vaddr_t from, size_t size)
{
    assert_ptr_equal(which, &vcpu.engine);
    if (!unreachable)
        memcpy(to, (const void *)from.v, size);
    return !unreachable;
}

bool access_read_word(struct vcpu *which, uint64_t *to, vaddr_t from)
{
    *to = 0;
    return port_copy_from_guest(which, to, from, access_word_size(&domain.engine));
}

/* The engine hands refusals to this; here they are made. */
void port_refused(const struct refusal *refusal)
{
    (void)refusal;
    fail_msg("nothing is refused here");
}

static int set_up(void **state)
{
    (void)state;
    unreachable = false;
    domain = (struct hv_domain){.engine = {.width = WIDTH_64}};
    frame = (struct cpu_frame){.rip = (uint64_t)stub, .rsp = (uint64_t)stack};
    vcpu = (struct hv_vcpu){.engine = {.domain = &domain.engine}, .frame = &frame};
    memcpy(stack, (const uint64_t[]){1, 2, CALLER, 3}, sizeof(stack));
    return 0;
}

static struct asked ask(unsigned call, unsigned index, enum refusal_reason reason, uint64_t value)
{
    return asked_for(&vcpu, &(struct refusal){.call = call,
                                              .index = index,
                                              .command = COMMAND_NONE,
                                              .reason = reason,
                                              .slot = {MFN(1), 1, 0},
                                              .frame = MFN_NONE,
                                              .value = value});
}

static uint64_t find_caller(const uint8_t *code)
{
    frame.rip = (uint64_t)code;
    return ask(CALL_NONE, 0, REFUSE_USER_MODE, 0).caller;
}

/* The stub of the hypercall page pops two registers, that of a 32-bit guest none. */
static void test_caller(void **state)
{
    (void)state;
    assert_int_equal(find_caller(stub), CALLER);
    assert_int_equal(find_caller(thunk), CALLER);
    assert_int_equal(find_caller(no_stub), 0);
    assert_int_equal(find_caller(no_thunk), 0);
    assert_int_equal(find_caller(narrow_stub), 1);
}

static void test_narrow_caller(void **state)
{
    const uint64_t caller = UINT64_C(0x1234567880103301);
    uint8_t *low = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

    (void)state;
    assert_ptr_not_equal(low, MAP_FAILED);
    memcpy(low, narrow_stub, sizeof(narrow_stub));
    memcpy(low + 16, stub, sizeof(stub));
    memcpy(low + 32, &caller, sizeof(caller));
    frame.rsp = (uint64_t)(low + 32);
    domain.engine.width = WIDTH_PAE;
    assert_int_equal(find_caller(low), 0x80103301);
    assert_int_equal(find_caller(low + 16), 0); /* has a prefix that 32-bit code has not */
    unreachable = true;
    assert_int_equal(find_caller(low), 0);
    munmap(low, PAGE_SIZE);
}

static void test_by_address(void **state)
{
    struct asked asked;

    (void)state;
    frame.rax = __HYPERVISOR_update_va_mapping;
    frame.rdi = 0x7000;
    frame.rsi = ENTRY;
    asked = ask(__HYPERVISOR_update_va_mapping, 0, REFUSE_NOT_OWNED, ENTRY);
    assert_true(asked.knows_address && asked.knows_entry && !asked.knows_command && !asked.is_in_multicall);
    assert_int_equal(asked.address, 0x7000);
    assert_int_equal(asked.entry, ENTRY);
    domain.engine.width = WIDTH_PAE;
    frame.rbx = 0x8000;
    frame.rcx = ENTRY;
    frame.rdx = 0x12;
    asked = ask(__HYPERVISOR_update_va_mapping, 0, REFUSE_NOT_OWNED, ENTRY);
    assert_int_equal(asked.address, 0x8000);
    assert_int_equal(asked.entry, UINT64_C(0x1200000000) | ENTRY);
}

static void test_update(void **state)
{
    const struct mmu_update updates[] = {{0x1000, 1}, {0x2008 | MMU_PT_UPDATE_PRESERVE_AD, ENTRY}, {1, 7}};
    struct asked asked;

    (void)state;
    frame.rax = __HYPERVISOR_mmu_update;
    frame.rdi = (uint64_t)updates;
    frame.rsi = 3;
    asked = ask(__HYPERVISOR_mmu_update, 1, REFUSE_NOT_OWNED, ENTRY);
    assert_true(asked.knows_command && asked.knows_entry && !asked.knows_address);
    assert_int_equal(asked.command, MMU_PT_UPDATE_PRESERVE_AD);
    assert_int_equal(asked.entry, ENTRY);
    assert_false(ask(__HYPERVISOR_mmu_update, 2, REFUSE_NOT_OWNED, 7).knows_entry); /* of the M2P */
    assert_false(ask(__HYPERVISOR_mmu_update, 3, REFUSE_NOT_OWNED, 7).knows_command);
    assert_false(ask(CALL_TABLE_WRITE, 1, REFUSE_NOT_OWNED, 7).knows_command); /* another step than its call */
    unreachable = true;
    assert_false(ask(__HYPERVISOR_mmu_update, 1, REFUSE_NOT_OWNED, ENTRY).knows_command);
}

/* Of a multicall it is the call that is carried out, as the engine has read it; not the registers, nor the memory. */
static void test_multicall(void **state)
{
    const struct multicall_entry entry = {.op = __HYPERVISOR_update_va_mapping, .args = {0x2000, ENTRY}};
    struct asked_call call;
    struct asked asked;

    (void)state;
    frame.rax = __HYPERVISOR_multicall;
    frame.rdi = 0x7000;
    frame.rsi = 8;
    vcpu.engine.entry = &entry;
    vcpu.engine.entry_index = 2;
    call = asked_call(&vcpu);
    assert_true(call.number == __HYPERVISOR_update_va_mapping && call.args[0] == 0x2000 && call.args[1] == ENTRY);
    asked = ask(__HYPERVISOR_update_va_mapping, 0, REFUSE_NOT_OWNED, ENTRY);
    assert_true(asked.is_in_multicall && asked.knows_address && asked.knows_entry);
    assert_int_equal(asked.place, 2);
    assert_int_equal(asked.address, 0x2000);
    assert_false(ask(CALL_USER_MODE, 0, REFUSE_USER_MODE, 0).is_in_multicall);
    vcpu.engine.entry = NULL;
    assert_false(ask(__HYPERVISOR_multicall, 0, REFUSE_GUEST_FAULT, 0).is_in_multicall);
    assert_int_equal(asked_call(&vcpu).args[1], 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_caller, set_up),     cmocka_unit_test_setup(test_narrow_caller, set_up),
        cmocka_unit_test_setup(test_by_address, set_up), cmocka_unit_test_setup(test_update, set_up),
        cmocka_unit_test_setup(test_multicall, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
