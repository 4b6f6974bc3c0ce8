/* SPDX-License-Identifier: MIT */
/*
 * A plugin for QEMU that counts the translations that a processor would have to walk for, under Paravane and with a
 * TLB without bounds: build/linux/fills.so.
 *
 *   -plugin fills.so,out=FILE
 *
 * At each mark (tools/count-instructions.c) FILE gets "mark NN" and a count for each rule of what a load of cr3 leaves.
 * A write of cr4 by the hypervisor is taken for a full flush, which it is; an INVLPG is not seen.
 *
 * The few declarations are those of QEMU's plugin interface, version 1; Debian has no package with its header.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_RW = 3 };
typedef uint64_t qemu_plugin_id_t;
typedef void exec_fn(unsigned cpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*call)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, exec_fn *call, enum qemu_plugin_cb_flags flags,
                                          void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_fn *call,
                                            enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, void (*call)(unsigned, uint32_t, uint64_t, void *),
                                      enum qemu_plugin_cb_flags flags, enum qemu_plugin_mem_rw which, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

extern int qemu_plugin_version;
int qemu_plugin_version = 1;
int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int count, char **arguments);

/* hv/base/layout.h: what is the hypervisor's alone, of that the direct map, in pages of 2 MiB; its end. */
#define OWN_BASE    UINT64_C(0xffff808000000000)
#define DIRECT_BASE UINT64_C(0xffff830000000000)
#define OWN_END     UINT64_C(0xffff880000000000)

/* What a load of cr3 leaves: nothing; pages of the user; the hypervisor's own as well; everything. */
enum rule { NOTHING, USERS, OWN, EVERYTHING, RULES };

#define PAGES 1048576u /* a power of two */

static const uint8_t mark_code[] = {0x0f, 0x1f, 0x80, /* the number */ 0, 0x50, 0x56, 0x4d};

static FILE *out;
static uint64_t fills[RULES];
static uint64_t since_load = 1, since_flush = 1; /* so often there was one: what is cached is that old at most */
static struct {
    uint64_t page; /* and 1 in the lowest bit; 0: the place is free */
    uint64_t loads, flushes;
} cache[PAGES];

static uint64_t page_of(uint64_t vaddr)
{
    bool is_large = vaddr >= DIRECT_BASE && vaddr < OWN_END;

    return (vaddr & ~UINT64_C(0xfff) & (is_large ? ~UINT64_C(0x1fffff) : ~UINT64_C(0))) | 1;
}

static void touch(uint64_t vaddr)
{
    uint64_t page = page_of(vaddr);
    size_t at = (page * UINT64_C(0x9e3779b97f4a7c15)) >> 44;
    bool is_users = !(vaddr >> 47), is_own = vaddr >= OWN_BASE && vaddr < OWN_END, is_flushed, is_left;

    while (cache[at].page && cache[at].page != page)
        at = (at + 1) % PAGES;
    is_flushed = cache[at].flushes != since_flush;
    is_left = !is_flushed && cache[at].loads == since_load;
    fills[EVERYTHING] += is_flushed;
    fills[NOTHING] += !is_left;
    fills[USERS] += is_users ? is_flushed : !is_left;
    fills[OWN] += is_users || is_own ? is_flushed : !is_left;
    cache[at].page = page;
    cache[at].loads = since_load;
    cache[at].flushes = since_flush;
}

static void on_access(unsigned cpu, uint32_t info, uint64_t vaddr, void *data)
{
    (void)cpu;
    (void)info;
    (void)data;
    touch(vaddr);
}

static void on_block(unsigned cpu, void *vaddr)
{
    (void)cpu;
    touch((uint64_t)(uintptr_t)vaddr);
}

static void on_load(unsigned cpu, void *data)
{
    (void)cpu;
    (void)data;
    since_load++;
}

static void on_flush(unsigned cpu, void *data)
{
    (void)cpu;
    (void)data;
    since_flush++;
}

static void on_mark(unsigned cpu, void *number)
{
    (void)cpu;
    fprintf(out, "mark %u", (unsigned)(uintptr_t)number);
    for (unsigned rule = 0; rule < RULES; rule++)
        fprintf(out, " %" PRIu64, fills[rule]);
    fprintf(out, "\n");
    fflush(out);
}

static bool is_mark(const uint8_t *bytes, size_t size)
{
    return size == sizeof(mark_code) && !memcmp(bytes, mark_code, 3) && !memcmp(bytes + 4, mark_code + 4, 3);
}

/* Mov to control register @number, perhaps with a prefix of long mode. */
static bool is_control(const uint8_t *bytes, size_t size, unsigned number)
{
    size_t prefix = (bytes[0] & 0xf0) == 0x40;

    return size == prefix + 3 && bytes[prefix] == 0x0f && bytes[prefix + 1] == 0x22 &&
           (bytes[prefix + 2] >> 3 & 7u) == number;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    uint64_t vaddr = qemu_plugin_tb_vaddr(block);
    bool is_own = vaddr >= OWN_BASE && vaddr < OWN_END;

    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(block, on_block, QEMU_PLUGIN_CB_NO_REGS, (void *)(uintptr_t)vaddr);
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
        const uint8_t *bytes = qemu_plugin_insn_data(insn);
        size_t size = qemu_plugin_insn_size(insn);

        qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
        if (is_mark(bytes, size))
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, QEMU_PLUGIN_CB_NO_REGS, (void *)(uintptr_t)bytes[3]);
        else if (is_own && is_control(bytes, size, 3))
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_load, QEMU_PLUGIN_CB_NO_REGS, NULL);
        else if (is_own && is_control(bytes, size, 4))
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_flush, QEMU_PLUGIN_CB_NO_REGS, NULL);
    }
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int count, char **arguments)
{
    (void)info;
    for (int i = 0; i < count; i++) {
        if (!strncmp(arguments[i], "out=", 4))
            out = fopen(arguments[i] + 4, "w");
    }
    if (!out) {
        fprintf(stderr, "fills.so: out=FILE is missing, or the file cannot be written\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    return 0;
}
