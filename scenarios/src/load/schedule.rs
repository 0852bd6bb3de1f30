//! Due times.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tickcert_results::time::{Nanos, PerSecond};

use super::Arrival;

/// Silence between two passes over the tape, so that the trader's reset of its books is never on a tick's path.
const BETWEEN_PASSES: Nanos = Nanos::MILLI;

/// The due times of one repetition, counted from its start.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    due: Vec<Nanos>,
    /// Packets whose orders are measured, where not all are: in ascending order.
    only: Option<Vec<u32>>,
    packets_per_pass: u32,
}

/// Why there is no schedule.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    /// There is nothing to send.
    #[error("the tape has no packets")]
    EmptyTape,
    /// The rate or the speed is no positive number.
    #[error("a load of `{0}` never sends: give a rate or a speed above zero")]
    NoRate(String),
    /// More packets than a repetition can number.
    #[error(
        "{passes} passes of {packets} packets are more than the 4294967295 that one repetition can number: ask for fewer orders"
    )]
    TooLong {
        /// Passes asked for.
        passes: u32,
        /// Packets in each.
        packets: usize,
    },
}

/// What a schedule is made from: the tape's own times, and which of its packets cause an order.
#[derive(Clone, Copy, Debug)]
pub struct TapeTimes<'a> {
    /// Time of each packet from the first, not descending.
    pub at: &'a [Nanos],
    /// Packets that cause an order, ascending; several orders of one packet stand several times.
    pub triggers: &'a [u32],
}

impl Schedule {
    /// The due times of `passes` passes over a tape. The same arguments give the same times.
    ///
    /// # Errors
    /// See [`ScheduleError`].
    pub fn new(load: &Arrival, tape: TapeTimes<'_>, passes: u32, seed: u64) -> Result<Self, ScheduleError> {
        let packets = tape.at.len();
        let per_pass = u32::try_from(packets).ok().filter(|p| *p > 0).ok_or(ScheduleError::EmptyTape)?;
        let total = per_pass.checked_mul(passes.max(1)).ok_or(ScheduleError::TooLong { passes, packets })?;
        check(load)?;
        let mut only = None;
        let due = match *load {
            Arrival::Tape { speed } => at_tape_times(tape.at, passes.max(1), speed),
            Arrival::Constant { rate } => spaced(total, per_pass, rate, |_| 1.0),
            Arrival::Poisson { rate } => {
                let mut random = Pcg64Mcg::seed_from_u64(seed);
                spaced(total, per_pass, rate, |_| -(1.0 - random.random::<f64>()).ln())
            }
            Arrival::Bursts { rate, burst } => {
                let burst = burst.max(1);
                spaced(total, per_pass, rate, |n| if n % burst == 0 { f64::from(burst) } else { 0.0 })
            }
            Arrival::Cold { gap, rate } => {
                let (due, cold) = cold(tape.triggers, per_pass, total, gap, rate);
                only = Some(cold);
                due
            }
        };
        Ok(Self { due, only, packets_per_pass: per_pass })
    }

    /// Ends the repetition after `packets`, or with the first packet that would be due later than `limit`, whichever is
    /// earlier. At least one packet stays.
    #[must_use]
    pub fn cut(mut self, packets: u32, limit: Nanos) -> Self {
        let within = self.due.partition_point(|d| *d <= limit);
        self.due.truncate(within.min(packets as usize).max(1));
        // Of many passes over a long tape most may be gone, and each cell keeps its schedule.
        self.due.shrink_to_fit();
        if let Some(only) = &mut self.only {
            let len = self.due.len();
            only.retain(|n| (*n as usize) < len);
        }
        self
    }

    /// Each packet's due time.
    #[must_use]
    pub fn due(&self) -> &[Nanos] {
        &self.due
    }

    /// Packets whose orders are measured; `None` for all.
    #[must_use]
    pub fn only(&self) -> Option<&[u32]> {
        self.only.as_deref()
    }

    /// How often the tape is played, the last time perhaps not to its end.
    #[must_use]
    pub fn passes(&self) -> u32 {
        u32::try_from(self.due.len()).unwrap_or(u32::MAX).div_ceil(self.packets_per_pass)
    }

    /// Packets of the whole repetition.
    #[must_use]
    pub fn packets(&self) -> u32 {
        u32::try_from(self.due.len()).unwrap_or(u32::MAX)
    }

