/* SPDX-License-Identifier: MIT */
/* The root of user mode, and the excursion: there and back again, by whatever trap ends it. */
#include <abi/segment.h>
#include <guest/guest.h>
#include <guest/native.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/user.h>

void user_switch(struct regs *regs, uintptr_t *kernel_stack);
_Noreturn void user_return(uintptr_t kernel_stack);

static uint64_t *root;
static uintptr_t kernel_stack; /* of the excursion under way, 0 for none */
static struct regs *running;

uint64_t *user_root(void)
{
    return root;
}

int user_map(uint64_t vaddr, void *page, uint64_t flags)
{
    int error = table_make(vaddr);

    return error ? error : table_map(vaddr, pte_make(virt_to_mfn(page), flags));
}

int user_load(uint64_t vaddr, const void *first, const void *end)
{
    void *page = page_alloc();

    memcpy(page, first, (size_t)((const char *)end - (const char *)first));
    return user_map(vaddr, page, PTE_PROGRAM & ~PTE_RW);
}

static int make_root(void)
{
    int error;

    root = page_alloc();
    root[0] = table_root()[0];
    error = table_set_readonly(root);
    if (!error)
        error = table_pin(root, TOP_LEVEL);
    return error ? error : table_load_user(root);
}

int user_init(void)
{
    int error = user_map(USER_STACK_END - PAGE_SIZE, page_alloc(), PTE_PROGRAM);

    if (error)
        return error;
    return error || !USER_ROOT ? error : make_root();
}

void user_regs_init(struct regs *regs, uint64_t rip)
{
    *regs = regs_of_user(rip, USER_STACK_END, RFLAGS_IF);
}

void user_end(struct regs *regs)
{
    if (running) {
        *running = *regs;
        user_return(kernel_stack);
    }
}

/* Comes back only where nothing is to be ended, and the trap has no handler then. */
static bool end_run(struct regs *regs)
{
    user_end(regs);
    return false;
}

unsigned user_run(struct regs *regs)
{
    uintptr_t outer_stack = kernel_stack;
    struct regs *outer = running;

    trap_set_user_handler(end_run);
    running = regs;
    if (guest.native)
        native_user_switch(regs, &kernel_stack);
    else
        user_switch(regs, &kernel_stack);
    running = outer;
    kernel_stack = outer_stack;
    return regs->vector;
}
