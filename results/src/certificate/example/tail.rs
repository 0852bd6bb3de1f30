//! A made-up tail.

use super::super::{Side, SlowTick, Tail, TailCause, TailEvent, TailKind, TailRow};
use crate::time::{Nanos, SignedNanos};

fn cause(kind: TailKind, name: &str, side: Side, queued: bool) -> TailCause {
    TailCause { kind, name: name.to_owned(), side: Some(side), queued }
}

fn event(side: Side, kind: TailKind, name: &str, start: i64, end: i64) -> TailEvent {
    TailEvent { side, kind, name: name.to_owned(), start_ns: SignedNanos(start), end_ns: SignedNanos(end) }
}

/// Of a lane whose median is this.
pub(super) fn tail(orders: u64, median: Nanos) -> Tail {
    let thread = cause(TailKind::Thread, "kworker/3:1", Side::Trader, false);
    let row = |cause: &TailCause, ticks, excess, p99_9| TailRow {
        cause: cause.clone(),
        ticks,
        excess_ns: Nanos(excess),
        taken_ns: Some(Nanos(excess * 9 / 10)),
        p99_9_ns: Some(Nanos(p99_9)),
        p99_99_ns: None,
    };
    let slow = |n: u64| SlowTick {
        repetition: 1,
        order: u32::try_from(n).unwrap_or(0) * 100,
        t2t_due_ns: Nanos(180_000 - 9_000 * n),
        cause: thread.clone(),
        taken_ns: Some(Nanos(150_000 - 9_000 * n)),
        sent_ns: SignedNanos(400),
        seen_ns: SignedNanos(5_000),
        left_ns: SignedNanos(170_000 - 9_000 * i64::try_from(n).unwrap_or(0)),
        since_ns: SignedNanos(0),
        events: vec![
            event(Side::Exchange, TailKind::Softirq, "NET_RX", 900, 3_400),
            event(Side::Trader, TailKind::Vector, "local_timer", 8_000, 9_500),
            event(
                Side::Trader,
                TailKind::Thread,
                "kworker/3:1",
                10_000,
                160_000 - 9_000 * i64::try_from(n).unwrap_or(0),
            ),
        ],
        left_out: 0,
    };
    Tail {
        orders,
        slow: orders / 1_000,
        not_looked_at: 0,
        without_stamps: 0,
        above_ns: Some(Nanos(median.0 * 4)),
        typical_ns: Some(median),
        causes: vec![
            row(&thread, orders / 2_000, 2_400_000, 9_000),
            row(&TailCause { queued: true, ..thread.clone() }, orders / 4_000, 700_000, 2_000),
            row(&TailCause::unexplained(false, &["system calls".to_owned()]), orders / 4_000, 300_000, 0),
        ],
        slowest: (0..10).map(slow).collect(),
        clock_error_ns: Some(Nanos(48)),
        lost_events: 0,
        untimed_softirqs: 2 * orders,
        steal_ns: Some([Nanos(0), Nanos(10_000_000)]),
    }
}
