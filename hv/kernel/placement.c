/* SPDX-License-Identifier: MIT */
/* Segments first, then what notes say of addresses.  Nothing of it is believed: sums may wrap around until checked. */
#include <abi/layout.h>
#include <hv/kernel/placement.h>

#define MEMORY_END (UINT64_C(1) << 47) /* no domain's memory and no kernel reaches further */

bool placement_is_guests(enum width width, uint64_t start, uint64_t size)
{
    uint64_t last;

    if (size == 0 || __builtin_add_overflow(start, size - 1, &last))
        return false;
    if (width == WIDTH_PAE)
        return last < COMPAT_HYPERVISOR_VIRT_START;
    return last < UINT64_C(1) << 47 || start >= HYPERVISOR_VIRT_END;
}

/*
 * ---- Segments.
 */

static bool overlap(const struct kernel_segment *a, const struct kernel_segment *b)
{
    return a->start < b->start + b->size && b->start < a->start + a->size;
}

static void check_segment(const struct kernel *kernel, const struct elf_segment *segment,
                          const struct kernel_segment *new, struct findings *findings)
{
    struct finding finding = {.index = new->index};

    finding.id = FINDING_SEGMENT_CUT;
    if (new->contents.size < segment->file_size)
        findings_put(findings, finding);
    finding.id = FINDING_SEGMENT_LARGER;
    if (segment->file_size > segment->memory_size)
        findings_put(findings, finding);
    finding.id = FINDING_SEGMENT_WRAPS;
    if (segment->paddr + segment->memory_size < segment->paddr)
        findings_put(findings, finding);
    finding.id = FINDING_SEGMENTS_OVERLAP;
    for (const struct kernel_segment *other = kernel->segments; other < new; other++) {
        finding.other = other->index;
        if (overlap(new, other))
            findings_put(findings, finding);
    }
}

static void add_segment(struct kernel *kernel, const struct elf_segment *segment, unsigned index,
                        struct findings *findings)
{
    struct kernel_segment *new = &kernel->segments[kernel->nr_segments];

    *new = (struct kernel_segment){
        .start = segment->paddr - kernel->paddr_offset,
        .size = segment->memory_size,
        .index = index,
    };
    if (!blob_slice(kernel->image.file, segment->offset, segment->file_size, &new->contents))
        new->contents.size = 0;
    check_segment(kernel, segment, new, findings);
    kernel->nr_segments++;
}

void placement_read_segments(struct kernel *kernel, struct findings *findings)
{
    uint64_t low = UINT64_MAX, high = 0;
    unsigned count = 0;

    for (unsigned i = 0; i < kernel->image.nr_segments; i++) {
        struct elf_segment segment = elf_segment(&kernel->image, i);

        if (!elf_segment_is_loaded(&segment) || count++ >= KERNEL_SEGMENTS_MAX)
            continue;
        add_segment(kernel, &segment, i, findings);
        low = segment.paddr < low ? segment.paddr : low;
        high = segment.paddr + segment.memory_size > high ? segment.paddr + segment.memory_size : high;
    }
    if (count == 0)
        findings_add(findings, FINDING_NO_SEGMENTS);
    if (count > KERNEL_SEGMENTS_MAX)
        findings_add(findings, FINDING_SEGMENTS);
    kernel->is_placed = low < high;
    kernel->start = low - kernel->paddr_offset;
    kernel->end = high - kernel->paddr_offset;
}

/*
 * ---- Notes.
 */

/* Does the image lie behind VIRT_BASE, as far as addresses go?  If not, no other place can be judged. */
static bool check_extent(const struct kernel *kernel, struct findings *findings)
{
    uint64_t end;

    if (kernel->start + kernel->paddr_offset < kernel->paddr_offset) {
        findings_add(findings, FINDING_BELOW_BASE);
        return false;
    }
    if (kernel->end > MEMORY_END || __builtin_add_overflow(kernel->virt_base, kernel->end, &end)) {
        findings_add(findings, FINDING_EXTENT);
        return false;
    }
    return true;
}

