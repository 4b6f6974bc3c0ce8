/* SPDX-License-Identifier: MIT */
/*
 * A plugin for QEMU that counts the instructions that the machine carries out: build/linux/count.so.
 *
 *   -plugin count.so,out=FILE[,from=ADDRESS,to=ADDRESS[,profile=on]]
 *
 * A program marks a moment with the instruction `nopl 0x4d5650NN(%rax)`, which does nothing.  At each mark FILE gets
 * "mark NN COUNT INSIDE", with all instructions since power-on, and those of them that are in the range of addresses;
 * for a profile, "at ADDRESS COUNT" as well for each block of code in the range that has run since the mark before.  A
 * block that is left in its middle, by an exception, counts as a whole.
 *
 * The few declarations are those of QEMU's plugin interface, version 1; Debian has no package with its header.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
typedef uint64_t qemu_plugin_id_t;

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*call)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, enum qemu_plugin_op op, void *place,
                                              uint64_t value);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, void (*call)(unsigned, void *),
                                            enum qemu_plugin_cb_flags flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

extern int qemu_plugin_version;
int qemu_plugin_version = 1;
int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int count, char **arguments);

#define NR_BLOCKS 65536u /* a power of two */

static const uint8_t mark_code[] = {0x0f, 0x1f, 0x80, /* the number */ 0, 0x50, 0x56, 0x4d};

static uint64_t total, inside, from, to;
static bool profiles;
static struct {
    uint64_t address, count;
} blocks[NR_BLOCKS];
static FILE *out;

/* The counter of the block at @address; blocks that overlap have one each. */
static uint64_t *find_counter(uint64_t address)
{
    size_t index = (address * 0x9e3779b97f4a7c15u) >> 48;

    for (size_t tries = 0; tries < NR_BLOCKS; tries++, index = (index + 1) % NR_BLOCKS) {
        if (!blocks[index].address)
            blocks[index].address = address;
        if (blocks[index].address == address)
            return &blocks[index].count;
    }
    return NULL;
}

static void on_mark(unsigned cpu, void *number)
{
    (void)cpu;
    fprintf(out, "mark %u %" PRIu64 " %" PRIu64 "\n", (unsigned)(uintptr_t)number, total, inside);
    for (size_t i = 0; profiles && i < NR_BLOCKS; i++) {
        if (blocks[i].count)
            fprintf(out, "at %" PRIx64 " %" PRIu64 "\n", blocks[i].address, blocks[i].count);
        blocks[i].count = 0;
    }
    fflush(out);
}

static bool is_mark(const struct qemu_plugin_insn *insn)
{
    const uint8_t *bytes = qemu_plugin_insn_data(insn);

    return qemu_plugin_insn_size(insn) == sizeof(mark_code) && !memcmp(bytes, mark_code, 3) &&
           !memcmp(bytes + 4, mark_code + 4, 3);
}

static void on_block(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    uint64_t address = qemu_plugin_tb_vaddr(block), *counter = NULL;
    size_t count = qemu_plugin_tb_n_insns(block);
    bool is_inside = address >= from && address < to;

    (void)id;
    if (is_inside && profiles)
        counter = find_counter(address);
    qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &total, count);
    if (is_inside)
        qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &inside, count);
    if (counter)
        qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, counter, count);
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);

        if (is_mark(insn)) {
            uintptr_t number = ((const uint8_t *)qemu_plugin_insn_data(insn))[3];

            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, QEMU_PLUGIN_CB_NO_REGS, (void *)number);
        }
    }
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int count, char **arguments)
{
    (void)info;
    for (int i = 0; i < count; i++) {
        if (!strncmp(arguments[i], "out=", 4))
            out = fopen(arguments[i] + 4, "w");
        else if (!strncmp(arguments[i], "from=", 5))
            from = strtoull(arguments[i] + 5, NULL, 16);
        else if (!strncmp(arguments[i], "to=", 3))
            to = strtoull(arguments[i] + 3, NULL, 16);
        else if (!strcmp(arguments[i], "profile=on"))
            profiles = true;
    }
    if (!out) {
        fprintf(stderr, "count.so: out=FILE is missing, or the file cannot be written\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);
    return 0;
}
