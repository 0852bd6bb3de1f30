//! The tail of a cell: the slow ticks of all its repetitions, by cause.

use std::collections::BTreeMap;

use tickcert_results::{
    certificate::{SlowTick, Tail, TailCause, TailRow},
    time::Nanos,
};

use super::samples::{Slow, TrialTail};

/// Slowest ticks that are shown one by one.
const SHOWN: usize = 10;
/// Samples of which one is above p99.9.
const P99_9: u64 = 1_000;
/// Samples of which one is above p99.99.
const P99_99: u64 = 10_000;

/// Of the repetitions that count, by their numbers; `None` without samples. `median` is that of the cell.
#[must_use]
pub fn pool(trials: &[(u32, TrialTail)], median: Option<Nanos>) -> Option<Tail> {
    let orders: u64 = trials.iter().map(|(_, t)| t.orders).sum();
    let mut latencies: Vec<Nanos> = trials.iter().flat_map(|(_, t)| t.slowest.iter().copied()).collect();
    latencies.sort_unstable_by(|a, b| b.cmp(a));
    let above = usize::try_from(orders / P99_9).ok()?.max(1);
    let limit = *latencies.get(above.saturating_sub(1))?;
    let mut slow: Vec<(u32, &Slow)> = trials.iter().flat_map(|(n, t)| t.slow.iter().map(|s| (*n, s))).collect();
    slow.retain(|(_, s)| s.t2t_due >= limit);
    slow.sort_by_key(|(_, s)| std::cmp::Reverse(s.t2t_due));
    slow.truncate(above);
    let without_stamps = trials.iter().flat_map(|(_, t)| &t.unstamped).filter(|t2t_due| **t2t_due >= limit).count();
    let typical = median.unwrap_or_default();
    Some(Tail {
        orders,
        slow: slow.len() as u64,
        not_looked_at: above.saturating_sub(slow.len() + without_stamps) as u64,
        without_stamps: without_stamps as u64,
        above_ns: Some(limit),
        typical_ns: median,
        causes: by_cause(&slow, &Slowest { latencies, known_to: known_to(trials), orders }, typical),
        slowest: slow.iter().take(SHOWN).map(|(n, s)| shown(*n, s)).collect(),
        clock_error_ns: trials.iter().map(|(_, t)| t.error).max(),
        lost_events: trials.iter().map(|(_, t)| t.lost).sum(),
        untimed_softirqs: trials.iter().map(|(_, t)| t.untimed).sum(),
        steal_ns: stolen(trials),
    })
}

/// In sum, if it is known of all.
fn stolen(trials: &[(u32, TrialTail)]) -> Option<[Nanos; 2]> {
    trials.iter().try_fold([Nanos::ZERO; 2], |sum, (_, trial)| {
        trial.stolen.map(|stolen| [0, 1].map(|side| sum[side] + stolen[side]))
    })
}

/// The slowest of all samples.
struct Slowest {
    /// Slowest first.
    latencies: Vec<Nanos>,
    /// All that are slower than this are among them.
    known_to: Nanos,
    /// How many samples there are.
    orders: u64,
}

/// Of each trial the slowest are kept: what lies below the last of them is not known of all.
fn known_to(trials: &[(u32, TrialTail)]) -> Nanos {
    let cut = trials.iter().filter(|(_, t)| (t.slowest.len() as u64) < t.orders);
    cut.filter_map(|(_, t)| t.slowest.last()).copied().max().unwrap_or_default()
}

fn by_cause(slow: &[(u32, &Slow)], slowest: &Slowest, typical: Nanos) -> Vec<TailRow> {
    let mut causes: BTreeMap<&TailCause, Vec<&Slow>> = BTreeMap::new();
    for (_, tick) in slow {
        causes.entry(&tick.cause).or_default().push(tick);
    }
    let row = |(cause, ticks): (&TailCause, Vec<&Slow>)| TailRow {
        cause: cause.clone(),
        ticks: ticks.len() as u64,
        excess_ns: Nanos(ticks.iter().map(|t| t.t2t_due.saturating_sub(typical).0).sum()),
        taken_ns: ticks.iter().try_fold(Nanos::ZERO, |sum, t| t.took.map(|took| sum + took)),
        p99_9_ns: slowest.lower_by(&ticks, P99_9),
        p99_99_ns: slowest.lower_by(&ticks, P99_99),
    };
    let mut rows: Vec<TailRow> = causes.into_iter().map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.excess_ns));
    rows
}

impl Slowest {
    /// By how much the quantile above which one of `one_in` samples lies would be lower, had these ticks not lost what their
    /// cause took. `None` without ten samples above it, or where what it took, or the samples that would be in their place,
    /// are not known.
    fn lower_by(&self, ticks: &[&Slow], one_in: u64) -> Option<Nanos> {
        if self.orders < 10 * one_in {
            return None;
        }
        // The nearest rank, from the slowest.
        let place = usize::try_from(self.orders / one_in).ok()?;
        let mut without = self.latencies.clone();
        for tick in ticks {
            let at = without.iter().position(|l| *l == tick.t2t_due)?;
            without.remove(at);
            let moved = tick.t2t_due.saturating_sub(tick.took?);
            // Keeps the order: what has become fast goes to its place among the rest.
            let to = without.partition_point(|l| *l > moved);
            without.insert(to, moved);
        }
        let (with, without) = (*self.latencies.get(place)?, *without.get(place)?);
        (without >= self.known_to).then(|| with.saturating_sub(without))
    }
}

