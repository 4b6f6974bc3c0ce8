/* SPDX-License-Identifier: MIT */
/* A thread for each processor. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <engine/port.h>
#include <hv/cpu/wait.h>
#include <tests/threads/lib/processors.h>

struct processor {
    struct cpu cpu;
    pthread_t thread;
    unsigned long answers;
    void (*body)(unsigned id);
    sem_t kicks; /* that have not been taken */
    unsigned long halts;
};

struct cpu cpu_boot; /* before there is any */
static __thread uint64_t random_state;
static struct processor processors[PROCESSORS_MAX];
static unsigned nr_processors;
static pthread_barrier_t start;

uint64_t random_below(uint64_t bound)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(0x2545f4914f6cdd1d) % bound;
}

struct cpu *processor_find(unsigned id)
{
    return &processors[id].cpu;
}

unsigned long processor_halts(unsigned id)
{
    return __atomic_load_n(&processors[id].halts, __ATOMIC_RELAXED);
}

struct cpu *cpu_find(unsigned id)
{
    return id < nr_processors ? &processors[id].cpu : NULL;
}

void cpu_kick(unsigned id)
{
    sem_post(&processors[id].kicks);
}

void cpu_ask(unsigned id)
{
    cpu_kick(id);
}

/* A kick that nobody sends is waited for, for ever. */
void wait_halted(void)
{
    struct processor *here = &processors[cpu_here()->id];

    __atomic_fetch_add(&here->halts, 1, __ATOMIC_RELAXED);
    while (sem_wait(&here->kicks))
        ;
}

bool processor_takes_kick(void)
{
    return sem_trywait(&processors[cpu_here()->id].kicks) == 0;
}

unsigned long processor_answers(unsigned id)
{
    return __atomic_load_n(&processors[id].answers, __ATOMIC_RELAXED);
}

void processor_pause(void)
{
    sched_yield();
}

/* A program that has answers to give has its own. */
__attribute__((weak)) void lock_waits(void)
{
    __atomic_fetch_add(&processors[cpu_here()->id].answers, 1, __ATOMIC_RELAXED);
    processor_pause();
}

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}

static void *begin(void *argument)
{
    struct processor *processor = argument;

    cpu_of_thread = &processor->cpu;
    random_state = UINT64_C(0x9e3779b97f4a7c15) * (processor->cpu.id + 1);
    pthread_barrier_wait(&start);
    processor->body(processor->cpu.id);
    return NULL;
}

void processors_run(unsigned count, void (*body)(unsigned id))
{
    memset(processors, 0, sizeof(processors));
    nr_processors = count;
    pthread_barrier_init(&start, NULL, count);
    for (unsigned id = 0; id < count; id++) {
        processors[id].cpu.id = id;
        processors[id].body = body;
        sem_init(&processors[id].kicks, 0, 0);
    }
    for (unsigned id = 0; id < count; id++) {
        if (pthread_create(&processors[id].thread, NULL, begin, &processors[id]))
            abort();
    }
    for (unsigned id = 0; id < count; id++)
        pthread_join(processors[id].thread, NULL);
    for (unsigned id = 0; id < count; id++)
        sem_destroy(&processors[id].kicks);
    pthread_barrier_destroy(&start);
}
