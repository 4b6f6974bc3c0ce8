/* SPDX-License-Identifier: MIT */
/*
 * There is one kernel stack.  The kernel is not preempted and never blocks in the midst: to switch, it puts other
 * registers where the return from the trap takes them.
 */
#include <abi/errno.h>
#include <guest/guest.h>
#include <guest/lazy.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guest/user.h>
#include <guests/paravirt/pool.h>
#include <guests/paravirt/process.h>
#include <guests/paravirt/program.h>

#define TEXT_MAX 256u

struct process processes[PROCESSES_MAX];
uint64_t process_switches, process_faults;

static struct process *current;
static process_driver *next_driver;
static uint64_t (*next_choice)(void);
static bool (*end_hook)(struct process *process);
static struct process nobody; /* the parent of orphans */
static bool stopped;

static void *code;

void program_init(void)
{
    code = pool_take();
    memcpy(code, program_begin, (size_t)(program_end - program_begin));
}

void *program_page(void)
{
    return code;
}

void process_set_driver(process_driver *driver)
{
    next_driver = driver;
}

void process_set_choice(uint64_t (*choice)(void))
{
    next_choice = choice;
}

void process_set_end(bool (*hook)(struct process *process))
{
    end_hook = hook;
}

void process_stop(void)
{
    stopped = true;
}

static struct process *find_room(void)
{
    for (unsigned i = 0; i < PROCESSES_MAX; i++) {
        if (processes[i].state == PROCESS_NONE)
            return &processes[i];
    }
    return NULL;
}

struct process *process_create(uint64_t rip, uint64_t nr_pages)
{
    struct process *process = find_room();

    if (!process)
        return NULL;
    *process = (struct process){.state = PROCESS_NONE};
    if (space_create(&process->space, nr_pages))
        return NULL;
    user_regs_init(&process->regs, rip);
    process->state = PROCESS_READY;
    return process;
}

void process_forget(struct process *process)
{
    process->state = PROCESS_NONE;
}

static void tell_parent(struct process *process)
{
    struct process *parent = process->parent;

    if (parent && parent->state == PROCESS_WAITING) {
        parent->regs.rax = (uintptr_t)(process - processes) + 1;
        parent->regs.rdx = (uintptr_t)process->status;
        parent->state = PROCESS_READY;
        process_forget(process);
    }
}

static void orphan_children(const struct process *process)
{
    for (unsigned i = 0; i < PROCESSES_MAX; i++) {
        if (processes[i].state != PROCESS_NONE && processes[i].parent == process) {
            processes[i].parent = &nobody;
            if (processes[i].state == PROCESS_ENDED)
                process_forget(&processes[i]);
        }
    }
}

void process_end(struct process *process, int64_t status)
{
    bool forget = (end_hook && end_hook(process)) || process->parent == &nobody;

    space_destroy(&process->space);
    process->status = status;
    process->state = forget ? PROCESS_NONE : PROCESS_ENDED;
    orphan_children(process);
    if (!forget)
        tell_parent(process);
    if (process == current)
        current = NULL;
}

/* ---- System calls; the results go to the process's registers. */

static void call_fork(struct process *process)
{
    struct process *child = find_room();

    process->regs.rax = (uintptr_t)-XEN_ENOMEM;
    if (!child || space_fork(&child->space, &process->space))
        return;
    child->parent = process;
    child->regs = process->regs;
    child->regs.rax = 0;
    child->status = 0;
    memcpy(child->signatures, process->signatures, sizeof(child->signatures));
    child->filling = 0;
    child->state = PROCESS_READY;
    process->regs.rax = (uintptr_t)(child - processes) + 1;
}

