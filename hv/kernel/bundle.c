/* SPDX-License-Identifier: MIT */
/*
 * The bundle, in parts: the archive's entries, what each of them is to its domain, the settings, and what must be there
 * in the end.  The format of the archive is cpio's "newc": a header of 110 characters, the name, the contents, the
 * latter two filled up to multiples of four bytes.
 */
#include <abi/errno.h>
#include <abi/mmu.h>
#include <abi/shared.h>
#include <hv/kernel/bundle.h>
#include <hv/kernel/bundle_device.h>
#include <hv/kernel/bundle_rights.h>

#define ENTRY_MAGIC   "070701"
#define ENTRY_LAST    "TRAILER!!!"
#define HEADER_SIZE   110u
#define FIELDS_AT     6u
#define FIELD_DIGITS  8u
#define FIELD_MODE    1u
#define FIELD_SIZE    6u
#define FIELD_NAME    11u
#define MODE_TYPE     0170000u
#define MODE_FILE     0100000u
#define MODE_DIR      0040000u
#define NAME_SIZE_MAX 4096u
#define UUID_LENGTH   36u
#define MEMORY_MAX    (UINT64_C(1) << 42) /* KiB: as much as a processor can address */

static int fail(const char **problem, const char *text)
{
    *problem = text;
    return -XEN_EINVAL;
}

/*
 * ---- Settings.
 */

static bool is_name(struct blob value)
{
    for (uint64_t i = 0; i < value.size; i++) {
        if (value.bytes[i] <= ' ' || value.bytes[i] > '~')
            return false;
    }
    return value.size > 0 && value.size <= BUNDLE_NAME_MAX;
}

static int set_name(struct bundle_domain *domain, struct blob value, const char **problem)
{
    if (!is_name(value))
        return fail(problem, "settings: a name has 1 to 31 printable characters and no space");
    memcpy(domain->name, value.bytes, value.size);
    domain->name[value.size] = 0;
    return 0;
}

static int set_memory(uint64_t *kib, struct blob value, const char **problem)
{
    if (!blob_decimal(value, kib) || *kib == 0 || *kib > MEMORY_MAX)
        return fail(problem, "settings: memory is a number of KiB, and so is maxmem");
    return 0;
}

/* A number from @least to @most, or @message. */
static int set_number(unsigned *number, struct blob value, unsigned least, unsigned most, const char *message,
                      const char **problem)
{
    uint64_t read;

    if (!blob_decimal(value, &read) || read < least || read > most)
        return fail(problem, message);
    *number = (unsigned)read;
    return 0;
}

static int set_switch(bool *on, struct blob value, const char *message, const char **problem)
{
    unsigned number = 0;
    int error = set_number(&number, value, 0, 1, message, problem);

    *on = number == 1;
    return error;
}

static int set_on_reboot(struct bundle_domain *domain, struct blob value, const char **problem)
{
    domain->ends_by_reboot = blob_equals(value, "destroy");
    if (domain->ends_by_reboot || blob_equals(value, "restart"))
        return 0;
    return fail(problem, "settings: on_reboot is restart or destroy");
}

static int set_cpus(struct bundle_domain *domain, struct blob value, const char **problem)
{
    static const char message[] = "settings: cpus is a list of processors up to 63, as in 0-1,3";
    struct blob rest = value;

    do {
        struct blob range = blob_until(rest, ','), start = blob_until(range, '-');
        uint64_t first, last;

        if (!blob_decimal(start, &first))
            return fail(problem, message);
        last = first;
        if (start.size < range.size && !blob_decimal(blob_skip(range, start.size + 1), &last))
            return fail(problem, message);
        if (first > last || last >= BUNDLE_CPUS)
            return fail(problem, message);
        domain->cpus |= (UINT64_MAX >> (BUNDLE_CPUS - 1 - (last - first))) << first;
        if (range.size == rest.size)
            return 0;
        rest = blob_skip(rest, range.size + 1);
    } while (true);
}

/* Where people write hyphens. */
static bool is_hyphen(unsigned place)
{
    return place == 8 || place == 13 || place == 18 || place == 23;
}

