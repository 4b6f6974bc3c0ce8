/* SPDX-License-Identifier: MIT */
/*
 * The machine's RAM as it is mapped, described and declared: each of its pages is looked up again.  What is asked for
 * is written down here in place of page tables, the pool and the frame table's entries.
 */
/* links: hv/base/ranges.c */
#define _GNU_SOURCE /* MAP_FIXED_NOREPLACE */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <hv/base/layout.h>

/* The parts of an image, which does not end where a page does. */
static _Alignas(4096) const uint8_t image[0xb000];
static void *set_bytes(void *to, int byte, size_t size);

#undef DIRECT_BASE
#define DIRECT_BASE         UINT64_C(0x300000000000)
#define image_maddr(object) (IMAGE_START + (uint64_t)((const uint8_t *)(object)-image))
#define image_text_start    image
#define image_text_end      (image + 0x2fff)
#define image_rodata_start  (image + 0x3000)
#define image_rodata_end    (image + 0x4001)
#define image_data_start    (image + 0x5000)
#define image_data_end      (image + 0x7800)
#define image_guard_start   (image + 0x8000)
#define image_end           (image + 0xb000)
#define memset              set_bytes
#include <hv/mem/ram.c>
#undef memset

#define PAGE     UINT64_C(0x1000)
#define REACHED  UINT64_C(0x80000000) /* machine memory that there really is, from 0 on; tables come from it */
#define MAPS_MAX 64u
#define FRAMES   0x4000u /* of the small machine, at most */

static struct machine machine;
static struct ranges all, left; /* what hv/mem/early.c says */
static struct range kept;
static struct cpu_features features;
static bool reaches_all, has_machine;
static struct {
    uint64_t vaddr, maddr, size, flags;
} maps[MAPS_MAX];
static unsigned nr_maps;
static char order[256], said[256];
static uint64_t seed, map_frames, nr_pooled;
static const uint8_t *pool_map;
static uint8_t added[FRAMES], pooled[FRAMES], reserved[FRAMES]; /* so often */
static jmp_buf ended;

static void note(const char *what)
{
    strncat(order, what, sizeof(order) - strlen(order) - 1);
}

/* Tables of a large machine are not really filled. */
static void *set_bytes(void *to, int byte, size_t size)
{
    return size > 64 * MIB ? to : memset(to, byte, size);
}

/*
 * ---- The rest of hv/mem, and of the machine.
 */

void early_init(const struct ranges *whole, struct range range)
{
    all = left = *whole;
    kept = range;
    assert_true(ranges_remove(&left, early_image()));
    assert_true(ranges_remove(&left, range));
}

struct range early_image(void)
{
    return (struct range){0x100000, 0x10b000};
}

const struct ranges *early_ram(void)
{
    return &all;
}

const struct ranges *early_left(void)
{
    return &left;
}

uint64_t early_take(uint64_t size, uint64_t align, const char *purpose)
{
    struct range taken;

    assert_non_null(purpose);
    assert_true(reaches_all);
    assert_true(ranges_take(&left, size, align, REACHED, &taken));
    memset((void *)(DIRECT_BASE + taken.start), 0xa5, size < MIB ? size : MIB); /* whatever was there */
    return taken.start;
}

uint64_t early_take_table(void)
{
    return early_take(PAGE, PAGE, "a page table");
}

void early_reach_all(void)
{
    note("reach ");
    reaches_all = true;
}

uint64_t early_taken(void)
{
    return 7 * 1024;
}

void paging_init(void)
{
    note("init ");
}

void paging_map(uint64_t vaddr, uint64_t maddr, uint64_t size, uint64_t flags)
{
    assert_int_equal((vaddr | maddr | size) % PAGE, 0);
    assert_true(nr_maps < MAPS_MAX);
    maps[nr_maps].vaddr = vaddr;
    maps[nr_maps].maddr = maddr;
    maps[nr_maps].size = size;
    maps[nr_maps++].flags = flags;
}

void paging_activate(void)
{
    note("activate ");
}

void paging_prepare(uint64_t vaddr, uint64_t size)
{
    assert_int_equal(vaddr, DEVICE_BASE);
    assert_int_equal(size, 4 * PAGE);
    note("devices ");
}

void paging_root_slots(uint64_t slots[HYPERVISOR_ROOT_SLOTS])
{
    for (unsigned i = 0; i < 16; i++)
        slots[i] = 1000 + i;
}

