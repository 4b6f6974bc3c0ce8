/* SPDX-License-Identifier: MIT */
/*
 * What the hypervisor carries out in the place of a 32-bit kernel and its programs: writes to L1 tables in halves and
 * whole, through segments that begin anywhere and in 16-bit code; privileged instructions of ring 1; ports by the level
 * and with the memory of who asks; `INT n`, and the prefix of cpuid.
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

#define MSR_EFER    0xc0000080u
#define MSR_FS_BASE 0xc0000100u
#define CR0_TS      0x8u
#define CR4_PAE     0x20u
#define PORT        "$0x80"

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
 * ---- Instructions of ring 0 in ring 1.
 */

struct access {
    void (*run)(struct access *access);
    uint32_t number, eax, edx;
    uint8_t bytes[8];
};

static void run_access(void *arg)
{
    struct access *access = arg;

    access->run(access);
}

static unsigned attempt(struct access *access)
{
    struct fault seen;

    (void)trap_try(run_access, access, &seen);
    return seen.vector;
}

#define READS(name, instruction)                                     \
    static void name(struct access *access)                          \
    {                                                                \
        __asm__ volatile(instruction : "=r"(access->eax)::"memory"); \
    }
#define WRITES(name, instruction)                                    \
    static void name(struct access *access)                          \
    {                                                                \
        __asm__ volatile(instruction ::"r"(access->eax) : "memory"); \
    }
READS(read_cr0, "movl %%cr0, %0")
READS(read_cr2, "movl %%cr2, %0")
READS(read_cr3, "movl %%cr3, %0")
READS(read_cr4, "movl %%cr4, %0")
WRITES(write_cr0, "movl %0, %%cr0")
WRITES(write_cr3, "movl %0, %%cr3")
WRITES(invalidate, "invlpg (%0)")
WRITES(load_gdt, "lgdt (%0)")
WRITES(load_status, "lmsw %w0")

static void clear_ts(struct access *access)
{
    (void)access;
    __asm__ volatile("clts");
}

static void halt(struct access *access)
{
    (void)access;
    __asm__ volatile("hlt");
}

static void read_msr(struct access *access)
{
    __asm__ volatile("rdmsr" : "=a"(access->eax), "=d"(access->edx) : "c"(access->number));
}

static void write_msr(struct access *access)
{
    __asm__ volatile("wrmsr" ::"c"(access->number), "a"(access->eax), "d"(access->edx));
}

static void store_gdt(struct access *access)
{
    __asm__ volatile("sgdt (%0)" ::"r"(access->bytes) : "memory");
}

static void clear_interrupts(struct access *access)
{
    (void)access;
    __asm__ volatile("cli; sti");
}

static void read_port(struct access *access)
{
    __asm__ volatile("inl %%dx, %%eax" : "=a"(access->eax) : "d"(0x80));
}

static uint32_t value_of(const char *name, void (*function)(struct access *access))
{
    struct access access = {.run = function};

    test_equal(name, attempt(&access), TRAP_NONE);
    return access.eax;
}

static void control(void)
{
    struct access access = {.run = write_cr3, .eax = (uint32_t)xen_pfn_to_cr3(virt_to_mfn(table_root()).v)};

    test_equal("cr3 is the folded number of the root", value_of("mov from cr3", read_cr3), access.eax);
    test_equal("mov to cr3 of the same", attempt(&access), TRAP_NONE);
    access.eax = (uint32_t)xen_pfn_to_cr3(virt_to_mfn(page).v);
    test_equal("mov to cr3 of what is no table", attempt(&access), TRAP_GP);
    test_equal("PAE is on", value_of("mov from cr4", read_cr4) & CR4_PAE, CR4_PAE);
    WRITE_ONCE(guest.vcpu->arch.cr2, 0x12345678);
    test_equal("cr2 is that of vcpu_info", value_of("mov from cr2", read_cr2), 0x12345678);
    access = (struct access){.run = write_cr0, .eax = value_of("mov from cr0", read_cr0) | CR0_TS};
    test_equal("mov to cr0 of TS", attempt(&access), TRAP_NONE);
    test_equal("it is set", value_of("mov from cr0", read_cr0) & CR0_TS, CR0_TS);
    (void)value_of("clts", clear_ts);
    test_equal("it is clear", value_of("mov from cr0", read_cr0) & CR0_TS, 0);
}

static void others(void)
{
    struct access access = {.run = read_msr, .number = MSR_EFER};

    test_equal("rdmsr EFER", attempt(&access), TRAP_NONE);
    access.run = write_msr;
    test_equal("wrmsr of the same", attempt(&access), TRAP_NONE);
    access = (struct access){.run = read_msr, .number = MSR_FS_BASE};
    test_equal("there is no FS_BASE", attempt(&access), TRAP_GP);
    access = (struct access){.run = store_gdt};
    memset(access.bytes, 0x5a, sizeof(access.bytes));
    test_equal("sgdt", attempt(&access), TRAP_NONE);
    test_check(access.bytes[6] == 0x5a && access.bytes[7] == 0x5a, "it has six bytes", "%x %x", access.bytes[6],
               access.bytes[7]);
    access = (struct access){.run = halt};
    test_equal("hlt", attempt(&access), TRAP_GP);
    access.run = invalidate;
    test_equal("invlpg", attempt(&access), TRAP_GP);
    access = (struct access){.run = load_gdt, .eax = (uint32_t)(uintptr_t)access.bytes};
    test_equal("lgdt", attempt(&access), TRAP_GP);
    access.run = load_status;
    test_equal("lmsw", attempt(&access), TRAP_GP);
}

static void set_iopl(unsigned level)
{
    struct physdev_set_iopl argument = {level};

    test_need((int)hypercall_physdev_op(PHYSDEVOP_set_iopl, &argument), "set_iopl");
}

/* Shows physdev_op.iopl, physdev_op.cli. */
static void levels(void)
{
    struct access flags = {.run = clear_interrupts}, port = {.run = read_port};
    uint8_t mask = READ_ONCE(guest.vcpu->evtchn_upcall_mask);

    test_equal("cli without a level", attempt(&flags), TRAP_GP);
    test_equal("in without a level", attempt(&port), TRAP_GP);
    set_iopl(1);
    test_equal("cli and sti with level 1", attempt(&flags), TRAP_NONE);
    test_equal("in with level 1", attempt(&port), TRAP_NONE);
    test_equal("nothing is at the port", port.eax, 0xffffffff);
    test_equal("events are as they were", READ_ONCE(guest.vcpu->evtchn_upcall_mask), mask);
}

/*
 * ---- Programs.
 */

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
    control();
    others();
    levels();
    ports_of_programs();
    prefix();
    interrupts();
    code_16();
}