static int set_uuid(struct bundle_domain *domain, struct blob value, const char **problem)
{
    unsigned digits = 0;
    bool is_good = value.size == UUID_LENGTH;

    memset(domain->uuid, 0, sizeof(domain->uuid));
    for (unsigned i = 0; is_good && i < UUID_LENGTH; i++) {
        uint64_t digit = 0;

        is_good = is_hyphen(i) ? value.bytes[i] == '-' : blob_hexadecimal((struct blob){value.bytes + i, 1}, &digit);
        if (is_good && !is_hyphen(i)) {
            domain->uuid[digits / 2] = (uint8_t)((unsigned)domain->uuid[digits / 2] << 4 | digit);
            digits++;
        }
    }
    return is_good ? 0 : fail(problem, "settings: uuid has 32 hexadecimal digits, with hyphens, in small letters");
}

static int set_device(struct bundle_domain *domain, struct blob key, struct blob value, const char **problem)
{
    if (blob_equals(key, "backend"))
        return set_switch(&domain->is_back_end, value, "settings: backend is 0 or 1", problem);
    if (blob_equals(key, "device"))
        return bundle_device_add(domain, value, problem);
    if (blob_equals(key, "front"))
        return bundle_device_add_node(domain, false, value, problem);
    if (blob_equals(key, "back"))
        return bundle_device_add_node(domain, true, value, problem);
    return fail(
        problem,
        "settings: the keys are name, memory, maxmem, vcpus, maxvcpus, cpus, weight, extent_order, privileged, "
        "on_reboot, uuid, linear_tables, iomem, ioports, irq, pci, virtio-mmio, backend, device, front and back");
}

static int set_right(struct bundle_domain *domain, struct blob key, struct blob value, const char **problem)
{
    if (blob_equals(key, "iomem"))
        return bundle_rights_iomem(domain, value, problem);
    if (blob_equals(key, "ioports"))
        return bundle_rights_ioports(domain, value, problem);
    if (blob_equals(key, "irq"))
        return bundle_rights_irq(domain, value, problem);
    if (blob_equals(key, "pci"))
        return bundle_rights_pci(domain, value, problem);
    if (blob_equals(key, "virtio-mmio"))
        return bundle_rights_virtio_mmio(domain, value, problem);
    return set_device(domain, key, value, problem);
}

static int set(struct bundle_domain *domain, struct blob key, struct blob value, const char **problem)
{
    if (blob_equals(key, "name"))
        return set_name(domain, value, problem);
    if (blob_equals(key, "memory"))
        return set_memory(&domain->memory_kib, value, problem);
    if (blob_equals(key, "maxmem"))
        return set_memory(&domain->maxmem_kib, value, problem);
    if (blob_equals(key, "vcpus"))
        return set_number(&domain->nr_vcpus, value, 1, XEN_LEGACY_MAX_VCPUS, "settings: vcpus is a number from 1 to 32",
                          problem);
    if (blob_equals(key, "maxvcpus"))
        return set_number(&domain->max_vcpus, value, 1, XEN_LEGACY_MAX_VCPUS,
                          "settings: maxvcpus is a number from 1 to 32", problem);
    if (blob_equals(key, "cpus"))
        return set_cpus(domain, value, problem);
    if (blob_equals(key, "weight"))
        return set_number(&domain->weight, value, 1, BUNDLE_WEIGHT_MAX, "settings: weight is a number from 1 to 65535",
                          problem);
    if (blob_equals(key, "extent_order"))
        return set_number(&domain->extent_order, value, 0, BUNDLE_ORDER_MAX,
                          "settings: extent_order is a number from 0 to 9", problem);
    if (blob_equals(key, "privileged"))
        return set_switch(&domain->privileged, value, "settings: privileged is 0 or 1", problem);
    if (blob_equals(key, "linear_tables"))
        return set_switch(&domain->linear_tables, value, "settings: linear_tables is 0 or 1", problem);
    if (blob_equals(key, "on_reboot"))
        return set_on_reboot(domain, value, problem);
    if (blob_equals(key, "uuid"))
        return set_uuid(domain, value, problem);
    return set_right(domain, key, value, problem);
}