void *paging_ram(uint64_t maddr)
{
    assert_true(maddr < REACHED);
    return (void *)(DIRECT_BASE + maddr);
}

void window_init(void)
{
    note("windows ");
}

void stack_init(void)
{
    note("stacks ");
}

void allocate_prepare(void)
{
    note("objects ");
}

const struct cpu_features *cpu_features(void)
{
    return &features;
}

uint64_t pool_map_size(uint64_t nr_frames)
{
    map_frames = nr_frames;
    return 5000;
}

void pool_init(void *map, uint64_t nr_frames, uint64_t with_seed)
{
    pool_map = map;
    assert_int_equal(nr_frames, map_frames);
    seed = with_seed;
    for (unsigned i = 0; i < 5000; i++)
        assert_int_equal(pool_map[i], 0);
}

static void count(uint8_t *frames, mfn_t first, uint64_t number)
{
    assert_true(has_machine);
    for (uint64_t i = 0; i < number && machine.nr_frames <= FRAMES; i++)
        frames[first.v + i]++;
}

void pool_add(mfn_t first, uint64_t number)
{
    count(pooled, first, number);
    nr_pooled += number;
}

uint64_t pool_count(void)
{
    return nr_pooled;
}

uint64_t pool_seed(void)
{
    return seed;
}

void machine_init(struct machine *which)
{
    assert_ptr_equal(which, &machine);
    assert_non_null(machine.frames);
    has_machine = true;
}

void machine_add_ram(struct machine *which, mfn_t first, uint64_t number)
{
    (void)which;
    count(added, first, number);
}

void machine_reserve(struct machine *which, mfn_t first, uint64_t number)
{
    (void)which;
    count(reserved, first, number);
}

void print(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(said, sizeof(said), format, arguments);
    va_end(arguments);
}

_Noreturn void exit_unsupported(const char *format, ...)
{
    (void)format;
    longjmp(ended, 1);
}

static void forget(void)
{
    memset(&machine, 0, sizeof(machine));
    memset(added, 0, sizeof(added));
    memset(pooled, 0, sizeof(pooled));
    memset(reserved, 0, sizeof(reserved));
    order[0] = said[0] = '\0';
    reaches_all = has_machine = false;
    nr_maps = 0;
    nr_pooled = 0;
    audit_counts = NULL;
    features = (struct cpu_features){.phys_bits = 39, .l1tf = true};
}

static const struct range bundle = {8 * MIB, 9 * MIB};

/* A machine of 31 MiB in two pieces. */
static void make_small(bool audit)
{
    const struct ranges whole = {.count = 2, .list = {{MIB, 16 * MIB}, {32 * MIB, 48 * MIB}}};
    const struct ram_options options = {.audit = audit, .pool_seed = 0x1234};

    forget();
    ram_init(&whole, bundle, &options, &machine);
}

/* One of 200 GiB, so that the M2P of 32-bit guests has no room where they see it. */
static void make_large(void)
{
    const struct ranges whole = {.count = 2,
                                 .list = {{MIB, REACHED}, {UINT64_C(190) << 30, (UINT64_C(200) << 30) + 5 * PAGE}}};
    const struct ram_options options = {.audit = false};

    forget();
    ram_init(&whole, bundle, &options, &machine);
}

/* Where @vaddr leads and with which rights; false: nowhere.  Nothing is mapped twice. */
static bool look_up(uint64_t vaddr, uint64_t *maddr, uint64_t *flags)
{
    unsigned found = 0;

    for (unsigned i = 0; i < nr_maps; i++) {
        if (vaddr < maps[i].vaddr || vaddr - maps[i].vaddr >= maps[i].size)
            continue;
        *maddr = maps[i].maddr + (vaddr - maps[i].vaddr);
        *flags = maps[i].flags;
        found++;
    }
    assert_true(found <= 1);
    return found;
}

static void assert_mapped(uint64_t vaddr, uint64_t maddr, uint64_t flags)
{
    uint64_t to, with;

    assert_true(look_up(vaddr, &to, &with));
    assert_int_equal(to, maddr);
    assert_int_equal(with & UINT64_C(0x8000000000000007), flags);
}

static bool is_ram(uint64_t maddr)
{
    return (maddr >= MIB && maddr < 16 * MIB) || (maddr >= 32 * MIB && maddr < 48 * MIB);
}

