/* SPDX-License-Identifier: MIT */
/*
 * As much of a C library as the hosted machine needs in a module of WebAssembly.  In order: memory, which is handed out
 * once and never comes back, since an instance of the module makes one machine and ends with it; bytes; words; what the
 * compiler calls; stacks of tasks, of which the page makes none.
 */
#include <playground/libc/stdio.h>
#include <playground/libc/stdlib.h>
#include <playground/libc/string.h>
#include <playground/libc/sys/mman.h>
#include <playground/play.h>
#include <hv/base/print.h>
#include <sim/stack.h>

#define WASM_PAGE 65536u

/*
 * ---- Memory.
 */

extern uint8_t __heap_base[]; /* the linker's: what the module has of its own ends there */

/* @size zeroes, which begin at a whole frame; NULL: the browser gives no more. */
static void *take(size_t size)
{
    static uintptr_t next;
    size_t end;
    void *taken;

    if (!next)
        next = ((uintptr_t)__heap_base + PAGE_SIZE - 1) & ~(uintptr_t)(PAGE_SIZE - 1);
    taken = (void *)next;
    next += (size + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
    end = __builtin_wasm_memory_size(0) * WASM_PAGE;
    if (next > end && __builtin_wasm_memory_grow(0, (next - end + WASM_PAGE - 1) / WASM_PAGE) == (size_t)-1)
        return NULL;
    return taken;
}

void *calloc(size_t count, size_t size)
{
    return size && count > (size_t)PTRDIFF_MAX / size ? NULL : take(count * size);
}

void free(void *memory)
{
    (void)memory;
}

void *mmap(void *where, size_t size, int rights, int flags, int file, long offset)
{
    void *taken = take(size);

    (void)where, (void)rights, (void)flags, (void)file, (void)offset;
    return taken ? taken : MAP_FAILED;
}

int mprotect(void *where, size_t size, int rights)
{
    (void)where, (void)size, (void)rights;
    return 0;
}

int munmap(void *where, size_t size)
{
    (void)where, (void)size;
    return 0;
}

/*
 * ---- Bytes.
 */

void *memcpy(void *to, const void *from, size_t size)
{
    return memmove(to, from, size);
}

void *memmove(void *to, const void *from, size_t size)
{
    uint8_t *bytes = to;
    const uint8_t *others = from;

    if (bytes <= others) {
        for (size_t i = 0; i < size; i++)
            bytes[i] = others[i];
    } else {
        while (size-- > 0)
            bytes[size] = others[size];
    }
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)to)[i] = (uint8_t)byte;
    return to;
}

int memcmp(const void *one, const void *other, size_t size)
{
    const uint8_t *a = one, *b = other;

    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length])
        length++;
    return length;
}

/*
 * ---- Words.
 */

FILE *const stdout = NULL, *const stderr = NULL;

int fflush(FILE *file)
{
    (void)file;
    return 0;
}

int fprintf(FILE *file, const char *format, ...)
{
    (void)file, (void)format;
    return 0;
}

/* print() knows no '#' and no 'z': both are left out.  What was said before is lost; this is the end in any case. */
int vsnprintf(char *to, size_t size, const char *format, va_list args)
{
    char plain[256];
    size_t length = 0, written;

    for (; *format && length + 1 < sizeof(plain); format++) {
        if (*format != '#' && !(*format == 'z' && length && plain[length - 1] == '%'))
            plain[length++] = *format;
    }
    plain[length] = '\0';
    said_clear();
    print_list(plain, args);
    written = strlen(play_text());
    if (size) {
        size_t kept = written < size ? written : size - 1;

        memcpy(to, play_text(), kept);
        to[kept] = '\0';
    }
    return (int)written;
}

void abort(void)
{
    __builtin_trap();
}

/*
 * ---- What the compiler calls.
 */

/* A product of 128 bits, for sim/random.c: of the halves of 64 bits by those of 32. */
__extension__ typedef __int128 product_t;

product_t __multi3(product_t one, product_t other);

product_t __multi3(product_t one, product_t other)
{
    uint64_t a = (uint64_t)one, b = (uint64_t)other;
    uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX);
    uint64_t left = (a >> 32) * (b & UINT32_MAX) + (low >> 32);
    uint64_t right = (a & UINT32_MAX) * (b >> 32) + (left & UINT32_MAX);
    uint64_t high = (a >> 32) * (b >> 32) + (left >> 32) + (right >> 32);

    high += a * (uint64_t)(other >> 64) + b * (uint64_t)(one >> 64);
    return (product_t)((unsigned __int128)high << 64 | right << 32 | (low & UINT32_MAX));
}

/*
 * ---- Stacks.
 */

void stack_prepare(struct stack *stack, void (*entry)(void))
{
    (void)stack, (void)entry;
    sim_fail("playground: there are no tasks");
}

void stack_destroy(struct stack *stack)
{
    (void)stack;
}

void stack_entered(struct stack *from)
{
    (void)from;
}

void stack_switch(struct stack *from, struct stack *to)
{
    (void)from, (void)to;
    abort();
}

void stack_leave(struct stack *from, struct stack *to)
{
    (void)from, (void)to;
    abort();
}

size_t stack_used(const struct stack *stack)
{
    (void)stack;
    return 0;
}