static void check_image(const struct kernel *kernel, struct findings *findings)
{
    if (kernel->virt_base % PAGE_SIZE != 0)
        findings_add(findings, FINDING_VIRT_BASE);
    if (!placement_is_guests(kernel->image.width, kernel->virt_base, kernel->end))
        findings_add(findings, FINDING_RESERVED);
    if (kernel->entry < kernel->virt_base + kernel->start || kernel->entry - kernel->virt_base >= kernel->end)
        findings_add(findings, FINDING_ENTRY);
}

/* In the older form the page is given by its pfn. */
static void read_hypercall_page(struct kernel *kernel)
{
    uint64_t value = notes_number(&kernel->notes, XEN_ELFNOTE_HYPERCALL_PAGE, 0);

    kernel->has_hypercall_page = kernel->notes.present[XEN_ELFNOTE_HYPERCALL_PAGE];
    if (kernel->notes.origin != NOTES_LEGACY)
        kernel->hypercall_page = value - kernel->virt_base;
    else
        kernel->hypercall_page = value < MEMORY_END >> PAGE_SHIFT ? value << PAGE_SHIFT : MEMORY_END;
}

static void check_hypercall_page(const struct kernel *kernel, struct findings *findings)
{
    if (!kernel->has_hypercall_page)
        return;
    if (kernel->hypercall_page % PAGE_SIZE != 0)
        findings_add(findings, FINDING_HYPERCALL_PAGE_UNALIGNED);
    else if (kernel->hypercall_page + PAGE_SIZE <= kernel->start || kernel->hypercall_page >= kernel->end)
        findings_add(findings, FINDING_HYPERCALL_PAGE);
}

static uint64_t root_slot(uint64_t vaddr)
{
    return vaddr >> 39;
}

static void check_init_p2m(const struct kernel *kernel, struct findings *findings)
{
    if (!kernel->has_init_p2m)
        return;
    if (kernel->init_p2m % PAGE_SIZE != 0)
        findings_add(findings, FINDING_INIT_P2M_UNALIGNED);
    else if (!placement_is_guests(WIDTH_64, kernel->init_p2m, PAGE_SIZE))
        findings_add(findings, FINDING_INIT_P2M_RESERVED);
    else if (kernel->init_p2m >= kernel->virt_base)
        findings_add(findings, FINDING_INIT_P2M);
    else if (root_slot(kernel->init_p2m) == root_slot(kernel->virt_base))
        findings_add(findings, FINDING_INIT_P2M_SHARED);
}

/* A 32-bit guest that lets us begin lower than we do loses nothing; a 64-bit one has nothing to say in that. */
static void check_hv_start(const struct kernel *kernel, struct findings *findings)
{
    if (kernel->image.width == WIDTH_PAE &&
        notes_number(&kernel->notes, XEN_ELFNOTE_HV_START_LOW, 0) > COMPAT_HYPERVISOR_VIRT_START)
        findings_add(findings, FINDING_HV_START);
}

void placement_read_notes(struct kernel *kernel, struct findings *findings)
{
    const struct notes *notes = &kernel->notes;

    kernel->entry = notes_number(notes, XEN_ELFNOTE_ENTRY, kernel->image.entry);
    kernel->has_init_p2m = kernel->image.width == WIDTH_64 && notes->present[XEN_ELFNOTE_INIT_P2M];
    kernel->init_p2m = notes_number(notes, XEN_ELFNOTE_INIT_P2M, 0);
    kernel->ramdisk_unmapped = notes_number(notes, XEN_ELFNOTE_MOD_START_PFN, 0) != 0;
    read_hypercall_page(kernel);
    check_hv_start(kernel, findings);
    if (notes->present[XEN_ELFNOTE_PADDR_OFFSET] && !notes->present[XEN_ELFNOTE_VIRT_BASE])
        findings_add(findings, FINDING_PADDR_OFFSET);
    if (!check_extent(kernel, findings))
        return;
    check_image(kernel, findings);
    check_hypercall_page(kernel, findings);
    check_init_p2m(kernel, findings);
}
