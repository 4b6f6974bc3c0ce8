/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing of what is read before any guest runs: bundles, and the kernels in them or alone.  What they say that the
 * builder relies on is checked, and a domain is laid out for it.
 */
/* links: hv/kernel/bundle.c hv/kernel/bundle_rights.c hv/kernel/bundle_device.c */
/* links: hv/kernel/judge.c hv/kernel/placement.c hv/kernel/notes.c */
/* links: hv/kernel/elf_image.c hv/kernel/findings.c hv/kernel/start_layout.c hv/kernel/start_symbols.c */
#include <stdio.h>
#include <stdlib.h>

#include <engine/check.h>
#include <hv/kernel/bundle.h>
#include <hv/kernel/placement.h>
#include <hv/kernel/start_layout.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of all that has been touched: nothing of it is optimised away. */
static volatile unsigned sum;

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}

/* The sum of some bytes at both ends: whoever lets a blob reach too far is found. */
static unsigned touch(struct blob blob)
{
    return blob.size > 0 ? (unsigned)blob.bytes[0] + blob.bytes[blob.size - 1] : 0;
}

static unsigned try_start(const struct kernel *kernel, uint64_t ramdisk_size)
{
    const struct start_request request = {START_PAGES_ANY, ramdisk_size, false};
    struct findings findings = {.count = 0};
    enum finding_id problem;
    struct layout layout;
    uint64_t minimum;

    judge_start(kernel, &request, &minimum, &findings);
    if (findings_refusal(&findings))
        return 0;
    CHECK(!layout_make(kernel, ramdisk_size, false, minimum, &layout, &problem));
    CHECK(layout.nr_needed <= minimum && layout.nr_needed >= layout.main.nr_pages);
    CHECK(layout.main.nr_pages * PAGE_SIZE > kernel->end);
    return (unsigned)layout.stack;
}

static unsigned try_kernel(struct blob file, uint64_t ramdisk_size)
{
    struct kernel kernel;
    struct findings findings;
    unsigned touched = 0;

    judge_kernel(file, &kernel, &findings);
    CHECK(findings.count <= FINDINGS_MAX);
    for (unsigned i = 0; i < findings.count; i++)
        touched += touch(findings.list[i].text);
    if (findings_refusal(&findings))
        return touched;
    CHECK(kernel.start < kernel.end && placement_is_guests(kernel.image.width, kernel.virt_base, kernel.end));
    for (unsigned i = 0; i < kernel.nr_segments; i++) {
        CHECK(kernel.segments[i].contents.size <= kernel.segments[i].size);
        CHECK(kernel.segments[i].start + kernel.segments[i].size <= kernel.end);
        touched += touch(kernel.segments[i].contents);
    }
    if (kernel.has_symbols)
        touched += touch(kernel.symbols) + touch(kernel.symbol_names);
    return touched + try_start(&kernel, ramdisk_size);
}

static unsigned touch_devices(const struct bundle_domain *domain)
{
    unsigned touched = 0;

    CHECK(domain->nr_devices <= BUNDLE_DEVICES_MAX);
    for (unsigned i = 0; i < domain->nr_devices; i++) {
        const struct bundle_device *device = &domain->devices[i];

        CHECK(device->nr_nodes <= BUNDLE_NODES_MAX && device->type.size <= BUNDLE_NODE_NAME_MAX);
        touched += touch(device->type);
        for (unsigned j = 0; j < device->nr_nodes; j++)
            touched += touch(bundle_node_key(&device->nodes[j])) + touch(bundle_node_value(&device->nodes[j]));
    }
    return touched;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bundle bundle;
    const char *problem = NULL;

    sum += try_kernel((struct blob){data, size}, size);
    if (bundle_parse(data, size, &bundle, &problem)) {
        CHECK(problem);
        return 0;
    }
    CHECK(bundle.nr_domains > 0 && bundle.nr_domains <= BUNDLE_DOMAINS_MAX);
    for (unsigned i = 0; i < bundle.nr_domains; i++) {
        sum += touch(bundle.domains[i].ramdisk) + touch_devices(&bundle.domains[i]);
        sum += try_kernel(bundle.domains[i].kernel, bundle.domains[i].ramdisk.size);
    }
    return 0;
}
