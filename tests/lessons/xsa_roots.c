/* SPDX-License-Identifier: MIT */
/* Roots and modes: what a vCPU runs on, and who may take it away. */
#include <abi/mmuext.h>
#include <tests/lessons/lib/race.h>

/*
 * ---- 1: user mode without user tables.
 */

static void xsa_1_no_user_mode_without_a_user_root(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);
    struct lesson lesson;
    mfn_t root;

    (void)state;
    lesson_begin(&lesson, &config);
    root = guest_root(lesson.guest);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(vcpu_enter_user(lesson.vcpu), -XEN_EINVAL);
        assert_false(lesson.vcpu->user_mode);
        assert_true(mfn_equal(sim_vcpu_of(lesson.vcpu)->loaded_root, root));
        assert_int_equal(guest_new_user_baseptr(lesson.vcpu, root), 0);
        assert_int_equal(vcpu_enter_user(lesson.vcpu), 0);
        assert_int_equal(guest_new_user_baseptr(lesson.vcpu, MFN(0)), -XEN_EPERM); /* from user mode */
        guest_assert_clean(lesson.sim);
        vcpu_enter_kernel(lesson.vcpu);
        assert_int_equal(guest_new_user_baseptr(lesson.vcpu, MFN(0)), 0);
    }
    lesson_end(&lesson);
}

/* A vCPU that is given both roots at once gets both or none. */
static void xsa_1_two_good_roots_or_none(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);
    struct picture before;
    struct lesson lesson;
    pfn_t good;

    (void)state;
    config.nr_domains = 2;
    lesson_begin(&lesson, &config);
    good = lesson_readonly_page(lesson.guest);
    before = lesson_picture(&lesson);
    const mfn_t bad[] = {lesson_table(lesson.guest, 3), guest_root(lesson.other), guest_mfn(lesson.guest, PFN(0)),
                         MFN(lesson.sim->machine.nr_frames)};
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(vcpu_set_roots(lesson.second, guest_mfn(lesson.guest, good), bad[i]), -XEN_EINVAL);
        assert_int_equal(vcpu_set_roots(lesson.second, bad[i], guest_mfn(lesson.guest, good)), -XEN_EINVAL);
        lesson_assert_unchanged(&lesson, &before);
    }
    assert_int_equal(vcpu_set_roots(lesson.second, MFN_NONE, guest_mfn(lesson.guest, good)), -XEN_EINVAL);
    assert_true(lesson_is_sole(lesson.guest, good));
    lesson_end(&lesson);
}

/*
 * ---- 213: what follows in a list after the guest has left kernel mode.
 */

/* The machine's part: a call that goes to user mode, as returning from an event does. */
static int64_t machine_call(struct vcpu *vcpu, uint64_t number, const uint64_t args[6])
{
    (void)args;
    return number == __HYPERVISOR_iret ? vcpu_enter_user(vcpu) : -XEN_ENOSYS;
}

static struct multicall_entry mmuext_call(struct vcpu *vcpu, unsigned command, mfn_t mfn)
{
    return (struct multicall_entry){
        .op = __HYPERVISOR_mmuext_op,
        .result = 77,
        .args = {race_put_mmuext(vcpu, command, mfn).v, 1, 0, DOMID_SELF},
    };
}

static void after_leaving(struct multicall_entry (*next)(const struct lesson *lesson, mfn_t user))
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct guest_tree user;
    struct multicall_entry calls[3];
    struct picture before;
    struct lesson lesson;

    lesson_begin(&lesson, &config);
    lesson.sim->hypercall = machine_call;
    guest_build_tree(lesson.guest, lesson.vcpu, 4, GUEST_TREE_PLAIN, NULL, 0, &user);
    assert_int_equal(guest_new_user_baseptr(lesson.vcpu, user.root), 0);
    calls[0] = (struct multicall_entry){.op = __HYPERVISOR_iret, .result = 77};
    calls[1] = next(&lesson, user.root);
    calls[2] = calls[1];
    assert_int_equal(vcpu_enter_user(lesson.vcpu), 0);
    before = lesson_picture(&lesson);
    vcpu_enter_kernel(lesson.vcpu);
    assert_int_equal(guest_multicall(lesson.vcpu, calls, 3), 0);
    assert_true(lesson.vcpu->user_mode);
    lesson_assert_unchanged(&lesson, &before);
    assert_true(calls[0].result == 77 && calls[1].result == 77 && calls[2].result == 77);
    guest_assert_clean(lesson.sim);
    lesson_end(&lesson);
}

static struct multicall_entry then_load(const struct lesson *lesson, mfn_t user)
{
    return mmuext_call(lesson->vcpu, MMUEXT_NEW_BASEPTR, user);
}

static struct multicall_entry then_load_user(const struct lesson *lesson, mfn_t user)
{
    (void)user;
    return mmuext_call(lesson->vcpu, MMUEXT_NEW_USER_BASEPTR, guest_root(lesson->guest));
}

