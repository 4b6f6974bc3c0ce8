/* SPDX-License-Identifier: MIT */
/*
 * What the hypervisor carries out in the place of a 32-bit kernel and its programs: writes to L1 tables in halves and
 * whole, through segments that begin anywhere and in 16-bit code; ports by the level and with the memory of who asks;
 * `INT n`, and the prefix of cpuid.
 */
#include <abi/cpuid.h>
#include <abi/physdev.h>
#include <abi/vm_assist.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guest/user.h>
#include <guests/tests/lib/snippet.h>
#include <guests/tests/lib/test.h>

#define ENTRY_DATA   1u /* descriptors of the GDT: data that begins at the table, 16-bit code at the program */
#define ENTRY_CODE16 2u

#define DATA      UINT64_C(0x00cf93000000ffff)
#define CODE16    UINT64_C(0x00009b000000ffff)
#define DPL(ring) ((uint64_t)(ring) << 45)
#define BASE(at)  (((uint64_t)(at)&0xffffff) << 16 | (uint64_t)((at) >> 24) << 56)

#define PORT "$0x80"

static uint64_t *gdt;

static void set(unsigned entry, uint64_t descriptor)
{
    test_need((int)hypercall_update_descriptor(virt_to_maddr(&gdt[entry]), descriptor), "descriptor");
}

static void make_gdt(void)
{
    xen_pfn_t frame;

    gdt = page_alloc();
    frame = (xen_pfn_t)virt_to_mfn(gdt).v;
    test_need(table_set_readonly(gdt), "GDT read-only");
    test_need((int)hypercall_set_gdt(&frame, ENTRIES_PER_TABLE), "GDT");
}

/*
 * ---- Writes to an L1.
 */

static uint64_t *l1, *page; /* a table, pinned, and what its entries may lead to */

/* An instruction with its operands; @eax, @edx are what it leaves. */
struct write {
    void (*run)(struct write *write);
    uint32_t *at;
    uint32_t eax, edx, ebx, ecx;
    bool zero;
};

static void run_write(void *arg)
{
    struct write *write = arg;

    write->run(write);
}

static void do_store(struct write *write)
{
    __asm__ volatile("movl %1, %0" : "=m"(*write->at) : "r"(write->ecx) : "memory");
}

static void do_exchange_8(struct write *write)
{
    __asm__ volatile("lock cmpxchg8b %0; setz %3"
                     : "+m"(*(uint64_t *)(void *)write->at), "+a"(write->eax), "+d"(write->edx), "=q"(write->zero)
                     : "b"(write->ebx), "c"(write->ecx)
                     : "memory", "cc");
}

static void do_exchange(struct write *write)
{
    __asm__ volatile("xchgl %0, %1" : "+m"(*write->at), "+r"(write->ecx)::"memory");
}

/* Through ds, which begins at the table; and with an address of 16 bits. */
static void do_based(struct write *write)
{
    __asm__ volatile("pushl %%ds; movl %2, %%ds; movl %1, (%0); popl %%ds" ::"r"((uintptr_t)write->at - (uintptr_t)l1),
                     "r"(write->ecx), "r"(ENTRY_DATA * 8 | 1)
                     : "memory");
}

static void do_based_16(struct write *write)
{
    __asm__ volatile("pushl %%ds; movl %2, %%ds; addr16 movl %1, (%%bx); popl %%ds" ::"b"(
                         ((uintptr_t)write->at - (uintptr_t)l1) | 0xabcd0000),
                     "r"(write->ecx), "r"(ENTRY_DATA * 8 | 1)
                     : "memory");
}

static void done(const char *name, struct write *write)
{
    struct fault seen;

    (void)trap_try(run_write, write, &seen);
    test_check(seen.vector == TRAP_NONE, name, "%s with error %x, cr2 %llx", trap_name(seen.vector), seen.error,
               seen.cr2);
}

static void store(const char *name, unsigned word, uint32_t value)
{
    done(name, &(struct write){do_store, (uint32_t *)(void *)l1 + word, .ecx = value});
}

static uint64_t leads_to(void *what, uint64_t flags)
{
    return pte_make(virt_to_mfn(what), flags);
}

