//! Ten million samples from the endpoints' files to a signed certificate: seconds, and peak memory of the process.
//! Synthetic latencies, everything else as in `tickcert certify`: both endpoints' files, join with the oracle, statistics,
//! Parquet, judge, JSON, HTML, JUnit, signature. Run with `cargo bench -p tickcert --bench ten_million`.
#![expect(clippy::print_stdout, reason = "a bench reports")]

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tickcert::{
    endpoint::samples::{ArrivalLog, Departure, DepartureLog, ExchangeSamples, STAMPS, TraderSamples},
    run::{
        join::{Joined, Sources, join},
        output,
        plan::Slot,
        repetition::{Attempt, Kept},
        sample_file::SampleFile,
        trial::Finished,
    },
};
use tickcert_results::{
    certificate::{Certificate, Planned, Purpose, example},
    evidence::Evidence,
    judge::judge,
    sign::SigningKey,
    stats::summarise::summarise,
    time::{Nanos, PerSecond, TickScale, Ticks},
};
use tickcert_scenarios::{
    generator::{self, GeneratorConfig},
    load::{Arrival, Schedule},
    profile::Profile,
    tape::{self, Tape},
    trader::{Strategy, TraderConfig},
};

const SAMPLES: u32 = 10_000_000;
const PACKETS: u32 = 100_000;
/// What is asked of this bench.
const MOST: (Duration, u64) = (Duration::from_secs(3), 1024);

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let tape_path = folder.path().join("tape");
    let ticks = generator::generate(&GeneratorConfig { messages: PACKETS, ..GeneratorConfig::default() })?;
    tape::build(&tape_path, &ticks, TraderConfig::new(Strategy::first_byte()))?;
    let tape = Tape::open(&tape_path)?;
    for repetitions in [10, 1] {
        let run = Run::make(folder.path(), &tape, repetitions)?;
        forget_peak();
        let begun = Instant::now();
        let certificate = run.certify(&tape)?;
        let (took, peak) = (begun.elapsed(), peak_mib());
        let kept = certificate.cells.iter().flat_map(|c| &c.repetitions);
        let matched: u64 = kept.filter(|r| r.valid).map(|r| r.counts.matched).sum();
        println!(
            "{matched} samples, repetitions: {repetitions}, to a certificate ({}): {:.2} s (at most {:.2}), peak memory \
             {peak} MiB (at most {})",
            certificate.verdict,
            took.as_secs_f64(),
            MOST.0.as_secs_f64(),
            MOST.1
        );
        if matched != u64::from(SAMPLES) {
            return Err(format!("only {matched} orders of {SAMPLES} were matched in valid repetitions").into());
        }
    }
    Ok(())
}

/// What the endpoints leave of a repetition; every repetition finds the same.
struct Run {
    repetitions: u32,
    schedule: Schedule,
    exchange: PathBuf,
    trader: PathBuf,
    out: PathBuf,
}

impl Run {
    /// Both files of a repetition: first come, first served, a body of 8 to 12 us, a tail of one in a hundred up to 300 us.
    fn make(folder: &Path, tape: &Tape, repetitions: u32) -> Result<Self, Box<dyn Error>> {
        let orders = SAMPLES / repetitions;
        let passes = orders.div_ceil(u32::try_from(tape.packets())?);
        let load = Arrival::Constant { rate: PerSecond(100_000.0) };
        let schedule = Schedule::new(&load, tape.times(), passes, 1)?.cut(orders, Nanos(u64::MAX));
        let at = |name: &str| folder.join(format!("{name}-{repetitions}"));
        let (exchange, trader, out) = (at("exchange.samples"), at("trader.samples"), at("out"));
        let (base, expected) = (1_000_000_u64, tape.expected(schedule.due().len()));
        let sent: Vec<u64> = schedule.due().iter().zip(0..).map(|(d, n)| base + d.get() + 15 + noise(n) % 30).collect();
        let (mut arrivals, mut departures) =
            (ArrivalLog::with_room(expected.len()), DepartureLog::with_room(expected.len()));
        let (mut order, mut arrived) = (Vec::new(), 0);
        for n in 0..expected.len() {
            expected.write(n, &mut order);
            let drawn = noise(n as u64 + (1 << 32));
            let tail = if drawn.is_multiple_of(100) { (drawn >> 20) % 300_000 } else { 0 };
            let at = sent[expected.packet(n).unwrap_or_default()] + 8_000 + drawn % 4_000 + tail;
            arrived = at.max(arrived + 1_000);
            arrivals.push(Ticks::new(arrived).ok_or("no stamp")?, &order);
            let mut stamps = [0; STAMPS];
            (stamps[Departure::ARRIVAL], stamps[Departure::DEPARTURE]) =
                (arrived - 5_000, arrived - 3_000 + drawn % 500);
            departures.push(Departure { stamps });
        }
        ExchangeSamples::write(&exchange, Ticks::new(base).ok_or("no base")?, &sent, &arrivals)?;
        departures.write(&trader)?;
        Ok(Self { repetitions, schedule, exchange, trader, out })
    }

    /// As [`Stage::run`](tickcert::run::trial::Stage::run) does after the traffic.
    fn join(&self, tape: &Tape) -> Result<Joined, Box<dyn Error>> {
        let (exchange, trader) = (ExchangeSamples::read(&self.exchange)?, TraderSamples::read(&self.trader)?);
        Ok(join(Sources {
            tape,
            schedule: &self.schedule,
            exchange: &exchange,
            trader: &trader,
            scale: TickScale::from_hz(1e9),
            trader_scale: None,
            threads: false,
            late_after: Nanos::SECOND,
            stamps: None,
        })?)
    }

    fn certify(&self, tape: &Tape) -> Result<Certificate, Box<dyn Error>> {
        output::make_folder(&self.out)?;
        let mut certificate: Certificate = example::one_lane();
        certificate.not_run.clear();
        let (mut records, mut all) = (Vec::new(), Vec::new());
        for n in 1..=self.repetitions {
            let joined = self.join(tape)?;
            let finished = Finished::from(joined);
            let slot = Slot { cell: 0, repetition: n, purpose: Purpose::Latency };
            let attempt = Attempt { slot, number: 1, position: n, started_at: String::new() };
            let name = format!("samples/{n}.parquet");
            let file = SampleFile { folder: &self.out, name, lane: "kernel-udp", evidence: Evidence::Emulated };
            let Kept { record, distributions, unwritten } = attempt.keep(&finished, tape, &self.schedule, file)?;
            if let Some(why) = unwritten {
                return Err(why.into());
            }
            records.push(record);
            all.push(distributions);
        }
        let cell = certificate.cells.first_mut().ok_or("no cell")?;
        cell.latency_ns = summarise(&all.iter().collect::<Vec<_>>(), &[], 1)?;
        cell.planned = Some(Planned { repetitions: self.repetitions, staged: 0, unstamped: 0 });
        cell.repetitions = records;
        let judgement = judge(&Profile::load("ci")?.requirements, &certificate);
        certificate.verdict = judgement.verdict;
        certificate.reasons = judgement.reasons;
        certificate.requirements = judgement.results;
        output::write(&mut certificate, "", &self.out, &SigningKey::load_or_create(&self.out.join("key"))?)?;
        Ok(certificate)
    }
}

/// Numbers without a pattern (Steele, Lea & Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
fn noise(n: u64) -> u64 {
    let x = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Making the samples took memory too; that is no part of the figure. A kernel that can't do this gives too large a one.
fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    peak.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or_default() / 1024
}
