/* SPDX-License-Identifier: MIT */
/* The contents of a new domain's memory, as far as they come from its files.  The memory is zero before. */
#include <abi/hypercall.h>
#include <hv/build/builder_parts.h>
#include <hv/kernel/start_symbols.h>

#define OPCODE_INT3 0xcc

/*
 * ---- The hypercall page: 32 bytes for each number, called like functions, but for iret, which is jumped to.
 */

/* push %rcx; push %r11; mov $number, %eax; syscall; pop %r11; pop %rcx; ret */
static void write_stub(uint8_t *stub, uint8_t number)
{
    const uint8_t code[] = {0x51, 0x41, 0x53, 0xb8, number, 0, 0, 0, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3};

    memcpy(stub, code, sizeof(code));
}

/* push %rcx; push %r11; push %rax; mov $number, %eax; syscall */
static void write_iret_stub(uint8_t *stub, uint8_t number)
{
    const uint8_t code[] = {0x51, 0x41, 0x53, 0x50, 0xb8, number, 0, 0, 0, 0x0f, 0x05};

    memcpy(stub, code, sizeof(code));
}

static void load_hypercall_page(const struct build *build)
{
    uint8_t stub[HYPERCALL_PAGE_STRIDE];

    if (!build->kernel.has_hypercall_page)
        return;
    for (unsigned number = 0; number < HYPERCALL_PAGE_ENTRIES; number++) {
        memset(stub, OPCODE_INT3, sizeof(stub));
        if (number == __HYPERVISOR_iret)
            write_iret_stub(stub, (uint8_t)number);
        else
            write_stub(stub, (uint8_t)number);
        build_write(build, build->kernel.hypercall_page + number * HYPERCALL_PAGE_STRIDE,
                    (struct blob){stub, sizeof(stub)});
    }
}

/*
 * ---- Everything else.
 */

static void load_symbols(const struct build *build)
{
    const struct kernel *kernel = &build->kernel;
    struct symbols_head head;

    if (build->layout.symbols_size == 0)
        return;
    head = symbols_head(kernel);
    build_write(build, build->layout.symbols, (struct blob){(const uint8_t *)&head, sizeof(head)});
    build_write(build, build->layout.symbols + sizeof(head), kernel->symbols);
    build_write(build, build->layout.symbols + symbols_names_at(kernel), kernel->symbol_names);
}

void build_load(const struct build *build)
{
    for (unsigned i = 0; i < build->kernel.nr_segments; i++)
        build_write(build, build->kernel.segments[i].start, build->kernel.segments[i].contents);
    load_hypercall_page(build);
    load_symbols(build);
    build_write(build, build->layout.ramdisk << PAGE_SHIFT, build->description->ramdisk);
}
