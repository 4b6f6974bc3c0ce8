/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <elf.h>
#include <stdarg.h>
#include <stdio.h>

#include <abi/elfnote.h>
#include <cli/image.h>
#include <cli/inspect.h>
#include <cli/kernel_check.h>

#define LABEL_WIDTH 14
#define NOTE_WIDTH  20

typedef unsigned long long ull;

enum shape { SHAPE_TEXT, SHAPE_NUMBER, SHAPE_ADDRESS, SHAPE_PAIRS };

/* How the data of a note is to be read; text where nothing is said. */
static const enum shape shapes[XEN_ELFNOTE_MAX + 1] = {
    [XEN_ELFNOTE_ENTRY] = SHAPE_ADDRESS,         [XEN_ELFNOTE_HYPERCALL_PAGE] = SHAPE_ADDRESS,
    [XEN_ELFNOTE_VIRT_BASE] = SHAPE_ADDRESS,     [XEN_ELFNOTE_PADDR_OFFSET] = SHAPE_ADDRESS,
    [XEN_ELFNOTE_HV_START_LOW] = SHAPE_ADDRESS,  [XEN_ELFNOTE_L1_MFN_VALID] = SHAPE_PAIRS,
    [XEN_ELFNOTE_SUSPEND_CANCEL] = SHAPE_NUMBER, [XEN_ELFNOTE_INIT_P2M] = SHAPE_ADDRESS,
    [XEN_ELFNOTE_MOD_START_PFN] = SHAPE_NUMBER,  [XEN_ELFNOTE_SUPPORTED_FEATURES] = SHAPE_ADDRESS,
    [XEN_ELFNOTE_PHYS32_ENTRY] = SHAPE_ADDRESS,
};

