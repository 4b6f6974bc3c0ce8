/* SPDX-License-Identifier: MIT */
/* Numbers within bounds that no machine reaches; whether this one has such a part is seen when the domain is built. */
#include <abi/errno.h>
#include <hv/kernel/bundle_rights.h>

#define FRAMES_MAX       (UINT64_C(1) << 40) /* so many a processor can address at most */
#define PORT_MAX         0xffffu
#define PCI_DIGITS       4u
#define PCI_NO_VENDOR    0xffffu
#define TRANSPORT_FRAMES (BUNDLE_LINES / BUNDLE_TRANSPORTS_PER_FRAME) /* more would have no lines */

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

/* One port is an area, too. */
int bundle_rights_ioports(struct bundle_domain *domain, struct blob value, const char **problem)
{
    struct blob first = blob_until(value, '-');
    struct blob last = first.size < value.size ? blob_skip(value, first.size + 1) : first;
    uint64_t from, to;

    if (domain->nr_ports == BUNDLE_PORTS_MAX)
        return fail(problem, "settings: a domain has at most 16 lines with ioports");
    if (!blob_hexadecimal(first, &from) || !blob_hexadecimal(last, &to) || from > to || to > PORT_MAX)
        return fail(problem, "settings: ioports is FIRST-LAST or one PORT, in hexadecimal, up to ffff");
    domain->ports[domain->nr_ports++] = (struct bundle_ports){(uint16_t)from, (uint16_t)to};
    return 0;
}

int bundle_rights_irq(struct bundle_domain *domain, struct blob value, const char **problem)
{
    uint64_t line;

    if (!blob_decimal(value, &line) || line >= BUNDLE_LINES)
        return fail(problem, "settings: irq is the number of an interrupt line, from 0 to 63");
    domain->lines |= UINT64_C(1) << line;
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

/* START,COUNT,LINE: the last part is taken off first. */
static bool read_transports(struct blob value, struct bundle_frames *frames, uint64_t *line)
{
    struct blob first = blob_until(value, ',');
    struct blob count = blob_until(blob_skip(value, first.size + 1), ',');
    struct blob both = {value.bytes, first.size + 1 + count.size};

    return both.size < value.size && read_frames(both, frames) &&
           blob_hexadecimal(blob_skip(value, both.size + 1), line);
}

/* The rights to the frames and the lines follow from it. */
int bundle_rights_virtio_mmio(struct bundle_domain *domain, struct blob value, const char **problem)
{
    struct bundle_frames frames;
    uint64_t line, count;

    if (domain->transports.count > 0)
        return fail(problem, "settings: a domain has at most one line with virtio-mmio");
    if (!read_transports(value, &frames, &line) || frames.count > TRANSPORT_FRAMES || line >= BUNDLE_LINES ||
        line + frames.count * BUNDLE_TRANSPORTS_PER_FRAME > BUNDLE_LINES)
        return fail(problem,
                    "settings: virtio-mmio is START,COUNT,LINE: the number of a frame, how many, and the "
                    "interrupt line of the first transport there, in hexadecimal; the last one's is 3f at most");
    count = frames.count * BUNDLE_TRANSPORTS_PER_FRAME;
    domain->transports = frames;
    domain->lines |= (UINT64_MAX >> (BUNDLE_LINES - count)) << line;
    return 0;
}
