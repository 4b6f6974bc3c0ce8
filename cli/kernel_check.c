/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <abi/elfnote.h>
#include <abi/version.h>
#include <cli/kernel_check.h>
#include <cli/kernel_memory.h>

#define PAGE_SIZE 4096ull

/* What a 64-bit guest does not own: the hypervisor's sixteen slots of the root, and what is no address at all. */
#define LOWER_HALF_END  0x0000800000000000ull
#define HYPERVISOR_END  0xffff880000000000ull
#define ROOT_SLOT_SHIFT 39

typedef unsigned long long ull; /* what printf takes for 64 bits everywhere */

/*
 * The features by the names that a kernel calls them, with "XENFEAT_" left out.  A kernel that cannot do without one
 * that PV guests are not offered is started all the same; with "!writable_page_tables" kernels can do without.
 */
static const struct feature {
    const char *name;
    unsigned number;
    bool is_missed; /* by a kernel that cannot do without */
} features[] = {
    {"writable_page_tables", XENFEAT_writable_page_tables, false},
    {"writable_descriptor_tables", XENFEAT_writable_descriptor_tables, true},
    {"auto_translated_physmap", XENFEAT_auto_translated_physmap, true},
    {"supervisor_mode_kernel", XENFEAT_supervisor_mode_kernel, true},
    {"pae_pgdir_above_4gb", XENFEAT_pae_pgdir_above_4gb, false},
    {"hvm_callback_vector", XENFEAT_hvm_callback_vector, true},
    {"dom0", XENFEAT_dom0, false},
};

enum { REMARK = 0, REFUSE = 1 };

/* What the kernel's own notes say goes into findings: what a terminal would take for a command is not let through. */
static void make_printable(char *text)
{
    for (; *text; text++) {
        if (!isprint((unsigned char)*text))
            *text = '?';
    }
}

/* NULL: there are enough.  How many remarks a kernel draws is up to its author: one of them goes for a refusal. */
static struct finding *place_for(struct findings *findings, bool refuses)
{
    if (findings->count < FINDINGS_MAX)
        return &findings->list[findings->count++];
    for (unsigned i = 0; refuses && i < FINDINGS_MAX; i++) {
        if (!findings->list[i].refuses)
            return &findings->list[i];
    }
    return NULL;
}

__attribute__((format(printf, 4, 5))) static void find(struct findings *findings, enum finding_id id, int refuses,
                                                       const char *format, ...)
{
    struct finding *finding = place_for(findings, refuses == REFUSE);
    va_list arguments;

    if (!finding)
        return;
    finding->id = id;
    finding->refuses = refuses == REFUSE;
    va_start(arguments, format);
    vsnprintf(finding->text, sizeof(finding->text), format, arguments);
    va_end(arguments);
    make_printable(finding->text);
}

bool findings_refuse(const struct findings *findings)
{
    for (unsigned i = 0; i < findings->count; i++) {
        if (findings->list[i].refuses)
            return true;
    }
    return false;
}

static void check_machine(const struct kernel *kernel, struct findings *findings)
{
    if (!kernel->is_little_endian ||
        !((kernel->width == 64 && kernel->machine == EM_X86_64) || (kernel->width == 32 && kernel->machine == EM_386)))
        find(findings, FINDING_MACHINE, REFUSE,
             "It is made for another processor (%u-bit, ELF machine number %u). Take a kernel for x86-64.",
             kernel->width, kernel->machine);
    if (kernel->type != ET_EXEC && kernel->type != ET_DYN)
        find(findings, FINDING_TYPE, REFUSE,
             "It is an ELF file, but not an executable one (type %u%s). Give the kernel itself, such as vmlinux.",
             kernel->type, kernel->type == ET_REL ? ": an object file or a module" : "");
}

/* One segment by itself. */
static void check_segment(const struct kernel *kernel, const struct segment *segment, struct findings *findings)
{
    if (segment->offset > kernel->size || segment->file_size > kernel->size - segment->offset)
        find(findings, FINDING_TRUNCATED, REFUSE,
             "The file is incomplete: segment %u is %llu bytes at byte %llu, but the file has %zu bytes. Get it anew.",
             segment->index, (ull)segment->file_size, (ull)segment->offset, kernel->size);
    if (segment->file_size > segment->memory_size)
        find(findings, FINDING_SEGMENTS, REFUSE,
             "Segment %u has more bytes in the file (%llu) than in memory (%llu). The file is damaged; get it anew.",
             segment->index, (ull)segment->file_size, (ull)segment->memory_size);
    if (segment->paddr + segment->memory_size < segment->paddr)
        find(findings, FINDING_SEGMENTS, REFUSE,
             "Segment %u, of %llu bytes at 0x%llx, wraps around the end of addresses. Correct its link script.",
             segment->index, (ull)segment->memory_size, (ull)segment->paddr);
}

