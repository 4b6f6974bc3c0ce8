/* SPDX-License-Identifier: MIT */
/* Is it a PV kernel, what can it do, and can it be started so? */
#include <abi/version.h>
#include <hv/kernel/elf_format.h>
#include <hv/kernel/placement.h>
#include <hv/kernel/start_layout.h>

static bool note_starts_with(const struct kernel *kernel, unsigned type, const char *text)
{
    return blob_starts_with(kernel->notes.values[type], text);
}

/*
 * ---- Is it a PV kernel at all?  If not, its other notes mean nothing.
 */

/*
 * Linux without PV support still names itself and the interface: what gives it away is that nothing says how a PV guest
 * would start.
 */
static bool is_pvh_only(const bool *present)
{
    return present[XEN_ELFNOTE_PHYS32_ENTRY] && !present[XEN_ELFNOTE_ENTRY] && !present[XEN_ELFNOTE_VIRT_BASE] &&
           !present[XEN_ELFNOTE_HYPERCALL_PAGE];
}

static bool check_kind(const struct kernel *kernel, struct findings *findings)
{
    if (kernel->notes.origin == NOTES_NONE) {
        findings_add(findings, FINDING_NO_NOTES);
        return false;
    }
    if (is_pvh_only(kernel->notes.present)) {
        findings_add(findings, FINDING_PVH_ONLY);
        return false;
    }
    if (!note_starts_with(kernel, XEN_ELFNOTE_LOADER, "generic") &&
        !note_starts_with(kernel, XEN_ELFNOTE_GUEST_OS, "linux"))
        findings_add(findings, FINDING_LOADER);
    if (!note_starts_with(kernel, XEN_ELFNOTE_XEN_VERSION, "xen-3.0"))
        findings_add(findings, FINDING_VERSION);
    return true;
}

static void remark_clipped(const struct kernel *kernel, struct findings *findings)
{
    for (unsigned type = 0; type < NOTES_COUNT; type++) {
        if (kernel->notes.clipped[type])
            findings_put(findings, (struct finding){.id = FINDING_NOTE_CLIPPED, .index = type});
    }
}

static void read_pae(struct kernel *kernel, struct findings *findings)
{
    bool is_386 = kernel->image.width == WIDTH_PAE && kernel->image.machine == ELF_MACHINE_386;

    kernel->has_pae =
        is_386 && kernel->notes.present[XEN_ELFNOTE_PAE_MODE] && !note_starts_with(kernel, XEN_ELFNOTE_PAE_MODE, "no");
    kernel->extended_cr3 = kernel->has_pae && (kernel->notes.origin != NOTES_LEGACY ||
                                               note_starts_with(kernel, XEN_ELFNOTE_PAE_MODE, "yes[extended-cr3]") ||
                                               note_starts_with(kernel, XEN_ELFNOTE_PAE_MODE, "bimodal"));
    if (is_386 && !kernel->has_pae)
        findings_add(findings, FINDING_NO_PAE);
}

/*
 * ---- Features.
 */

struct feature {
    char name[28];
    uint8_t number;
    bool is_missed; /* PV guests are not offered it, and that may matter to one that cannot do without */
};

static const struct feature features[] = {
    {"writable_page_tables", XENFEAT_writable_page_tables, false},
    {"writable_descriptor_tables", XENFEAT_writable_descriptor_tables, true},
    {"auto_translated_physmap", XENFEAT_auto_translated_physmap, true},
    {"supervisor_mode_kernel", XENFEAT_supervisor_mode_kernel, true},
    {"pae_pgdir_above_4gb", XENFEAT_pae_pgdir_above_4gb, false},
    {"hvm_callback_vector", XENFEAT_hvm_callback_vector, true},
    {"dom0", XENFEAT_dom0, false},
};

static const struct feature *find_feature(struct blob name)
{
    for (unsigned i = 0; i < ARRAY_SIZE(features); i++) {
        if (blob_equals(name, features[i].name))
            return &features[i];
    }
    return NULL;
}

/*
 * A word of the list, with "!" in front if the kernel cannot do without.  Of those that are known only the initial
 * domain is a demand on us: with "!writable_page_tables" and its like a kernel says that it knows what it is like
 * without them.
 */
static void read_feature(struct kernel *kernel, struct blob word, struct findings *findings)
{
    bool is_required = blob_starts_with(word, "!");
    struct blob name = blob_skip(word, is_required);
    const struct feature *feature = find_feature(name);
    bool is_initial = feature && feature->number == XENFEAT_dom0;

    if (is_required && !feature)
        findings_put(findings, (struct finding){.id = FINDING_FEATURE, .text = name});
    else if (is_required && feature->is_missed)
        findings_put(findings, (struct finding){.id = FINDING_FEATURE_ABSENT, .text = name});
    kernel->needs_initial |= is_required && is_initial;
    kernel->can_be_initial |= is_initial;
}

