//! From the joined samples of one attempt to its record: is it valid, and what are its distributions.

use std::{collections::BTreeMap, thread};

use anyhow::Result;
use tickcert_results::{
    certificate::{EndCounters, Histograms, HwStamps, Purpose, Repetition, ScheduleError, TimeBucket},
    hist::Histogram,
    stats::{
        independence::independence,
        quantile,
        summarise::{Distributions, Shifted},
    },
    time::{Nanos, PerSecond},
};
use tickcert_scenarios::{load::Schedule, tape::Tape};

use super::{
    join::{Joined, Lateness, OrderSample, STAGES},
    measured::Measured,
    plan::Slot,
    sample_file::{SampleFile, write_parquet},
    spans, stamps,
    trial::Finished,
    validity::{digest_reason, rates, reasons},
};

/// The note that says how many orders shared a TCP segment with another.
pub(super) const MERGED: &str = "trader/orders_without_own_segment";
/// That note where the lane couldn't tell.
pub(super) const NOT_COUNTED: &str = "not counted";
/// Slices of the measured window in the chart of latency over time.
const SLICES: usize = 60;

/// Which attempt this is.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The repetition it is an attempt at.
    pub slot: Slot,
    /// From 1.
    pub number: u32,
    /// Place in the whole run, from 1.
    pub position: u32,
    /// RFC 3339.
    pub started_at: String,
}

/// What came of an attempt.
pub struct Kept {
    /// The record.
    pub record: Repetition,
    /// What it was made of.
    pub distributions: Distributions,
    /// Why there is no file of its samples, if there is none.
    pub unwritten: Option<String>,
}

impl Attempt {
    /// The record of an attempt that gave no samples at all.
    #[must_use]
    pub fn without_samples(&self, why: String) -> Repetition {
        self.record(vec![why])
    }

    fn record(&self, invalid_reasons: Vec<String>) -> Repetition {
        Repetition {
            repetition: self.slot.repetition,
            attempt: self.number,
            position: self.position,
            started_at: self.started_at.clone(),
            valid: invalid_reasons.is_empty(),
            invalid_reasons,
            staged: self.slot.purpose == Purpose::Stages,
            unstamped: self.slot.purpose == Purpose::Cost,
            counts: Default::default(),
            orders_sha256: String::new(),
            expected_sha256: String::new(),
            achieved_pps: PerSecond(0.0),
            intended_pps: PerSecond(0.0),
            schedule_error_ns: ScheduleError::default(),
            hw_stamps: HwStamps::default(),
            warm_up: Default::default(),
            independence: Default::default(),
            histograms: Histograms::default(),
            over_time: Vec::new(),
            counters: None,
            message_bytes: None,
            samples: String::new(),
            notes: BTreeMap::new(),
        }
    }

    /// Writes the samples, and makes the record that names them, at once. What can't be written costs its attempt.
    ///
    /// # Errors
    /// When a histogram can't be made.
    pub fn keep(&self, finished: &Finished, tape: &Tape, schedule: &Schedule, file: SampleFile<'_>) -> Result<Kept> {
        let (written, made) = thread::scope(|s| {
            let written = s.spawn(|| write_parquet(&file, self, tape, schedule, &finished.joined));
            let made = self.with_samples(finished, tape, schedule);
            (written.join(), made)
        });
        let written = written.map_err(|_| anyhow::anyhow!("the thread that writes the samples has ended"))?;
        let (mut record, distributions) = made?;
        let unwritten = match written {
            Ok(()) => {
                record.samples = file.name;
                None
            }
            Err(e) => {
                let why = format!("the samples could not be kept: {e:#}");
                record.valid = false;
                record.invalid_reasons.push(why.clone());
                Some(why)
            }
        };
        Ok(Kept { record, distributions, unwritten })
    }

