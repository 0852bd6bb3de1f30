//! The search for the highest rate that holds, as pure logic: which rate to try next, and when enough is known.
//!
//! From the first rate it grows (or shrinks) by a factor until one rate has held and a higher one has failed, then
//! halves the ratio between them until it is within the resolution. Every rate is decided by two of at most three
//! trials, so that one hiccup of a host decides nothing.

use tickcert_results::time::Nanos;

/// Trials that decide a rate, either way.
const MAJORITY: u32 = 2;

/// Where to search, and how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The first rate, in packets a second.
    pub start: f64,
    /// The factor from rate to rate until the edge lies between two of them; above 1.
    pub growth: f64,
    /// The lowest rate that failed may be above the highest that held by this share; above 0.
    pub resolution: f64,
    /// No rate below this is tried.
    pub floor: f64,
    /// No rate above this is tried.
    pub ceiling: f64,
    /// Most trials.
    pub trials: u32,
    /// No trial begins after this much time.
    pub time: Nanos,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// A trial at this rate.
    Try(f64),
    /// Nothing more.
    Done(End),
}

/// Why the search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The edge is known to the resolution.
    Resolved,
    /// The highest rate allowed held.
    Ceiling,
    /// The lowest rate allowed failed.
    Floor,
    /// The trials are used up.
    Trials,
    /// The time is used up.
    Time,
}

/// A search on its way.
#[derive(Clone, Debug)]
pub struct Search {
    bounds: Bounds,
    /// The rate being decided, and its trials so far.
    rate: f64,
    held: u32,
    failed: u32,
    highest_held: Option<f64>,
    lowest_failed: Option<f64>,
    trials: u32,
    time: Nanos,
    end: Option<End>,
}

impl Search {
    /// One that has not begun.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            rate: bounds.start.clamp(bounds.floor, bounds.ceiling),
            held: 0,
            failed: 0,
            highest_held: None,
            lowest_failed: None,
            trials: 0,
            time: Nanos::ZERO,
            end: None,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> Step {
        match self.end {
            Some(end) => Step::Done(end),
            None if self.trials >= self.bounds.trials => Step::Done(End::Trials),
            None if self.time >= self.bounds.time => Step::Done(End::Time),
            None => Step::Try(self.rate),
        }
    }

    /// A trial at the rate asked for has held, or not, and took this long.
    pub fn record(&mut self, held: bool, took: Nanos) {
        self.trials += 1;
        self.time = self.time + took;
        *(if held { &mut self.held } else { &mut self.failed }) += 1;
        if self.held >= MAJORITY {
            self.highest_held = Some(self.rate);
        } else if self.failed >= MAJORITY {
            self.lowest_failed = Some(self.rate);
        } else {
            return;
        }
        (self.held, self.failed) = (0, 0);
        match self.after_decision() {
            Ok(rate) => self.rate = rate,
            Err(end) => self.end = Some(end),
        }
    }

    /// The highest rate that held.
    #[must_use]
    pub fn highest_held(&self) -> Option<f64> {
        self.highest_held
    }

    /// The lowest rate that failed.
    #[must_use]
    pub fn lowest_failed(&self) -> Option<f64> {
        self.lowest_failed
    }