static struct multicall_entry then_unload_user(const struct lesson *lesson, mfn_t user)
{
    (void)user;
    return mmuext_call(lesson->vcpu, MMUEXT_NEW_USER_BASEPTR, MFN(0));
}

static struct multicall_entry then_unpin(const struct lesson *lesson, mfn_t user)
{
    (void)user;
    return mmuext_call(lesson->vcpu, MMUEXT_UNPIN_TABLE, guest_root(lesson->guest));
}

static struct multicall_entry then_set_gdt(const struct lesson *lesson, mfn_t user)
{
    uint64_t frame = guest_mfn(lesson->guest, lesson_readonly_page(lesson->guest)).v;

    (void)user;
    return (struct multicall_entry){
        .op = __HYPERVISOR_set_gdt,
        .result = 77,
        .args = {guest_put(lesson->vcpu, &frame, sizeof(frame)).v, 8},
    };
}

static struct multicall_entry then_map(const struct lesson *lesson, mfn_t user)
{
    struct multicall_entry call =
        guest_call_update_va_mapping(lesson->vcpu, lesson_window(lesson->guest, 0), pte(user, PTE_RO_PAGE), UVMF_NONE);

    call.result = 77;
    return call;
}

/* Shows multicall.leaves-kernel. */
static void xsa_213_leaving_kernel_mode_ends_the_list(void **state)
{
    (void)state;
    after_leaving(then_load);
    after_leaving(then_load_user);
    after_leaving(then_unload_user);
    after_leaving(then_unpin);
    after_leaving(then_set_gdt);
    after_leaving(then_map);
}

/* From user mode nothing is asked of the engine at all. */
static void xsa_213_user_mode_asks_for_nothing(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct table_write write = {.form = WRITE_MOV, .bytes = 8};
    struct picture before;
    struct lesson lesson;
    mfn_t page;

    (void)state;
    config.domains[0].writable_tables = true;
    lesson_begin(&lesson, &config);
    page = guest_mfn(lesson.guest, lesson_readonly_page(lesson.guest));
    write.vaddr = guest_vaddr(lesson.guest, PFN(lesson.guest->root.v + lesson.guest->nr_tables - 1));
    write.operand = pte(page, PTE_RO_PAGE);
    assert_int_equal(guest_new_user_baseptr(lesson.vcpu, guest_root(lesson.guest)), 0);
    assert_int_equal(vcpu_enter_user(lesson.vcpu), 0);
    before = lesson_picture(&lesson);
    assert_int_equal(guest_pin(lesson.vcpu, page, 1), -XEN_EPERM);
    assert_int_equal(lesson_map(lesson.vcpu, 0, page, PTE_RO_PAGE), -XEN_EPERM);
    assert_int_equal(guest_set_gdt(lesson.vcpu, &page, 1), -XEN_EPERM);
    assert_int_equal(table_write_emulate(lesson.vcpu, &write), -XEN_EINVAL);
    lesson_assert_unchanged(&lesson, &before);
    vcpu_enter_kernel(lesson.vcpu);
    assert_int_equal(table_write_emulate(lesson.vcpu, &write), 0);
    assert_int_equal(lesson_unmap(lesson.vcpu, 0), 0);
    lesson_end(&lesson);
}

/*
 * ---- 438, 494: a root stays what it is for as long as a processor runs on it, and everybody knows which one that is.
 */

#define LEAF 0x40201000

/* The second vCPU runs on a tree of which nothing else refers to the root. */
static void prepare_shared(struct race *race)
{
    const struct guest_leaf leaf = {VADDR(LEAF), pte(guest_mfn(race->lesson.guest, PFN(0)), PTE_RO_PAGE)};

    guest_build_tree(race->lesson.guest, race->lesson.vcpu, 4, GUEST_TREE_KERNEL, &leaf, 1, &race->tree);
    assert_int_equal(guest_new_baseptr(race->lesson.vcpu, race->tree.root), 0);
}

static void xsa_438_nobody_takes_a_loaded_root_away(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);
    struct race race = {0};
    struct lesson *lesson = &race.lesson;
    uint64_t out = 5, word;
    mfn_t root;

    (void)state;
    lesson_begin(lesson, &config);
    prepare_shared(&race);
    root = race.tree.root;
    assert_int_equal(guest_pin(lesson->second, root, 4), 0);
    assert_int_equal(guest_unpin(lesson->second, root), 0);
    assert_int_equal(guest_unpin(lesson->second, root), -XEN_EINVAL);
    assert_int_equal(guest_pin(lesson->second, root, 3), -XEN_EINVAL);
    assert_int_equal(lesson_map(lesson->second, 1, root, PTE_RW_PAGE), -XEN_EBUSY);
    assert_int_equal(guest_set_gdt(lesson->second, &root, 1), -XEN_EINVAL);
    assert_int_equal(guest_exchange(lesson->second, &root.v, 1, 0, &out, 1, 0, 0, NULL), -XEN_EINVAL);
    assert_int_equal(guest_update_va_mapping(lesson->second, guest_vaddr(lesson->guest, race.tree.tables[0]), 0, 0), 0);
    assert_int_equal(guest_reservation(lesson->second, XENMEM_decrease_reservation, &root.v, 1, 0, 0), 1);
    guest_assert_clean(lesson->sim);
    assert_true(guest_read(lesson->vcpu, VADDR(LEAF), &word, sizeof(word)));
    assert_int_equal(lesson_frame(lesson, root)->owner, 0);
    assert_int_equal(guest_new_baseptr(lesson->vcpu, guest_root(lesson->guest)), 0);
    assert_int_equal(lesson_frame(lesson, root)->owner, OWNER_NONE);
    lesson_end(lesson);
}