#define READ    UINT64_C(0x8000000000000001)
#define WRITE   UINT64_C(0x8000000000000003)
#define EXECUTE UINT64_C(0x0000000000000001)
#define GUEST   UINT64_C(0x8000000000000005)
#define ADDRESS UINT64_C(0x000ffffffffff000)

/*
 * ---- Mappings.
 */

/* Each part with its rights, and nothing where its guard page is. */
static void test_image(void **state)
{
    static const uint64_t rights[] = {EXECUTE, EXECUTE, EXECUTE, READ, READ, WRITE, WRITE, WRITE, 0, WRITE, WRITE};
    uint64_t to, with;

    (void)state;
    make_small(false);
    for (unsigned i = 0; i < 11; i++) {
        uint64_t vaddr = (uint64_t)image + i * PAGE;

        if (rights[i])
            assert_mapped(vaddr, 0x100000 + i * PAGE, rights[i]);
        else
            assert_false(look_up(vaddr, &to, &with));
    }
    for (unsigned i = 0; i < nr_maps; i++)
        assert_true(!(maps[i].flags & 2) || maps[i].flags >> 63); /* nothing is writable and executable */
}

/* All RAM, and RAM alone, but not the image: what is constant there is written by no address. */
static void test_direct_map(void **state)
{
    uint64_t to, with;

    (void)state;
    make_small(false);
    for (uint64_t maddr = 0; maddr < 64 * MIB; maddr += PAGE) {
        if (is_ram(maddr) && (maddr < 0x100000 || maddr >= 0x10b000))
            assert_mapped(DIRECT_BASE + maddr, maddr, WRITE);
        else
            assert_false(look_up(DIRECT_BASE + maddr, &to, &with));
    }
}

/* Memory that only the new tables reach is taken when they are in use; what needs tables later has them. */
static void test_order(void **state)
{
    (void)state;
    make_small(false);
    assert_int_equal(strncmp(order, "init activate reach ", 20), 0);
    assert_non_null(strstr(order, "windows "));
    assert_non_null(strstr(order, "stacks "));
    assert_non_null(strstr(order, "objects "));
    assert_non_null(strstr(order, "devices "));
}

/*
 * ---- Tables with an entry for each frame.
 */

static void assert_filled(const void *table, uint64_t size, uint8_t with)
{
    const uint8_t *bytes = table;
    uint64_t maddr = (uint64_t)table - DIRECT_BASE;

    for (uint64_t i = 0; i < size; i++)
        assert_int_equal(bytes[i], with);
    for (uint64_t at = maddr; at < maddr + size; at += PAGE) {
        assert_int_equal(reserved[at / PAGE], 1);
        assert_false(at >= 0x100000 && at < 0x10b000);
    }
}

static void test_tables(void **state)
{
    (void)state;
    make_small(true);
    assert_int_equal(machine.nr_frames, 48 * MIB / PAGE);
    assert_filled(machine.frames, machine.nr_frames * 16, 0);
    assert_filled(machine.m2p, machine.nr_frames * 8, 0xff); /* INVALID, of either width */
    assert_filled(machine.compat_m2p, machine.nr_frames * 4, 0xff);
    assert_filled(ram_audit_counts(), machine.nr_frames * sizeof(struct audit_counts), 0);
    assert_filled(pool_map, 5000, 0);
    assert_int_equal(map_frames, machine.nr_frames);
    assert_int_equal(seed, 0x1234);
    make_small(false);
    assert_null(ram_audit_counts());
}

/*
 * 64-bit guests read it at its place, whole pages of it and nothing behind; they do not write it.  Shows layout.m2p-64,
 * layout.m2p, layout.m2p-whole, layout.m2p-readonly.
 */
static void test_m2p(void **state)
{
    uint64_t to, with, size;

    (void)state;
    make_small(false);
    size = machine.nr_frames * 8;
    for (uint64_t at = 0; at < size; at += PAGE)
        assert_mapped(UINT64_C(0xffff800000000000) + at, (uint64_t)machine.m2p - DIRECT_BASE + at, GUEST);
    assert_false(look_up(UINT64_C(0xffff800000000000) + size, &to, &with));
    for (unsigned i = 0; i < nr_maps; i++)
        assert_true(!(maps[i].flags & 4) || maps[i].vaddr == UINT64_C(0xffff800000000000));
}