    fn after_decision(&self) -> Result<f64, End> {
        let Bounds { growth, floor, ceiling, resolution, .. } = self.bounds;
        match (self.highest_held, self.lowest_failed) {
            (Some(held), None) if held >= ceiling => Err(End::Ceiling),
            (Some(held), None) => Ok((held * growth).min(ceiling)),
            (None, Some(failed)) if failed <= floor => Err(End::Floor),
            (None, Some(failed)) => Ok((failed / growth).max(floor)),
            (Some(held), Some(failed)) if failed / held <= 1.0 + resolution => Err(End::Resolved),
            (Some(held), Some(failed)) => Ok((held * failed).sqrt()),
            (None, None) => Ok(self.rate),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    use super::*;

    const BOUNDS: Bounds = Bounds {
        start: 50_000.0,
        growth: 2.0,
        resolution: 0.05,
        floor: 1_000.0,
        ceiling: 1e8,
        trials: 80,
        time: Nanos(u64::MAX),
    };

    /// Searches on a lane that answers as `holds` says; returns the search, its end, and every rate with its answer.
    fn run(bounds: Bounds, mut holds: impl FnMut(f64) -> bool) -> (Search, End, Vec<(f64, bool)>) {
        let (mut search, mut asked) = (Search::new(bounds), Vec::new());
        loop {
            match search.next() {
                Step::Done(end) => return (search, end, asked),
                Step::Try(rate) => {
                    let held = holds(rate);
                    asked.push((rate, held));
                    search.record(held, Nanos::MILLI);
                }
            }
        }
    }

    #[test]
    fn a_known_edge_is_approached_by_doubling_and_then_by_halving_the_ratio() {
        let (search, end, asked) = run(BOUNDS, |rate| rate <= 130_000.0);
        let mut rates: Vec<f64> = asked.iter().map(|(rate, _)| rate.round()).collect();
        assert_eq!(rates.len(), 14, "two trials a rate on a lane without hiccups");
        rates.dedup();
        assert_eq!(rates, [50_000.0, 100_000.0, 200_000.0, 141_421.0, 118_921.0, 129_684.0, 135_426.0]);
        assert_eq!(end, End::Resolved);
        assert_eq!(search.highest_held().map(f64::round), Some(129_684.0));
        assert_eq!(search.lowest_failed().map(f64::round), Some(135_426.0));
    }

    #[test]
    fn a_lane_that_never_fails_ends_at_the_ceiling_and_one_that_always_fails_at_the_floor() {
        let (search, end, asked) = run(BOUNDS, |_| true);
        assert_eq!((end, search.highest_held(), search.lowest_failed()), (End::Ceiling, Some(1e8), None));
        assert!(asked.iter().all(|(rate, _)| *rate <= 1e8));
        let (search, end, asked) = run(BOUNDS, |_| false);
        assert_eq!((end, search.highest_held(), search.lowest_failed()), (End::Floor, None, Some(1_000.0)));
        assert!(asked.iter().all(|(rate, _)| *rate >= 1_000.0));
    }

    #[test]
    fn trials_and_time_are_bounded_and_what_held_by_then_is_kept() {
        let (search, end, asked) = run(Bounds { trials: 5, ..BOUNDS }, |_| true);
        assert_eq!((end, asked.len(), search.highest_held()), (End::Trials, 5, Some(100_000.0)));
        let (search, end, asked) = run(Bounds { time: Nanos::MILLI * 5, ..BOUNDS }, |_| true);
        assert_eq!((end, asked.len(), search.highest_held()), (End::Time, 5, Some(100_000.0)));
        assert_eq!(run(Bounds { trials: 0, ..BOUNDS }, |_| true).1, End::Trials);
    }

    proptest! {
        #[test]
        fn a_sharp_edge_is_found_to_the_resolution(edge in 1_000.0..9e7_f64, resolution in 0.01..0.5_f64) {
            let (search, end, asked) = run(Bounds { resolution, ..BOUNDS }, |rate| rate <= edge);
            let (held, failed) = (search.highest_held().unwrap(), search.lowest_failed().unwrap());
            prop_assert_eq!(end, End::Resolved);
            prop_assert!(held <= edge && edge < failed && failed / held <= 1.0 + resolution);
            prop_assert!(asked.len() <= 60, "{} trials", asked.len());
        }

        /// One of the trials at every rate answers wrongly, whichever the host likes.
        #[test]
        fn one_hiccup_at_every_rate_changes_nothing(edge in 1_000.0..9e7_f64, seed: u64) {
            let (calm, _, _) = run(BOUNDS, |rate| rate <= edge);
            let mut random = Pcg64Mcg::seed_from_u64(seed);
            let (mut rate_before, mut place, mut wrong) = (0.0, 0, 0);
            let (noisy, end, _) = run(Bounds { trials: 120, ..BOUNDS }, |rate| {
                if rate != rate_before {
                    (rate_before, place, wrong) = (rate, 0, random.random_range(0..3));
                }
                place += 1;
                (rate <= edge) != (place - 1 == wrong)
            });
            prop_assert_eq!(end, End::Resolved);
            prop_assert_eq!((noisy.highest_held(), noisy.lowest_failed()), (calm.highest_held(), calm.lowest_failed()));
        }

        /// Within 10 % of the edge a trial is a toss of a coin that is more and more loaded.
        #[test]
        fn a_noisy_edge_is_found_where_the_noise_is(edge in 2_000.0..5e7_f64, seed: u64) {
            let mut random = Pcg64Mcg::seed_from_u64(seed);
            let (search, end, asked) =
                run(BOUNDS, |rate| random.random::<f64>() < ((1.1 - rate / edge) / 0.2).clamp(0.0, 1.0));
            let (held, failed) = (search.highest_held().unwrap(), search.lowest_failed().unwrap());
            prop_assert_eq!(end, End::Resolved);
            prop_assert!(held < edge * 1.1 && failed > edge * 0.9, "{held} {failed} of {edge}");
            prop_assert!(failed / held <= 1.05 && asked.len() <= 80);
        }

        /// Whatever the answers are, it ends, stays within its bounds, and keeps what held below what failed.
        #[test]
        fn no_answers_make_it_run_on_or_astray(answers in proptest::collection::vec(any::<bool>(), 200)) {
            let mut answers = answers.into_iter();
            let (search, _, asked) = run(BOUNDS, |_| answers.next().unwrap_or(false));
            prop_assert!(asked.len() <= 80);
            prop_assert!(asked.iter().all(|(rate, _)| (1_000.0..=1e8).contains(rate)));
            if let (Some(held), Some(failed)) = (search.highest_held(), search.lowest_failed()) {
                prop_assert!(held < failed);
            }
        }
    }
}
