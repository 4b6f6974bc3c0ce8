/* SPDX-License-Identifier: MIT */
/* From the notes of a kernel image and its segments to what the builder has to do, with a reason for each refusal. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <abi/version.h>
#include <hv/kernel/judge.h>
#include <hv/kernel/notes.h>

static int fail(const char **problem, const char *text)
{
    *problem = text;
    return -XEN_EINVAL;
}

/*
 * ---- Is it a PV kernel at all?
 */

static int check_kind(const struct elfnotes *notes, const char **problem)
{
    if (notes->count == 0)
        return fail(problem, "the kernel has no Xen notes: it was built without support for Xen PV guests");
    if (notes->present[XEN_ELFNOTE_PHYS32_ENTRY] && !notes->present[XEN_ELFNOTE_ENTRY] &&
        !notes->present[XEN_ELFNOTE_VIRT_BASE] && !notes->present[XEN_ELFNOTE_HYPERCALL_PAGE])
        return fail(problem, "the kernel is a PVH-only kernel: it has the note PHYS32_ENTRY and none of a PV kernel");
    if (!blob_starts_with(notes->values[XEN_ELFNOTE_LOADER], "generic") &&
        !blob_starts_with(notes->values[XEN_ELFNOTE_GUEST_OS], "linux"))
        return fail(problem, "the kernel's note LOADER is not \"generic\", so it wants a loader of its own");
    if (!blob_starts_with(notes->values[XEN_ELFNOTE_XEN_VERSION], "xen-3.0"))
        return fail(problem, "the kernel's note XEN_VERSION is not \"xen-3.0\", so it is for another interface");
    return 0;
}

static int parse_pae(const struct elfnotes *notes, struct kernel *kernel, const char **problem)
{
    struct blob mode = notes->values[XEN_ELFNOTE_PAE_MODE];

    if (kernel->width == WIDTH_64)
        return 0;
    if (!notes->present[XEN_ELFNOTE_PAE_MODE] || blob_starts_with(mode, "no"))
        return fail(problem, "the kernel is a 32-bit kernel without PAE, which no guest can do without");
    kernel->extended_cr3 =
        !notes->legacy || blob_starts_with(mode, "yes[extended-cr3]") || blob_starts_with(mode, "bimodal");
    return 0;
}

/*
 * ---- Features.
 */

struct feature {
    char name[28];
    unsigned number;
};

static const struct feature features[] = {
    {"writable_page_tables", XENFEAT_writable_page_tables},
    {"writable_descriptor_tables", XENFEAT_writable_descriptor_tables},
    {"auto_translated_physmap", XENFEAT_auto_translated_physmap},
    {"supervisor_mode_kernel", XENFEAT_supervisor_mode_kernel},
    {"pae_pgdir_above_4gb", XENFEAT_pae_pgdir_above_4gb},
    {"hvm_callback_vector", XENFEAT_hvm_callback_vector},
    {"dom0", XENFEAT_dom0},
};

/* The bit of the feature called @name; 0 if there is none. */
static uint32_t find_feature(struct blob name)
{
    for (unsigned i = 0; i < ARRAY_SIZE(features); i++) {
        if (blob_equals(name, features[i].name))
            return 1u << features[i].number;
    }
    return 0;
}

/*
 * The list of names.  Of those that the kernel cannot do without only the initial domain is a demand on us: with
 * "!writable_page_tables" and its like a kernel says that it knows what it is like without them.
 */
static int parse_features(const struct elfnotes *notes, struct kernel *kernel, const char **problem)
{
    struct blob list = blob_until(notes->values[XEN_ELFNOTE_FEATURES], 0);
    bool bitmap_given = notes->present[XEN_ELFNOTE_SUPPORTED_FEATURES];
    uint32_t supported = (uint32_t)elfnotes_number(notes, XEN_ELFNOTE_SUPPORTED_FEATURES, 0);

    while (list.size > 0) {
        struct blob word = blob_until(list, '|');
        bool is_required = blob_starts_with(word, "!");
        uint32_t feature = find_feature(blob_skip(word, is_required));

        if (is_required && !feature)
            return fail(problem, "the kernel cannot do without a feature that is not known here (note FEATURES)");
        if (is_required && feature == 1u << XENFEAT_dom0)
            kernel->needs_initial = true;
        supported |= feature;
        list = blob_skip(list, word.size + 1);
    }
    kernel->refuses_initial = bitmap_given && !(supported & 1u << XENFEAT_dom0);
    return 0;
}

