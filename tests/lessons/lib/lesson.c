/* SPDX-License-Identifier: MIT */
/* The machine of a test, its pages, and the questions put to the engine. */
#include <string.h>

#include <tests/lessons/lib/lesson.h>

struct sim_config lesson_config(enum width width, unsigned nr_vcpus)
{
    return (struct sim_config){
        .nr_frames = LESSON_FRAMES,
        .nr_domains = 1,
        .domains = {{.width = width, .nr_vcpus = nr_vcpus}},
    };
}

#define STACK_REACH (UINT64_C(1) << 20)

static uintptr_t main_stack;

/* What sim and the support complain about fails the test that runs.  On a task's stack the process ends instead. */
static void fail_test(struct sim *sim, const char *message)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    (void)sim;
    if (main_stack - here < STACK_REACH)
        fail_msg("%s", message);
}

void lesson_begin(struct lesson *lesson, const struct sim_config *config)
{
    *lesson = (struct lesson){.sim = sim_create(config)};
    lesson->sim->on_fail = fail_test;
    main_stack = (uintptr_t)__builtin_frame_address(0) + STACK_REACH / 2;
    lesson->guest = guest_boot(lesson->sim, 0, LESSON_PAGES);
    lesson->vcpu = guest_vcpu(lesson->guest, 0);
    if (lesson->guest->domain->nr_vcpus > 1)
        lesson->second = guest_vcpu(lesson->guest, 1);
    if (config->nr_domains < 2)
        return;
    lesson->other = guest_boot(lesson->sim, 1, LESSON_PAGES);
    lesson->other_vcpu = guest_vcpu(lesson->other, 0);
}

void lesson_end(struct lesson *lesson)
{
    guest_assert_clean(lesson->sim);
    guest_shutdown(lesson->sim);
    sim_destroy(lesson->sim);
    lesson->sim = NULL;
}

void lesson_of_either_width(lesson_begin_fn *begin, lesson_check_fn *check)
{
    for (enum width width = WIDTH_64; width <= WIDTH_PAE; width++) {
        struct lesson lesson;

        begin(&lesson, width);
        check(&lesson);
        lesson_end(&lesson);
    }
}

int lesson_teardown(void **state)
{
    (void)state;
    sim_destroy(sim_current());
    return 0;
}

/*
 * ---- Frames and pages.
 */

struct frame *lesson_frame(const struct lesson *lesson, mfn_t mfn)
{
    return frame_find(&lesson->sim->machine, mfn);
}

uint64_t lesson_count_frames(const struct sim *sim)
{
    uint64_t count = sim_pool_count(sim);

    for (uint64_t mfn = 0; mfn < sim->machine.nr_frames; mfn++)
        count += domain_find(&sim->machine, DOMID(sim->machine.frames[mfn].owner)) != NULL;
    return count;
}

pfn_t lesson_page(struct guest *guest)
{
    pfn_t pfn = guest_page_alloc(guest);

    memset(sim_frame_entries(guest->sim, guest_mfn(guest, pfn)), 0, PAGE_SIZE);
    return pfn;
}

pfn_t lesson_readonly_page(struct guest *guest)
{
    pfn_t pfn = lesson_page(guest);

    assert_int_equal(guest_protect(guest_vcpu(guest, 0), pfn), 0);
    return pfn;
}

pfn_t lesson_unmapped_page(struct guest *guest)
{
    pfn_t pfn = lesson_page(guest);

    assert_int_equal(guest_update_va_mapping(guest_vcpu(guest, 0), guest_vaddr(guest, pfn), 0, UVMF_NONE), 0);
    return pfn;
}

void lesson_page_return(struct guest *guest, pfn_t pfn)
{
    assert_int_equal(guest_unprotect(guest_vcpu(guest, 0), pfn), 0);
    guest_page_free(guest, pfn);
}

mfn_t lesson_table(const struct guest *guest, unsigned level)
{
    unsigned slot;
    mfn_t table;

    assert_true(guest_find_entry(guest, guest_root(guest), guest->window, level, &table, &slot));
    return table;
}

unsigned lesson_slot(const struct guest *guest, unsigned level, unsigned n)
{
    return (lesson_window(guest, n).v >> (PAGE_SHIFT + 9 * (level - 1))) % ENTRIES_PER_TABLE;
}

vaddr_t lesson_window(const struct guest *guest, unsigned n)
{
    return VADDR(guest->window.v + n * PAGE_SIZE);
}

int64_t lesson_map(struct vcpu *vcpu, unsigned n, mfn_t mfn, uint64_t flags)
{
    return guest_update_va_mapping(vcpu, lesson_window(guest_of(vcpu), n), pte(mfn, flags), UVMF_NONE);
}

int64_t lesson_unmap(struct vcpu *vcpu, unsigned n)
{
    return guest_update_va_mapping(vcpu, lesson_window(guest_of(vcpu), n), 0, UVMF_NONE);
}

uint64_t lesson_maddr(mfn_t table, unsigned slot)
{
    return (table.v << PAGE_SHIFT) + slot * sizeof(uint64_t);
}

int64_t lesson_update(struct vcpu *vcpu, mfn_t table, unsigned slot, uint64_t entry, unsigned command)
{
    const struct mmu_update request = {lesson_maddr(table, slot) | command, entry};

    return guest_mmu_update(vcpu, &request, 1, NULL, DOMID_SELF);
}

