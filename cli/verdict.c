/* SPDX-License-Identifier: MIT */
/* The judge asked.  What it has found is put into words in sentence.c. */
#include <hv/kernel/start_layout.h>
#include <cli/verdict.h>

#define PAGES_PER_MIB 256u

/* How many MiB does it take to be started with so many?  0: it cannot be. */
static uint64_t takes_mib(const struct verdict *verdict, uint64_t mib)
{
    enum finding_id problem;
    struct layout layout;

    if (layout_make(&verdict->kernel, verdict->request.ramdisk_size, verdict->request.privileged, mib * PAGES_PER_MIB,
                    &layout, &problem))
        return 0;
    return (layout.nr_needed + PAGES_PER_MIB - 1) / PAGES_PER_MIB;
}

/* A larger domain has a larger P2M, which may need more. */
static uint64_t least_mib(const struct verdict *verdict, uint64_t nr_pages)
{
    uint64_t mib = (nr_pages + PAGES_PER_MIB - 1) / PAGES_PER_MIB, taken;

    while ((taken = takes_mib(verdict, mib)) > mib)
        mib = taken;
    return mib;
}

/* Beyond it, the P2M finds no addresses any more: from @too_much on. */
static uint64_t most_mib(const struct verdict *verdict, uint64_t too_much)
{
    uint64_t good = verdict->needed_mib;

    while (too_much - good > 1) {
        uint64_t middle = good + (too_much - good) / 2;

        if (takes_mib(verdict, middle))
            good = middle;
        else
            too_much = middle;
    }
    return good;
}

bool verdict_refuses(const struct verdict *verdict)
{
    return findings_refusal(&verdict->findings);
}

enum status verdict_reach(const char *path, const struct bytes *elf, const struct start_request *request,
                          struct verdict *verdict)
{
    const struct finding *first;
    uint64_t minimum;

    verdict->request = *request;
    verdict->needed_mib = verdict->most_mib = 0;
    judge_kernel((struct blob){elf->data, elf->size}, &verdict->kernel, &verdict->findings);
    judge_start(&verdict->kernel, request, &minimum, &verdict->findings);
    if (minimum)
        verdict->needed_mib = least_mib(verdict, minimum);
    first = findings_refusal(&verdict->findings);
    if (first && first->id == FINDING_TOO_MUCH)
        verdict->most_mib = most_mib(verdict, (request->nr_pages + PAGES_PER_MIB - 1) / PAGES_PER_MIB);
    if (!first || first->id > FINDING_CLASS)
        return STATUS_GOOD;
    say_error("%s: not a kernel: %s", path,
              first->id == FINDING_NOT_ELF ? "not an ELF file" : "its ELF header is incomplete or makes no sense");
    return STATUS_USAGE;
}