static bool overlap(const struct segment *one, const struct segment *other)
{
    return one->memory_size && other->memory_size && one->paddr < other->paddr + other->memory_size &&
           other->paddr < one->paddr + one->memory_size;
}

static void check_segments(const struct kernel *kernel, struct findings *findings)
{
    if (kernel->segments_are_outside || kernel->sections_are_outside)
        find(findings, FINDING_TRUNCATED, REFUSE,
             "The file is incomplete or damaged: its table of %s lies beyond its end. Get it anew.",
             kernel->segments_are_outside ? "segments" : "sections");
    else if (!kernel->nr_loadable)
        find(findings, FINDING_NO_SEGMENTS, REFUSE,
             "There is nothing to load in it: no loadable segments. Give the kernel itself, such as vmlinux.");
    if (kernel->nr_headers > KERNEL_HEADERS_MAX)
        find(findings, FINDING_SEGMENTS, REFUSE, "It has %u program headers, and at most %u are taken.",
             kernel->nr_headers, KERNEL_HEADERS_MAX);
    if (kernel->nr_loadable > kernel->nr_segments)
        find(findings, FINDING_SEGMENTS, REFUSE, "It has %u loadable segments, and at most %u are taken.",
             kernel->nr_loadable, KERNEL_SEGMENTS_MAX);
    for (unsigned i = 0; i < kernel->nr_segments; i++) {
        const struct segment *one = &kernel->segments[i];

        check_segment(kernel, one, findings);
        for (unsigned j = 0; j < i; j++) {
            const struct segment *other = &kernel->segments[j];

            if (overlap(one, other))
                find(findings, FINDING_OVERLAP, REFUSE,
                     "Segments %u and %u overlap: 0x%llx-0x%llx and 0x%llx-0x%llx. Correct its link script.",
                     other->index, one->index, (ull)other->paddr, (ull)(other->paddr + other->memory_size),
                     (ull)one->paddr, (ull)(one->paddr + one->memory_size));
        }
    }
}

static bool has_note(const struct kernel *kernel, unsigned type)
{
    return kernel_find_note(kernel, type);
}

static bool note_begins(const struct kernel *kernel, unsigned type, const char *start)
{
    const struct note *note = kernel_find_note(kernel, type);

    return note && note_starts_with(note, start);
}

/*
 * Linux without PV support still names itself and the interface: what gives it away is that nothing says how a PV
 * guest would start.
 */
static bool is_pvh_only(const struct kernel *kernel)
{
    return has_note(kernel, XEN_ELFNOTE_PHYS32_ENTRY) && !has_note(kernel, XEN_ELFNOTE_ENTRY) &&
           !has_note(kernel, XEN_ELFNOTE_VIRT_BASE) && !has_note(kernel, XEN_ELFNOTE_HYPERCALL_PAGE);
}

/* Is it a PV guest at all?  If not, the other rules make no sense. */
static bool check_identity(const struct kernel *kernel, struct findings *findings)
{
    const struct note *loader = kernel_find_note(kernel, XEN_ELFNOTE_LOADER);
    const struct note *version = kernel_find_note(kernel, XEN_ELFNOTE_XEN_VERSION);

    if (!kernel->nr_known) {
        find(findings, FINDING_NO_NOTES, REFUSE,
             "It is not a Xen guest: it has no notes with the name \"Xen\" and no section __xen_guest. "
             "Linux needs CONFIG_XEN_PV=y.");
        return false;
    }
    if (is_pvh_only(kernel)) {
        find(findings, FINDING_PVH_ONLY, REFUSE,
             "It is a PVH guest, not a PV guest: it starts at PHYS32_ENTRY and runs on hardware page tables. "
             "Linux needs CONFIG_XEN_PV=y; QEMU starts it directly (-kernel).");
        return false;
    }
    if (!note_begins(kernel, XEN_ELFNOTE_LOADER, "generic") && !note_begins(kernel, XEN_ELFNOTE_GUEST_OS, "linux"))
        find(findings, FINDING_LOADER, REFUSE,
             "It wants the loader \"%.*s\". Only kernels with LOADER \"generic\" or GUEST_OS \"linux\" can be started.",
             loader ? (int)note_text_length(loader) : 0, loader ? (const char *)loader->data : "");
    if (!note_begins(kernel, XEN_ELFNOTE_XEN_VERSION, "xen-3.0"))
        find(findings, FINDING_VERSION, REFUSE,
             "It is for the interface \"%.*s\". Only kernels with XEN_VERSION \"xen-3.0\" can be started.",
             version ? (int)note_text_length(version) : 0, version ? (const char *)version->data : "");
    return true;
}