    /// The record of an attempt with samples, and its distributions.
    ///
    /// # Errors
    /// When a histogram can't be made.
    pub fn with_samples(
        &self,
        finished: &Finished,
        tape: &Tape,
        schedule: &Schedule,
    ) -> Result<(Repetition, Distributions)> {
        let joined = &finished.joined;
        let measured = Measured::new(&joined.orders, schedule);
        let kept = measured.kept();
        // Halves of the work at once: a repetition may have millions of orders, and the next one waits.
        let (found, expected_sha256, distributions, schedule_error, over_time) = thread::scope(|s| {
            let latencies = || kept.iter().map(OrderSample::t2t_due).collect::<Vec<_>>();
            let found = s.spawn(move || independence(&latencies()));
            let expected_sha256 = tape.expected_digest(schedule.due().len());
            let distributions = distributions(kept, joined).and_then(|mut all| {
                all.wire = wire(kept, finished, tape)?;
                Ok(all)
            });
            let (error, over_time) = (schedule_error(&joined.schedule_error), over_time(kept));
            found.join().map(|found| (found, expected_sha256, distributions, error, over_time))
        })
        .map_err(|_| anyhow::anyhow!("a thread that looks at the samples has ended"))?;
        let (achieved, intended) = rates(joined, schedule);
        let mut reasons = reasons(finished, achieved, intended);
        reasons.extend(digest_reason(joined, &expected_sha256));
        if kept.is_empty() {
            reasons.push("nothing was left to measure after the warm-up".to_owned());
        }
        // A latency beyond what a histogram holds (60 s) makes the attempt invalid; it is not left out of it.
        let distributions = distributions.or_else(|e| {
            reasons.push(format!("{e:#}"));
            Distributions::new()
        })?;
        let record = Repetition {
            counts: joined.counts,
            orders_sha256: joined.received_sha256.clone(),
            expected_sha256,
            achieved_pps: achieved,
            intended_pps: intended,
            schedule_error_ns: schedule_error,
            hw_stamps: stamps::record(finished),
            warm_up: measured.warm_up,
            independence: found,
            histograms: distributions.to_record()?,
            over_time,
            counters: Some(EndCounters { exchange: finished.exchange.counters, trader: finished.trader.counters }),
            message_bytes: finished.trader.message_bytes,
            notes: notes(finished),
            ..self.record(reasons)
        };
        Ok((record, distributions))
    }
}

pub(super) fn schedule_error(all: &[Lateness]) -> ScheduleError {
    let lateness =
        |wanted: fn(&Lateness) -> bool| -> Vec<Nanos> { all.iter().filter(|l| wanted(l)).map(|l| l.late).collect() };
    let (waiting, waiting_p50) = {
        let mut waiting = lateness(|l| !l.queued);
        (waiting.len(), nearest_rank(&mut waiting, 0.5))
    };
    let mut every = lateness(|_| true);
    let queued = (every.len() - waiting) as u64 * 1_000_000 / (every.len() as u64).max(1);
    ScheduleError {
        p50: nearest_rank(&mut every, 0.5),
        p99: nearest_rank(&mut every, 0.99),
        max: every.iter().max().copied().unwrap_or_default(),
        waiting_p50,
        queued_ppm: u32::try_from(queued).unwrap_or(u32::MAX),
    }
}

fn nearest_rank(values: &mut [Nanos], q: f64) -> Nanos {
    quantile::of_unsorted(values, q).unwrap_or_default()
}

/// From the samples themselves, so that the smallest and the largest are exact.
fn distributions(kept: &[OrderSample], joined: &Joined) -> Result<Distributions> {
    let mut stages = BTreeMap::new();
    let of_kept: Vec<_> = kept.iter().filter_map(|o| joined.stages.get(&o.order)).collect();
    if !of_kept.is_empty() {
        for &n in &joined.legs {
            stages.insert(STAGES[n].to_owned(), Histogram::of(of_kept.iter().map(|legs| legs[n]))?);
        }
    }
    Ok(Distributions {
        t2t_sent: Histogram::of(kept.iter().map(OrderSample::t2t_sent))?,
        t2t_due: Histogram::of(kept.iter().map(OrderSample::t2t_due))?,
        trader: Histogram::of(kept.iter().map(|o| o.trader))?,
        stages,
        wire: BTreeMap::new(),
    })
}

