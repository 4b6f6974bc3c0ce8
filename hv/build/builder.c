/* SPDX-License-Identifier: MIT */
/* The builder, from the description of a domain to one that is ready to run; builder_*.c are its parts. */
#include <abi/errno.h>
#include <abi/vm_assist.h>
#include <engine/engine.h>
#include <hv/base/print.h>
#include <hv/build/builder.h>
#include <hv/build/builder_parts.h>
#include <hv/build/hv_domain.h>
#include <hv/build/rights.h>
#include <hv/domain/domain.h>
#include <hv/domain/fair.h>
#include <hv/mem/pool.h>

_Static_assert(BUNDLE_WEIGHT == WEIGHT_DEFAULT && BUNDLE_WEIGHT_MAX == WEIGHT_MAX, "hv/domain/fair.h");

#define KIB_PER_PAGE (PAGE_SIZE / 1024)

/*
 * ---- Problems that have figures in them.  The text lives until the next one.
 */

static struct {
    char text[192];
    size_t length;
} note;

static void note_add(const char *text)
{
    for (size_t i = 0; text[i] && note.length + 1 < sizeof(note.text); i++)
        note.text[note.length++] = text[i];
    note.text[note.length] = 0;
}

static void note_add_number(uint64_t number)
{
    char digits[21] = {0};
    size_t i = sizeof(digits) - 1;

    do {
        digits[--i] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    note_add(digits + i);
}

/* "... @first KiB ... @second KiB ..." */
static const char *note_sizes(const char *start, uint64_t first, const char *middle, uint64_t second, const char *end)
{
    note.length = 0;
    note_add(start);
    note_add_number(first);
    note_add(middle);
    note_add_number(second);
    note_add(end);
    return note.text;
}

static const char *no_memory(const struct build *build, uint64_t free)
{
    return note_sizes("the domain is to have ", build->nr_pages * KIB_PER_PAGE, " KiB of memory, and the machine has ",
                      free * KIB_PER_PAGE, " KiB left: give the domain less or the machine more");
}

static int fail(const char **problem, const char *text)
{
    *problem = text;
    return -XEN_EINVAL;
}

/*
 * ---- Before anything is taken.
 */

static int check_number(const struct machine *machine, const struct build *build, const char **problem)
{
    const struct bundle_domain *description = build->description;

    if (description->privileged != (description->id == 0))
        return fail(problem, "the privileged domain is number 0, and domain 0 is privileged");
    if (description->id >= machine->nr_domains)
        return fail(problem, "the number of the domain is too large");
    if (machine->domains[description->id])
        return fail(problem, "there is a domain of this number already");
    return 0;
}

#define FINDING_SENTENCE(name, kind, sentence) [FINDING_##name] = sentence,
static const char *const sentences[] = {KERNEL_FINDINGS(FINDING_SENTENCE)};

static const char *word(const struct build *build, const struct finding *finding, uint64_t minimum)
{
    if (finding->id != FINDING_TOO_LITTLE)
        return sentences[finding->id];
    return note_sizes("the domain has ", build->description->memory_kib,
                      " KiB of memory, too little: its kernel, ramdisk and page tables need ", minimum * KIB_PER_PAGE,
                      " KiB");
}

static int check_kernel(struct build *build, const char **problem)
{
    const struct bundle_domain *description = build->description;
    const struct start_request request = {
        .nr_pages = build->nr_pages,
        .ramdisk_size = description->ramdisk.size,
        .privileged = description->privileged,
    };
    struct findings findings;
    const struct finding *refusal;
    uint64_t minimum;

    judge_kernel(description->kernel, &build->kernel, &findings);
    judge_start(&build->kernel, &request, &minimum, &findings);
    refusal = findings_refusal(&findings);
    return refusal ? fail(problem, word(build, refusal, minimum)) : 0;
}

static int check(const struct machine *machine, struct build *build, const char **problem)
{
    const struct bundle_domain *description = build->description;
    enum finding_id unlikely; /* the judge has tried the same */
    int error = check_number(machine, build, problem);

    build->nr_pages = description->memory_kib / KIB_PER_PAGE;
    build->extent_order = description->extent_order;
    if (!error)
        error = rights_check(machine, description, problem);
    if (!error)
        error = check_kernel(build, problem);
    if (error)
        return error;
    if (build->nr_pages > pool_count())
        return fail(problem, no_memory(build, pool_count()));
    error = layout_make(&build->kernel, description->ramdisk.size, description->privileged, build->nr_pages,
                        &build->layout, &unlikely);
    return error ? fail(problem, sentences[unlikely]) : 0;
}

/*
 * ---- Building.
 */

/* Where nobody has chosen one, it is zero but for the number of the domain. */
static void set_uuid(struct hv_domain *domain, const struct bundle_domain *description)
{
    static const uint8_t none[BUNDLE_UUID_SIZE];

    memcpy(domain->uuid, description->uuid, sizeof(domain->uuid));
    if (memcmp(domain->uuid, none, sizeof(none)) != 0)
        return;
    domain->uuid[14] = (uint8_t)(description->id >> 8);
    domain->uuid[15] = (uint8_t)description->id;
}
_Static_assert(sizeof((struct hv_domain){0}.uuid) == BUNDLE_UUID_SIZE, "set_uuid()");

static int create(struct machine *machine, struct build *build, const char **problem)
{
    const struct bundle_domain *description = build->description;
    struct hv_domain *domain = hv_domain_create(machine, description->id, build->kernel.image.width,
                                                description->maxmem_kib / KIB_PER_PAGE, description->max_vcpus);

    if (!domain)
        return fail(problem, "the machine has not enough memory for another domain");
    memcpy(domain->name, description->name, sizeof(domain->name));
    domain->weight = description->weight;
    domain->vcpus_at_start = description->nr_vcpus;
    domain->cpus = (cpumask_t){description->cpus};
    domain->engine.privileged = description->privileged;
    domain->initial = description->privileged;
    domain->is_back_end = description->is_back_end;
    domain->engine.writable_tables = domain->initial;
    domain->engine.extended_cr3 = build->kernel.extended_cr3;
    if (build->kernel.extended_cr3)
        domain->vm_assist |= UINT64_C(1) << VMASST_TYPE_pae_extended_cr3;
    domain->engine.linear_tables = description->linear_tables || build->kernel.wants_linear;
    set_uuid(domain, description);
    build->domain = domain;
    if (rights_give(domain, description)) {
        (void)hv_domain_release(domain);
        return fail(problem, "the machine has not enough memory for another domain");
    }
    return 0;
}
_Static_assert(BUNDLE_NAME_MAX == DOMAIN_NAME_MAX, "create()");

static int fill(struct build *build, const char **problem)
{
    uint64_t free = pool_count();

    if (build_populate(build))
        return fail(problem, no_memory(build, free));
    build_load(build);
    if (build_tables(build))
        return fail(problem, "the page tables that were made for the domain are wrong: this is an error in Paravane");
    /* From here on the house is not left: others find the domain, but only for what the engine has a lock for. */
    hv_domain_publish(build->domain);
    if (build_services(build))
        return fail(problem, "the machine has not enough memory for the domain's rings and grant table");
    build_start_info(build);
    build_vcpu(build);
    return 0;
}

static void report(const struct build *build)
{
    const struct layout *layout = &build->layout;
    const struct kernel *kernel = &build->kernel;
    const uint64_t *main = layout->main.nr_tables, *apart = layout->apart.nr_tables;

    print("domain %u (%s): %lu KiB in %lu frames; kernel at %lx-%lx, entry %lx", build->description->id,
          build->description->name, build->nr_pages * KIB_PER_PAGE, build->nr_pages, kernel->virt_base + kernel->start,
          kernel->virt_base + kernel->end, kernel->entry);
    if (layout->nr_ramdisk > 0)
        print("; ramdisk at pfn %lx-%lx", layout->ramdisk, layout->ramdisk + layout->nr_ramdisk - 1);
    if (build->description->extent_order)
        print("; %lu pages in extents of order %u", build->in_extents, build->description->extent_order);
    print("; P2M at pfn %lx-%lx; tables: ", layout->p2m, layout->p2m + layout->nr_p2m - 1);
    for (unsigned level = layout->top; level > 0; level--)
        print("%lu L%u%s", main[level] + apart[level], level, level > 1 ? ", " : "\n");
}

struct hv_domain *builder_build(struct machine *machine, const struct bundle_domain *description, const char **problem)
{
    struct build build = {.description = description};
    int error = check(machine, &build, problem);

    if (!error)
        error = create(machine, &build, problem);
    if (error)
        return NULL;
    error = fill(&build, problem);
    build_forget(&build);
    if (!error) {
        report(&build);
        return build.domain;
    }
    (void)hv_domain_release(build.domain);
    return NULL;
}
