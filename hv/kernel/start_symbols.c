/* SPDX-License-Identifier: MIT */
/* Room for a kernel's symbols, which BSD kernels look for behind themselves. */
#include <hv/kernel/start_symbols.h>

#define SECTIONS 3u
#define SYMBOLS  1u /* index of the section */
#define NAMES    2u

static uint64_t fill_up(uint64_t size)
{
    return (size + 7) & ~UINT64_C(7);
}

/* Offsets in the ELF file, which begins behind the length. */
static uint64_t symbols_offset(void)
{
    return sizeof(struct symbols_head) - sizeof(uint32_t);
}

static uint64_t names_offset(const struct kernel *kernel)
{
    return symbols_offset() + fill_up(kernel->symbols.size);
}

static uint64_t file_size(const struct kernel *kernel)
{
    return names_offset(kernel) + fill_up(kernel->symbol_names.size);
}

/* Lengths have 32 bits; symbols that do not fit are left out, as if the file had none. */
uint64_t symbols_size(const struct kernel *kernel)
{
    if (!kernel->has_symbols || !kernel->wants_symbols || kernel->image.width != WIDTH_64 ||
        file_size(kernel) > UINT32_MAX)
        return 0;
    return sizeof(uint32_t) + file_size(kernel);
}

uint64_t symbols_names_at(const struct kernel *kernel)
{
    return sizeof(uint32_t) + names_offset(kernel);
}

struct symbols_head symbols_head(const struct kernel *kernel)
{
    struct symbols_head head;

    memset(&head, 0, sizeof(head));
    head.length = (uint32_t)file_size(kernel);
    head.header = (struct elf_header_64){
        .ident = {.magic = {0x7f, 'E', 'L', 'F'},
                  .class = ELF_CLASS_64,
                  .data = ELF_LITTLE_ENDIAN,
                  .version = ELF_VERSION},
        .type = ELF_TYPE_EXEC,
        .machine = ELF_MACHINE_AMD64,
        .version = ELF_VERSION,
        .sections_at = sizeof(struct elf_header_64),
        .header_size = sizeof(struct elf_header_64),
        .section_size = sizeof(struct elf_section_64),
        .nr_sections = SECTIONS,
    };
    head.symbols = (struct elf_section_64){
        .type = ELF_SECTION_SYMBOLS,
        .offset = symbols_offset(),
        .size = kernel->symbols.size,
        .link = NAMES,
        .align = 8,
        .entry_size = sizeof(struct elf_symbol_64),
    };
    head.names = (struct elf_section_64){
        .type = ELF_SECTION_STRINGS,
        .offset = names_offset(kernel),
        .size = kernel->symbol_names.size,
        .align = 1,
    };
    return head;
}
