/* SPDX-License-Identifier: MIT */
/* The contents of a new domain's memory, as far as they come from its files.  The memory is zero before. */
#include <abi/hypercall.h>
#include <hv/build/builder_parts.h>
#include <hv/kernel/start_symbols.h>

#define OPCODE_INT3 0xcc

/*
 * ---- The hypercall page: 32 bytes for each number, called like functions, but for iret, which is jumped to.
 */

struct stub {
    uint8_t code[16];
    uint8_t size;
    uint8_t number_at; /* the place of the number among them */
};

/* push %rcx; push %r11; mov $number, %eax; syscall; pop %r11; pop %rcx; ret */
static const struct stub stub_64 = {{0x51, 0x41, 0x53, 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3}, 14, 4};

/* push %rcx; push %r11; push %rax; mov $number, %eax; syscall */
static const struct stub iret_64 = {{0x51, 0x41, 0x53, 0x50, 0xb8, 0, 0, 0, 0, 0x0f, 0x05}, 11, 5};

/* mov $number, %eax; int $0x82; ret */
static const struct stub stub_32 = {{0xb8, 0, 0, 0, 0, 0xcd, HYPERCALL_VECTOR, 0xc3}, 8, 1};

/* push %eax; mov $number, %eax; int $0x82 */
static const struct stub iret_32 = {{0x50, 0xb8, 0, 0, 0, 0, 0xcd, HYPERCALL_VECTOR}, 8, 2};

static const struct stub *find_stub(enum width width, unsigned number)
{
    if (width == WIDTH_64)
        return number == __HYPERVISOR_iret ? &iret_64 : &stub_64;
    return number == __HYPERVISOR_iret ? &iret_32 : &stub_32;
}

static void load_hypercall_page(const struct build *build)
{
    uint8_t stub[HYPERCALL_PAGE_STRIDE];

    if (!build->kernel.has_hypercall_page)
        return;
    for (unsigned number = 0; number < HYPERCALL_PAGE_ENTRIES; number++) {
        const struct stub *found = find_stub(build->kernel.image.width, number);

        memset(stub, OPCODE_INT3, sizeof(stub));
        memcpy(stub, found->code, found->size);
        stub[found->number_at] = (uint8_t)number;
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
    size_t size = symbols_head_size(kernel);

    if (build->layout.symbols_size == 0)
        return;
    head = symbols_head(kernel);
    build_write(build, build->layout.symbols, (struct blob){(const uint8_t *)&head, size});
    build_write(build, build->layout.symbols + size, kernel->symbols);
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