    /// The most packets that are due within any `window`.
    #[must_use]
    pub fn most_within(&self, window: Nanos) -> usize {
        let mut first = 0;
        let ends = self.due.iter().enumerate().map(|(last, due)| {
            while due.saturating_sub(self.due[first]) > window {
                first += 1;
            }
            last + 1 - first
        });
        ends.max().unwrap_or_default()
    }

    /// The longest time in which nothing is due: before the first packet, or between two.
    #[must_use]
    pub fn longest_silence(&self) -> Nanos {
        let before_first = self.due.first().copied().unwrap_or_default();
        self.due.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).fold(before_first, Nanos::max)
    }

    /// From the start to the last packet.
    #[must_use]
    pub fn duration(&self) -> Nanos {
        self.due.last().copied().unwrap_or_default()
    }

    /// Mean rate over the whole.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate for display")]
    pub fn mean_rate(&self) -> PerSecond {
        PerSecond(self.due.len() as f64 / self.duration().as_secs_f64().max(1e-9))
    }
}

fn check(load: &Arrival) -> Result<(), ScheduleError> {
    let factor = match *load {
        Arrival::Tape { speed } => speed,
        Arrival::Constant { rate }
        | Arrival::Poisson { rate }
        | Arrival::Bursts { rate, .. }
        | Arrival::Cold { rate, .. } => rate.0,
    };
    if factor.is_finite() && factor > 0.0 { Ok(()) } else { Err(ScheduleError::NoRate(load.to_string())) }
}

fn at_tape_times(at: &[Nanos], passes: u32, speed: f64) -> Vec<Nanos> {
    let last = at.last().copied().unwrap_or_default();
    let per_pass = scaled(last, 1.0 / speed) + BETWEEN_PASSES;
    (0..passes).flat_map(|pass| at.iter().map(move |t| scaled(*t, 1.0 / speed) + per_pass * u64::from(pass))).collect()
}

/// Packets `gap(n)` mean gaps apart, with the silence between passes.
fn spaced(total: u32, per_pass: u32, rate: PerSecond, mut gap: impl FnMut(u32) -> f64) -> Vec<Nanos> {
    let (mean, mut at) = (1e9 / rate.0, 0.0);
    (0..total)
        .map(|n| {
            if n > 0 {
                at += mean * gap(n);
                if n % per_pass == 0 {
                    at += nanos_f64(BETWEEN_PASSES);
                }
            }
            rounded(at)
        })
        .collect()
}

/// A silence before every trigger; returns the due times and the packets that come after one.
fn cold(triggers: &[u32], per_pass: u32, total: u32, gap: Nanos, rate: PerSecond) -> (Vec<Nanos>, Vec<u32>) {
    let mut is_trigger = vec![false; per_pass as usize];
    for t in triggers {
        if let Some(flag) = is_trigger.get_mut(*t as usize) {
            *flag = true;
        }
    }
    let mut cold = Vec::new();
    let due = spaced(total, per_pass, rate, |n| {
        if is_trigger[(n % per_pass) as usize] {
            cold.push(n);
            nanos_f64(gap) * rate.0 / 1e9
        } else {
            1.0
        }
    });
    (due, cold)
}

#[expect(clippy::cast_precision_loss, reason = "schedules are far shorter than 2^53 ns")]
const fn nanos_f64(n: Nanos) -> f64 {
    n.get() as f64
}