/* The page that entries of the topmost L2 show at @offset; false: none. */
static bool look_up_compat(uint64_t offset, uint64_t *maddr)
{
    uint64_t entry = machine.compat_slots[offset >> 21];

    if (!(entry & 1))
        return false;
    assert_int_equal(entry & UINT64_C(0x8000000000000107), READ);
    if (entry & 0x80) {
        assert_int_equal(entry & UINT64_C(0x1ff000), 0);
        *maddr = (entry & ADDRESS) + (offset & 0x1fffff);
        return true;
    }
    entry = ((const uint64_t *)paging_ram(entry & ADDRESS))[offset >> 12 & 511];
    *maddr = entry & ADDRESS;
    assert_true(!entry || (entry & UINT64_C(0x8000000000000187)) == READ);
    return entry;
}

/*
 * 32-bit guests read theirs, in ring 1, as far as there is room below the last 2 MiB: 166 MiB.  Shows layout.m2p-32,
 * layout.m2p.
 */
static void test_compat_m2p(void **state)
{
    (void)state;
    for (unsigned large = 0; large < 2; large++) {
        uint64_t size, room = UINT64_C(166) << 20, maddr;

        if (large)
            make_large();
        else
            make_small(false);
        size = (machine.nr_frames * 4 + PAGE - 1) & ~(PAGE - 1);
        assert_int_equal(size > room, large);
        for (uint64_t at = 0; at < UINT64_C(84) << 21; at += PAGE) {
            if (at >= size || at >= room) {
                assert_false(look_up_compat(at, &maddr));
                continue;
            }
            assert_true(look_up_compat(at, &maddr));
            assert_true(!large || machine.compat_slots[at >> 21] >> 7 & 1); /* by large pages, where 2 MiB are shown */
            assert_int_equal(maddr, (uint64_t)machine.compat_m2p - DIRECT_BASE + at);
        }
    }
}

/*
 * ---- The machine.
 */

/* Each frame of RAM is free, and the pool's, or the hypervisor's; whatever is no RAM is neither. */
static void test_declared(void **state)
{
    (void)state;
    make_small(true);
    assert_int_equal(kept.start, bundle.start);
    assert_int_equal(kept.end, bundle.end);
    for (uint64_t maddr = 0; maddr < 48 * MIB; maddr += PAGE) {
        uint64_t frame = maddr / PAGE;
        bool is_free = ranges_contain(&left, (struct range){maddr, maddr + PAGE});

        assert_int_equal(added[frame], is_free);
        assert_int_equal(pooled[frame], is_free);
        assert_int_equal(reserved[frame], is_ram(maddr) && !is_free);
        if ((maddr >= 0x100000 && maddr < 0x10b000) || (maddr >= bundle.start && maddr < bundle.end))
            assert_false(is_free);
    }
}

static void test_machine(void **state)
{
    char words[128];

    (void)state;
    make_small(false);
    assert_int_equal(machine.phys_bits, 39);
    assert_true(machine.l1tf);
    assert_int_equal(machine.tlb.cpus.bits, 1);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(machine.root_slots[i], 1000 + i);
    snprintf(words, sizeof(words),
             "memory: 31 MiB of RAM, 12288 frames in the table, %lu free, 7 KiB of tables, seed 1234\n", nr_pooled);
    assert_string_equal(said, words);
    make_large();
    assert_int_equal(machine.nr_frames, (UINT64_C(200) << 18) + 5);
}

/* A list of ranges that is full cannot be cut where the image lies. */
static void test_too_many(void **state)
{
    static struct ranges whole;

    (void)state;
    whole.count = RANGES_MAX;
    for (unsigned i = 0; i < RANGES_MAX; i++)
        whole.list[i] = (struct range){2 * MIB * i, 2 * MIB * i + (i ? PAGE : 2 * MIB - PAGE)};
    forget();
    all = left = whole;
    if (setjmp(ended) == 0) {
        map_everything();
        fail();
    }
    assert_null(strstr(order, "activate"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image),    cmocka_unit_test(test_direct_map), cmocka_unit_test(test_order),
        cmocka_unit_test(test_tables),   cmocka_unit_test(test_m2p),        cmocka_unit_test(test_compat_m2p),
        cmocka_unit_test(test_declared), cmocka_unit_test(test_machine),    cmocka_unit_test(test_too_many),
    };
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    void *at = (void *)DIRECT_BASE;

    if (mmap(at, REACHED, PROT_READ | PROT_WRITE, flags, -1, 0) != at)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