static void leave_tree(struct race *race, struct vcpu *vcpu)
{
    race->results[0] = guest_new_baseptr(vcpu, guest_root(race->lesson.guest));
}

static void want_tree(struct race *race, struct vcpu *vcpu)
{
    (void)lesson_map(vcpu, 1, race->tree.root, PTE_RW_PAGE);
    (void)lesson_unmap(vcpu, 1);
    if (guest_pin(vcpu, race->tree.root, 2) == 0)
        (void)guest_unpin(vcpu, race->tree.root);
    (void)guest_new_user_baseptr(vcpu, race->tree.root);
    (void)guest_new_user_baseptr(vcpu, MFN(0));
}

static void load_tree(struct race *race, struct vcpu *vcpu)
{
    (void)guest_new_baseptr(vcpu, race->tree.root);
    (void)guest_new_user_baseptr(vcpu, guest_root(race->lesson.guest));
    if (vcpu_enter_user(vcpu) == 0) {
        sim_pause(race->lesson.sim);
        vcpu_enter_kernel(vcpu);
    }
    (void)guest_new_baseptr(vcpu, guest_root(race->lesson.guest));
    (void)guest_new_user_baseptr(vcpu, MFN(0));
}

static void check_left(struct race *race)
{
    assert_int_equal(race->results[0], 0);
    lesson_tree_return(race->lesson.guest, &race->tree);
}

static void xsa_438_a_root_that_is_being_left(void **state)
{
    const struct scene scene = {
        .config = lesson_config(WIDTH_64, 3),
        .prepare = prepare_shared,
        .act = leave_tree,
        .others = {want_tree, load_tree},
        .check = check_left,
        .stride = 7,
    };

    (void)state;
    race_play(&scene);
}

/* Scrambled, the rule is checked at each interruption; it compares what is loaded with what is recorded. */
static void xsa_494_what_is_loaded_is_what_is_recorded(void **state)
{
    struct scene scene = {
        .config = lesson_config(WIDTH_64, 3),
        .prepare = prepare_shared,
        .act = leave_tree,
        .others = {load_tree, load_tree},
        .check = check_left,
    };

    (void)state;
    race_scramble(&scene, 60);
    scene.config.nr_cpus = 1;
    race_scramble(&scene, 20);
}

/*
 * ---- 254: who runs on a root sees what another vCPU writes there.
 */

static void xsa_254_a_shared_root_has_no_copies(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);
    const vaddr_t vaddr = VADDR(UINT64_C(5) << 39);
    struct guest_leaf leaf = {VADDR(0), 0};
    struct guest_tree tree;
    struct lesson lesson;
    uint64_t word;

    (void)state;
    lesson_begin(&lesson, &config);
    leaf.entry = pte(guest_mfn(lesson.guest, PFN(0)), PTE_RO_PAGE);
    guest_build_tree(lesson.guest, lesson.vcpu, 3, GUEST_TREE_PLAIN, &leaf, 1, &tree);
    for (unsigned i = 0; i < 3; i++) {
        assert_false(guest_read(lesson.second, vaddr, &word, sizeof(word)));
        assert_int_equal(guest_set_entry(lesson.vcpu, guest_root(lesson.guest), 5, pte(tree.root, PTE_TABLE)), 0);
        assert_true(guest_read(lesson.second, vaddr, &word, sizeof(word)));
        assert_int_equal(guest_set_entry(lesson.vcpu, guest_root(lesson.guest), 5, 0), 0);
        assert_false(guest_read(lesson.second, vaddr, &word, sizeof(word)));
    }
    lesson_tree_return(lesson.guest, &tree);
    lesson_end(&lesson);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_1_no_user_mode_without_a_user_root),    LESSON(xsa_1_two_good_roots_or_none),
        LESSON(xsa_213_leaving_kernel_mode_ends_the_list), LESSON(xsa_213_user_mode_asks_for_nothing),
        LESSON(xsa_254_a_shared_root_has_no_copies),       LESSON(xsa_438_nobody_takes_a_loaded_root_away),
        LESSON(xsa_438_a_root_that_is_being_left),         LESSON(xsa_494_what_is_loaded_is_what_is_recorded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
