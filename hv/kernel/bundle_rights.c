/* SPDX-License-Identifier: MIT */
/* Numbers within bounds that no machine reaches; whether this one has such a part is seen when the domain is built. */
#include <abi/errno.h>
#include <hv/kernel/bundle_rights.h>

#define FRAMES_MAX    (UINT64_C(1) << 40) /* so many a processor can address at most */
#define PCI_DIGITS    4u
#define PCI_NO_VENDOR 0xffffu

static int fail(const char **problem, const char *text)
{
    *problem = text;
    return -XEN_EINVAL;
}

static bool read_frames(struct blob value, struct bundle_frames *frames)
{
    struct blob first = blob_until(value, ',');

    return blob_hexadecimal(first, &frames->first) &&
           blob_hexadecimal(blob_skip(value, first.size + 1), &frames->count) && frames->count > 0 &&
           frames->first <= FRAMES_MAX && frames->count <= FRAMES_MAX;
}

int bundle_rights_iomem(struct bundle_domain *domain, struct blob value, const char **problem)
{
    struct bundle_frames frames;

    if (domain->nr_iomem == BUNDLE_IOMEM_MAX)
        return fail(problem, "settings: a domain has at most 16 lines with iomem");
    if (!read_frames(value, &frames))
        return fail(problem, "settings: iomem is START,COUNT: the number of a frame and how many, in hexadecimal");
    domain->iomem[domain->nr_iomem++] = frames;
    return 0;
}

int bundle_rights_pci(struct bundle_domain *domain, struct blob value, const char **problem)
{
    uint64_t vendor;

    if (domain->nr_pci == BUNDLE_PCI_MAX)
        return fail(problem, "settings: a domain has at most 4 lines with pci");
    if (value.size != PCI_DIGITS || !blob_hexadecimal(value, &vendor) || vendor == PCI_NO_VENDOR)
        return fail(problem, "settings: pci is the number of a vendor of PCI functions, four hexadecimal digits");
    domain->pci[domain->nr_pci++] = (uint16_t)vendor;
    return 0;
}
