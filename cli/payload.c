/* SPDX-License-Identifier: MIT */
/* In order: a place for the bundle; the bundle; all of it; what it is made of. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cli/devices.h>
#include <cli/library.h>
#include <cli/payload.h>
#include <cli/session.h>

static enum status make_directory(struct payload *payload)
{
    const char *parent = getenv("TMPDIR");

    /* From here on there is something to clean up. */
    session_block_signals(&payload->mask);
    payload->is_blocking = true;

    /* QEMU takes -initrd for a list of names, each with a command line behind it. */
    if (parent && strpbrk(parent, ", ")) {
        say_error("TMPDIR is %s: QEMU takes no name with a comma or a space in it for a bundle; name another place",
                  parent);
        return STATUS_FAILED;
    }
    snprintf(payload->directory, sizeof(payload->directory), "%s/paravane.XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(payload->directory)) {
        say_error("%s: no directory can be made there: %s; TMPDIR names another place", payload->directory,
                  strerror(errno));
        payload->directory[0] = '\0';
        return STATUS_FAILED;
    }
    snprintf(payload->bundle, sizeof(payload->bundle), "%s/bundle", payload->directory);
    return STATUS_GOOD;
}

static void remove_directory(const struct payload *payload)
{
    if (payload->directory[0]) {
        unlink(payload->bundle);
        rmdir(payload->directory);
    }
    if (payload->is_blocking)
        sigprocmask(SIG_SETMASK, &payload->mask, NULL);
}

static enum status check_size(const struct payload *payload)
{
    size_t size = payload->backend.size;

    for (unsigned i = 0; i < payload->options->nr_guests; i++)
        size += payload->guests[i].image.elf.size + payload->guests[i].ramdisk.size;
    if (size <= BUNDLE_MAX)
        return STATUS_GOOD;
    say_error("kernel%s and ramdisk%s have %zu MiB, and a loader takes at most %zu; make %s smaller",
              payload->options->nr_guests > 1 ? "s" : "", payload->options->nr_guests > 1 ? "s" : "", size / MIB,
              BUNDLE_MAX / MIB, payload->options->nr_guests > 1 ? "a ramdisk" : "the ramdisk");
    return STATUS_REFUSED;
}

static enum status write_bundle(struct payload *payload)
{
    struct bundle_domain domains[GUESTS_MAX + 1];
    unsigned count = payload->options->nr_guests;
    enum status status = check_size(payload);

    for (unsigned i = 0; i < count; i++)
        domains[i] = guest_domain(&payload->guests[i]);
    if (payload->backend.size)
        domains[count++] = devices_backend(payload->options, &payload->backend);
    for (unsigned i = 0; i < count; i++)
        domains[i].extent_order = devices_extent_order(payload->options);
    if (!status)
        status = make_directory(payload);
    return status ? status : bundle_write(payload->bundle, domains, count, &payload->bundle_size);
}

static enum status read_all(struct payload *payload)
{
    const struct run_options *options = payload->options;
    enum status status = STATUS_GOOD;

    for (unsigned i = 0; i < options->nr_guests && !status; i++)
        status = guest_read(&payload->guests[i], i, options);
    return status ? status : devices_read_backend(options, &payload->backend);
}

enum status payload_make(struct payload *payload, struct run_options *options)
{
    enum status status = devices_check(options);

    payload->options = options;
    if (!status)
        status = read_all(payload);
    if (!status)
        status = write_bundle(payload);
    if (!status)
        status = library_find(options_record(options) ? LIBRARY_RECORDER : LIBRARY_HYPERVISOR, payload->hypervisor);
    for (unsigned i = 0; i < options->nr_guests; i++)
        guest_free_files(&payload->guests[i]);
    bytes_free(&payload->backend);
    return status;
}

void payload_free(struct payload *payload)
{
    remove_directory(payload);
    for (unsigned i = 0; i < payload->options->nr_guests; i++)
        guest_free(&payload->guests[i]);
}

bool payload_is_made_of(const struct payload *payload, const char *path)
{
    for (unsigned i = 0; i < payload->options->nr_guests; i++) {
        if (guest_is_made_of(&payload->guests[i], path))
            return true;
    }
    return false;
}
