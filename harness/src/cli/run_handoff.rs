//! `tickcert run hand-off`.

use std::path::Path;

use anyhow::anyhow;
use comfy_table::{Table, presets};
use serde::Serialize;
use tickcert_probes::{clocks, host, latency_hold::LatencyHold, memory};
use tickcert_results::{
    certificate::{HandoffCell, HandoffComparison, NotRun, Quantiles, TapeSummary},
    time::Nanos,
};
use tickcert_scenarios::{
    handoff::{Handoff, resolve},
    profile::Profile,
};

use super::{Failure, Outcome, out, run_handoff_args::HandoffArgs, start, ticks};
use crate::run::{handoff, progress::Progress, scratch::Scratch, workload};

/// The result, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Printed {
    /// The workload.
    tape: TapeSummary,
    /// The comparison.
    #[serde(flatten)]
    comparison: HandoffComparison,
    /// Hand-offs that did not run.
    not_run: Vec<NotRun>,
    /// Whether the cores were kept out of deep sleep, or why not.
    cpu_dma_latency: String,
    /// True when the user broke it off.
    interrupted: bool,
}

pub(super) fn main(args: &HandoffArgs) -> Result<Outcome, Failure> {
    let handoffs = match &args.queues {
        None => Handoff::usual(),
        Some(names) => resolve(names).map_err(Failure::usage)?,
    };
    let spec = args.spec(handoffs);
    spec.check().map_err(Failure::usage)?;
    let mut profile = Profile::load(&args.profile).map_err(Failure::usage)?;
    ticks::apply(&args.ticks, &mut profile)?;
    let mut progress = Progress::new(start::voice(&args.common));
    let cores = start::cores(args.cores.pair())?;
    let _lock = start::lock(&args.common, &progress)?;
    start::listen()?;
    let (mut clock, scale) = clocks::start(Path::new("/")).map_err(Failure::cannot_run)?;
    let folder = Scratch::new().map_err(Failure::cannot_run)?;
    let tape = workload::make_tape(&profile, args.ticks.file.as_deref(), &folder.path().join("tape"))
        .map_err(|e| if workload::is_at_fault(&e) { Failure::usage(e) } else { Failure::cannot_run(e) })?;
    let hold = LatencyHold::take();
    progress.detail(&hold.describe());
    if let Err(e) = memory::lock_all() {
        progress.detail(&e.to_string());
    }
    progress.say(&format!(
        "Comparing {} hand-offs, {} repetitions of {} each",
        spec.handoffs.len(),
        args.repetitions,
        args.duration
    ));
    let hypervisor = host::hypervisor(Path::new("/"));
    let order =
        handoff::Order { spec: &spec, tape: &tape, cores, scale, seed: profile.run.seed, hypervisor: &hypervisor };
    let compared = handoff::compare(&order, &mut progress)
        .map_err(|e| if workload::is_at_fault(&e) { Failure::usage(e) } else { Failure::cannot_run(e) })?;
    start::clock_held(&mut clock)?;
    let result = Printed {
        tape: tape.summary(),
        comparison: compared.comparison,
        not_run: compared.not_run,
        cpu_dma_latency: hold.describe(),
        interrupted: compared.interrupted,
    };
    if args.common.json {
        out::json(&result)?;
    } else {
        print(&result)?;
    }
    status(&result)
}

/// 0 where every hand-off that ran has a repetition that counts.
fn status(result: &Printed) -> Result<Outcome, Failure> {
    let cells = &result.comparison.cells;
    if cells.is_empty() || result.interrupted {
        return Ok(Outcome(4));
    }
    let without: Vec<&str> = cells.iter().filter(|cell| cell.valid() == 0).map(|cell| cell.name.as_str()).collect();
    if without.is_empty() {
        return Ok(Outcome::OK);
    }
    Err(Failure::after(Outcome(3), anyhow!("no repetition counts of: {}; the reasons stand above", without.join(", "))))
}