/*
 * ---- Where everything goes.
 */

bool kernel_may_use(enum width width, uint64_t start, uint64_t size)
{
    uint64_t last;

    if (size == 0 || __builtin_add_overflow(start, size - 1, &last))
        return false;
    if (width == WIDTH_PAE)
        return last < COMPAT_HYPERVISOR_VIRT_START;
    return last < UINT64_C(1) << 47 || start >= HYPERVISOR_VIRT_END;
}

static bool overlap(const struct kernel_segment *a, const struct kernel_segment *b)
{
    return a->start < b->start + b->size && b->start < a->start + a->size;
}

/* Segment @segment, whose addresses are @paddr_offset too high. */
static int add_segment(struct kernel *kernel, struct blob file, const struct elf_segment *segment,
                       uint64_t paddr_offset, const char **problem)
{
    struct kernel_segment *new = &kernel->segments[kernel->nr_segments];

    if (kernel->nr_segments == KERNEL_SEGMENTS_MAX)
        return fail(problem, "the kernel has more segments to load than a kernel has");
    if (segment->file_size > segment->memory_size)
        return fail(problem, "a segment of the kernel is larger in the file than in memory");
    if (!blob_slice(file, segment->offset, segment->file_size, &new->contents))
        return fail(problem, "a segment of the kernel lies beyond the end of the file, which may be cut short");
    if (segment->paddr < paddr_offset)
        return fail(problem, "a segment of the kernel lies below the start of its memory (VIRT_BASE)");
    new->start = segment->paddr - paddr_offset;
    new->size = segment->memory_size;
    if (new->start >= UINT64_C(1) << 47 || new->size >= UINT64_C(1) << 47)
        return fail(problem, "a segment of the kernel lies where no memory can be");
    for (unsigned i = 0; i < kernel->nr_segments; i++) {
        if (overlap(new, &kernel->segments[i]))
            return fail(problem, "two segments of the kernel overlap");
    }
    kernel->nr_segments++;
    return 0;
}

static int parse_segments(const struct elf_image *image, struct kernel *kernel, uint64_t paddr_offset,
                          const char **problem)
{
    kernel->start = UINT64_MAX;
    for (unsigned i = 0; i < image->nr_segments; i++) {
        struct elf_segment segment = elf_segment(image, i);
        const struct kernel_segment *new = &kernel->segments[kernel->nr_segments];
        int error;

        if (segment.type != ELF_SEGMENT_LOAD || !(segment.flags & ELF_FLAGS_ACCESS) || segment.memory_size == 0)
            continue;
        error = add_segment(kernel, image->file, &segment, paddr_offset, problem);
        if (error)
            return error;
        kernel->start = new->start < kernel->start ? new->start : kernel->start;
        kernel->end = new->start + new->size > kernel->end ? new->start + new->size : kernel->end;
    }
    return kernel->nr_segments > 0 ? 0 : fail(problem, "the kernel has nothing to load");
}

static int check_places(const struct kernel *kernel, const char **problem)
{
    if (kernel->virt_base % PAGE_SIZE != 0)
        return fail(problem, "the kernel's VIRT_BASE is not the address of a page");
    if (!kernel_may_use(kernel->width, kernel->virt_base, kernel->end))
        return fail(problem, "the kernel wants addresses that are the hypervisor's, or that do not exist");
    if (kernel->entry < kernel->virt_base + kernel->start || kernel->entry - kernel->virt_base >= kernel->end)
        return fail(problem, "the kernel's entry point lies outside the kernel");
    return 0;
}

static int parse_placement(const struct elf_image *image, const struct elfnotes *notes, struct kernel *kernel,
                           const char **problem)
{
    uint64_t paddr_offset;
    int error;

    kernel->virt_base = elfnotes_number(notes, XEN_ELFNOTE_VIRT_BASE, 0);
    kernel->entry = elfnotes_number(notes, XEN_ELFNOTE_ENTRY, image->entry);
    paddr_offset = elfnotes_number(notes, XEN_ELFNOTE_PADDR_OFFSET, notes->legacy ? kernel->virt_base : 0);
    if (notes->present[XEN_ELFNOTE_PADDR_OFFSET] && !notes->present[XEN_ELFNOTE_VIRT_BASE])
        return fail(problem, "the kernel has the note PADDR_OFFSET, which needs VIRT_BASE");
    error = parse_segments(image, kernel, paddr_offset, problem);
    return error ? error : check_places(kernel, problem);
}