static void call_wait(struct process *process)
{
    bool any = false;

    process->state = PROCESS_WAITING;
    for (unsigned i = 0; i < PROCESSES_MAX && process->state == PROCESS_WAITING; i++) {
        if (processes[i].state == PROCESS_NONE || processes[i].parent != process)
            continue;
        any = true;
        if (processes[i].state == PROCESS_ENDED)
            tell_parent(&processes[i]);
    }
    if (!any) {
        process->regs.rax = (uintptr_t)-XEN_ENOENT;
        process->state = PROCESS_READY;
    }
}

/* The text is read through the user's own mapping, which is loaded; a fault there is resolved like any other. */
static void call_write(struct process *process)
{
    char text[TEXT_MAX];
    uintptr_t from = process->regs.rdi, length = process->regs.rsi;

    process->regs.rax = (uintptr_t)-XEN_EFAULT;
    if (length >= TEXT_MAX || from < CODE_BASE || from + length > CODE_BASE + PAGE_SIZE)
        return;
    memcpy(text, (const void *)(uintptr_t)from, length);
    text[length] = 0;
    print("  process %" PRIu64 ": %s", (uint64_t)(process - processes) + 1, text);
    process->regs.rax = length;
}

static void call_kernel(struct process *process)
{
    switch (process->regs.rax) {
    case SYSCALL_EXIT:
        process_end(process, (intptr_t)process->regs.rdi);
        break;
    case SYSCALL_FORK:
        call_fork(process);
        break;
    case SYSCALL_WAIT:
        call_wait(process);
        break;
    case SYSCALL_WRITE:
        call_write(process);
        break;
    case SYSCALL_YIELD:
        break;
    case SYSCALL_NEXT:
        if (next_driver)
            next_driver(process, &process->regs);
        break;
    default:
        process->regs.rax = (uintptr_t)-XEN_ENOSYS;
    }
}

/* ---- Switching. */

static struct process *choose(void)
{
    static unsigned last;
    unsigned first = next_choice ? (unsigned)(next_choice() % PROCESSES_MAX) : last + 1;

    for (unsigned i = 0; i < PROCESSES_MAX; i++) {
        unsigned index = (first + i) % PROCESSES_MAX;

        if (processes[index].state == PROCESS_READY) {
            last = index;
            return &processes[index];
        }
    }
    return NULL;
}

/* Another process continues at the return from this trap; false: none does, and process_run() returns. */
static bool switch_to_next(struct regs *regs)
{
    struct process *next = stopped ? NULL : choose();

    if (!next) {
        current = NULL;
        return false;
    }
    process_switches += next != current;
    current = next;
    space_load(&next->space);
    *regs = next->regs;
    return true;
}

static bool on_syscall(struct regs *regs)
{
    current->regs = *regs;
    call_kernel(current);
    return switch_to_next(regs);
}

static bool on_exception(struct regs *regs)
{
    if (!regs_in_user_mode(regs) || !current)
        return false;
    process_end(current, STATUS_EXCEPTION);
    return switch_to_next(regs);
}

static bool on_page_fault(struct regs *regs)
{
    uint64_t vaddr = mmu->cr2_read();
    int error = -XEN_EFAULT;

    mmu_lazy_flush();
    if (space_loaded())
        error = space_fault(space_loaded(), vaddr, regs->error);
    if (!error) {
        process_faults++;
        return true;
    }
    if (!regs_in_user_mode(regs) || !current) {
        (void)pinned_check_fault(vaddr, regs->error, regs->rip);
        return false;
    }
    process_end(current, error == -XEN_ENOMEM ? STATUS_NO_MEMORY : STATUS_BAD_ACCESS);
    return switch_to_next(regs);
}

void process_init(void)
{
    for (unsigned vector = 0; vector < 32; vector++)
        (void)trap_set_handler(vector, on_exception);
    (void)trap_set_handler(TRAP_PF, on_page_fault);
    (void)trap_set_handler(VECTOR_PROGRAM_CALL, on_syscall);
}

void process_run(void)
{
    struct regs regs;

    stopped = false;
    if (switch_to_next(&regs))
        (void)user_run(&regs);
}
