/* What the kernel does on the two measured cores while a trial is measured: interrupts, softirqs, vectors, page faults,
 * scheduling, frequencies and, where that was asked for, system calls that take longer than they usually do.
 *
 * Compiled by build.rs. No headers: what is used of the kernel's interface is declared here, after linux/bpf.h and the
 * kernel's tracepoints; fields are found by their names in the running kernel's BTF.
 *
 * SPDX-License-Identifier: MIT OR GPL-2.0-only */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SECTION(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))
#define IN_KERNEL __attribute__((preserve_access_index))

enum { BPF_MAP_TYPE_RINGBUF = 27 };
/* Nobody is to be woken: the rings are read when the trial is over. */
enum { BPF_RB_NO_WAKEUP = 1 };

static u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static u32 (*const bpf_get_smp_processor_id)(void) = (void *)8;
static u64 (*const bpf_get_current_pid_tgid)(void) = (void *)14;
static long (*const bpf_get_stack)(void *ctx, void *to, u32 size, u64 flags) = (void *)67;
static long (*const bpf_probe_read_kernel_str)(void *to, u32 size, const void *from) = (void *)115;
static void *(*const bpf_ringbuf_reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*const bpf_ringbuf_submit)(void *data, u64 flags) = (void *)132;

struct task_struct {
    int pid;
    char comm[16];
} IN_KERNEL;

struct irqaction {
    const char *name;
} IN_KERNEL;

/* As in record.rs. */
enum kind { INTERRUPT = 1, SOFTIRQ, VECTOR, FAULT, FAULT_DONE, SWITCH, MIGRATION, FREQUENCY, CALL };
enum vector { LOCAL_TIMER, RESCHEDULE, CALL_FUNCTION, CALL_FUNCTION_SINGLE, IRQ_WORK, SPURIOUS, ERROR, THERMAL, VECTORS, NMI = VECTORS };

struct event {
    u64 begin, end;
    u32 number;
    u8 kind, side;
    u16 more;
};

struct named {
    struct event event;
    char name[16];
};

/* One for each core, so that the two never wait for each other; sized before loading. */
#define RING(name)                        \
    struct {                              \
        int (*type)[BPF_MAP_TYPE_RINGBUF]; \
        int (*max_entries)[4096];         \
    } name SECTION(".maps")
RING(of_exchange);
RING(of_trader);

/* Set by the harness around each trial; cores and threads are those of exchange and trader, and places the functions of the
 * kernel within which softirqs are run that are nobody's own. As in symbols.rs. */
enum { PLACES = 16 };
volatile struct {
    u32 on;
    u32 threads[2];
    u32 cores[2];
    u32 reserved;
    struct { u64 from, bytes; } places[PLACES];
} control SECTION(".data.control") = {};

/* As in program.rs. */
struct side {
    u64 lost, first_lost;
    /* Softirqs that the timed thread ran in its own calls. */
    u64 own;
    /* Another thread has the core. */
    u64 other;
    /* By softirq: since the last one that was run in a call, an interrupt came, or another thread had the core. */
    u8 disturbed[16];
    /* When the last interrupt, or softirq that followed one, ended, or a thread came to the core. */
    u64 last;
    u64 irq, fault, call, number;
    u64 vector[VECTORS];
    /* How long a system call usually takes, in 1/16 ns, by its number. */
    u64 usual[512];
};
struct side sides[2];

INLINE int here(void)
{
    if (!control.on)
        return -1;
    u32 core = bpf_get_smp_processor_id();
    return core == control.cores[0] ? 0 : core == control.cores[1] ? 1 : -1;
}

INLINE int is_timed(int side)
{
    return (u32)bpf_get_current_pid_tgid() == control.threads[side & 1];
}

/* What is lost first need not have begun first: it may lie within another. */
INLINE void lose(struct side *s, u64 at)
{
    if (!s->lost || at < s->first_lost)
        s->first_lost = at;
    s->lost += 1;
}

INLINE void fill(struct event *e, int side, u8 kind, u32 number, u64 begin, u64 end)
{
    e->begin = begin;
    e->end = end;
    e->number = number;
    e->kind = kind;
    e->side = side;
    e->more = 0;
}

INLINE void note(int side, u8 kind, u32 number, u64 begin, u64 end)
{
    struct event *e = side ? bpf_ringbuf_reserve(&of_trader, sizeof(*e), 0) : bpf_ringbuf_reserve(&of_exchange, sizeof(*e), 0);
    if (!e) {
        lose(&sides[side & 1], begin);
        return;
    }
    fill(e, side, kind, number, begin, end);
    bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
}