fn scaled(t: Nanos, by: f64) -> Nanos {
    rounded(nanos_f64(t) * by)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times on a schedule are not negative and far below 2^53 ns"
)]
fn rounded(ns: f64) -> Nanos {
    Nanos(ns.round() as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AT: [Nanos; 4] = [Nanos(0), Nanos(10), Nanos(10), Nanos(1_000)];

    fn schedule(load: &Arrival, passes: u32) -> Schedule {
        Schedule::new(load, TapeTimes { at: &AT, triggers: &[2] }, passes, 1).unwrap()
    }

    #[test]
    fn tape_times_twice_as_fast_take_half_as_long_and_go_on_in_the_second_pass() {
        let due = schedule(&Arrival::Tape { speed: 2.0 }, 2).due;
        assert_eq!(
            due.iter().map(|d| d.0).collect::<Vec<_>>(),
            [0, 5, 5, 500, 1_000_500, 1_000_505, 1_000_505, 1_001_000]
        );
    }

    #[test]
    fn a_constant_rate_has_equal_gaps() {
        let due = schedule(&Arrival::Constant { rate: PerSecond(1e6) }, 1).due;
        assert_eq!(due, [Nanos(0), Nanos(1_000), Nanos(2_000), Nanos(3_000)]);
    }

    #[test]
    fn a_burst_is_due_at_one_instant_and_the_mean_rate_holds() {
        let due = schedule(&Arrival::Bursts { rate: PerSecond(1e6), burst: 2 }, 1).due;
        assert_eq!(due, [Nanos(0), Nanos(0), Nanos(2_000), Nanos(2_000)]);
    }

    #[test]
    fn a_cold_trigger_comes_after_the_silence_and_only_it_is_measured() {
        let s = schedule(&Arrival::Cold { gap: Nanos(100_000), rate: PerSecond(1e6) }, 1);
        assert_eq!(s.due, [Nanos(0), Nanos(1_000), Nanos(101_000), Nanos(102_000)]);
        assert_eq!(s.only(), Some(&[2][..]));
    }

    #[test]
    fn poisson_gaps_have_the_mean_and_the_spread_of_an_exponential() {
        let at = vec![Nanos(0); 200_000];
        let load = Arrival::Poisson { rate: PerSecond(1e5) };
        let due = Schedule::new(&load, TapeTimes { at: &at, triggers: &[] }, 1, 7).unwrap().due;
        #[expect(clippy::cast_precision_loss)]
        let gaps: Vec<f64> = due.windows(2).map(|w| (w[1].0 - w[0].0) as f64).collect();
        #[expect(clippy::cast_precision_loss)]
        let n = gaps.len() as f64;
        let mean = gaps.iter().sum::<f64>() / n;
        let sd = (gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / n).sqrt();
        assert!((mean - 10_000.0).abs() < 100.0 && (sd / mean - 1.0).abs() < 0.02, "mean {mean} sd {sd}");
    }

    #[test]
    fn the_densest_window_counts_its_packets_and_not_the_mean() {
        let s = schedule(&Arrival::Bursts { rate: PerSecond(1e6), burst: 2 }, 1);
        assert_eq!((s.most_within(Nanos(1_999)), s.most_within(Nanos(2_000)), s.most_within(Nanos::ZERO)), (2, 4, 2));
    }

    #[test]
    fn a_repetition_is_cut_by_packets_or_by_time_whichever_comes_first() {
        let whole = schedule(&Arrival::Constant { rate: PerSecond(1e6) }, 2);
        assert_eq!(whole.clone().cut(6, Nanos::SECOND).packets(), 6);
        assert_eq!(whole.clone().cut(6, Nanos(2_500)).packets(), 3);
        assert_eq!((whole.clone().cut(6, Nanos::SECOND).passes(), whole.cut(0, Nanos::ZERO).packets()), (2, 1));
    }

    #[test]
    fn the_longest_silence_is_that_of_the_packets_that_are_sent_whatever_the_load() {
        let tape = schedule(&Arrival::Tape { speed: 0.5 }, 2);
        assert_eq!(tape.longest_silence(), BETWEEN_PASSES);
        assert_eq!(tape.cut(4, Nanos::SECOND).longest_silence(), Nanos(1_980));
        let cold = schedule(&Arrival::Cold { gap: Nanos::SECOND * 30, rate: PerSecond(1e6) }, 1);
        assert_eq!(cold.longest_silence(), Nanos::SECOND * 30);
        assert_eq!(cold.cut(2, Nanos::SECOND).longest_silence(), Nanos(1_000));
    }

    #[test]
    fn a_rate_of_nothing_is_refused() {
        let load = Arrival::Constant { rate: PerSecond(0.0) };
        assert!(matches!(
            Schedule::new(&load, TapeTimes { at: &AT, triggers: &[] }, 1, 1),
            Err(ScheduleError::NoRate(_))
        ));
    }

    proptest! {
        #[test]
        fn due_times_never_run_backwards_and_the_seed_decides(seed: u64, passes in 1_u32..4, rate in 1.0..1e7_f64, burst in 1_u32..9) {
            for load in [
                Arrival::Tape { speed: rate / 1e5 }, Arrival::Constant { rate: PerSecond(rate) },
                Arrival::Poisson { rate: PerSecond(rate) }, Arrival::Bursts { rate: PerSecond(rate), burst },
                Arrival::Cold { gap: Nanos::MILLI, rate: PerSecond(rate) },
            ] {
                let make = || Schedule::new(&load, TapeTimes { at: &AT, triggers: &[1] }, passes, seed).unwrap();
                let s = make();
                prop_assert!(s.due.windows(2).all(|w| w[0] <= w[1]));
                prop_assert_eq!(s.due.len(), 4 * passes as usize);
                prop_assert_eq!(&s, &make());
            }
        }
    }
}
