//! Ten million samples from the endpoints' files to a signed certificate: seconds, and peak memory of the process.
//! Synthetic latencies, everything else as in `tickcert certify`: join with the oracle, statistics, Parquet, JSON, HTML,
//! signature. Run with `cargo bench -p tickcert --bench ten_million`.
#![expect(clippy::print_stdout, reason = "a bench reports")]

use std::{error::Error, fs, path::Path, time::Instant};

use tickcert::{
    endpoint::samples::{ArrivalLog, Departure, ExchangeSamples, STAMPS},
    run::{
        join::join,
        output,
        plan::Slot,
        repetition::{Attempt, SampleFile},
        trial::Finished,
    },
};
use tickcert_results::{
    certificate::{Certificate, example},
    evidence::Evidence,
    sign::SigningKey,
    stats::summarise::summarise,
    time::{Nanos, PerSecond, TickScale, Ticks},
};
use tickcert_scenarios::{
    generator::{self, GeneratorConfig},
    load::{Arrival, Schedule},
    tape::{self, Tape},
    trader::{Strategy, TraderConfig},
};

const REPETITIONS: u32 = 10;
const ORDERS: u32 = 1_000_000;
const PACKETS: u32 = 100_000;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let tape_path = folder.path().join("tape");
    let ticks = generator::generate(&GeneratorConfig { messages: PACKETS, ..GeneratorConfig::default() })?;
    tape::build(&tape_path, &ticks, TraderConfig::new(Strategy::first_byte()))?;
    let tape = Tape::open(&tape_path)?;
    let load = Arrival::Constant { rate: PerSecond(100_000.0) };
    let passes = ORDERS.div_ceil(u32::try_from(tape.packets())?);
    let schedule = Schedule::new(&load, tape.times(), passes, 1)?.cut(ORDERS, Nanos(u64::MAX));
    let samples = folder.path().join("exchange.samples");
    let departures = make(&samples, &tape, &schedule)?;
    let out = folder.path().join("out");
    fs::create_dir_all(out.join("samples"))?;
    let begun = Instant::now();
    certify(&samples, &departures, &tape, &schedule, &out)?;
    let seconds = begun.elapsed().as_secs_f64();
    println!("{} samples to a certificate: {seconds:.2} s, peak memory {} MiB", REPETITIONS * ORDERS, peak_mib());
    Ok(())
}

/// The exchange's file and the trader's stamps of one repetition.
fn make(path: &Path, tape: &Tape, schedule: &Schedule) -> Result<Vec<Departure>, Box<dyn Error>> {
    let (base, expected) = (1_000_000_u64, tape.expected(schedule.due().len()));
    let sent: Vec<u64> = schedule.due().iter().map(|d| base + d.get() + 15).collect();
    let mut log = ArrivalLog::with_room(expected.len());
    let (mut order, mut departures) = (Vec::new(), Vec::with_capacity(expected.len()));
    for n in 0..expected.len() {
        expected.write(n, &mut order);
        let spread = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52;
        let at = sent[expected.packet(n).unwrap_or_default()] + 8_000 + spread;
        log.push(Ticks::new(at).ok_or("no stamp")?, &order);
        let mut stamps = [0; STAMPS];
        (stamps[Departure::ARRIVAL], stamps[Departure::DEPARTURE]) = (at - 5_000, at - 2_000);
        departures.push(Departure { stamps });
    }
    ExchangeSamples::write(path, Ticks::new(base).ok_or("no base")?, &sent, &log)?;
    Ok(departures)
}

fn certify(
    samples: &Path,
    departures: &[Departure],
    tape: &Tape,
    schedule: &Schedule,
    out: &Path,
) -> Result<(), Box<dyn Error>> {
    let mut certificate: Certificate = example::one_lane();
    let (mut records, mut all) = (Vec::new(), Vec::new());
    for n in 1..=REPETITIONS {
        let exchange = ExchangeSamples::read(samples)?;
        let joined = join(tape, schedule, &exchange, departures, TickScale::from_hz(1e9), Nanos::SECOND);
        let finished = Finished { joined, exchange: Default::default(), trader: Default::default() };
        let slot = Slot { cell: 0, repetition: n, staged: false };
        let attempt = Attempt { slot, number: 1, position: n, started_at: String::new() };
        let name = format!("samples/{n}.parquet");
        let file = SampleFile { folder: out, name, lane: "kernel-udp", evidence: Evidence::Emulated };
        let (record, distributions) = attempt.keep(&finished, tape, schedule, file)?;
        records.push(record);
        all.push(distributions);
    }
    let cell = certificate.cells.first_mut().ok_or("no cell")?;
    cell.latency_ns = summarise(&all.iter().collect::<Vec<_>>(), &[], 1)?;
    cell.repetitions = records;
    output::write(&mut certificate, out, &SigningKey::load_or_create(&out.join("key"))?)?;
    Ok(())
}

fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    peak.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or_default() / 1024
}
