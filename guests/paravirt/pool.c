/* SPDX-License-Identifier: MIT */
/* A list of free pages, filled with junk while they are free, and a count of users for each page. */
#include <guest/guest.h>
#include <guest/memory.h>
#include <guest/native.h>
#include <guests/paravirt/pool.h>

/* What free pages are filled with, behind the address of the next one. */
#define JUNK  UINT64_C(0x5a5a5a5a5a5a5a5a)
#define WORDS (PAGE_SIZE / sizeof(uint64_t))

/* What an instruction moves at once. */
#define COUNT (PAGE_SIZE / sizeof(uintptr_t))

static uint64_t *free_pages; /* the first word of each is the next one */
static uint16_t *users;      /* by pfn */
static uint64_t nr_users, nr_free, reserved, nr_spoilt;

void page_zero(void *page)
{
    uintptr_t count = COUNT;

    __asm__ volatile("rep stos" WORD_SUFFIX : "+D"(page), "+c"(count) : "a"(0) : "memory");
}

void page_copy(void *to, const void *from)
{
    uintptr_t count = COUNT;

    __asm__ volatile("rep movs" WORD_SUFFIX : "+D"(to), "+S"(from), "+c"(count)::"memory");
}

static uint16_t *users_of(const void *page)
{
    uint64_t pfn = virt_to_pfn(page).v;

    if (pfn >= nr_users)
        guest_panic("%p is no page of the pool", page);
    return &users[pfn];
}

static void add(uint64_t *page)
{
    for (unsigned i = 1; i < WORDS; i++)
        page[i] = JUNK;
    page[0] = (uintptr_t)free_pages;
    free_pages = page;
    nr_free++;
}

/* The first page of so many in a row that nobody else will use. */
static void *claim_pages(uint64_t *count)
{
    if (guest.native) {
        *count = guest.start->nr_pages - native_first_free_pfn();
        return pfn_to_virt(PFN(native_first_free_pfn()));
    }
    *count = pages_free_count();
    return pages_alloc((size_t)*count);
}

void pool_init(void)
{
    uint64_t count, taken;
    char *first = claim_pages(&count);

    nr_users = virt_to_pfn(first).v + count;
    taken = ROUND_UP(nr_users * sizeof(users[0]), PAGE_SIZE) / PAGE_SIZE;
    users = (uint16_t *)(void *)first;
    for (uint64_t pfn = 0; pfn < nr_users; pfn++)
        users[pfn] = 0;
    for (uint64_t i = taken; i < count; i++)
        add((uint64_t *)(void *)(first + i * PAGE_SIZE));
}

void *pool_take(void)
{
    uint64_t *page = free_pages;
    bool spoilt = false;

    if (nr_free <= reserved)
        return NULL;
    free_pages = (uint64_t *)(uintptr_t)page[0];
    nr_free--;
    for (unsigned i = 1; i < WORDS; i++)
        spoilt |= page[i] != JUNK;
    nr_spoilt += spoilt;
    *users_of(page) = 1;
    return page;
}

void pool_share(void *page)
{
    if (++*users_of(page) < 2)
        guest_panic("%p is shared, but free", page);
}

void pool_put(void *page)
{
    uint16_t *count = users_of(page);

    if (*count == 0)
        guest_panic("%p is freed, but free", page);
    if (--*count == 0)
        add(page);
}

unsigned pool_users(const void *page)
{
    return *users_of(page);
}

uint64_t pool_count(void)
{
    return nr_free;
}

void pool_set_reserve(uint64_t reserve)
{
    reserved = reserve;
}

uint64_t pool_spoilt(void)
{
    return nr_spoilt;
}
