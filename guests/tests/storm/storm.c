/* SPDX-License-Identifier: MIT */
/*
 * Events as fast as a peer can send them (XSA-332): whoever they are for keeps at least half of its time for its
 * programs in user mode, whatever the peer's rhythm.  tests/several/run.sh starts the two together:
 *
 *   role=1 peer=N    the victim: offers ports to domain N, and counts what its program gets done in each storm
 *   role=2 peer=N    sends on the ports that domain N offers
 *
 * Time is the victim's own, as the hypervisor counts it (runstate), and a piece of its program's work is what it takes
 * while nobody sends.
 */
#include <abi/event.h>
#include <abi/sched.h>
#include <abi/trap.h>
#include <abi/vcpu.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guest/user.h>
#include <guests/tests/lib/snippet.h>
#include <guests/tests/lib/test.h>

#define US     UINT64_C(1000)
#define MS     (1000 * US)
#define BEGIN  (10000 * MS) /* of the first storm: both have started by then, and the quiet time has been measured */
#define LENGTH (200 * MS)   /* of each */
#define PORTS  32u
#define PIECE  10000u /* rounds of the program's loop */

/* How the peer sends: on so many ports, then it goes on, lets others run, or sleeps for so long. */
static const struct storm {
    const char *name;
    unsigned nr_ports;
    bool yields;
    uint64_t nap;
} storms[] = {
    {"a tight loop", 1, false, 0},
    {"a tight loop over all ports", PORTS, false, 0},
    {"with a yield behind each", 1, true, 0},
    {"with naps of 1 us", 1, false, 1 * US},
    {"with naps of 5 us", 1, false, 5 * US},
    {"with naps of 10 us", 1, false, 10 * US},
    {"with naps of 20 us", 1, false, 20 * US},
    {"with naps of 50 us", 1, false, 50 * US},
    {"with naps of 100 us", 1, false, 100 * US},
    {"with naps of 1 ms", 1, false, 1 * MS},
    {"with naps of 10 us, on all ports", PORTS, false, 10 * US},
};

static unsigned peer;
static evtchn_port_t ports[PORTS];
static uint64_t events, failed;

static uint64_t begin_of(unsigned number)
{
    return BEGIN + number * LENGTH;
}

static void sleep_until(uint64_t deadline)
{
    uint64_t now = time_now();

    if (now < deadline)
        time_sleep(deadline - now);
}

/*
 * ---- The victim.
 */

SNIPPET(program, "1: dec %" REGISTER_DI "; jnz 1b", PROGRAM_CALL, "");

static void count(evtchn_port_t port)
{
    (void)port;
    events++;
}

static uint64_t time_running(void)
{
    struct vcpu_runstate_info info;

    test_need((int)hypercall_vcpu_op(VCPUOP_get_runstate_info, 0, &info), "VCPUOP_get_runstate_info");
    return info.time[RUNSTATE_running];
}

static void work_piece(void)
{
    struct regs regs;

    user_regs_init(&regs, USER_BASE);
    regs.rdi = PIECE;
    (void)user_run(&regs);
}

/* Pieces until then, and the time of its own that they took. */
static uint64_t work_until(uint64_t end, uint64_t *ran)
{
    uint64_t began = time_running(), pieces = 0;

    for (; time_now() < end; pieces++)
        work_piece();
    *ran = time_running() - began;
    return pieces;
}

static void suffer(unsigned number, uint64_t quiet_ran, uint64_t quiet_pieces)
{
    uint64_t ran, pieces, useful, percent;

    sleep_until(begin_of(number));
    events = 0;
    pieces = work_until(begin_of(number + 1), &ran);
    useful = pieces * quiet_ran / quiet_pieces;
    percent = useful * 100 / ran;
    test_note("%s: %" PRIu64 " events, %" PRIu64 " us of %" PRIu64 ", of which %" PRIu64 " for the program",
              storms[number].name, events, ran / US, LENGTH / US, useful / US);
    test_check(events > 0 && percent >= 50 && useful * 4 >= LENGTH, storms[number].name,
               "%" PRIu64 " events, %" PRIu64 "%% of its time, %" PRIu64 " us of %" PRIu64, events, percent,
               useful / US, LENGTH / US);
}

static void be_victim(void)
{
    uint64_t quiet_ran, quiet_pieces;

    for (unsigned i = 0; i < PORTS; i++)
        test_need(event_alloc_unbound(peer, count, &ports[i]), "EVTCHNOP_alloc_unbound");
    test_need(user_init(), "user mode");
    test_need(user_load(USER_BASE, program.begin, program.end), "the program");
    sleep_until(BEGIN - 2 * LENGTH);
    quiet_pieces = work_until(BEGIN - LENGTH, &quiet_ran);
    for (unsigned i = 0; i < ARRAY_SIZE(storms); i++)
        suffer(i, quiet_ran, quiet_pieces);
}

/*
 * ---- The peer.
 */

static int bind(evtchn_port_t remote, evtchn_port_t *port)
{
    struct evtchn_bind_interdomain call = {.remote_dom = (uint16_t)peer, .remote_port = remote};
    long error = hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &call);

    *port = call.local_port;
    return (int)error;
}

/* What the victim offers, in a row; the one before is none of it. */
static void bind_all(void)
{
    evtchn_port_t remote = 1;

    sleep_until(BEGIN - 2 * LENGTH);
    while (bind(remote, &ports[0]))
        test_need(++remote > PORTS, "an offer");
    for (unsigned i = 1; i < PORTS; i++)
        test_need(bind(remote + i, &ports[i]), "EVTCHNOP_bind_interdomain");
}

static void send_all(const struct storm *storm)
{
    for (unsigned i = 0; i < storm->nr_ports; i++)
        failed += event_send(ports[i]) != 0;
    if (storm->yields)
        (void)hypercall_sched_op(SCHEDOP_yield, NULL);
    if (storm->nap)
        time_sleep(storm->nap);
}

static void be_peer(void)
{
    bind_all();
    for (unsigned i = 0; i < ARRAY_SIZE(storms); i++) {
        sleep_until(begin_of(i));
        while (time_now() < begin_of(i + 1))
            send_all(&storms[i]);
    }
    test_check(failed == 0, "everything was sent", "%" PRIu64 " sends failed", failed);
}

void test_main(void)
{
    uint64_t role = guest_option("role", 0);

    if (role == 0)
        test_skip("alone there is nobody to send: tests/several");
    peer = (unsigned)guest_option("peer", 0);
    test_need(timer_init(event_only_wakes), "VIRQ_TIMER");
    event_enable();
    if (role == 1)
        be_victim();
    else
        be_peer();
}
