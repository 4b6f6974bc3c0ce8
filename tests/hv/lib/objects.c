/* SPDX-License-Identifier: MIT */
/* The host's memory in place of the heap, and the count: objects.h. */
#include <stdlib.h>

#include <hv/mem/allocate.h>
#include <tests/hv/lib/objects.h>

unsigned objects;
bool (*object_fails)(void);

void *allocate(size_t size)
{
    if (object_fails && object_fails())
        return NULL;
    objects++;
    return calloc(1, size);
}

void release(void *object, size_t size)
{
    (void)size;
    objects -= object != NULL;
    free(object);
}