static int parse_settings(struct blob text, struct bundle_domain *domain, const char **problem)
{
    while (text.size > 0) {
        struct blob line = blob_until(text, '\n');
        struct blob key = blob_until(line, '=');
        int error = 0;

        if (line.size > 0 && key.size == line.size)
            return fail(problem, "settings: a line is not of the form key=value");
        if (line.size > 0)
            error = set(domain, key, blob_skip(line, key.size + 1), problem);
        if (error)
            return error;
        text = blob_skip(text, line.size + 1);
    }
    return 0;
}

/*
 * ---- What an entry is to its domain.
 */

/* One newline at the end is the editor's, not the kernel's. */
static int parse_command_line(struct blob text, struct bundle_domain *domain, const char **problem)
{
    if (text.size > 0 && text.bytes[text.size - 1] == '\n')
        text.size--;
    if (text.size >= sizeof(domain->command_line))
        return fail(problem, "the command line of a domain is longer than 1023 bytes");
    if (blob_until(text, 0).size < text.size)
        return fail(problem, "the command line of a domain contains a zero byte");
    (void)blob_read(text, 0, domain->command_line, text.size);
    domain->command_line[text.size] = 0;
    return 0;
}

/* What has been seen of each domain, beside what struct bundle_domain shows. */
struct seen {
    bool settings, command_line, kernel, ramdisk;
};

struct parser {
    struct bundle *bundle;
    const char **problem;
    struct seen seen[BUNDLE_DOMAINS_MAX];
};

static int mark(struct parser *parser, bool *seen)
{
    if (*seen)
        return fail(parser->problem, "the bundle has a file of a domain twice");
    *seen = true;
    return 0;
}

static int take_file(struct parser *parser, unsigned index, struct blob name, struct blob contents)
{
    struct bundle_domain *domain = &parser->bundle->domains[index];
    struct seen *seen = &parser->seen[index];
    int error;

    if (blob_equals(name, "kernel")) {
        domain->kernel = contents;
        return mark(parser, &seen->kernel);
    }
    if (blob_equals(name, "ramdisk")) {
        domain->ramdisk = contents;
        return mark(parser, &seen->ramdisk);
    }
    if (blob_equals(name, "cmdline")) {
        error = mark(parser, &seen->command_line);
        return error ? error : parse_command_line(contents, domain, parser->problem);
    }
    if (blob_equals(name, "settings")) {
        error = mark(parser, &seen->settings);
        return error ? error : parse_settings(contents, domain, parser->problem);
    }
    return fail(parser->problem,
                "the files of a domain are settings, kernel, ramdisk and cmdline; the bundle has another");
}

/* The domain of number @id, made known if it is new. */
static int find_domain(struct parser *parser, unsigned id, unsigned *index)
{
    struct bundle *bundle = parser->bundle;
    struct bundle_domain *domain;

    for (*index = 0; *index < bundle->nr_domains; ++*index) {
        if (bundle->domains[*index].id == id)
            return 0;
    }
    if (bundle->nr_domains == BUNDLE_DOMAINS_MAX)
        return fail(parser->problem, "the bundle has more than 17 domains");
    domain = &bundle->domains[bundle->nr_domains++];
    domain->id = id;
    domain->nr_vcpus = 1;
    domain->weight = BUNDLE_WEIGHT;
    memcpy(domain->name, "guest", sizeof("guest"));
    return 0;
}

static int take_entry(struct parser *parser, struct blob name, uint64_t mode, struct blob contents)
{
    struct blob directory;
    uint64_t id;
    unsigned index;
    int error;

    if (blob_starts_with(name, "./"))
        name = blob_skip(name, 2);
    if ((mode & MODE_TYPE) == MODE_DIR)
        return 0;
    if ((mode & MODE_TYPE) != MODE_FILE)
        return fail(parser->problem, "the bundle has an entry that is neither a file nor a directory");
    directory = blob_until(name, '/');
    if (directory.size == name.size || !blob_decimal(directory, &id) || id >= DOMID_FIRST_RESERVED)
        return fail(parser->problem, "each file of the bundle lies in the directory of a domain, named by its number");
    error = find_domain(parser, (unsigned)id, &index);
    return error ? error : take_file(parser, index, blob_skip(name, directory.size + 1), contents);
}

/*
 * ---- The archive.
 */