fn print(result: &Printed) -> Result<(), Failure> {
    let c = &result.comparison;
    out::line(format_args!(
        "Hand-off: ticks from memory, decoded on core {} and decided on core {}; {}, {}-byte messages, room for {}, producers {}{}; tape {}, {}",
        c.decode_core,
        c.decide_core,
        c.load.text,
        c.message_bytes,
        c.capacity,
        c.producers,
        if c.shared_cores { " (sharing the decoding core)" } else { "" },
        result.tape.sha256.get(..12).unwrap_or_default(),
        c.evidence
    ))?;
    if let Some(o) = c.counter_offset {
        out::line(format_args!(
            "Counter of core {} against core {}: {:+.0} to {:+.0} ns; spans from one to the other are off by that",
            c.decide_core, c.decode_core, o.at_least_ns, o.at_most_ns
        ))?;
    }
    if let Some(p) = c.preemption {
        out::line(format_args!("The deciding core is taken away for {} every {}", p.length_ns, p.every_ns))?;
    }
    if !c.cells.is_empty() {
        out::line(table(c, "tick due until taken out", |cell| &cell.taken_due_ns, "taken_due"))?;
        out::line(table(c, "put in until taken out", |cell| &cell.hand_off_ns, "hand_off"))?;
        out::line(table(c, "putting in", |cell| &cell.push_ns, ""))?;
        out::line(table(c, "tick due to order", |cell| &cell.order_due_ns, "order_due"))?;
        out::line(table(c, "tick sent to order", |cell| &cell.order_sent_ns, ""))?;
        out::line(table(c, "tick sent after it was due", |cell| &cell.schedule_error_ns, ""))?;
        if c.reference.is_some() {
            out::line("Each interval of a ratio is at 95 % for itself: of many, one or another misses")?;
        }
    }
    for cell in c.cells.iter().filter(|cell| c.preemption.is_some() && cell.push_ns.n > 0) {
        let (stalled, taken) = cell.stalled();
        out::line(format_args!(
            "{:<18} putting in stood still {stalled} times, of {taken} that the core was taken away",
            cell.name
        ))?;
    }
    for cell in &c.cells {
        for repetition in cell.repetitions.iter().filter(|r| !r.valid) {
            let why = repetition.invalid_reasons.join("; ");
            out::line(format_args!("{}: repetition {} doesn't count: {why}", cell.name, repetition.repetition))?;
        }
    }
    for same in result.not_run.chunk_by(|a, b| (&a.needs, &a.how) == (&b.needs, &b.how)) {
        let names: Vec<&str> = same.iter().map(|row| row.name.as_str()).collect();
        if let Some(row) = same.first() {
            out::line(format_args!("not-run: {}\n  needs {}\n  {}", names.join(", "), row.needs, row.how))?;
        }
    }
    if result.interrupted {
        out::line("Interrupted: repetitions are missing")?;
    }
    Ok(())
}

/// One distribution of every hand-off.
fn table(c: &HandoffComparison, what: &str, part: fn(&HandoffCell) -> &Quantiles, metric: &str) -> String {
    let mut rows = Table::new();
    rows.load_preset(presets::ASCII_BORDERS_ONLY_CONDENSED);
    let reference = c.reference.as_deref().filter(|_| !metric.is_empty());
    let against = |quantile| reference.map_or_else(String::new, |name| format!("{quantile} / {name}"));
    rows.set_header([
        what,
        "counts",
        "p50",
        "95 %",
        "p99",
        "p99.9",
        "p99.99",
        "max",
        &against("p50"),
        &against("p99.9"),
    ]);
    for cell in &c.cells {
        let q = part(cell);
        let shown = |n: Option<Nanos>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let interval = q.ci95.get("p50").map_or_else(|| "-".to_owned(), |[low, high]| format!("{low:.0}..{high:.0}"));
        let over = |quantile| {
            cell.ratios.get(&format!("{metric}.{quantile}")).map_or_else(String::new, |r| {
                let interval = r.ci95.map_or_else(String::new, |[low, high]| format!(" ({low:.2}..{high:.2})"));
                format!("{:.2}{interval}", r.ratio)
            })
        };
        rows.add_row([
            cell.name.clone(),
            format!("{}/{}", cell.valid(), cell.repetitions.len()),
            shown(q.p50),
            interval,
            shown(q.p99),
            shown(q.p99_9),
            shown(q.p99_99),
            shown(q.max),
            over("p50"),
            over("p99_9"),
        ]);
    }
    format!("{rows}\n")
}