/*
 * ---- Questions.
 */

bool lesson_can_be_table(struct vcpu *vcpu, mfn_t mfn)
{
    if (guest_pin(vcpu, mfn, 1))
        return false;
    assert_int_equal(guest_unpin(vcpu, mfn), 0);
    return true;
}

bool lesson_can_be_written(struct vcpu *vcpu, mfn_t mfn)
{
    bool mapped = lesson_map(vcpu, LESSON_PROBE, mfn, PTE_RW_PAGE) == 0;

    assert_int_equal(lesson_unmap(vcpu, LESSON_PROBE), 0);
    return mapped;
}

bool lesson_is_sole(struct guest *guest, pfn_t pfn)
{
    struct vcpu *vcpu = guest_vcpu(guest, 0);
    uint64_t in = guest_mfn(guest, pfn).v, out = pfn.v;

    assert_int_equal(guest_update_va_mapping(vcpu, guest_vaddr(guest, pfn), 0, UVMF_NONE), 0);
    if (guest_exchange(vcpu, &in, 1, 0, &out, 1, 0, 0, NULL))
        return false;
    guest->p2m[pfn.v] = MFN(out);
    assert_int_equal(guest_unprotect(vcpu, pfn), 0);
    return true;
}

void lesson_tree_return(struct guest *guest, struct guest_tree *tree)
{
    for (unsigned i = 0; i < tree->nr_tables; i++)
        assert_true(lesson_is_sole(guest, tree->tables[i]));
    guest_free_tree(guest, guest_vcpu(guest, 0), tree);
}

/*
 * ---- Pictures.
 */

static uint64_t mix(uint64_t sum, uint64_t value)
{
    sum ^= value;
    sum *= UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ (sum >> 29);
}

/* What an idle frame was last, and when, decides about flushes and about nothing else. */
static uint64_t mix_frame(uint64_t sum, const struct frame *frame)
{
    uint32_t type = type_is_idle(frame->type) ? 0 : frame->type.v;

    return mix(mix(mix(sum, frame->refs), type), (uint64_t)frame->owner << 16 | frame->flags);
}

/* Accessed and dirty bits may come at any time. */
static uint64_t mix_contents(const struct sim *sim, uint64_t sum, mfn_t mfn)
{
    const uint64_t *entries = (const uint64_t *)(const void *)(sim->ram + mfn.v * PAGE_SIZE);

    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++)
        sum = mix(sum, entries[i] & ~(PTE_A | PTE_D));
    return sum;
}

static uint64_t mix_vcpu(uint64_t sum, const struct vcpu *vcpu)
{
    sum = mix(mix(mix(sum, vcpu->kernel_root.v), vcpu->user_root.v), vcpu->user_mode);
    for (unsigned i = 0; i < GDT_FRAMES; i++)
        sum = mix(sum, vcpu->gdt[i].v);
    for (unsigned i = 0; i < LDT_FRAMES; i++)
        sum = mix(sum, vcpu->ldt[i].v);
    sum = mix(mix(mix(sum, vcpu->gdt_entries), vcpu->ldt_entries), vcpu->ldt_base.v);
    for (unsigned i = 0; i < TRAP_VECTORS; i++)
        sum = mix(mix(sum, vcpu->traps[i].address), (uint64_t)vcpu->traps[i].cs << 8 | vcpu->traps[i].flags);
    return sum;
}

/* Is the page one where arguments are put, which come and go? */
static bool is_scratch(const struct lesson *lesson, mfn_t mfn)
{
    const struct guest *guests[] = {lesson->guest, lesson->other};

    for (unsigned g = 0; g < ARRAY_SIZE(guests); g++) {
        uint64_t pages = guests[g] ? (uint64_t)guests[g]->domain->nr_vcpus * GUEST_SCRATCH_PAGES : 0;

        for (uint64_t i = 0; i < pages; i++) {
            if (mfn_equal(guest_mfn(guests[g], PFN(guests[g]->scratch.v + i)), mfn))
                return true;
        }
    }
    return false;
}

struct picture lesson_picture(const struct lesson *lesson)
{
    struct picture picture = {1, 1, 1};
    const struct machine *machine = &lesson->sim->machine;

    for (uint64_t i = 0; i < machine->nr_frames; i++) {
        const struct frame *frame = &machine->frames[i];

        picture.frames = mix_frame(picture.frames, frame);
        if (frame_is_ram(frame) && frame->owner != OWNER_NONE && !is_scratch(lesson, MFN(i)))
            picture.contents = mix_contents(lesson->sim, picture.contents, MFN(i));
    }
    for (unsigned i = 0; i < lesson->sim->nr_domains; i++) {
        const struct domain *domain = sim_domain(lesson->sim, i);

        picture.vcpus = mix(picture.vcpus, domain->nr_frames);
        for (unsigned j = 0; j < domain->nr_vcpus; j++)
            picture.vcpus = mix_vcpu(picture.vcpus, domain->vcpus[j]);
    }
    return picture;
}

void lesson_assert_unchanged(const struct lesson *lesson, const struct picture *before)
{
    const struct picture now = lesson_picture(lesson);

    assert_true(now.frames == before->frames);
    assert_true(now.contents == before->contents);
    assert_true(now.vcpus == before->vcpus);
}
