/* SPDX-License-Identifier: MIT */
/*
 * Inputs for the fuzzers of this folder to begin with, always the same: kernels of each kind and a bundle,
 * conversations with the xenstore, an instruction for each thing that the decoder can say, and consoles on one line.
 *
 * Usage: seeds DIRECTORY      writes DIRECTORY/fuzz_NAME/..., below 64 KiB for each fuzzer
 */
/* links: hv/kernel/bundle.c hv/kernel/bundle_rights.c hv/kernel/bundle_device.c */
/* links: hv/emulate/decode.c hv/emulate/decode_table.c */
/* links: tests/hv/lib/elf_maker.c */
/* links: hv/kernel/judge.c hv/kernel/placement.c hv/kernel/notes.c hv/kernel/elf_image.c hv/kernel/findings.c */
/* links: hv/kernel/start_layout.c hv/kernel/start_symbols.c */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <abi/elfnote.h>
#include <abi/io.h>
#include <engine/check.h>
#include <hv/emulate/decode.h>
#include <hv/kernel/bundle.h>
#include <hv/kernel/elf_format.h>
#include <hv/kernel/elf_image.h>
#include <hv/kernel/judge.h>
#include <tests/hv/lib/elf_maker.h>

#define CORPUS_MAX 65536u

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}

/* An input that is refused at the door would be none. */
static void require(bool accepted, const char *what, const char *const *problem)
{
    if (accepted)
        return;
    fprintf(stderr, "%s: %s\n", what, *problem);
    exit(1);
}

static const char *directory;
static size_t written; /* of the corpus being made */

static void begin_corpus(const char *fuzzer)
{
    static char path[4096];

    snprintf(path, sizeof(path), "%s/%s", directory, fuzzer);
    directory = path;
    written = 0;
    if (mkdir(path, 0777) != 0)
        abort();
}

static void save(const char *name, const void *bytes, size_t size)
{
    char path[4200];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "w");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        abort();
    written += size;
    if (written > CORPUS_MAX)
        abort();
}

/*
 * ---- Kernels, and a bundle of two of them.
 */

#define BASE   UINT64_C(0xffffffff80000000)
#define BASE32 UINT64_C(0xc0000000)
#define START  UINT64_C(0x200000)

static struct elf_maker maker;

/* A kernel without notes yet: text, and data across a page. */
static void begin_kernel(bool is_64)
{
    maker_begin(&maker, is_64, (is_64 ? BASE : BASE32) + START + 0x10);
    maker_load(&maker, START, "text", 0x1000);
    maker_load(&maker, START + 0x1ffa, "some bytes of data", 0x2000);
}

static struct blob end_kernel(const char *name)
{
    struct blob file = maker_finish(&maker);
    const char *problem = "refused";
    struct findings findings;
    struct kernel kernel;

    judge_kernel(file, &kernel, &findings);
    require(!findings_refusal(&findings), name, &problem);
    save(name, file.bytes, file.size);
    return file;
}

static void discard(struct blob file)
{
    free((void *)(uintptr_t)file.bytes);
}

static struct note_list common_notes(uint64_t base)
{
    struct note_list notes = {.size = 0};

    note_kernel(&notes);
    note_text(&notes, XEN_ELFNOTE_GUEST_OS, "linux");
    note_number(&notes, XEN_ELFNOTE_VIRT_BASE, base, 8);
    return notes;
}

/* The notes that not every kernel has. */
static struct note_list all_notes(void)
{
    struct note_list notes = common_notes(BASE);

    note_number(&notes, XEN_ELFNOTE_ENTRY, BASE + START, 8);
    note_number(&notes, XEN_ELFNOTE_PADDR_OFFSET, 0, 8);
    note_number(&notes, XEN_ELFNOTE_HYPERCALL_PAGE, BASE + START + 0x1000, 8);
    note_number(&notes, XEN_ELFNOTE_HV_START_LOW, UINT64_C(0xffff800000000000), 8);
    note_number(&notes, XEN_ELFNOTE_INIT_P2M, UINT64_C(0x8000000000), 8);
    note_number(&notes, XEN_ELFNOTE_MOD_START_PFN, 1, 4);
    note_number(&notes, XEN_ELFNOTE_SUPPORTED_FEATURES, 0x801, 4);
    note_text(&notes, XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb|writable_descriptor_tables");
    return notes;
}

static struct blob plain_kernel(void)
{
    struct note_list notes = common_notes(BASE);

