/* SPDX-License-Identifier: MIT */
/* Room for a kernel's symbols, which BSD kernels look for behind themselves. */
#include <hv/kernel/start_symbols.h>

#define SECTIONS 3u
#define SYMBOLS  1u /* index of the section */
#define NAMES    2u

static bool is_64bit(const struct kernel *kernel)
{
    return kernel->image.width == WIDTH_64;
}

unsigned symbols_align(const struct kernel *kernel)
{
    return is_64bit(kernel) ? 8 : 4;
}

size_t symbols_head_size(const struct kernel *kernel)
{
    const struct symbols_head *head;

    return sizeof(head->length) + (is_64bit(kernel) ? sizeof(head->wide) : sizeof(head->narrow));
}

static uint64_t fill_up(const struct kernel *kernel, uint64_t size)
{
    uint64_t align = symbols_align(kernel);

    return (size + align - 1) / align * align;
}

/* Offsets in the ELF file, which begins behind the length. */
static uint64_t symbols_offset(const struct kernel *kernel)
{
    return symbols_head_size(kernel) - sizeof(uint32_t);
}

static uint64_t names_offset(const struct kernel *kernel)
{
    return symbols_offset(kernel) + fill_up(kernel, kernel->symbols.size);
}

static uint64_t file_size(const struct kernel *kernel)
{
    return names_offset(kernel) + fill_up(kernel, kernel->symbol_names.size);
}

/* Lengths have 32 bits; symbols that do not fit are left out, as if the file had none. */
uint64_t symbols_size(const struct kernel *kernel)
{
    if (!kernel->has_symbols || !kernel->wants_symbols || file_size(kernel) > UINT32_MAX)
        return 0;
    return sizeof(uint32_t) + file_size(kernel);
}

uint64_t symbols_names_at(const struct kernel *kernel)
{
    return sizeof(uint32_t) + names_offset(kernel);
}

static struct elf_ident ident(uint8_t class)
{
    return (struct elf_ident){
        .magic = {0x7f, 'E', 'L', 'F'}, .class = class, .data = ELF_LITTLE_ENDIAN, .version = ELF_VERSION};
}

static void fill_wide(const struct kernel *kernel, struct symbols_head *head)
{
    head->wide.header = (struct elf_header_64){
        .ident = ident(ELF_CLASS_64),
        .type = ELF_TYPE_EXEC,
        .machine = ELF_MACHINE_AMD64,
        .version = ELF_VERSION,
        .sections_at = sizeof(struct elf_header_64),
        .header_size = sizeof(struct elf_header_64),
        .section_size = sizeof(struct elf_section_64),
        .nr_sections = SECTIONS,
    };
    head->wide.symbols = (struct elf_section_64){
        .type = ELF_SECTION_SYMBOLS,
        .offset = symbols_offset(kernel),
        .size = kernel->symbols.size,
        .link = NAMES,
        .align = symbols_align(kernel),
        .entry_size = sizeof(struct elf_symbol_64),
    };
    head->wide.names = (struct elf_section_64){
        .type = ELF_SECTION_STRINGS,
        .offset = names_offset(kernel),
        .size = kernel->symbol_names.size,
        .align = 1,
    };
}

static void fill_narrow(const struct kernel *kernel, struct symbols_head *head)
{
    head->narrow.header = (struct elf_header_32){
        .ident = ident(ELF_CLASS_32),
        .type = ELF_TYPE_EXEC,
        .machine = ELF_MACHINE_386,
        .version = ELF_VERSION,
        .sections_at = sizeof(struct elf_header_32),
        .header_size = sizeof(struct elf_header_32),
        .section_size = sizeof(struct elf_section_32),
        .nr_sections = SECTIONS,
    };
    head->narrow.symbols = (struct elf_section_32){
        .type = ELF_SECTION_SYMBOLS,
        .offset = (uint32_t)symbols_offset(kernel),
        .size = (uint32_t)kernel->symbols.size,
        .link = NAMES,
        .align = symbols_align(kernel),
        .entry_size = sizeof(struct elf_symbol_32),
    };
    head->narrow.names = (struct elf_section_32){
        .type = ELF_SECTION_STRINGS,
        .offset = (uint32_t)names_offset(kernel),
        .size = (uint32_t)kernel->symbol_names.size,
        .align = 1,
    };
}

struct symbols_head symbols_head(const struct kernel *kernel)
{
    struct symbols_head head;

    memset(&head, 0, sizeof(head));
    head.length = (uint32_t)file_size(kernel);
    if (is_64bit(kernel))
        fill_wide(kernel, &head);
    else
        fill_narrow(kernel, &head);
    return head;
}