fn shown(repetition: u32, slow: &Slow) -> SlowTick {
    let [sent_ns, seen_ns, left_ns] = slow.marks;
    let since_ns = slow.since;
    SlowTick {
        repetition,
        order: slow.order,
        t2t_due_ns: slow.t2t_due,
        cause: slow.cause.clone(),
        taken_ns: slow.took,
        sent_ns,
        seen_ns,
        left_ns,
        since_ns,
        events: slow.events.0.clone(),
        left_out: slow.events.1,
    }
}

#[cfg(test)]
mod tests {
    use tickcert_results::{
        certificate::{Side, TailKind},
        time::SignedNanos,
    };

    use super::*;

    fn cause(name: &str) -> TailCause {
        TailCause { kind: TailKind::Thread, name: name.to_owned(), side: Some(Side::Trader), queued: false }
    }

    fn slow(t2t_due: u64, name: &str, took: u64) -> Slow {
        Slow {
            order: 0,
            t2t_due: Nanos(t2t_due),
            cause: cause(name),
            took: Some(Nanos(took)),
            marks: [SignedNanos(0); 3],
            since: SignedNanos(0),
            events: (Vec::new(), 0),
        }
    }

    /// 20,000 samples of 100 ns but for 30 slow ones: 1000, 2000, … 30,000 ns, odd ones by `a`, even ones by `b`.
    fn trial() -> TrialTail {
        let slow: Vec<Slow> =
            (1..=30).rev().map(|n| slow(n * 1000, if n % 2 == 1 { "a" } else { "b" }, n * 1000 - 100)).collect();
        let mut slowest: Vec<Nanos> = slow.iter().map(|s| s.t2t_due).collect();
        slowest.resize(100, Nanos(100));
        let (unstamped, stolen) = (Vec::new(), Some([Nanos(0), Nanos(7)]));
        TrialTail { orders: 20_000, slowest, slow, unstamped, error: Nanos(50), lost: 0, untimed: 0, stolen }
    }

    #[test]
    fn the_tail_is_the_thousandth_part_and_each_cause_has_its_share() {
        let tail = pool(&[(1, trial())], Some(Nanos(100))).unwrap();
        assert_eq!((tail.slow, tail.not_looked_at, tail.above_ns), (20, 0, Some(Nanos(11_000))));
        let rows: Vec<(&str, u64)> = tail.causes.iter().map(|r| (r.cause.name.as_str(), r.ticks)).collect();
        assert_eq!(rows, [("b", 10), ("a", 10)]);
        // Above p99.9 lie 20, so it is the 21st: 10,000. Without the ten of `a` above it, it is the 21st of those that are left:
        // ten of `b`, then 10,000, 9,000, … of which the eleventh is 100.
        assert_eq!(tail.causes[1].p99_9_ns, Some(Nanos(9_900)));
        assert_eq!(tail.causes[1].p99_99_ns, None, "20,000 samples have no p99.99");
        assert_eq!(tail.slowest.len(), 10);
        assert_eq!(tail.slowest[0].t2t_due_ns, Nanos(30_000));
        assert_eq!(tail.steal_ns, Some([Nanos(0), Nanos(7)]));
    }

    #[test]
    fn of_a_cause_that_took_nobody_knows_what_it_is_not_said_what_is_without_it() {
        let mut some = trial();
        some.slow.iter_mut().filter(|s| s.cause.name == "a").for_each(|s| s.took = None);
        let tail = pool(&[(1, some)], Some(Nanos(100))).unwrap();
        let rows: Vec<_> = tail.causes.iter().map(|r| (r.taken_ns, r.p99_9_ns.is_some())).collect();
        // Of `b`: 12,000, 14,000, … 30,000, each less the median.
        assert_eq!(rows, [(Some(Nanos(209_000)), true), (None, false)]);
    }

    #[test]
    fn steal_that_one_repetition_does_not_know_is_not_known_of_all() {
        let without = TrialTail { stolen: None, ..trial() };
        assert_eq!(pool(&[(1, trial()), (2, without)], None).unwrap().steal_ns, None);
        assert_eq!(pool(&[(1, trial()), (2, trial())], None).unwrap().steal_ns, Some([Nanos(0), Nanos(14)]));
    }

    #[test]
    fn slow_ticks_that_were_not_looked_at_are_counted() {
        let mut cut = trial();
        cut.slow.truncate(5);
        let tail = pool(&[(1, cut)], Some(Nanos(100))).unwrap();
        assert_eq!((tail.slow, tail.not_looked_at), (5, 15));
    }

    #[test]
    fn slow_ticks_without_stamps_are_counted_by_themselves() {
        let mut some = trial();
        let gone: Vec<Slow> = some.slow.drain(..5).collect();
        // One of them is slow in its own trial only.
        some.unstamped = gone.iter().map(|s| s.t2t_due).chain([Nanos(10_000)]).collect();
        let tail = pool(&[(1, some)], Some(Nanos(100))).unwrap();
        assert_eq!((tail.slow, tail.not_looked_at, tail.without_stamps), (15, 0, 5));
    }

    #[test]
    fn what_of_one_trial_is_not_known_is_not_known_of_all() {
        // Of the second the twenty slowest are kept: there may be more between 10,500 and 10,000.
        let mut second = trial();
        second.slow.clear();
        second.slowest = vec![Nanos(10_500); 20];
        let tail = pool(&[(1, trial()), (2, second)], Some(Nanos(100))).unwrap();
        assert!(tail.causes.iter().all(|row| row.p99_9_ns.is_none()), "{:?}", tail.causes);
    }

    #[test]
    fn without_samples_there_is_no_tail() {
        assert_eq!(pool(&[], None), None);
    }
}