static const struct feature *find_feature(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        if (strlen(features[i].name) == length && !memcmp(features[i].name, name, length))
            return &features[i];
    }
    return NULL;
}

/* A name of FEATURES.  Returns whether it says that the kernel can be the initial domain. */
static bool check_feature(const char *name, size_t length, bool privileged, struct findings *findings)
{
    bool is_required = length && *name == '!';
    const struct feature *feature = find_feature(name + is_required, length - is_required);
    bool is_dom0 = feature && feature->number == XENFEAT_dom0;

    if (is_required && !feature)
        find(findings, FINDING_FEATURE, REFUSE, "It cannot do without the feature \"%.*s\", which is not known here.",
             (int)(length - 1), name + 1);
    else if (is_required && feature->is_missed)
        find(findings, FINDING_NOT_OFFERED, REMARK,
             "It says that it cannot do without the feature \"%s\", which PV guests are not offered. That is let pass: "
             "nothing of its start depends on it. It may come up or not.",
             feature->name);
    if (is_required && is_dom0 && !privileged)
        find(findings, FINDING_FEATURE, REFUSE,
             "It can only be the privileged initial domain: it cannot do without the feature \"dom0\". "
             "Start it with --privileged.");
    return is_dom0;
}

static void check_features(const struct kernel *kernel, bool privileged, struct findings *findings)
{
    const struct note *list = kernel_find_note(kernel, XEN_ELFNOTE_FEATURES);
    const struct note *bitmap = kernel_find_note(kernel, XEN_ELFNOTE_SUPPORTED_FEATURES);
    bool can_be_initial = bitmap && kernel_note_number(kernel, bitmap) >> XENFEAT_dom0 & 1;

    if (list) {
        const char *name = (const char *)list->data, *end = name + note_text_length(list);

        while (name < end) {
            const char *bar = memchr(name, '|', (size_t)(end - name));
            const char *stop = bar ? bar : end;

            can_be_initial |= check_feature(name, (size_t)(stop - name), privileged, findings);
            name = stop + 1;
        }
    }
    if (privileged && !can_be_initial && bitmap)
        find(findings, FINDING_NOT_PRIVILEGED, REFUSE,
             "It cannot be the initial domain: SUPPORTED_FEATURES has no bit for it. Leave --privileged out.");
    else if (privileged && !can_be_initial)
        find(findings, FINDING_NOT_PRIVILEGED, REMARK,
             "It does not say that it can be the initial domain; with --privileged it may not come up.");
}

static uint64_t number_or(const struct kernel *kernel, unsigned type, uint64_t otherwise)
{
    const struct note *note = kernel_find_note(kernel, type);

    return note ? kernel_note_number(kernel, note) : otherwise;
}

/* Where everything goes, without judgement; sums may wrap around. */
static void place(const struct kernel *kernel, struct placement *placement)
{
    bool is_legacy = kernel->origin == NOTES_LEGACY;
    uint64_t low = UINT64_MAX, high = 0, offset;

    placement->virt_base = number_or(kernel, XEN_ELFNOTE_VIRT_BASE, 0);
    placement->paddr_offset = number_or(kernel, XEN_ELFNOTE_PADDR_OFFSET, is_legacy ? placement->virt_base : 0);
    for (unsigned i = 0; i < kernel->nr_segments; i++) {
        const struct segment *segment = &kernel->segments[i];

        if (segment->paddr < low)
            low = segment->paddr;
        if (segment->paddr + segment->memory_size > high)
            high = segment->paddr + segment->memory_size;
    }
    if (low > high)
        return;
    offset = placement->virt_base - placement->paddr_offset;
    placement->is_below_base = low < placement->paddr_offset;
    placement->is_beyond = high - placement->paddr_offset > LOWER_HALF_END || high + offset < placement->virt_base;
    placement->start = low + offset;
    placement->end = high + offset;
    placement->entry = number_or(kernel, XEN_ELFNOTE_ENTRY, kernel->entry);
    placement->has_hypercall_page = has_note(kernel, XEN_ELFNOTE_HYPERCALL_PAGE);
    placement->hypercall_page = number_or(kernel, XEN_ELFNOTE_HYPERCALL_PAGE, 0);
    if (is_legacy)
        placement->hypercall_page = placement->hypercall_page * PAGE_SIZE + placement->virt_base;
    placement->has_init_p2m = kernel->width == 64 && has_note(kernel, XEN_ELFNOTE_INIT_P2M);
    placement->init_p2m = number_or(kernel, XEN_ELFNOTE_INIT_P2M, 0);
    placement->ramdisk_is_mapped = !number_or(kernel, XEN_ELFNOTE_MOD_START_PFN, 0);
    placement->is_known = true;
}