INLINE void note_named(int side, u8 kind, u32 number, u64 begin, u64 end, const char *name, u16 more)
{
    struct named *n = side ? bpf_ringbuf_reserve(&of_trader, sizeof(*n), 0) : bpf_ringbuf_reserve(&of_exchange, sizeof(*n), 0);
    if (!n) {
        lose(&sides[side & 1], begin);
        return;
    }
    fill(&n->event, side, kind, number, begin, end);
    n->event.more = more;
    __builtin_memset(n->name, 0, sizeof(n->name));
    bpf_probe_read_kernel_str(n->name, sizeof(n->name), name);
    bpf_ringbuf_submit(n, BPF_RB_NO_WAKEUP);
}

/* What it leaves to softirqs is run from then on. */
INLINE void disturb(struct side *s, u64 now)
{
    __builtin_memset(s->disturbed, 0xff, sizeof(s->disturbed));
    s->last = now;
}

/* The beginning is kept until the end comes: what has no beginning began before the trial did. */
#define BEGIN(place)                                    \
    int side = here();                                  \
    if (side >= 0)                                      \
        sides[side & 1].place = bpf_ktime_get_ns();     \
    return 0

#define END(place, kind, number)                        \
    int side = here();                                  \
    if (side < 0)                                       \
        return 0;                                       \
    struct side *s = &sides[side & 1];                  \
    u64 begin = s->place, now = bpf_ktime_get_ns();     \
    disturb(s, now);                                    \
    if (!begin)                                         \
        return 0;                                       \
    s->place = 0;                                       \
    note(side, kind, number, begin, now);               \
    return 0

/* Whether the softirq is run as an interrupt ends whose end was seen, or by a thread that is there for softirqs. */
INLINE int is_outside_of_calls(u64 *ctx)
{
    u64 frames[10] = {};
    if (bpf_get_stack(ctx, frames, sizeof(frames), 0) <= 0)
        return 0;
    for (int frame = 0; frame < (int)(sizeof(frames) / sizeof(*frames)); frame++)
        for (int place = 0; place < PLACES; place++)
            if (frames[frame] - control.places[place].from < control.places[place].bytes)
                return 1;
    return 0;
}

/* Each tick over the kernel's sockets is a softirq that the sender runs in its own call. It waits for whatever is done before the
 * softirq begins, and not for what is done as it ends; so only the end is looked at. One that is run within a call is part of it,
 * as the rest of the kernel's way is, and only counted. One that is not has followed at once what happened last on the core: it
 * began then, or before, where an interrupt came in the midst of it. */
SECTION("tp_btf/softirq_exit") int softirq_exit(u64 *ctx)
{
    int side = here();
    if (side < 0)
        return 0;
    struct side *s = &sides[side & 1];
    u8 *disturbed = &s->disturbed[ctx[0] & 15];
    if (!(*disturbed | s->other)) {
        s->own += 1;
        return 0;
    }
    u64 now = bpf_ktime_get_ns();
    if (!is_outside_of_calls(ctx)) {
        *disturbed = 0;
        s->own += !s->other;
        return 0;
    }
    if (s->last)
        note(side, SOFTIRQ, ctx[0], s->last, now);
    s->last = now;
    return 0;
}