/* In the older form the page is given by its pfn. */
static int parse_hypercall_page(const struct elfnotes *notes, struct kernel *kernel, const char **problem)
{
    uint64_t value = elfnotes_number(notes, XEN_ELFNOTE_HYPERCALL_PAGE, 0);

    kernel->has_hypercall_page = notes->present[XEN_ELFNOTE_HYPERCALL_PAGE];
    if (!kernel->has_hypercall_page)
        return 0;
    if (notes->legacy && value >= UINT64_C(1) << (47 - PAGE_SHIFT))
        return fail(problem, "the kernel's hypercall page lies outside the kernel");
    kernel->hypercall_page = notes->legacy ? value << PAGE_SHIFT : value - kernel->virt_base;
    if (kernel->hypercall_page % PAGE_SIZE != 0)
        return fail(problem, "the kernel's hypercall page does not begin where a page begins");
    if (kernel->hypercall_page + PAGE_SIZE <= kernel->start || kernel->hypercall_page >= kernel->end)
        return fail(problem, "the kernel's hypercall page lies outside the kernel");
    return 0;
}

static int parse_init_p2m(const struct elfnotes *notes, struct kernel *kernel, const char **problem)
{
    kernel->has_init_p2m = kernel->width == WIDTH_64 && notes->present[XEN_ELFNOTE_INIT_P2M];
    kernel->init_p2m = elfnotes_number(notes, XEN_ELFNOTE_INIT_P2M, 0);
    if (!kernel->has_init_p2m)
        return 0;
    if (kernel->init_p2m % PAGE_SIZE != 0 || !kernel_may_use(kernel->width, kernel->init_p2m, PAGE_SIZE))
        return fail(problem, "the kernel's INIT_P2M is not the address of a page of the guest's");
    if (kernel->init_p2m >= kernel->virt_base)
        return fail(problem, "the kernel's INIT_P2M does not lie below VIRT_BASE");
    return 0;
}

/* A kernel that asks for its symbols and has none gets none. */
static void find_symbols(const struct elf_image *image, const struct elfnotes *notes, struct kernel *kernel)
{
    if (!blob_starts_with(notes->values[XEN_ELFNOTE_BSD_SYMTAB], "yes"))
        return;
    for (unsigned i = 0; i < image->nr_sections; i++) {
        struct elf_section symbols = elf_section(image, i), names;

        if (symbols.type != ELF_SECTION_SYMBOLS || symbols.link >= image->nr_sections)
            continue;
        names = elf_section(image, symbols.link);
        kernel->has_symbols = names.type == ELF_SECTION_STRINGS &&
                              blob_slice(image->file, symbols.offset, symbols.size, &kernel->symbols) &&
                              blob_slice(image->file, names.offset, names.size, &kernel->symbol_names);
        return;
    }
}

int kernel_parse(struct blob file, struct kernel *kernel, const char **problem)
{
    struct elf_image image;
    struct elfnotes notes;
    int error = elf_open(file, &image, problem);

    if (error)
        return error;
    memset(kernel, 0, sizeof(*kernel));
    kernel->width = image.width;
    elfnotes_find(&image, &notes);
    error = check_kind(&notes, problem);
    if (!error)
        error = parse_pae(&notes, kernel, problem);
    if (!error)
        error = parse_features(&notes, kernel, problem);
    if (!error)
        error = parse_placement(&image, &notes, kernel, problem);
    if (!error)
        error = parse_hypercall_page(&notes, kernel, problem);
    if (!error)
        error = parse_init_p2m(&notes, kernel, problem);
    if (error)
        return error;
    find_symbols(&image, &notes, kernel);
    kernel->ramdisk_unmapped = elfnotes_number(&notes, XEN_ELFNOTE_MOD_START_PFN, 0) != 0;
    return 0;
}