/* Do [@start, @end) and the rest of what the guest owns there go together?  64-bit guests. */
static bool is_guest_range(uint64_t start, uint64_t end)
{
    return end <= LOWER_HALF_END || start >= HYPERVISOR_END;
}

static void check_init_p2m(const struct placement *placement, struct findings *findings)
{
    uint64_t address = placement->init_p2m, slot = address >> ROOT_SLOT_SHIFT;

    if (address % PAGE_SIZE || address >= placement->virt_base)
        find(findings, FINDING_INIT_P2M, REFUSE,
             "INIT_P2M 0x%llx must be a page-aligned address below VIRT_BASE 0x%llx. Correct the note.", (ull)address,
             (ull)placement->virt_base);
    else if (!is_guest_range(address, address + PAGE_SIZE))
        find(findings, FINDING_INIT_P2M, REFUSE,
             "INIT_P2M 0x%llx is an address of the hypervisor, or none at all. Correct the note.", (ull)address);
    else if (slot >= placement->virt_base >> ROOT_SLOT_SHIFT && slot <= (placement->end - 1) >> ROOT_SLOT_SHIFT)
        find(findings, FINDING_INIT_P2M, REFUSE,
             "INIT_P2M 0x%llx shares its 512 GiB of addresses with the kernel; it needs a region to itself. "
             "Correct the note.",
             (ull)address);
}

static void check_placement(const struct kernel *kernel, const struct placement *placement, struct findings *findings)
{
    if (has_note(kernel, XEN_ELFNOTE_PADDR_OFFSET) && !has_note(kernel, XEN_ELFNOTE_VIRT_BASE))
        find(findings, FINDING_PADDR_OFFSET, REFUSE, "It has a PADDR_OFFSET but no VIRT_BASE. Add the missing note.");
    if (placement->is_below_base) {
        find(findings, FINDING_EXTENT, REFUSE,
             "The image begins below VIRT_BASE: PADDR_OFFSET 0x%llx is more than the p_paddr of a segment. "
             "Correct the notes or the link script.",
             (ull)placement->paddr_offset);
        return;
    }
    if (placement->is_beyond || placement->start >= placement->end) {
        find(findings, FINDING_EXTENT, REFUSE,
             "The image would begin at 0x%llx and end at 0x%llx. VIRT_BASE or PADDR_OFFSET is wrong.",
             (ull)placement->start, (ull)placement->end);
        return;
    }
    if (placement->virt_base % PAGE_SIZE)
        find(findings, FINDING_EXTENT, REFUSE, "VIRT_BASE 0x%llx is not the address of a page. Correct the note.",
             (ull)placement->virt_base);
    if (kernel->width == 64 && !is_guest_range(placement->virt_base, placement->end))
        find(findings, FINDING_RESERVED, REFUSE,
             "The image (0x%llx-0x%llx) would take addresses of the hypervisor, or such as do not exist. "
             "Correct VIRT_BASE.",
             (ull)placement->virt_base, (ull)placement->end);
    if (placement->entry < placement->start || placement->entry >= placement->end)
        find(findings, FINDING_ENTRY, REFUSE,
             "It would begin at 0x%llx, outside the image (0x%llx-0x%llx). Correct ENTRY or the link script.",
             (ull)placement->entry, (ull)placement->start, (ull)placement->end);
    if (placement->has_hypercall_page &&
        (placement->hypercall_page % PAGE_SIZE || placement->hypercall_page + PAGE_SIZE <= placement->start ||
         placement->hypercall_page >= placement->end))
        find(findings, FINDING_HYPERCALL_PAGE, REFUSE,
             "Its hypercall page, 0x%llx, is not a page of the image (0x%llx-0x%llx). Correct the note.",
             (ull)placement->hypercall_page, (ull)placement->start, (ull)placement->end);
    if (placement->has_init_p2m)
        check_init_p2m(placement, findings);
}