/// The spans between hardware stamps, where these can be used.
fn wire(kept: &[OrderSample], finished: &Finished, tape: &Tape) -> Result<BTreeMap<String, Shifted>> {
    match &finished.joined.stamps {
        Some(stamps) if stamps::unusable(finished).is_none() => {
            spans::distributions(kept, stamps, tape, &finished.format, &finished.one_way)
        }
        _ => Ok(BTreeMap::new()),
    }
}

fn over_time(kept: &[OrderSample]) -> Vec<TimeBucket> {
    let (Some(first), Some(last)) = (kept.first(), kept.last()) else { return Vec::new() };
    let width = last.due.saturating_sub(first.due).get() / SLICES as u64 + 1;
    let (mut rest, mut buckets) = (kept, Vec::with_capacity(SLICES));
    while let Some(next) = rest.first() {
        let slice = slice_of(next, first, width);
        // Due times only rise.
        let (chunk, later) = rest.split_at(rest.partition_point(|o| slice_of(o, first, width) <= slice).max(1));
        rest = later;
        let mut latencies: Vec<Nanos> = chunk.iter().map(OrderSample::t2t_due).collect();
        buckets.push(TimeBucket {
            at_ns: Nanos(slice * width),
            n: chunk.len() as u64,
            p50_ns: nearest_rank(&mut latencies, 0.5),
            p99_ns: nearest_rank(&mut latencies, 0.99),
            max_ns: latencies.iter().max().copied().unwrap_or_default(),
        });
    }
    buckets
}

fn slice_of(order: &OrderSample, first: &OrderSample, width: u64) -> u64 {
    order.due.saturating_sub(first.due).get() / width
}

fn notes(finished: &Finished) -> BTreeMap<String, String> {
    let mut notes = BTreeMap::new();
    for (who, usage) in [("exchange", finished.exchange.usage), ("trader", finished.trader.usage)] {
        notes.insert(
            format!("{who}/switches"),
            format!("{} voluntary, {} involuntary", usage.voluntary_switches, usage.involuntary_switches),
        );
        notes.insert(
            format!("{who}/page_faults"),
            format!("{} minor, {} major", usage.minor_faults, usage.major_faults),
        );
        notes.insert(format!("{who}/memory_locked"), usage.memory_locked.to_string());
        notes.insert(format!("{who}/allocator_calls"), usage.allocator_calls.to_string());
    }
    for (who, facts) in [("exchange", &finished.exchange.facts), ("trader", &finished.trader.facts)] {
        notes.extend(facts.iter().map(|(name, value)| (format!("{who}/{name}"), value.clone())));
    }
    if finished.trader.answers.is_some() {
        let merged = finished.trader.merged.map_or_else(|| NOT_COUNTED.to_owned(), |n| n.to_string());
        notes.insert(MERGED.to_owned(), merged);
    }
    for (who, memory) in [("exchange", &finished.exchange.memory), ("trader", &finished.trader.memory)] {
        notes.extend(memory.as_ref().map(|memory| (format!("{who}/memory"), memory.to_string())));
    }
    notes.insert("exchange/poll_cost".to_owned(), finished.exchange.poll_cost.to_string());
    if let Some(answers) = finished.trader.answers {
        notes.insert("trader/answers_read".to_owned(), answers.to_string());
    }
    if finished.trader.held_back > 0 {
        notes.insert("trader/held_back_by_risk".to_owned(), finished.trader.held_back.to_string());
    }
    if let Some(bound) = finished.joined.counters_in_step {
        notes.insert("counters_in_step".to_owned(), format!("the two cores' counters agree within {bound}"));
    }
    if finished.exchange.full + finished.trader.full > 0 {
        let full = format!("exchange {}, trader {} times", finished.exchange.full, finished.trader.full);
        notes.insert("lane_full".to_owned(), full);
    }
    notes
}