__attribute__((format(printf, 2, 3))) static void print_line(const char *label, const char *format, ...)
{
    va_list arguments;

    printf("  %-*s", LABEL_WIDTH, label);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

static double mib(uint64_t size)
{
    return (double)size / (1 << 20);
}

/* Text out of the file: what a terminal would take for a command is not let through. */
static void print_text(const uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        putchar(isprint(text[i]) ? text[i] : '?');
}

static void print_file(const char *path, const struct image *image)
{
    write_safely(stdout, path);
    putchar('\n');
    if (image->is_bzimage)
        print_line("kind", "bzImage, boot protocol %u.%02u", image->protocol >> 8, image->protocol & 0xff);
    else
        print_line("kind", "ELF file");
    if (*image->version)
        print_line("version", "%s", image->version);
    printf("  %-*s%s", LABEL_WIDTH, "compression", image->nr_layers ? image->layers[0] : "none");
    for (unsigned i = 1; i < image->nr_layers; i++)
        printf(", inside %s", image->layers[i]);
    putchar('\n');
    if (image->nr_layers)
        print_line("size", "%.1f MiB, unpacked %.1f MiB", mib(image->file_size), mib(image->elf.size));
    else
        print_line("size", "%.1f MiB", mib(image->file_size));
}

static const char *class_of(const struct kernel *kernel)
{
    if (kernel->width == 64 && kernel->machine == EM_X86_64)
        return "64-bit x86-64";
    if (kernel->width == 32 && kernel->machine == EM_386)
        return "32-bit x86";
    return kernel->width == 64 ? "64-bit, not x86" : "32-bit, not x86";
}

static void print_placement(const struct placement *placement)
{
    print_line("virt base", "0x%llx", (ull)placement->virt_base);
    print_line("image", "0x%llx-0x%llx (%.1f MiB)", (ull)placement->start, (ull)placement->end,
               mib(placement->end - placement->start));
    print_line("entry", "0x%llx", (ull)placement->entry);
    if (placement->has_hypercall_page)
        print_line("hypercalls", "by a page at 0x%llx", (ull)placement->hypercall_page);
    else
        print_line("hypercalls", "by instructions of its own");
    if (placement->has_init_p2m)
        print_line("p2m", "at 0x%llx", (ull)placement->init_p2m);
    else
        print_line("p2m", "behind the image");
    print_line("ramdisk",
               placement->ramdisk_is_mapped ? "mapped behind the image" : "named by its first pfn, not mapped");
    if (placement->needed_mib)
        print_line("memory", "at least %llu MiB to start, a ramdisk not included", (ull)placement->needed_mib);
}

static void print_pairs(const struct note *note)
{
    struct kernel numbers = {.origin = NOTES_SEGMENT};
    struct note number = {.size = sizeof(uint64_t)};

    for (size_t at = 0; at + sizeof(uint64_t) <= note->size; at += sizeof(uint64_t)) {
        number.data = note->data + at;
        printf("%s0x%llx", at ? " " : "", (ull)kernel_note_number(&numbers, &number));
    }
}

static void print_note(const struct kernel *kernel, const struct note *note)
{
    const char *name = note_name(note->type);
    enum shape shape = note->type <= XEN_ELFNOTE_MAX ? shapes[note->type] : SHAPE_TEXT;

    if (!name) {
        printf("    type %-*u%zu bytes, not known\n", NOTE_WIDTH - 5, note->type, note->size);
        return;
    }
    printf("    %-*s", NOTE_WIDTH, name);
    if (shape == SHAPE_TEXT || kernel->origin == NOTES_LEGACY)
        print_text(note->data, note_text_length(note));
    else if (shape == SHAPE_PAIRS)
        print_pairs(note);
    else if (shape == SHAPE_NUMBER)
        printf("%llu", (ull)kernel_note_number(kernel, note));
    else
        printf("0x%llx", (ull)kernel_note_number(kernel, note));
    printf("%s\n", note->is_clipped ? "   (cut off by the end of its segment)" : "");
}

static void print_notes(const struct kernel *kernel)
{
    static const char *const origins[] = {
        [NOTES_NONE] = "none",
        [NOTES_SEGMENT] = "from PT_NOTE segments",
        [NOTES_SECTION] = "from note sections",
        [NOTES_LEGACY] = "from section __xen_guest",
    };

    print_line("notes", "%s", origins[kernel->origin]);
    for (unsigned i = 0; i < kernel->nr_notes; i++)
        print_note(kernel, &kernel->notes[i]);
}

static void print_segments(const struct kernel *kernel)
{
    print_line("segments", "%u to be loaded", kernel->nr_segments);
    for (unsigned i = 0; i < kernel->nr_segments; i++) {
        const struct segment *segment = &kernel->segments[i];

        printf("    %-3u %c%c%c  paddr 0x%llx-0x%llx, %llu bytes of the file\n", segment->index,
               segment->flags & PF_R ? 'r' : '-', segment->flags & PF_W ? 'w' : '-', segment->flags & PF_X ? 'x' : '-',
               (ull)segment->paddr, (ull)(segment->paddr + segment->memory_size), (ull)segment->file_size);
    }
}

static void print_findings(const struct findings *findings, bool refusals)
{
    for (unsigned i = 0; i < findings->count; i++) {
        if (findings->list[i].refuses == refusals)
            printf("    %s\n", findings->list[i].text);
    }
}

static void print_verdict(const struct findings *findings)
{
    print_line("verdict", "%s", findings_refuse(findings) ? "would not boot:" : "would boot");
    print_findings(findings, true);
    print_findings(findings, false);
}

enum status inspect_kernel(const char *path)
{
    static const struct start_request request = {.memory_kib = 0};
    struct image image;
    struct kernel kernel;
    struct placement placement;
    struct findings findings;
    const char *problem;
    enum status status = image_read(path, &image);

    /* A kernel that cannot be unpacked has been told about. */
    if (status)
        return status;
    if (kernel_read(image.elf.data, image.elf.size, &kernel, &problem)) {
        say_error("%s: not a kernel: %s", path, problem);
        image_free(&image);
        return STATUS_USAGE;
    }
    kernel_check(&kernel, &request, &placement, &findings);
    print_file(path, &image);
    print_line("class", "%s", class_of(&kernel));
    if (placement.is_known)
        print_placement(&placement);
    print_segments(&kernel);
    print_notes(&kernel);
    print_verdict(&findings);
    image_free(&image);
    return findings_refuse(&findings) ? STATUS_REFUSED : STATUS_GOOD;
}
