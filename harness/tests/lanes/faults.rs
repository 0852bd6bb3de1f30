//! Faults on purpose in a real trial, whichever lane it runs on: orders that are lost, repeated, spoilt, overtaken or late
//! must be counted for what they are and invalidate, and those that are only slow or refused for a while must not.

use tickcert::{endpoint::control::Injection, run::trial::Finished};
use tickcert_results::{
    certificate::{Counts, Repetition},
    time::{Nanos, PerSecond},
};
use tickcert_transports::{
    api::Flow,
    wrap::faults::{Fault, FaultPlan},
};

/// An order is late after this: long enough that no stall of the host makes one so, and short because an exchange
/// waits twice as long for orders that were lost.
pub(crate) const LATE_AFTER: Nanos = Nanos(400_000_000);
/// One order or tick in so many is hit; the last of all is not, so that something follows each.
pub(crate) const EVERY: u32 = 150;
/// Beyond [`LATE_AFTER`], and within what the exchange waits for.
const TOO_LONG: Nanos = Nanos(600_000_000);
/// Shorter than the time between two orders at [`SLOW`], so that nothing has to overtake.
const SHORT: Nanos = Nanos(500_000);
const REFUSALS: u32 = 5;
pub(crate) const RATE: PerSecond = PerSecond(8_000.0);
const SLOW: PerSecond = PerSecond(500.0);
/// An exchange that was so late sends what waited at once, and a virtual wire may drop a part of that.
const STALL: Nanos = Nanos(20_000_000);

/// One fault, and what must become of it.
pub(crate) struct Case {
    /// What must hold.
    pub(crate) name: &'static str,
    pub(crate) fault: Option<Fault>,
    /// What it hits.
    pub(crate) flow: Flow,
    /// Packets a second, each of which causes an order.
    pub(crate) rate: PerSecond,
    /// Packets.
    pub(crate) packets: u32,
    /// Whether the trial must be valid.
    pub(crate) valid: bool,
    pub(crate) check: fn(&Outcome),
}

/// Whether the host has kept the exchange waiting for so long that a trial shows nothing.
pub(crate) fn is_spoilt(record: &Repetition) -> bool {
    record.schedule_error_ns.max > STALL
}

impl Case {
    pub(crate) const fn invalid(name: &'static str, fault: Fault, check: fn(&Outcome)) -> Self {
        Self { valid: false, ..Self::valid(name, Some(fault), check) }
    }

    pub(crate) const fn valid(name: &'static str, fault: Option<Fault>, check: fn(&Outcome)) -> Self {
        Self { name, fault, flow: Flow::Orders, rate: RATE, packets: 2_000, valid: true, check }
    }

    pub(crate) fn injection(&self) -> Injection {
        let plan = self.fault.map(|fault| FaultPlan { fault, every: EVERY });
        match self.flow {
            Flow::Orders => Injection { faults: plan, ..Injection::default() },
            Flow::Ticks => Injection { tick_faults: plan, ..Injection::default() },
        }
    }

    /// Whether a trial is invalid that must not be: now and then because of a stall that shows nowhere else, and each time
    /// only because of a fault of ours.
    pub(crate) const fn is_wronged(&self, record: &Repetition) -> bool {
        self.valid && !record.valid
    }

    /// Panics where the outcome is not what it must be.
    pub(crate) fn check(&self, record: Repetition, finished: Finished) {
        let put_in = self.fault.map_or(0, |_| u64::from(self.packets / EVERY));
        let outcome = Outcome { put_in, record, finished };
        assert_eq!(outcome.record.valid, self.valid, "{}", outcome.summary());
        assert_eq!(outcome.record.counts.expected_orders, u64::from(self.packets));
        (self.check)(&outcome);
    }
}

