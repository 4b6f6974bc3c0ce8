/* SPDX-License-Identifier: MIT */
#include <hv/kernel/judge.h>
#include <tests/cli/lib/hypervisor.h>

#define FINDING_SENTENCE(name, kind, sentence) [FINDING_##name] = sentence,
static const char *const sentences[] = {KERNEL_FINDINGS(FINDING_SENTENCE)};

const char *hypervisor_refuses(const uint8_t *data, size_t size, bool privileged)
{
    const struct start_request request = {START_PAGES_ANY, 0, privileged};
    struct findings findings;
    struct kernel kernel;
    const struct finding *refusal;
    uint64_t minimum;

    judge_kernel((struct blob){data, size}, &kernel, &findings);
    judge_start(&kernel, &request, &minimum, &findings);
    refusal = findings_refusal(&findings);
    return refusal ? sentences[refusal->id] : NULL;
}

uint64_t hypervisor_minimum(const uint8_t *data, size_t size, bool privileged, uint64_t ramdisk_size)
{
    const struct start_request request = {START_PAGES_ANY, ramdisk_size, privileged};
    struct findings findings;
    struct kernel kernel;
    uint64_t minimum;

    judge_kernel((struct blob){data, size}, &kernel, &findings);
    judge_start(&kernel, &request, &minimum, &findings);
    return minimum;
}

bool hypervisor_takes(const uint8_t *data, size_t size, bool privileged, uint64_t ramdisk_size, uint64_t nr_pages)
{
    const struct start_request request = {nr_pages, ramdisk_size, privileged};
    struct findings findings;
    struct kernel kernel;
    uint64_t minimum;

    judge_kernel((struct blob){data, size}, &kernel, &findings);
    judge_start(&kernel, &request, &minimum, &findings);
    return !findings_refusal(&findings);
}
