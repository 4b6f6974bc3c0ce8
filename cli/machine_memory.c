/* SPDX-License-Identifier: MIT */
/* The file, and a place in it. */
#define _GNU_SOURCE /* memfd_create */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cli/machine_memory.h>

enum status machine_memory_open(struct machine_memory *memory, const char *option)
{
    *memory = (struct machine_memory){.file = memfd_create("paravane", 0)};
    if (memory->file < 0) {
        say_error("%s: no memory can be shared: %s", option, strerror(errno));
        return STATUS_FAILED;
    }
    snprintf(memory->path, sizeof(memory->path), "/proc/self/fd/%d", memory->file);
    return STATUS_GOOD;
}

void machine_memory_close(struct machine_memory *memory)
{
    if (memory->ring)
        munmap(memory->ring, memory->mapped);
    if (memory->file >= 0)
        close(memory->file);
    *memory = (struct machine_memory){.file = -1};
}

/* The first 2 GiB of a machine's addresses are those of the file, whatever the machine. */
uint64_t machine_memory_note(struct machine_memory *memory, const char *line, const char *what, uint64_t header)
{
    unsigned long long address, size, end;
    size_t length = strlen(what);
    struct stat about;
    void *mapped;

    if (memory->ring || strncmp(line, what, length) != 0 ||
        sscanf(line + length, " at %llx, %llx bytes", &address, &size) != 2)
        return 0;
    if (fstat(memory->file, &about) || address % header || !size || size & (size - 1) ||
        __builtin_add_overflow(address, size, &end) || __builtin_add_overflow(end, header, &end) ||
        end > (unsigned long long)about.st_size)
        return 0;
    mapped = mmap(NULL, header + size, PROT_READ | PROT_WRITE, MAP_SHARED, memory->file, (off_t)address);
    if (mapped == MAP_FAILED)
        return 0;
    memory->ring = mapped;
    memory->mapped = header + size;
    return size;
}
