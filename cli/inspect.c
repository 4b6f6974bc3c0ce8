/* SPDX-License-Identifier: MIT */
/* The report on a kernel: how it is wrapped, its segments and notes, where it would lie, and the verdict. */
#include <stdarg.h>
#include <stdio.h>

#include <hv/kernel/elf_format.h>
#include <cli/image.h>
#include <cli/inspect.h>
#include <cli/note.h>
#include <cli/verdict.h>

#define LABEL_WIDTH 14

typedef unsigned long long ull;

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

static const char *class_of(const struct elf_image *image)
{
    if (image->width == WIDTH_64)
        return image->machine == ELF_MACHINE_AMD64 ? "64-bit x86-64" : "64-bit, not x86";
    return image->machine == ELF_MACHINE_386 ? "32-bit x86" : "32-bit, not x86";
}

static void print_places(const struct kernel *kernel, uint64_t needed_mib)
{
    ull base = kernel->virt_base;

    print_line("virt base", "0x%llx", base);
    print_line("image", "0x%llx-0x%llx (%.1f MiB)", base + kernel->start, base + kernel->end,
               mib(kernel->end - kernel->start));
    print_line("entry", "0x%llx", (ull)kernel->entry);
    if (kernel->has_hypercall_page)
        print_line("hypercalls", "by a page at 0x%llx", base + kernel->hypercall_page);
    else
        print_line("hypercalls", "by instructions of its own");
    if (kernel->has_init_p2m)
        print_line("p2m", "at 0x%llx", (ull)kernel->init_p2m);
    else
        print_line("p2m", "behind the image");
    print_line("ramdisk", kernel->ramdisk_unmapped ? "named by its first pfn, not mapped" : "mapped behind the image");
    if (needed_mib)
        print_line("memory", "at least %llu MiB to start, a ramdisk not included", (ull)needed_mib);
}

static void print_notes(const struct kernel *kernel)
{
    static const char *const origins[] = {
        [NOTES_NONE] = "none",
        [NOTES_SEGMENT] = "from PT_NOTE segments",
        [NOTES_SECTION] = "from note sections",
        [NOTES_LEGACY] = "from section __xen_guest",
    };
    struct notes_walk walk = notes_walk(&kernel->image, kernel->notes.origin);
    struct note note;

    print_line("notes", "%s", origins[kernel->notes.origin]);
    while (notes_next(&walk, &note))
        note_print(walk.origin, &note);
}

static void print_segments(const struct kernel *kernel)
{
    print_line("segments", "%u to be loaded", kernel->nr_segments);
    for (unsigned i = 0; i < kernel->nr_segments; i++) {
        unsigned index = kernel->segments[i].index;
        struct elf_segment segment = elf_segment(&kernel->image, index);

        printf("    %-3u %c%c%c  paddr 0x%llx-0x%llx, %llu bytes of the file\n", index,
               segment.flags & ELF_FLAGS_READ ? 'r' : '-', segment.flags & ELF_FLAGS_WRITE ? 'w' : '-',
               segment.flags & ELF_FLAGS_EXECUTE ? 'x' : '-', (ull)segment.paddr,
               (ull)(segment.paddr + segment.memory_size), (ull)segment.file_size);
    }
}

static void print_findings(const struct verdict *verdict, bool refusals)
{
    for (unsigned i = 0; i < verdict->findings.count; i++) {
        const struct finding *finding = &verdict->findings.list[i];
        char sentence[SENTENCE_MAX];

        verdict_word(verdict, finding, sentence);
        if (finding_refuses(finding->id) == refusals)
            printf("    %s\n", sentence);
    }
}

static void print_verdict(const struct verdict *verdict)
{
    print_line("verdict", "%s", verdict_refuses(verdict) ? "would not boot:" : "would boot");
    print_findings(verdict, true);
    print_findings(verdict, false);
}

enum status inspect_kernel(const char *path)
{
    static const struct start_request request = {.nr_pages = START_PAGES_ANY};
    struct image image;
    struct verdict verdict;
    enum status status = image_read(path, &image);

    /* A kernel that cannot be unpacked has been told about. */
    if (status)
        return status;
    status = verdict_reach(path, &image.elf, &request, &verdict);
    if (!status) {
        print_file(path, &image);
        print_line("class", "%s", class_of(&verdict.kernel.image));
        if (verdict.kernel.is_placed)
            print_places(&verdict.kernel, verdict.needed_mib);
        print_segments(&verdict.kernel);
        print_notes(&verdict.kernel);
        print_verdict(&verdict);
        status = verdict_refuses(&verdict) ? STATUS_REFUSED : STATUS_GOOD;
    }
    image_free(&image);
    return status;
}
