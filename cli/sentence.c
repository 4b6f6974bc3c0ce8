/* SPDX-License-Identifier: MIT */
/* Each finding of the judge's in a sentence or two: what is the matter, with figures, and what to do. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include <abi/layout.h>
#include <hv/kernel/elf_format.h>
#include <cli/note.h>
#include <cli/verdict.h>

#define ELF_TYPE_REL 1u

typedef unsigned long long ull; /* what printf takes for 64 bits everywhere */

__attribute__((format(printf, 2, 3))) static void put(char sentence[SENTENCE_MAX], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, SENTENCE_MAX, format, arguments);
    va_end(arguments);
}

/* The same with a text of the kernel's in it. */
static void put_text(char sentence[SENTENCE_MAX], const char *before, struct blob text, const char *behind)
{
    put(sentence, "%s\"%.*s\"%s", before, (int)text.size, text.size ? (const char *)text.bytes : "", behind);
}

static struct blob note_text(const struct kernel *kernel, unsigned type)
{
    return blob_until(kernel->notes.values[type], 0);
}

static void word_file(const struct kernel *kernel, enum finding_id id, char sentence[SENTENCE_MAX])
{
    const struct elf_image *image = &kernel->image;

    switch (id) {
    case FINDING_MACHINE:
        put(sentence, "It is made for another processor (%u-bit, ELF machine number %u). Take a kernel for x86-64.",
            image->width == WIDTH_64 ? 64 : 32, image->machine);
        break;
    case FINDING_TYPE:
        put(sentence,
            "It is an ELF file, but not an executable one (type %u%s). Give the kernel itself, such as vmlinux.",
            image->type, image->type == ELF_TYPE_REL ? ": an object file or a module" : "");
        break;
    case FINDING_HEADERS:
        put(sentence, "It has more than %u program headers, and no more are taken.", ELF_SEGMENTS_MAX);
        break;
    case FINDING_SEGMENT_TABLE:
    case FINDING_SECTION_TABLE:
        put(sentence, "The file is incomplete or damaged: its table of %s lies beyond its end. Get it anew.",
            id == FINDING_SEGMENT_TABLE ? "segments" : "sections");
        break;
    default:
        break;
    }
}

static void word_identity(const struct kernel *kernel, const struct finding *finding, char sentence[SENTENCE_MAX])
{
    switch (finding->id) {
    case FINDING_NO_NOTES:
        put(sentence, "It is not a Xen guest: it has no notes with the name \"Xen\" and no section __xen_guest. "
                      "Linux needs CONFIG_XEN_PV=y.");
        break;
    case FINDING_PVH_ONLY:
        put(sentence, "It is a PVH guest, not a PV guest: it starts at PHYS32_ENTRY and runs on hardware page tables. "
                      "Linux needs CONFIG_XEN_PV=y; QEMU starts it directly (-kernel).");
        break;
    case FINDING_LOADER:
        put_text(sentence, "It wants the loader ", note_text(kernel, XEN_ELFNOTE_LOADER),
                 ". Only kernels with LOADER \"generic\" or GUEST_OS \"linux\" can be started.");
        break;
    case FINDING_VERSION:
        put_text(sentence, "It is for the interface ", note_text(kernel, XEN_ELFNOTE_XEN_VERSION),
                 ". Only kernels with XEN_VERSION \"xen-3.0\" can be started.");
        break;
    case FINDING_NOTE_CLIPPED:
        put(sentence, "Its note %s claims to reach beyond the end of its segment; what is there of it is used.",
            note_name(finding->index));
        break;
    case FINDING_FEATURE:
        put_text(sentence, "It cannot do without the feature ", finding->text, ", which is not known here.");
        break;
    case FINDING_FEATURE_ABSENT:
        put_text(sentence, "It says that it cannot do without the feature ", finding->text,
                 ", which PV guests are not offered. That is let pass: nothing of its start depends on it. It may come "
                 "up or not.");
        break;
    case FINDING_NO_PAE:
        put(sentence, "It is a 32-bit guest that does not use PAE, which nothing runs any more. Take one with PAE.");
        break;
    default:
        break;
    }
}