/// Every case.
pub(crate) const CASES: [Case; 9] = [
    Case::valid("without_faults_a_trial_is_valid", None, nothing_is_missing),
    Case::invalid("lost_orders_are_counted_and_invalidate", Fault::Lose, |o| {
        o.only(|c| c.lost, "orders were lost");
        o.all_but_those_hit();
    }),
    Case::invalid("orders_sent_twice_are_counted_and_invalidate", Fault::Duplicate, |o| {
        o.only(|c| c.duplicate, "orders came twice");
    }),
    Case::invalid("spoilt_orders_are_counted_and_invalidate", Fault::Corrupt, |o| {
        o.only(|c| c.wrong, "orders had other bytes than expected");
        o.all_but_those_hit();
    }),
    Case::invalid(
        "orders_spoilt_at_their_head_are_counted_or_end_the_session_and_the_trial",
        Fault::CorruptHead,
        |o| {
            if o.finished.trader.answers.is_none() {
                o.only(|c| c.wrong, "orders had other bytes than expected");
                o.all_but_those_hit();
            } else {
                // Where one packet can't be told from the next, no later one can be trusted.
                o.because("the exchange broke off: order session");
                assert!(o.record.counts.matched < u64::from(EVERY), "{}", o.summary());
            }
        },
    ),
    Case::invalid("orders_that_were_overtaken_change_the_digest_and_invalidate", Fault::Reorder, |o| {
        o.because("the orders came in another order");
        nothing_is_missing(o);
        assert_ne!(o.record.orders_sha256, o.record.expected_sha256);
    }),
    Case::invalid("orders_beyond_the_limit_are_late_and_invalidate", Fault::Delay { by: TOO_LONG }, |o| {
        o.only(|c| c.late, "orders were late");
        o.all_but_those_hit();
    }),
    Case {
        rate: SLOW,
        packets: 301,
        ..Case::valid(
            "a_delay_within_the_limit_is_valid_and_in_the_latency_of_the_orders_it_hit",
            Some(Fault::Delay { by: SHORT }),
            |o| {
                nothing_is_missing(o);
                let mut hit = o.finished.joined.orders.iter().filter(|order| is_hit(order.order));
                assert!(hit.all(|order| order.t2t_sent() >= SHORT && order.t2t_due() >= SHORT));
            },
        )
    },
    Case::valid(
        "orders_refused_for_lack_of_room_are_sent_again_and_none_is_lost",
        Some(Fault::Full { times: REFUSALS }),
        |o| {
            nothing_is_missing(o);
            assert!(o.finished.trader.full >= o.put_in * u64::from(REFUSALS), "{}", o.finished.trader.full);
        },
    ),
];

/// Whether the order of this number, from 0, was hit.
const fn is_hit(order: u32) -> bool {
    (order + 1).is_multiple_of(EVERY)
}

/// What came of a trial.
pub(crate) struct Outcome {
    pub(crate) put_in: u64,
    pub(crate) record: Repetition,
    pub(crate) finished: Finished,
}

impl Outcome {
    /// As many of this kind as were put in, none of any other, and said so.
    #[track_caller]
    fn only(&self, counted: fn(&Counts) -> u64, reason: &str) {
        let counts = &self.record.counts;
        let found = (self.finished.trader.injected, counted(counts), troubles(counts));
        assert_eq!(found, (self.put_in, self.put_in, self.put_in), "{}", self.summary());
        self.because(&format!("{} {reason}", self.put_in));
    }

    #[track_caller]
    pub(crate) fn because(&self, reason: &str) {
        assert!(self.record.invalid_reasons.iter().any(|r| r.contains(reason)), "{}", self.summary());
    }

    /// The latencies are those of all orders that were not hit, and of no other.
    #[track_caller]
    fn all_but_those_hit(&self) {
        let orders = &self.finished.joined.orders;
        assert_eq!(orders.len() as u64, self.record.counts.expected_orders - self.put_in);
        assert!(!orders.iter().any(|order| is_hit(order.order)));
    }

    pub(crate) fn summary(&self) -> String {
        let Repetition { counts, invalid_reasons, .. } = &self.record;
        let (put_in, wanted) = (self.finished.trader.injected + self.finished.exchange.injected, self.put_in);
        format!("put in {put_in} of {wanted}, counted {counts:?}, invalid because: {}", invalid_reasons.join("; "))
    }
}

/// Every order came, byte for byte and in time.
#[track_caller]
pub(crate) fn nothing_is_missing(o: &Outcome) {
    let counts = &o.record.counts;
    let (trader, all) = (&o.finished.trader, counts.expected_orders);
    assert_eq!((counts.matched, troubles(counts), trader.unsent), (all, 0, 0), "{}", o.summary());
    assert_eq!(trader.injected, o.put_in, "{}", o.summary());
}

pub(crate) const fn troubles(c: &Counts) -> u64 {
    c.lost + c.wrong + c.duplicate + c.late + c.unexpected + c.bad_stamps + c.skipped
}