    begin_kernel(true);
    maker_notes(&maker, &notes);
    return end_kernel("kernel-64");
}

static struct blob full_kernel(void)
{
    struct note_list notes = all_notes();

    begin_kernel(true);
    maker_notes(&maker, &notes);
    return end_kernel("kernel-all-notes");
}

static void narrow_kernel(void)
{
    struct note_list notes = common_notes(BASE32);

    note_text(&notes, XEN_ELFNOTE_PAE_MODE, "yes");
    begin_kernel(false);
    maker_notes(&maker, &notes);
    discard(end_kernel("kernel-pae"));
}

static void kernel_with_symbols(void)
{
    static const uint8_t symbols[48] = {1, 2, 3};
    struct note_list notes = common_notes(BASE);
    unsigned names;

    note_text(&notes, XEN_ELFNOTE_BSD_SYMTAB, "yes");
    begin_kernel(true);
    names = maker_section(
        &maker, (struct maker_section){".strtab", ELF_SECTION_STRINGS, 0, maker_append(&maker, "\0name", 6), 6});
    maker_section(&maker, (struct maker_section){".symtab", ELF_SECTION_SYMBOLS, names,
                                                 maker_append(&maker, symbols, sizeof(symbols)), sizeof(symbols)});
    maker_notes(&maker, &notes);
    discard(end_kernel("kernel-symbols"));
}

static void kernel_with_note_section(void)
{
    struct note_list notes = all_notes();

    begin_kernel(true);
    maker_section(&maker, (struct maker_section){".note.Xen", ELF_SECTION_NOTE, 0,
                                                 maker_append(&maker, notes.bytes, notes.size), notes.size});
    discard(end_kernel("kernel-note-section"));
}

static void legacy_kernel(const char *name, bool is_64, const char *text)
{
    begin_kernel(is_64);
    maker_section(&maker, (struct maker_section){"__xen_guest", 1, 0, maker_append(&maker, text, strlen(text) + 1),
                                                 strlen(text) + 1});
    discard(end_kernel(name));
}

struct archive {
    char bytes[32768];
    size_t size;
};

static void pad(struct archive *archive)
{
    while (archive->size % 4 != 0)
        archive->bytes[archive->size++] = 0;
}

/* A file of a cpio archive. */
static void add_file(struct archive *archive, const char *name, const void *contents, size_t size)
{
    if (archive->size + size + 512 > sizeof(archive->bytes))
        abort();
    archive->size += (size_t)sprintf(archive->bytes + archive->size,
                                     "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X%s", 1, 0100644, 0, 0,
                                     1, 0, size, 0, 0, 0, 0, strlen(name) + 1, 0, name) +
                     1;
    pad(archive);
    if (size > 0)
        memcpy(archive->bytes + archive->size, contents, size);
    archive->size += size;
    pad(archive);
}

static void add_text(struct archive *archive, const char *name, const char *text)
{
    add_file(archive, name, text, strlen(text));
}

static void make_kernels(void)
{
    static struct archive archive;
    static struct bundle bundle;
    const char *problem = NULL;
    struct blob plain, full;

    begin_corpus("fuzz_parsers");
    plain = plain_kernel();
    full = full_kernel();
    narrow_kernel();
    kernel_with_symbols();
    kernel_with_note_section();
    legacy_kernel("kernel-legacy", true,
                  "GUEST_OS=linux,GUEST_VER=2.6,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000,ELF_PADDR_OFFSET=0x0,"
                  "VIRT_ENTRY=0xffffffff80200000,HYPERCALL_PAGE=0x201,FEATURES=!auto_translated_physmap,LOADER=generic,"
                  "BSD_SYMTAB=yes");
    legacy_kernel("kernel-legacy-pae", false,
                  "LOADER=generic,XEN_VER=xen-3.0,VIRT_BASE=0xC0000000,ELF_PADDR_OFFSET=0x0,PAE=yes[extended-cr3]");
    add_text(&archive, "1/settings", "name=one\nmemory=65536\nvcpus=2\nprivileged=1\n");
    add_text(&archive, "1/cmdline", "console=hvc0");
    add_file(&archive, "1/kernel", plain.bytes, plain.size);
    add_text(&archive, "1/ramdisk", "a ramdisk");
    add_text(&archive, "./2/settings",
             "memory=32768\nprivileged=0\ndevice=vbd/51712 3\nfront=virtual-device 51712\n"
             "back=params vbd-2\n");
    add_file(&archive, "./2/kernel", full.bytes, full.size);
    add_text(&archive, "3/settings", "memory=32768\nbackend=1\n");
    add_text(&archive, "3/kernel", "a kernel");
    add_text(&archive, "TRAILER!!!", "");
    require(!bundle_parse((const uint8_t *)archive.bytes, archive.size, &bundle, &problem), "bundle", &problem);
    save("bundle", archive.bytes, archive.size);
    discard(plain);
    discard(full);
}

/*
 * ---- Conversations with the xenstore, in the language of fuzz_xenstore.c: its pieces of text by their numbers.
 */

enum piece {
    DATA,
    SLASH,
    A,
    B_C,
    EMPTY,
    HOME,
    NAME,
    SPECIAL,
    T,
    F,
    N3,
    ZERO,
    DEVICE,
    TOKEN,
    X,
    MEMORY,
    OTHER_HOME,
    CONTROL_HOME,
    B3,
    R4,
    N4,
    B4,
};

#define END  0x80u /* a zero byte behind the piece */
#define MANY 0x40u /* forty copies of it */

static struct {
    uint8_t bytes[1024];
    size_t size;
} talk;

static void say(unsigned byte)
{
    talk.bytes[talk.size++] = (uint8_t)byte;
}

/* A message of @count pieces in transaction @transaction; then all of the reply is taken. */
static void message(enum xsd_sockmsg_type type, unsigned transaction, unsigned count, ...)
{
    va_list pieces;

    say(0);
    say(type);
    say((unsigned)talk.size);
    say(transaction);
    say(count);
    va_start(pieces, count);
    for (unsigned i = 0; i < count; i++)
        say(va_arg(pieces, unsigned));
    va_end(pieces);
    say(160);
}

/* Which of the guests acts from now on; it ends and comes again. */
static void turn_to(unsigned guest)
{
    say(250 + guest);
}

static void die(void)
{
    say(253);
}

static void end_talk(const char *name)
{
    save(name, talk.bytes, talk.size);
    talk.size = 0;
}

static void talk_of_nodes(void)
{
    message(XS_DIRECTORY, 0, 1, HOME | END);
    message(XS_READ, 0, 1, NAME | END);
    message(XS_WRITE, 0, 2, DATA | END, X);
    message(XS_READ, 0, 1, DATA | END);
    message(XS_MKDIR, 0, 3, DATA, SLASH, A | END);
    message(XS_WRITE, 0, 4, DATA, SLASH, B_C | END, X | MANY);
    message(XS_DIRECTORY, 0, 1, DATA | END);
    message(XS_DIRECTORY_PART, 0, 2, DATA | END, ZERO | END);
    message(XS_RM, 0, 3, DATA, SLASH, A | END);
    message(XS_RM, 0, 1, DATA | END);
    end_talk("nodes");
}

static void talk_of_rights(void)
{
    message(XS_GET_PERMS, 0, 1, DATA | END);
    message(XS_SET_PERMS, 0, 2, DATA | END, N3 | END);
    message(XS_GET_DOMAIN_PATH, 0, 1, ZERO | END);
    message(XS_IS_DOMAIN_INTRODUCED, 0, 1, ZERO | END);
    message(XS_INTRODUCE, 0, 3, ZERO | END, ZERO | END, ZERO | END);
    message(XS_RELEASE, 0, 1, ZERO | END);
    message(XS_RESUME, 0, 1, ZERO | END);
    message(XS_SET_TARGET, 0, 2, ZERO | END, ZERO | END);
    message(XS_CONTROL, 0, 1, X | END);
    end_talk("rights");
}

static void talk_of_watches(void)
{
    message(XS_WATCH, 0, 2, DATA | END, TOKEN | END);
    message(XS_WATCH, 0, 2, SPECIAL | END, TOKEN | END);
    message(XS_WRITE, 0, 4, DATA, SLASH, A | END, X);
    message(XS_RM, 0, 1, DATA | END);
    message(XS_UNWATCH, 0, 2, DATA | END, TOKEN | END);
    message(XS_RESET_WATCHES, 0, 1, EMPTY | END);
    end_talk("watches");
}

static void talk_of_transactions(void)
{
    message(XS_TRANSACTION_START, 0, 1, EMPTY | END);
    message(XS_WRITE, 1, 2, DATA | END, X);
    message(XS_MKDIR, 1, 1, B_C | END);
    message(XS_READ, 1, 1, DATA | END);
    message(XS_TRANSACTION_END, 1, 1, T | END);
    message(XS_TRANSACTION_START, 0, 1, EMPTY | END);
    message(XS_RM, 2, 1, DATA | END);
    message(XS_WRITE, 0, 2, DATA | END, A);
    message(XS_TRANSACTION_END, 2, 1, T | END);
    message(XS_TRANSACTION_START, 0, 1, EMPTY | END);
    message(XS_TRANSACTION_END, 3, 1, F | END);
    end_talk("transactions");
}

/* Each does something in the other's directory, and ends. */
static void talk_of_each_other(void)
{
    message(XS_SET_PERMS, 0, 3, DATA | END, N3 | END, B4 | END);
    turn_to(1);
    message(XS_WATCH, 0, 3, HOME, DATA | END, TOKEN | END);
    message(XS_WRITE, 0, 5, HOME, DATA, SLASH, A | END, X);
    message(XS_TRANSACTION_START, 0, 1, EMPTY | END);
    message(XS_WRITE, 1, 5, HOME, DATA, SLASH, B_C | END, X);
    message(XS_RM, 1, 4, HOME, DATA, SLASH, A | END);
    turn_to(2);
    message(XS_WATCH, 0, 2, SPECIAL | END, TOKEN | END);
    message(XS_SET_PERMS, 0, 5, HOME, DATA, SLASH, A | END, N4 | END);
    turn_to(0);
    message(XS_WRITE, 0, 4, DATA, SLASH, A | END, X);
    message(XS_RM, 0, 1, DATA | END);
    die();
    turn_to(1);
    message(XS_TRANSACTION_END, 1, 1, T | END);
    die();
    end_talk("each-other");
}

static void talk_long_and_spoiled(void)
{
    message(XS_WRITE, 0, 5, DATA | END, HOME | MANY, HOME | MANY, HOME | MANY, HOME | MANY);
    message(XS_READ, 0, 1, DATA | END);
    say(200 + 16); /* a piece of a reply */
    say(7);
    say(240 + 8); /* bytes that are no message */
    for (unsigned i = 0; i < 32; i++)
        say(i);
    say(254); /* an index is spoiled */
    for (unsigned i = 0; i < 5; i++)
        say(i);
    end_talk("long-and-spoiled");
}

static void make_conversations(void)
{
    begin_corpus("fuzz_xenstore");
    talk_of_nodes();
    talk_of_rights();
    talk_of_watches();
    talk_of_transactions();
    talk_of_each_other();
    talk_long_and_spoiled();
}

/*
 * ---- Instructions: of all with one prefix, one opcode byte or two, and a few forms of operands, the first that shows
 * an operation in a size and a form.
 */

#define FORMS 1024u

static unsigned form_of(const struct instruction *instruction)
{
    unsigned form = instruction->operation;

    form = form * 4 + (instruction->bytes == 8 ? 3 : instruction->bytes / 2);
    return form * 4 + (unsigned)instruction->kind;
}

static void try_bytes(enum decode_mode mode, const uint8_t *bytes, size_t size, bool *seen)
{
    struct instruction instruction;
    uint8_t input[1 + INSTRUCTION_BYTES_MAX] = {(uint8_t)mode};
    char name[32];
    unsigned form;

    if (decode(mode, bytes, size, &instruction) != DECODE_OK)
        return;
    form = form_of(&instruction);
    if (form >= FORMS)
        abort();
    if (seen[form])
        return;
    seen[form] = true;
    memcpy(input + 1, bytes, instruction.length);
    snprintf(name, sizeof(name), "%u-%u", (unsigned)mode, form);
    save(name, input, 1 + instruction.length);
}

static void try_opcode(enum decode_mode mode, unsigned prefix, unsigned opcode, bool *seen)
{
    static const uint8_t operands[] = {0x00, 0x05, 0x44, 0x84, 0xc0, 0xe0};

    for (unsigned i = 0; i < sizeof(operands); i++) {
        for (unsigned reg = 0; reg < 8; reg++) {
            uint8_t bytes[INSTRUCTION_BYTES_MAX] = {0};
            size_t size = 0;

            if (prefix)
                bytes[size++] = (uint8_t)prefix;
            if (opcode > 0xff)
                bytes[size++] = 0x0f;
            bytes[size++] = (uint8_t)opcode;
            bytes[size++] = operands[i] ^ (uint8_t)(reg << 3);
            bytes[size] = 0x8d; /* a SIB byte, or a displacement */
            try_bytes(mode, bytes, sizeof(bytes), seen);
        }
    }
}

static void make_instructions(void)
{
    static const uint8_t prefixes[] = {0, 0x66, 0x67, 0x64, 0xf2, 0xf3, 0xf0, 0x48, 0x41};

    begin_corpus("fuzz_decode");
    for (unsigned mode = DECODE_16; mode <= DECODE_64; mode++) {
        bool seen[FORMS] = {false};

        for (unsigned i = 0; i < sizeof(prefixes); i++) {
            for (unsigned opcode = 0; opcode < 0x200; opcode++)
                try_opcode((enum decode_mode)mode, prefixes[i], opcode, seen);
        }
    }
}

/* What two guests say in turns, as fuzz_multiplex.c reads it: whole; and with losses. */
static void make_consoles(void)
{
    uint8_t whole[128], torn[128];

    begin_corpus("fuzz_multiplex");
    for (unsigned i = 0; i < sizeof(whole); i += 2) {
        whole[i] = (uint8_t)(0xfe | (i >> 4 & 1));
        torn[i] = (uint8_t)(i % 10 | (i >> 3 & 1));
        whole[i + 1] = torn[i + 1] = (uint8_t)(i % 6 ? 0x10 : 0x40 + i);
    }
    save("whole", whole, sizeof(whole));
    save("torn", torn, sizeof(torn));
}

/*
 * ---- ACPI's tables, as fuzz_acpi.c has them: from their list on, which is at 1 MiB; a MADT from behind its size on.
 */

static uint8_t acpi[0x280];

static void put_acpi(unsigned at, const char *signature, uint64_t value, unsigned size)
{
    if (signature)
        memcpy(acpi + at, signature, 4);
    memcpy(acpi + at + (signature ? 4 : 0), &value, size);
}

static void make_acpi(void)
{
    static const uint8_t code[] = {8, '_', 'S', '5', '_', 0x12, 8, 4, 0x0a, 5, 0x0a, 6, 0, 0};
    static const uint8_t entries[] = {0, 8, 0, 0, 1, 0, 0, 0,  1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0, 0, 8,
                                      1, 2, 1, 0, 0, 0, 9, 16, 0, 0,  3, 1, 0, 0, 1,    0,    0, 0, 2, 0, 0, 0};

    begin_corpus("fuzz_acpi");
    put_acpi(0, "RSDT", 44, 4);
    put_acpi(36, NULL, 0x100080, 4);
    put_acpi(40, NULL, 0x100200, 4);
    put_acpi(0x80, "FACP", 116, 4);
    put_acpi(0x80 + 40, NULL, 0x100120, 4);
    put_acpi(0x80 + 48, NULL, 0xf1000000b2, 5);
    put_acpi(0x80 + 56, NULL, 0x600, 4);
    put_acpi(0x80 + 64, NULL, 0x604, 4);
    put_acpi(0x80 + 88, NULL, 4, 1);
    put_acpi(0x120, "DSDT", 36 + sizeof(code), 4);
    memcpy(acpi + 0x120 + 36, code, sizeof(code));
    put_acpi(0x200, "APIC", 44 + sizeof(entries), 4);
    memcpy(acpi + 0x200 + 44, entries, sizeof(entries));
    save("tables", acpi, sizeof(acpi));
    save("madt", acpi + 0x208, 36 + sizeof(entries));
}

int main(int argc, char **argv)
{
    static void (*const makers[])(void) = {make_kernels, make_conversations, make_instructions, make_consoles,
                                           make_acpi};

    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    for (unsigned i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
        directory = argv[1];
        makers[i]();
        printf("%s: %zu bytes\n", directory, written);
    }
    return 0;
}