static bool read_field(struct blob header, unsigned field, uint64_t *value)
{
    const uint8_t *digits = header.bytes + FIELDS_AT + field * FIELD_DIGITS;

    *value = 0;
    for (unsigned i = 0; i < FIELD_DIGITS; i++) {
        unsigned lower = digits[i] | 0x20u;

        if (digits[i] >= '0' && digits[i] <= '9')
            *value = *value << 4 | (digits[i] - '0');
        else if (lower >= 'a' && lower <= 'f')
            *value = *value << 4 | (lower - 'a' + 10);
        else
            return false;
    }
    return true;
}

/* No more than 32 bits come in. */
static uint64_t fill_up(uint64_t size)
{
    return (size + 3) & ~UINT64_C(3);
}

/* An entry, and what the archive still holds behind it. */
static int read_entry(struct blob *archive, struct blob *name, uint64_t *mode, struct blob *contents,
                      const char **problem)
{
    struct blob header;
    uint64_t size, name_size, contents_at;

    if (!blob_slice(*archive, 0, HEADER_SIZE, &header) || !blob_starts_with(header, ENTRY_MAGIC) ||
        !read_field(header, FIELD_MODE, mode) || !read_field(header, FIELD_SIZE, &size) ||
        !read_field(header, FIELD_NAME, &name_size))
        return fail(problem, "the bundle is not a cpio archive in the format newc, or is cut short");
    if (name_size == 0 || name_size > NAME_SIZE_MAX || !blob_slice(*archive, HEADER_SIZE, name_size, name))
        return fail(problem, "the name of a file of the bundle is too long, or cut short");
    *name = blob_until(*name, 0);
    if (name->size != name_size - 1)
        return fail(problem, "the name of a file of the bundle does not end where it says");
    contents_at = fill_up(HEADER_SIZE + name_size);
    if (!blob_slice(*archive, contents_at, size, contents))
        return fail(problem, "a file of the bundle is cut short");
    *archive = blob_skip(*archive, contents_at + fill_up(size));
    return 0;
}

static int check_domain(struct bundle_domain *domain, const struct seen *seen, const char **problem)
{
    if (!seen->kernel || domain->kernel.size == 0)
        return fail(problem, "a domain of the bundle has no kernel");
    if (domain->memory_kib == 0)
        return fail(problem, "a domain of the bundle has no settings, or they do not say how much memory it gets");
    if (domain->maxmem_kib == 0)
        domain->maxmem_kib = domain->memory_kib;
    if (domain->maxmem_kib < domain->memory_kib)
        return fail(problem, "settings: maxmem is less than memory");
    if (domain->max_vcpus == 0)
        domain->max_vcpus = domain->nr_vcpus;
    if (domain->max_vcpus < domain->nr_vcpus)
        return fail(problem, "settings: maxvcpus is less than vcpus");
    return 0;
}

static int check_uuids(const struct bundle *bundle, const char **problem)
{
    static const uint8_t none[BUNDLE_UUID_SIZE];

    for (unsigned i = 0; i < bundle->nr_domains; i++) {
        const uint8_t *uuid = bundle->domains[i].uuid;

        for (unsigned j = 0; j < i && memcmp(uuid, none, BUNDLE_UUID_SIZE) != 0; j++) {
            if (memcmp(uuid, bundle->domains[j].uuid, BUNDLE_UUID_SIZE) == 0)
                return fail(problem, "settings: two domains have the same uuid");
        }
    }
    return 0;
}

int bundle_parse(const uint8_t *bytes, uint64_t size, struct bundle *bundle, const char **problem)
{
    struct parser parser = {.bundle = bundle, .problem = problem};
    struct blob archive = {bytes, size}, name, contents;
    uint64_t mode;
    int error;

    memset(bundle, 0, sizeof(*bundle));
    for (;;) {
        error = read_entry(&archive, &name, &mode, &contents, problem);
        if (!error && blob_equals(name, ENTRY_LAST))
            break;
        if (!error)
            error = take_entry(&parser, name, mode, contents);
        if (error)
            return error;
    }
    for (unsigned i = 0; i < bundle->nr_domains; i++) {
        error = check_domain(&bundle->domains[i], &parser.seen[i], problem);
        if (error)
            return error;
    }
    if (bundle->nr_domains == 0)
        return fail(problem, "the bundle is empty: it needs a domain");
    error = check_uuids(bundle, problem);
    return error ? error : bundle_device_check_all(bundle, problem);
}
