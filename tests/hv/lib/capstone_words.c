/* SPDX-License-Identifier: MIT */
/* Capstone's numbers and names, and the decoder's for them: capstone_words.h. */
#include <string.h>

#include <tests/hv/lib/capstone_words.h>

static const struct known {
    unsigned id; /* enum x86_insn */
    enum operation operation;
} known[] = {
    {X86_INS_MOV, OPERATION_MOV},         {X86_INS_MOVABS, OPERATION_MOV},
    {X86_INS_MOVNTI, OPERATION_MOV},      {X86_INS_MOVSB, OPERATION_MOVS},
    {X86_INS_MOVSW, OPERATION_MOVS},      {X86_INS_MOVSD, OPERATION_MOVS},
    {X86_INS_MOVSQ, OPERATION_MOVS},      {X86_INS_STOSB, OPERATION_STOS},
    {X86_INS_STOSW, OPERATION_STOS},      {X86_INS_STOSD, OPERATION_STOS},
    {X86_INS_STOSQ, OPERATION_STOS},      {X86_INS_XCHG, OPERATION_XCHG},
    {X86_INS_CMPXCHG, OPERATION_CMPXCHG}, {X86_INS_CMPXCHG8B, OPERATION_CMPXCHG8B},
    {X86_INS_XADD, OPERATION_XADD},       {X86_INS_ADD, OPERATION_ADD},
    {X86_INS_ADC, OPERATION_ADC},         {X86_INS_SUB, OPERATION_SUB},
    {X86_INS_SBB, OPERATION_SBB},         {X86_INS_NOT, OPERATION_NOT},
    {X86_INS_NEG, OPERATION_NEG},         {X86_INS_AND, OPERATION_AND},
    {X86_INS_OR, OPERATION_OR},           {X86_INS_XOR, OPERATION_XOR},
    {X86_INS_INC, OPERATION_INC},         {X86_INS_DEC, OPERATION_DEC},
    {X86_INS_BTS, OPERATION_BTS},         {X86_INS_BTR, OPERATION_BTR},
    {X86_INS_BTC, OPERATION_BTC},         {X86_INS_IN, OPERATION_IN},
    {X86_INS_OUT, OPERATION_OUT},         {X86_INS_INSB, OPERATION_INS},
    {X86_INS_INSW, OPERATION_INS},        {X86_INS_INSD, OPERATION_INS},
    {X86_INS_OUTSB, OPERATION_OUTS},      {X86_INS_OUTSW, OPERATION_OUTS},
    {X86_INS_OUTSD, OPERATION_OUTS},      {X86_INS_CLTS, OPERATION_CLTS},
    {X86_INS_RDMSR, OPERATION_RDMSR},     {X86_INS_WRMSR, OPERATION_WRMSR},
    {X86_INS_CPUID, OPERATION_CPUID},     {X86_INS_RDTSC, OPERATION_RDTSC},
    {X86_INS_WBINVD, OPERATION_WBINVD},   {X86_INS_XSETBV, OPERATION_XSETBV},
    {X86_INS_SGDT, OPERATION_SGDT},       {X86_INS_SIDT, OPERATION_SIDT},
    {X86_INS_SLDT, OPERATION_SLDT},       {X86_INS_STR, OPERATION_STR},
    {X86_INS_SMSW, OPERATION_SMSW},       {X86_INS_CLI, OPERATION_CLI},
    {X86_INS_STI, OPERATION_STI},         {X86_INS_INT, OPERATION_INT},
    {X86_INS_LCALL, OPERATION_CALL_FAR},  {X86_INS_LJMP, OPERATION_JMP_FAR},
};

static const char *const register_names[16][5] = {
    {"al", "ax", "eax", "rax", "ah"},    {"cl", "cx", "ecx", "rcx", "ch"},    {"dl", "dx", "edx", "rdx", "dh"},
    {"bl", "bx", "ebx", "rbx", "bh"},    {"spl", "sp", "esp", "rsp", ""},     {"bpl", "bp", "ebp", "rbp", ""},
    {"sil", "si", "esi", "rsi", ""},     {"dil", "di", "edi", "rdi", ""},     {"r8b", "r8w", "r8d", "r8", ""},
    {"r9b", "r9w", "r9d", "r9", ""},     {"r10b", "r10w", "r10d", "r10", ""}, {"r11b", "r11w", "r11d", "r11", ""},
    {"r12b", "r12w", "r12d", "r12", ""}, {"r13b", "r13w", "r13d", "r13", ""}, {"r14b", "r14w", "r14d", "r14", ""},
    {"r15b", "r15w", "r15d", "r15", ""},
};

unsigned capstone_register(csh handle, unsigned name, unsigned *column)
{
    const char *text = cs_reg_name(handle, name);

    for (unsigned i = 0; text && i < 16; i++) {
        for (*column = 0; *column < 5; ++*column) {
            if (strcmp(text, register_names[i][*column]) == 0)
                return i;
        }
    }
    return REGISTER_NONE;
}

static enum operation operation_of(const cs_insn *insn)
{
    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].id == insn->id)
            return known[i].operation;
    }
    return OPERATION_NONE;
}

bool capstone_is_control(unsigned name)
{
    return (name >= X86_REG_CR0 && name <= X86_REG_CR15) || (name >= X86_REG_DR0 && name <= X86_REG_DR15);
}

/* mov to or from a control or debug register: which of the operations, and which registers. */
static enum operation control_operation(const cs_x86 *theirs)
{
    bool writes = capstone_is_control(theirs->operands[0].reg), debug;
    unsigned name = theirs->operands[writes ? 0 : 1].reg;

    debug = name >= X86_REG_DR0 && name <= X86_REG_DR15;
    if (debug)
        return writes ? OPERATION_WRITE_DR : OPERATION_READ_DR;
    return writes ? OPERATION_WRITE_CR : OPERATION_READ_CR;
}

static bool is_write(enum operation operation)
{
    return operation >= OPERATION_MOV && operation <= OPERATION_BTC;
}

enum operation capstone_operation(csh handle, const cs_insn *insn)
{
    const cs_x86 *theirs = &insn->detail->x86;
    enum operation operation = operation_of(insn);
    const cs_x86_op *operands = theirs->operands;
    unsigned column;

    if (insn->id == X86_INS_MOV && operands[0].type == X86_OP_REG && operands[1].type == X86_OP_REG)
        operation = capstone_is_control(operands[0].reg) || capstone_is_control(operands[1].reg)
                        ? control_operation(theirs)
                        : OPERATION_NONE;
    if (is_write(operation) && operands[0].type != X86_OP_MEM)
        operation = OPERATION_NONE;
    /* movsd of SSE, which has the same name */
    if (operation == OPERATION_MOVS && operands[1].type != X86_OP_MEM)
        operation = OPERATION_NONE;
    /* mov of a segment register */
    if (operation == OPERATION_MOV && operands[1].type == X86_OP_REG &&
        capstone_register(handle, operands[1].reg, &column) == REGISTER_NONE)
        operation = OPERATION_NONE;
    return operation;
}