/* Both orders of the halves, where what stands in between is no entry, and where it is one that is refused. */
static void halves(void)
{
    const uint64_t entry = leads_to(page, PTE_KERNEL);

    store("the upper half of an absent entry", 1, 0);
    store("and the lower", 0, (uint32_t)entry);
    test_equal("it is the entry", l1[0], entry);
    store("an upper half that makes it one which is refused", 1, 0xfffff);
    test_equal("it stands, but not present", l1[0], UINT64_C(0xfffff) << 32 | ((uint32_t)entry & ~1u));
    store("the lower half of what it is to be", 0, 0);
    store("and its upper", 1, 0);
    test_equal("it is gone", l1[0], 0);
}

/* Shows vm_assist.emulated. */
static void exchanges(void)
{
    const uint64_t entry = leads_to(page, PTE_KERNEL), other = leads_to(page, PTE_READONLY);
    struct write write = {do_exchange_8, (uint32_t *)(void *)&l1[3], .ebx = (uint32_t)entry,
                          .ecx = (uint32_t)(entry >> 32)};

    done("cmpxchg8b", &write);
    test_check(write.zero && l1[3] == entry, "it was equal, and is the entry", "%llx", l1[3]);
    write.ebx = (uint32_t)other;
    write.eax = write.edx = 0;
    done("cmpxchg8b of another", &write);
    test_check(!write.zero && l1[3] == entry && write.eax == (uint32_t)entry && write.edx == entry >> 32,
               "it was not, and says what is there", "%llx, %x%08x", l1[3], write.edx, write.eax);
    done("cmpxchg8b of that", &write);
    test_check(write.zero && l1[3] == other, "it was equal, and is the other", "%llx", l1[3]);
    write = (struct write){do_exchange, (uint32_t *)(void *)&l1[3], .ecx = 0};
    done("xchg", &write);
    test_check(write.ecx == (uint32_t)other && l1[3] == 0, "what was there", "%x, %llx", write.ecx, l1[3]);
}

static void segments(void)
{
    const uint64_t entry = leads_to(page, PTE_KERNEL);

    set(ENTRY_DATA, DATA | DPL(1) | BASE((uintptr_t)l1));
    done("a segment that begins there", &(struct write){do_based, (uint32_t *)(void *)&l1[5], .ecx = (uint32_t)entry});
    test_equal("it is the entry", l1[5], entry);
    done("and an address of 16 bits", &(struct write){do_based_16, (uint32_t *)(void *)&l1[5], .ecx = 0});
    test_equal("it is gone", l1[5], 0);
}

/* Shows vm_assist.emulation-refused, vm_assist.emulation-off. */
static void refused(void)
{
    struct write write = {do_store, (uint32_t *)(void *)&l1[7], .ecx = (uint32_t)leads_to(l1, PTE_KERNEL)};
    struct fault seen;

    (void)trap_try(run_write, &write, &seen);
    test_check(seen.vector == TRAP_PF && seen.error == (FAULT_PRESENT | FAULT_WRITE) && seen.cr2 == (uintptr_t)write.at,
               "a table mapped writable", "%s with error %x, cr2 %llx", trap_name(seen.vector), seen.error, seen.cr2);
    test_equal("nothing was written", l1[7], 0);
    test_need((int)hypercall_vm_assist(VMASST_CMD_disable, VMASST_TYPE_writable_pagetables), "vm_assist");
    write.ecx = 0;
    (void)trap_try(run_write, &write, &seen);
    test_equal("without the assist", seen.vector, TRAP_PF);
}

static void writes(void)
{
    l1 = page_alloc();
    page = page_alloc();
    test_need(table_set_readonly(l1), "L1 read-only");
    test_need(table_pin(l1, 1), "L1");
    test_need((int)hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), "vm_assist");
    halves();
    exchanges();
    segments();
    refused();
}

/*
 * ---- Programs.
 */

static void set_iopl(unsigned level)
{
    struct physdev_set_iopl argument = {level};

    test_need((int)hypercall_physdev_op(PHYSDEVOP_set_iopl, &argument), "set_iopl");
}