static void read_features(struct kernel *kernel, struct findings *findings)
{
    struct blob list = blob_until(kernel->notes.values[XEN_ELFNOTE_FEATURES], 0);

    kernel->wants_linear = note_starts_with(kernel, XEN_ELFNOTE_GUEST_OS, "NetBSD");
    kernel->says_initial = kernel->notes.present[XEN_ELFNOTE_SUPPORTED_FEATURES];
    kernel->can_be_initial = notes_number(&kernel->notes, XEN_ELFNOTE_SUPPORTED_FEATURES, 0) >> XENFEAT_dom0 & 1;
    while (list.size > 0) {
        struct blob word = blob_until(list, '|');

        read_feature(kernel, word, findings);
        list = blob_skip(list, word.size + 1);
    }
}

/*
 * ---- The kernel as a whole.
 */

/* One whose symbols lie outside of the file has none. */
static void find_symbols(struct kernel *kernel)
{
    const struct elf_image *image = &kernel->image;
    unsigned index = elf_find_symbols(image);
    struct elf_section symbols = elf_section(image, index), names = elf_section(image, symbols.link);

    kernel->wants_symbols = note_starts_with(kernel, XEN_ELFNOTE_BSD_SYMTAB, "yes");
    kernel->has_symbols = index < image->nr_sections && names.type == ELF_SECTION_STRINGS &&
                          blob_slice(image->file, symbols.offset, symbols.size, &kernel->symbols) &&
                          blob_slice(image->file, names.offset, names.size, &kernel->symbol_names);
}

/* In the older form addresses of segments are virtual ones, unless it says otherwise. */
static void read_base(struct kernel *kernel)
{
    const struct notes *notes = &kernel->notes;

    kernel->virt_base = notes_number(notes, XEN_ELFNOTE_VIRT_BASE, 0);
    kernel->paddr_offset =
        notes_number(notes, XEN_ELFNOTE_PADDR_OFFSET, notes->origin == NOTES_LEGACY ? kernel->virt_base : 0);
}

void judge_kernel(struct blob file, struct kernel *kernel, struct findings *findings)
{
    memset(kernel, 0, sizeof(*kernel));
    findings->count = 0;
    if (elf_open(file, &kernel->image, findings))
        return;
    notes_find(&kernel->image, &kernel->notes);
    find_symbols(kernel);
    read_base(kernel);
    placement_read_segments(kernel, findings);
    if (!check_kind(kernel, findings)) {
        kernel->is_placed = false;
        return;
    }
    remark_clipped(kernel, findings);
    read_features(kernel, findings);
    read_pae(kernel, findings);
    if (kernel->is_placed)
        placement_read_notes(kernel, findings);
}

/*
 * ---- Its start.
 */

static void check_domain(const struct kernel *kernel, bool privileged, struct findings *findings)
{
    if (kernel->needs_initial && !privileged)
        findings_add(findings, FINDING_ONLY_INITIAL);
    if (!privileged || kernel->can_be_initial)
        return;
    findings_add(findings, kernel->says_initial ? FINDING_NEVER_INITIAL : FINDING_PERHAPS_INITIAL);
}

static void check_memory(const struct kernel *kernel, const struct start_request *request, uint64_t *minimum,
                         struct findings *findings)
{
    struct layout layout;
    enum finding_id problem;

    if (layout_minimum(kernel, request->ramdisk_size, request->privileged, minimum, &problem)) {
        *minimum = 0;
        findings_add(findings, problem);
        return;
    }
    if (request->nr_pages == START_PAGES_ANY)
        return;
    if (request->nr_pages < *minimum)
        findings_add(findings, FINDING_TOO_LITTLE);
    else if (layout_make(kernel, request->ramdisk_size, request->privileged, request->nr_pages, &layout, &problem))
        findings_add(findings, FINDING_TOO_MUCH);
    else if (layout.nr_needed > request->nr_pages)
        findings_add(findings, FINDING_NO_ROOM);
}

void judge_start(const struct kernel *kernel, const struct start_request *request, uint64_t *minimum,
                 struct findings *findings)
{
    *minimum = 0;
    if (kernel->is_placed)
        check_domain(kernel, request->privileged, findings);
    if (!findings_refusal(findings))
        check_memory(kernel, request, minimum, findings);
}