static void word_segments(const struct kernel *kernel, const struct finding *finding, char sentence[SENTENCE_MAX])
{
    struct elf_segment one = elf_segment(&kernel->image, finding->index);
    struct elf_segment other = elf_segment(&kernel->image, finding->other);

    switch (finding->id) {
    case FINDING_NO_SEGMENTS:
        put(sentence, "There is nothing to load in it: no loadable segments. Give the kernel itself, such as vmlinux.");
        break;
    case FINDING_SEGMENTS:
        put(sentence, "It has more than %u loadable segments, and no more are taken.", KERNEL_SEGMENTS_MAX);
        break;
    case FINDING_SEGMENT_CUT:
        put(sentence,
            "The file is incomplete: segment %u is %llu bytes at byte %llu, but the file has %llu bytes. Get it anew.",
            finding->index, (ull)one.file_size, (ull)one.offset, (ull)kernel->image.file.size);
        break;
    case FINDING_SEGMENT_LARGER:
        put(sentence,
            "Segment %u has more bytes in the file (%llu) than in memory (%llu). The file is damaged; get it anew.",
            finding->index, (ull)one.file_size, (ull)one.memory_size);
        break;
    case FINDING_SEGMENT_WRAPS:
        put(sentence,
            "Segment %u, of %llu bytes at 0x%llx, wraps around the end of addresses. Correct its link script.",
            finding->index, (ull)one.memory_size, (ull)one.paddr);
        break;
    case FINDING_SEGMENTS_OVERLAP:
        put(sentence, "Segments %u and %u overlap: 0x%llx-0x%llx and 0x%llx-0x%llx. Correct its link script.",
            finding->other, finding->index, (ull)other.paddr, (ull)(other.paddr + other.memory_size), (ull)one.paddr,
            (ull)(one.paddr + one.memory_size));
        break;
    default:
        break;
    }
}

static void word_image(const struct kernel *kernel, enum finding_id id, char sentence[SENTENCE_MAX])
{
    ull base = kernel->virt_base, start = base + kernel->start, end = base + kernel->end;

    switch (id) {
    case FINDING_PADDR_OFFSET:
        put(sentence, "It has a PADDR_OFFSET but no VIRT_BASE. Add the missing note.");
        break;
    case FINDING_BELOW_BASE:
        put(sentence,
            "The image begins below VIRT_BASE: PADDR_OFFSET 0x%llx is more than the p_paddr of a segment. "
            "Correct the notes or the link script.",
            (ull)kernel->paddr_offset);
        break;
    case FINDING_EXTENT:
        put(sentence, "The image would begin at 0x%llx and end at 0x%llx. VIRT_BASE or PADDR_OFFSET is wrong.", start,
            end);
        break;
    case FINDING_VIRT_BASE:
        put(sentence, "VIRT_BASE 0x%llx is not the address of a page. Correct the note.", base);
        break;
    case FINDING_RESERVED:
        put(sentence,
            "The image (0x%llx-0x%llx) would take addresses of the hypervisor, or such as do not exist. "
            "Correct VIRT_BASE.",
            base, end);
        break;
    default:
        break;
    }
}

static void word_places(const struct kernel *kernel, enum finding_id id, char sentence[SENTENCE_MAX])
{
    ull base = kernel->virt_base, start = base + kernel->start, end = base + kernel->end, p2m = kernel->init_p2m;

    switch (id) {
    case FINDING_ENTRY:
        put(sentence, "It would begin at 0x%llx, outside the image (0x%llx-0x%llx). Correct ENTRY or the link script.",
            (ull)kernel->entry, start, end);
        break;
    case FINDING_HYPERCALL_PAGE:
    case FINDING_HYPERCALL_PAGE_UNALIGNED:
        put(sentence, "Its hypercall page, 0x%llx, is not a page of the image (0x%llx-0x%llx). Correct the note.",
            base + kernel->hypercall_page, start, end);
        break;
    case FINDING_INIT_P2M:
    case FINDING_INIT_P2M_UNALIGNED:
        put(sentence, "INIT_P2M 0x%llx must be a page-aligned address below VIRT_BASE 0x%llx. Correct the note.", p2m,
            base);
        break;
    case FINDING_INIT_P2M_RESERVED:
        put(sentence, "INIT_P2M 0x%llx is an address of the hypervisor, or none at all. Correct the note.", p2m);
        break;
    case FINDING_INIT_P2M_SHARED:
        put(sentence,
            "INIT_P2M 0x%llx shares its 512 GiB of addresses with the kernel; it needs a region to itself. "
            "Correct the note.",
            p2m);
        break;
    case FINDING_HV_START:
        put(sentence,
            "HV_START_LOW 0x%llx lies above 0x%x, where the hypervisor's addresses begin in a 32-bit guest. "
            "Correct the note.",
            (ull)notes_number(&kernel->notes, XEN_ELFNOTE_HV_START_LOW, 0), COMPAT_HYPERVISOR_VIRT_START);
        break;
    default:
        break;
    }
}