SNIPPET(program_in, "movl " PORT ", %edx", "inl %dx, %eax", "ud2");
SNIPPET(program_outs, "movl " PORT ", %edx; movl $0x400000, %esi", "outsl", "ud2");
SNIPPET(program_outs_kernel, "movl " PORT ", %edx; movl $0x80100000, %esi", "outsl", "ud2");
SNIPPET(program_ins_kernel, "movl " PORT ", %edx; movl $narrow_target, %edi", "insl", "ud2");
SNIPPET(program_cr3, "", "movl %cr3, %eax", "ud2");
SNIPPET(program_int, "", "int $0x21", "ud2");
SNIPPET(program_cpuid, "movl $0x40000000, %eax", "ud2; .ascii \"xen\"; cpuid", "ud2");
SNIPPET(program_16, "", ".code16; movw $0x80, %dx; inl %dx, %eax; ud2; .code32", "");

uint32_t narrow_target = 0x600df00d;

static void run(const char *name, const struct snippet *code, struct regs *regs)
{
    test_need(user_load(USER_BASE, code->begin, code->end), name);
    user_regs_init(regs, USER_BASE);
    (void)user_run(regs);
}

static void ends(const char *name, const struct snippet *code, unsigned vector, uint32_t error)
{
    struct regs regs;

    run(name, code, &regs);
    test_check(regs.vector == vector && regs.error == error, name, "%s with error %x at %x, expected %s with %x",
               trap_name(regs.vector), regs.error, regs.eip, trap_name(vector), error);
}

static void ports_of_programs(void)
{
    set_iopl(1);
    ends("in of a program with level 1", &program_in, TRAP_GP, 0);
    set_iopl(3);
    ends("with level 3", &program_in, TRAP_UD, 0);
    ends("outs of its own memory", &program_outs, TRAP_UD, 0);
    ends("outs of the kernel's", &program_outs_kernel, TRAP_PF, FAULT_USER | FAULT_PRESENT);
    ends("ins to the kernel's", &program_ins_kernel, TRAP_PF, FAULT_USER | FAULT_PRESENT | FAULT_WRITE);
    test_equal("where nothing has changed", narrow_target, 0x600df00d);
    ends("privileged all the same", &program_cr3, TRAP_GP, 0);
}

static void prefix(void)
{
    struct regs regs;

    run("the prefix of cpuid", &program_cpuid, &regs);
    test_check(regs.vector == TRAP_UD && regs.ebx == XEN_CPUID_SIGNATURE_EBX &&
                   regs.eip == USER_BASE + (unsigned)(program_cpuid.next - program_cpuid.begin),
               "the prefix of cpuid", "%s at %x, ebx %x", trap_name(regs.vector), regs.eip, regs.ebx);
}

/* Shows set_trap_table.int-n. */
static void interrupts(void)
{
    test_need(trap_set_entry(0x21, 4, trap_entry_of(0x21)), "trap table");
    ends("int of a gate that is the kernel's", &program_int, TRAP_GP, 0x21 * 8 + 2);
    test_need(trap_set_entry(0x21, 3 | 4, trap_entry_of(0x21)), "trap table");
    ends("int of a gate that is open", &program_int, 0x21, 0);
}

/* A code segment that begins at the program, whose addresses have 16 bits. */
static void code_16(void)
{
    struct regs regs;

    set(ENTRY_CODE16, CODE16 | DPL(3) | BASE((uint32_t)USER_BASE));
    test_need(user_load(USER_BASE, program_16.begin, program_16.end), "16-bit code");
    user_regs_init(&regs, 0);
    regs.cs = ENTRY_CODE16 * 8 | 3;
    regs.eax = 0x11112222;
    (void)user_run(&regs);
    test_check(regs.vector == TRAP_UD && regs.eip == 5 && regs.cs == (ENTRY_CODE16 * 8 | 3), "in of 16-bit code",
               "%s with error %x at %x:%x", trap_name(regs.vector), regs.error, regs.cs, regs.eip);
    test_equal("its prefix makes it 32 bits", regs.eax, 0xffffffff);
}

void test_main(void)
{
    test_need(user_init(), "user mode");
    make_gdt();
    writes();
    ports_of_programs();
    prefix();
    interrupts();
    code_16();
}