#define ON_VECTOR(name, number)                                                              \
    SECTION("tp_btf/" #name "_entry") int name##_entry(u64 *ctx) { BEGIN(vector[number]); } \
    SECTION("tp_btf/" #name "_exit") int name##_exit(u64 *ctx) { END(vector[number], VECTOR, number); }

ON_VECTOR(local_timer, LOCAL_TIMER)
ON_VECTOR(reschedule, RESCHEDULE)
ON_VECTOR(call_function, CALL_FUNCTION)
ON_VECTOR(call_function_single, CALL_FUNCTION_SINGLE)
ON_VECTOR(irq_work, IRQ_WORK)
ON_VECTOR(spurious_apic, SPURIOUS)
ON_VECTOR(error_apic, ERROR)
ON_VECTOR(thermal_apic, THERMAL)

SECTION("tp_btf/irq_handler_entry") int irq_handler_entry(u64 *ctx) { BEGIN(irq); }

SECTION("tp_btf/irq_handler_exit") int irq_handler_exit(u64 *ctx)
{
    int side = here();
    if (side < 0)
        return 0;
    struct side *s = &sides[side & 1];
    u64 begin = s->irq, now = bpf_ktime_get_ns();
    disturb(s, now);
    if (!begin)
        return 0;
    s->irq = 0;
    struct irqaction *action = (void *)ctx[1];
    note_named(side, INTERRUPT, ctx[0], begin, now, action->name, 0);
    return 0;
}

/* Of a non-maskable interrupt the kernel tells how long each of its handlers took. */
SECTION("tp_btf/nmi_handler") int nmi_handler(u64 *ctx)
{
    int side = here();
    if (side < 0)
        return 0;
    u64 now = bpf_ktime_get_ns(), took = ctx[1];
    note(side, VECTOR, NMI, took < now ? now - took : now, now);
    return 0;
}

/* The tracepoint says that a fault begins; that it is done is said by the kernel's counters of minor and major faults. */
INLINE int fault(void)
{
    int side = here();
    if (side < 0 || !is_timed(side))
        return 0;
    u64 now = bpf_ktime_get_ns();
    sides[side & 1].fault = now;
    note(side, FAULT, 0, now, now);
    return 0;
}

SECTION("tp_btf/page_fault_user") int page_fault_user(u64 *ctx) { return fault(); }
SECTION("tp_btf/page_fault_kernel") int page_fault_kernel(u64 *ctx) { return fault(); }

INLINE int fault_done(u32 major)
{
    int side = here();
    if (side < 0 || !is_timed(side))
        return 0;
    u64 begin = sides[side & 1].fault;
    if (!begin)
        return 0;
    sides[side & 1].fault = 0;
    note(side, FAULT_DONE, major, begin, bpf_ktime_get_ns());
    return 0;
}

SECTION("perf_event") int fault_minor(void *ctx) { return fault_done(0); }
SECTION("perf_event") int fault_major(void *ctx) { return fault_done(1); }

SECTION("tp_btf/sched_switch") int sched_switch(u64 *ctx)
{
    int side = here();
    if (side < 0)
        return 0;
    /* What comes after `next` is not the same in all kernels. That one is not preempted but lets go by itself is said first. */
    struct task_struct *next = (void *)ctx[2];
    struct side *s = &sides[side & 1];
    s->other = (u32)next->pid != control.threads[side & 1];
    u16 waited = is_timed(side) && !ctx[0];
    u64 now = bpf_ktime_get_ns();
    disturb(s, now);
    note_named(side, SWITCH, next->pid, now, now, next->comm, waited);
    return 0;
}

SECTION("tp_btf/sched_migrate_task") int sched_migrate_task(u64 *ctx)
{
    struct task_struct *task = (void *)ctx[0];
    u32 pid = task->pid;
    if (!control.on || pid == 0)
        return 0;
    int side = pid == control.threads[0] ? 0 : pid == control.threads[1] ? 1 : -1;
    if (side < 0)
        return 0;
    u64 now = bpf_ktime_get_ns();
    note(side, MIGRATION, ctx[1], now, now);
    return 0;
}

SECTION("tp_btf/cpu_frequency") int cpu_frequency(u64 *ctx)
{
    u32 core = ctx[1];
    if (!control.on)
        return 0;
    int side = core == control.cores[0] ? 0 : core == control.cores[1] ? 1 : -1;
    if (side < 0)
        return 0;
    u64 now = bpf_ktime_get_ns();
    note(side, FREQUENCY, ctx[0], now, now);
    return 0;
}

SECTION("tp_btf/sys_enter") int sys_enter(u64 *ctx)
{
    int side = here();
    if (side < 0 || !is_timed(side))
        return 0;
    sides[side & 1].number = ctx[1];
    sides[side & 1].call = bpf_ktime_get_ns();
    return 0;
}

/* A lane may make a million of them a second: kept is one that takes a microsecond more than twice the usual. */
SECTION("tp_btf/sys_exit") int sys_exit(u64 *ctx)
{
    int side = here();
    if (side < 0 || !is_timed(side))
        return 0;
    struct side *s = &sides[side & 1];
    u64 begin = s->call;
    if (!begin)
        return 0;
    s->call = 0;
    u64 now = bpf_ktime_get_ns(), took = now - begin;
    u32 number = s->number;
    u64 *usual = &s->usual[number & 511];
    u64 typical = *usual >> 4, most = 2 * typical + 1000;
    if (took > most)
        note(side, CALL, number, begin, now);
    *usual += (took > most ? most : took) - typical;
    return 0;
}

char terms[] SECTION("license") = "Dual MIT/GPL";