static void word_start(const struct verdict *verdict, enum finding_id id, char sentence[SENTENCE_MAX])
{
    const struct kernel *kernel = &verdict->kernel;

    switch (id) {
    case FINDING_ONLY_INITIAL:
        put(sentence, "It can only be the privileged initial domain: it cannot do without the feature \"dom0\". "
                      "Start it with --privileged.");
        break;
    case FINDING_NEVER_INITIAL:
        put(sentence, "It cannot be the initial domain: SUPPORTED_FEATURES has no bit for it. Leave --privileged out.");
        break;
    case FINDING_PERHAPS_INITIAL:
        put(sentence, "It does not say that it can be the initial domain; with --privileged it may not come up.");
        break;
    case FINDING_RAMDISK:
    case FINDING_ADDRESSES:
        put(sentence,
            "From VIRT_BASE 0x%llx on there are not enough addresses for the kernel and what stands behind it%s.",
            (ull)kernel->virt_base, verdict->request.ramdisk_size ? "; take a smaller ramdisk" : "");
        break;
    case FINDING_P2M_ADDRESSES:
        put(sentence, "Between INIT_P2M 0x%llx and VIRT_BASE 0x%llx there are not enough addresses for a P2M.",
            (ull)kernel->init_p2m, (ull)kernel->virt_base);
        break;
    default:
        break;
    }
}

/* Starting is not running: an eighth more for the kernel, and twice the ramdisk for what it unpacks to. */
static ull advice_mib(const struct verdict *verdict)
{
    return verdict->needed_mib + verdict->needed_mib / 8 + (verdict->request.ramdisk_size >> 19);
}

static void word_memory(const struct verdict *verdict, enum finding_id id, char sentence[SENTENCE_MAX])
{
    ull kernel_mib = verdict->kernel.end >> 20, ramdisk_mib = verdict->request.ramdisk_size >> 20;
    ull memory_mib = verdict->request.nr_pages >> (20 - PAGE_SHIFT);

    switch (id) {
    case FINDING_TOO_MUCH:
        put(sentence, "%llu MiB is more memory than this kernel has addresses for. Say --memory %lluM or less.",
            memory_mib, (ull)verdict->most_mib);
        break;
    case FINDING_TOO_LITTLE:
    case FINDING_NO_ROOM:
        if (verdict->request.ramdisk_size)
            put(sentence,
                "The kernel (%llu MiB from its base to its end) and the ramdisk (%llu MiB) do not fit into %llu MiB of "
                "memory. Say --memory %lluM or more: that is to start; what it unpacks comes on top.",
                kernel_mib, ramdisk_mib, memory_mib, advice_mib(verdict));
        else
            put(sentence,
                "The kernel (%llu MiB from its base to its end) does not fit into %llu MiB of memory. "
                "Say --memory %lluM or more.",
                kernel_mib, memory_mib, advice_mib(verdict));
        break;
    default:
        break;
    }
}

/* What the kernel's own notes say is in it as well: what a terminal would take for a command is not let through. */
static void make_printable(char *text)
{
    for (; *text; text++) {
        if (!isprint((unsigned char)*text))
            *text = '?';
    }
}

/* Each finding is worded by one of these. */
void verdict_word(const struct verdict *verdict, const struct finding *finding, char sentence[SENTENCE_MAX])
{
    sentence[0] = '\0';
    word_file(&verdict->kernel, finding->id, sentence);
    word_identity(&verdict->kernel, finding, sentence);
    word_segments(&verdict->kernel, finding, sentence);
    word_image(&verdict->kernel, finding->id, sentence);
    word_places(&verdict->kernel, finding->id, sentence);
    word_start(verdict, finding->id, sentence);
    word_memory(verdict, finding->id, sentence);
    make_printable(sentence);
}