static void check_width(const struct kernel *kernel, struct findings *findings)
{
    const struct note *pae = kernel_find_note(kernel, XEN_ELFNOTE_PAE_MODE);

    if (kernel->width != 32 || kernel->machine != EM_386)
        return;
    if (!pae || note_starts_with(pae, "no"))
        find(findings, FINDING_PAE, REFUSE,
             "It is a 32-bit guest that does not use PAE, which nothing runs any more. Take one with PAE.");
    else
        find(findings, FINDING_WIDTH, REFUSE,
             "It is a 32-bit PV guest, recognised but not run yet by this version. Take a 64-bit kernel.");
}

/* Starting is not running: an eighth more for the kernel, and twice the ramdisk for what it unpacks to. */
static uint64_t advice_mib(const struct placement *placement, const struct start_request *request)
{
    return placement->needed_mib + placement->needed_mib / 8 + (request->ramdisk_size >> 19);
}

static void check_memory(const struct kernel *kernel, const struct start_request *request, struct placement *placement,
                         struct findings *findings)
{
    placement->needed_mib = kernel_memory_mib(kernel, placement, request);
    if (!placement->needed_mib) {
        find(findings, FINDING_MEMORY, REFUSE,
             "From VIRT_BASE 0x%llx on there are not enough addresses for the kernel and what stands behind it%s.",
             (ull)placement->virt_base, request->ramdisk_size ? "; take a smaller ramdisk" : "");
        return;
    }
    if (!request->memory_kib || kernel_fits_memory(kernel, placement, request, request->memory_kib))
        return;
    if (request->memory_kib >> 10 >= placement->needed_mib)
        find(findings, FINDING_MEMORY, REFUSE,
             "%llu MiB is more memory than this kernel can have. Say less, --memory %lluM say.",
             (ull)request->memory_kib >> 10, (ull)placement->needed_mib * 8);
    else if (request->ramdisk_size)
        find(findings, FINDING_MEMORY, REFUSE,
             "The kernel (%llu MiB from its base to its end) and the ramdisk (%llu MiB) do not fit into %llu MiB of "
             "memory. Say --memory %lluM or more: that is to start; what it unpacks comes on top.",
             (ull)(placement->end - placement->virt_base) >> 20, (ull)request->ramdisk_size >> 20,
             (ull)request->memory_kib >> 10, (ull)advice_mib(placement, request));
    else
        find(findings, FINDING_MEMORY, REFUSE,
             "The kernel (%llu MiB from its base to its end) does not fit into %llu MiB of memory. "
             "Say --memory %lluM or more.",
             (ull)(placement->end - placement->virt_base) >> 20, (ull)request->memory_kib >> 10,
             (ull)advice_mib(placement, request));
}

static void remark_clipped(const struct kernel *kernel, struct findings *findings)
{
    for (unsigned i = 0; i < kernel->nr_notes; i++) {
        const struct note *note = &kernel->notes[i];
        const char *name = note_name(note->type);

        if (note->is_clipped)
            find(findings, FINDING_CLIPPED_NOTE, REMARK,
                 "Its note %s claims to reach beyond the end of its segment; what is there of it is used.",
                 name ? name : "of unknown type");
    }
}

void kernel_check(const struct kernel *kernel, const struct start_request *request, struct placement *placement,
                  struct findings *findings)
{
    *placement = (struct placement){.is_known = false};
    findings->count = 0;
    check_machine(kernel, findings);
    check_segments(kernel, findings);
    if (kernel->segments_are_outside || !check_identity(kernel, findings))
        return;
    remark_clipped(kernel, findings);
    check_features(kernel, request->privileged, findings);
    check_width(kernel, findings);
    if (findings_refuse(findings) && !kernel->nr_segments)
        return;
    place(kernel, placement);
    if (!placement->is_known)
        return;
    check_placement(kernel, placement, findings);
    if (!findings_refuse(findings))
        check_memory(kernel, request, placement, findings);
}
