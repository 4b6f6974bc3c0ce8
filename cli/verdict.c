/* SPDX-License-Identifier: MIT */
/* The judge asked.  What it has found is put into words in sentence.c. */
#include <hv/kernel/start_layout.h>
#include <cli/verdict.h>

#define PAGES_PER_MIB 256u

/* A larger domain has a larger P2M, which may need more. */
static uint64_t least_mib(const struct verdict *verdict, uint64_t nr_pages)
{
    const struct start_request *request = &verdict->request;
    struct layout layout = {.nr_needed = nr_pages};
    enum finding_id problem;
    uint64_t mib;

    do {
        mib = (layout.nr_needed + PAGES_PER_MIB - 1) / PAGES_PER_MIB;
    } while (!layout_make(&verdict->kernel, request->ramdisk_size, request->privileged, mib * PAGES_PER_MIB, &layout,
                          &problem) &&
             layout.nr_needed > mib * PAGES_PER_MIB);
    return mib;
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
    verdict->needed_mib = 0;
    judge_kernel((struct blob){elf->data, elf->size}, &verdict->kernel, &verdict->findings);
    judge_start(&verdict->kernel, request, &minimum, &verdict->findings);
    if (minimum)
        verdict->needed_mib = least_mib(verdict, minimum);
    first = findings_refusal(&verdict->findings);
    if (!first || first->id > FINDING_CLASS)
        return STATUS_GOOD;
    say_error("%s: not a kernel: %s", path,
              first->id == FINDING_NOT_ELF ? "not an ELF file" : "its ELF header is incomplete or makes no sense");
    return STATUS_USAGE;
}
