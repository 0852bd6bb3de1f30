//! As in [`crate::faults`], with faults in the ticks: what the trader must notice in the feed itself, and what becomes of
//! the orders.

use tickcert_transports::{api::Flow, wrap::faults::Fault};

use crate::faults::{Case, Outcome, troubles};

const fn invalid(name: &'static str, fault: Fault, check: fn(&Outcome)) -> Case {
    Case { flow: Flow::Ticks, packets: 1_000, ..Case::invalid(name, fault, check) }
}

/// Every case. On the tape every packet causes an order.
pub(crate) const CASES: [Case; 4] = [
    invalid("lost_ticks_are_gaps_to_the_trader_and_invalidate", Fault::Lose, |o| {
        saw(o, &Seen { gaps: o.put_in, ..Seen::default() });
        lost(o);
    }),
    invalid("ticks_sent_twice_are_counted_cause_no_order_and_invalidate", Fault::Duplicate, |o| {
        saw(o, &Seen { duplicates: o.put_in, ..Seen::default() });
        assert_eq!((o.record.counts.matched, troubles(&o.record.counts)), (1_000, 0), "{}", o.summary());
        assert_eq!(o.record.orders_sha256, o.record.expected_sha256);
    }),
    invalid("ticks_spoilt_at_their_head_are_not_read_and_invalidate", Fault::CorruptHead, |o| {
        // The numbers of what can't be read are missing.
        saw(o, &Seen { malformed: o.put_in, gaps: o.put_in, ..Seen::default() });
        lost(o);
    }),
    invalid("ticks_that_were_overtaken_are_gaps_come_too_late_and_invalidate", Fault::Reorder, |o| {
        // Given up when the next one came, and known already when it comes after all.
        saw(o, &Seen { gaps: o.put_in, duplicates: o.put_in, ..Seen::default() });
        lost(o);
    }),
];

/// What the trader saw in the feed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    gaps: u64,
    duplicates: u64,
    malformed: u64,
}

/// As many of each kind as were put in, none of any other, and each kind said with its number.
#[track_caller]
fn saw(o: &Outcome, wanted: &Seen) {
    let (exchange, trader) = (&o.finished.exchange, &o.finished.trader);
    assert_eq!((exchange.injected, trader.injected), (o.put_in, 0), "{}", o.summary());
    let seen = Seen { gaps: trader.gaps, duplicates: trader.duplicates, malformed: trader.malformed };
    assert_eq!(&seen, wanted, "{}", o.summary());
    for (n, reason) in [
        (seen.gaps, "gaps were seen by the trader in the ticks' sequence numbers"),
        (seen.duplicates, "packets came to the trader twice"),
        (seen.malformed, "packets or messages could not be read by the trader"),
    ] {
        if n > 0 {
            o.because(&format!("{n} {reason}"));
        }
    }
}

/// As many orders are lost as ticks were hit, and nothing else is amiss with any.
#[track_caller]
fn lost(o: &Outcome) {
    let counts = &o.record.counts;
    assert_eq!((counts.lost, troubles(counts)), (o.put_in, o.put_in), "{}", o.summary());
    o.because(&format!("{} orders were lost", o.put_in));
}
