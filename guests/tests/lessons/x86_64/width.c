/* SPDX-License-Identifier: MIT */
/* Lessons of a 64-bit kernel. */
#include <abi/callback.h>
#include <abi/layout.h>
#include <guest/user.h>
#include <guests/tests/lessons/lessons.h>
#include <guests/tests/lib/test.h>

#define RFLAGS_IOPL UINT64_C(0x3000)
#define RFLAGS_VM   (UINT64_C(1) << 17)

static const uintptr_t stacks[] = {USER_STACK_END, 0, 8, HYPERVISOR_INSIDE, UINT64_C(0xffff808000000ff8)};
static const uintptr_t refused[] = {
    HYPERVISOR_VIRT_START,    HYPERVISOR_VIRT_START + 8, UINT64_C(0xffff810000000000), UINT64_C(0xffff818000100000),
    HYPERVISOR_VIRT_END - 8,  HYPERVISOR_VIRT_END - 1,   HYPERVISOR_VIRT_START - 1,    HYPERVISOR_VIRT_START - 8,
    UINT64_C(0x800000000000), UINT64_C(1) << 63,
};
static const uintptr_t granted[] = {0, USER_BASE, UINT64_C(0x7ffffffffff8), HYPERVISOR_VIRT_END};

const struct lessons_width lessons_width = {
    .call = {"syscall", {0x0f, 0x05}, 2, VECTOR_SYSCALL, VECTOR_SYSCALL},
    .callback = CALLBACKTYPE_syscall,
    .hypercall = TRAP_GP,
    .read_fs_base = 0x80,
    .nr_stacks = ARRAY_SIZE(stacks),
    .nr_refused = ARRAY_SIZE(refused),
    .nr_granted = ARRAY_SIZE(granted),
    .stacks = stacks,
    .refused = refused,
    .granted = granted,
};

/* What a frame asks for and nobody may have: neither while the program runs nor in the frame that it leaves. */
void lessons_own(void)
{
    static const uint8_t code[] = {0x0f, 0x05};
    struct regs regs;
    unsigned seen;

    user_regs_init(&regs, USER_BASE);
    regs.rflags |= RFLAGS_VM | RFLAGS_IOPL;
    seen = lessons_user(code, sizeof(code), &regs);
    test_check(seen == VECTOR_SYSCALL && !(regs.rflags & (RFLAGS_VM | RFLAGS_IOPL)), "xsa_136_a_frame_that_asks_for_vm",
               "%s, flags %lx", trap_name(seen), regs.rflags);
}
