//! `tickcert certify`, step by step: plan, preflight, tape, bench, gate, trials, judgement.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use anyhow::Result;
use jiff::Timestamp;
use tickcert_probes::{affinity, audit, clocks, host, latency_hold::LatencyHold, noise};
use tickcert_results::{
    certificate::{
        Cell, Certificate, ClockProbe, Handoff, Latencies, NotRun, NotRunKind, OrderChannel, Placement, Probes,
        ProfileSummary, Repetition, SCHEMA, Sut,
    },
    evidence::Evidence,
    judge::judge,
    stats::summarise::{Distributions, summarise},
    time::{Nanos, TickScale},
    verdict::Verdict,
};
use tickcert_scenarios::{profile::Profile, tape::Tape};
use tickcert_transports::{Lane, api::Caps, dispatch};

use super::{
    endpoints::Homes,
    interrupt, output, overhead,
    plan::{self, PlannedCell, Slot},
    progress::Progress,
    repetition::{Attempt, SampleFile},
    scratch::Scratch,
    trial::{Request, Stage, is_interrupt},
    workload,
};
use crate::{
    bench::{Bench, BenchSpec},
    cli::Preflight,
    endpoint::control::Injection,
    version,
};

/// What the user asked for, beside the profile.
pub struct Order {
    /// The requirements.
    pub profile: Profile,
    /// Ticks instead of the profile's.
    pub ticks: Option<PathBuf>,
    /// Lanes to run, by the profile or the command line; names are known to exist.
    pub lanes: Vec<Lane>,
    /// Cores of exchange and trader.
    pub cores: (u32, u32),
    /// The user's name for the machine.
    pub label: Option<String>,
    /// What was asked for on the command line in place of the profile's own, in words; part of the profile's digest.
    pub overrides: Vec<String>,
    /// Folder of the certificate; samples are written into it as they come.
    pub out: PathBuf,
    /// Unique to the run.
    pub run_id: String,
}

/// Runs everything and judges it. Nothing is signed or stored yet.
///
/// # Errors
/// When the run could not begin: no tape, no bench, no clock. What goes wrong later is in the certificate.
pub fn certify(order: &Order, progress: &mut Progress) -> Result<Certificate> {
    let started_at = now();
    let root = Path::new("/");
    progress.say("Checking the clock");
    let (mut clock, scale) = clocks::start(root)?;
    let sut = host::sut(host::read(root), order.label.as_deref().unwrap_or_default());
    let cores = [order.cores.0, order.cores.1];
    let mut probes = Probes { audit: audit::read(root, &cores), ..Probes::default() };
    let folder = Scratch::new()?;
    progress.say("Building the tape");
    let tape_path = folder.path().join("tape");
    let tape = workload::make_tape(&order.profile, order.ticks.as_deref(), &tape_path)?;
    #[expect(clippy::cast_precision_loss, reason = "a share for display")]
    let share = 100.0 * tape.orders() as f64 / tape.packets() as f64;
    let (name, packets, orders) = (&tape.sha256()[..12], tape.packets(), tape.orders());
    progress.say(&format!("Tape {name}: {packets} packets, {orders} orders ({share:.2} for 100 packets)"));
    let mut not_run = Vec::new();
    let cells = plan_cells(order, &tape, &sut, &mut not_run)?;
    let bench = Bench::set_up(&bench_spec(order, &cells))?;
    let hold = LatencyHold::take();
    progress.detail(&hold.describe());
    output::make_folder(&order.out)?;
    overhead::measure(&mut probes, scale);
    gate(order, scale, &mut probes, &mut not_run, progress);
    let stage = Stage {
        link: &bench.link,
        homes: Homes { exchange: Some(&bench.exchange_netns), trader: Some(&bench.trader_netns), logs: folder.path() },
        tape: &tape,
        tape_path: &tape_path,
        scale,
        folder: folder.path(),
        exchange_core: order.cores.0,
        trader_core: order.cores.1,
        late_after: order.profile.run.orders_late_after,
        seed: order.profile.run.seed,
    };
    let mut run = Run { order, stage: &stage, cells, results: HashMap::new(), position: 0 };
    let interrupted = run.trials(progress)?;
    drop(hold);
    clocks::finish(&mut clock)?;
    let cells = run.into_cells(&sut, &probes, &clock)?;
    probes.clocks = Some(clock);
    let mut certificate = Certificate {
        schema: SCHEMA.to_owned(),
        run_id: order.run_id.clone(),
        tool: version::tool(),
        started_at,
        finished_at: now(),
        interrupted,
        sut,
        tape: tape.summary(),
        profile: profile_summary(order),
        verdict: Verdict::NotRun,
        reasons: Vec::new(),
        requirements: Vec::new(),
        cells,
        not_run,
        probes,
        files: Vec::new(),
    };
    let judgement = judge(&order.profile.requirements, &certificate);
    certificate.verdict = judgement.verdict;
    certificate.reasons = judgement.reasons;
    certificate.requirements = judgement.results;
    Ok(certificate)
}

/// RFC 3339, UTC, in whole seconds.
#[must_use]
pub fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn profile_summary(order: &Order) -> ProfileSummary {
    let profile = &order.profile;
    if order.overrides.is_empty() {
        return ProfileSummary {
            name: profile.name.clone(),
            sha256: profile.sha256.clone(),
            description: profile.description.clone(),
        };
    }
    let changed = order.overrides.join(", ");
    ProfileSummary {
        name: format!("{} (changed)", profile.name),
        sha256: tickcert_scenarios::digest::sha256_hex(format!("{}\n{changed}", profile.sha256).as_bytes()),
        description: format!("{}; changed on the command line: {changed}", profile.description),
    }
}

/// Lanes x loads that can run here; what can't goes into `not_run`.
fn plan_cells(order: &Order, tape: &Tape, sut: &Sut, not_run: &mut Vec<NotRun>) -> Result<Vec<PlannedCell>> {
    let mut cells = Vec::new();
    for lane in &order.lanes {
        match dispatch(*lane, Preflight { virtual_link: true }) {
            Err(unmet) => not_run.push(NotRun {
                kind: NotRunKind::Lane,
                name: lane.name().to_owned(),
                needs: unmet.needs,
                how: unmet.how,
            }),
            Ok(caps) => {
                let caps = capped_by_virtual_machine(caps, sut);
                for load in &order.profile.loads {
                    let (schedule, passes) = plan::schedule(&load.arrival, tape, load.window, order.profile.run.seed)?;
                    cells.push(PlannedCell { lane: *lane, caps: caps.clone(), load: load.arrival, schedule, passes });
                }
            }
        }
    }
    Ok(cells)
}

/// Whatever the wire, a virtual machine's clock and cores are not the hardware's own.
fn capped_by_virtual_machine(caps: Caps, sut: &Sut) -> Caps {
    if sut.host.virtualised == "none" || caps.evidence <= Evidence::Emulated {
        return caps;
    }
    let why = format!("the host is a virtual machine ({})", sut.host.virtualised);
    Caps { evidence: Evidence::Emulated, evidence_why: why, ..caps }
}

/// Receive buffers hold what comes during a stall at the highest rate of any load, at what the kernel takes for a
/// small packet, and twice that to be sure.
fn bench_spec(order: &Order, cells: &[PlannedCell]) -> BenchSpec {
    const KERNEL_BYTES_PER_PACKET: f64 = 1280.0;
    let fastest = cells.iter().map(|c| c.schedule.mean_rate().0).fold(0.0, f64::max);
    let packets = fastest * order.profile.run.stall.as_secs_f64();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what a socket may have")]
    let receive_buffer = (packets * KERNEL_BYTES_PER_PACKET * 2.0).clamp(4e6, 1e9) as usize;
    BenchSpec { receive_buffer, ..BenchSpec::default() }
}

/// Noise probes come before any trial: what they find limits the verdict.
fn gate(order: &Order, scale: TickScale, probes: &mut Probes, not_run: &mut Vec<NotRun>, progress: &Progress) {
    let spec = &order.profile.noise;
    progress.say(&format!("Watching cores {} and {} for noise, {}", order.cores.0, order.cores.1, spec.duration));
    match noise::measure(&[order.cores.0, order.cores.1], spec.duration, spec.threshold, scale) {
        Ok(found) => probes.noise = Some(found),
        Err(e) => not_run.push(NotRun {
            kind: NotRunKind::Probe,
            name: "noise".to_owned(),
            needs: anyhow::Error::new(e).chain().map(|c| c.to_string()).collect::<Vec<_>>().join(": "),
            how: "choose cores that this process may use (--exchange-core, --trader-core)".to_owned(),
        }),
    }
}

/// The trials, and what has come of them so far.
struct Run<'a> {
    order: &'a Order,
    stage: &'a Stage<'a>,
    cells: Vec<PlannedCell>,
    /// By cell: the attempts, with their distributions where there are any.
    results: HashMap<usize, Vec<(Repetition, Option<Distributions>)>>,
    position: u32,
}

impl Run<'_> {
    /// All slots, each until it is valid or its retries are used up. Returns whether the user broke it off.
    fn trials(&mut self, progress: &mut Progress) -> Result<bool> {
        let run = &self.order.profile.run;
        let slots = plan::interleave(self.cells.len(), run.repetitions, run.staged_repetitions, run.seed);
        let total: Nanos = slots.iter().map(|s| self.cells[s.cell].schedule.duration()).fold(Nanos::ZERO, |a, b| a + b);
        progress.say(&format!("{} trials, about {} of traffic", slots.len(), total));
        progress.begin(slots.len());
        let mut interrupted = false;
        for slot in slots {
            interrupted = !self.repetition(slot, progress)?;
            if interrupted {
                break;
            }
        }
        progress.end();
        if interrupted {
            progress.say("Interrupted: what there is by now goes into the certificate, marked as such");
        }
        Ok(interrupted)
    }

    /// One slot; false when the user wants to stop.
    fn repetition(&mut self, slot: Slot, progress: &Progress) -> Result<bool> {
        let title = self.cells[slot.cell].lane.name();
        for number in 1..=self.order.profile.run.retries + 1 {
            if interrupt::wanted() {
                return Ok(false);
            }
            self.position += 1;
            progress.trial(&format!("{title}, repetition {}", slot.repetition));
            let attempt = Attempt { slot, number, position: self.position, started_at: now() };
            let Some((record, distributions)) = self.attempt(&attempt)? else { return Ok(false) };
            progress.done(&describe(title, &record, distributions.as_ref()));
            let valid = record.valid;
            self.results.entry(slot.cell).or_default().push((record, distributions));
            if valid {
                break;
            }
        }
        Ok(true)
    }

    fn attempt(&self, attempt: &Attempt) -> Result<Option<(Repetition, Option<Distributions>)>> {
        let cell = &self.cells[attempt.slot.cell];
        let request = Request {
            lane: cell.lane,
            load: &cell.load,
            schedule: &cell.schedule,
            passes: cell.passes,
            staged: attempt.slot.staged,
            injection: Injection::default(),
        };
        let finished = match self.stage.run(&request) {
            Ok(finished) => finished,
            Err(e) if is_interrupt(&e) => return Ok(None),
            // An endpoint that died costs its attempt, not the run.
            Err(e) => return Ok(Some((attempt.without_samples(format!("{e:#}")), None))),
        };
        let lane = cell.lane.name();
        let (number, repetition) = (attempt.slot.cell + 1, attempt.slot.repetition);
        let name = format!("samples/{number}-{lane}-{}-r{repetition}-a{}.parquet", cell.load.mode(), attempt.number);
        let file = SampleFile { folder: &self.order.out, name, lane, evidence: cell.caps.evidence };
        let (record, distributions) = attempt.keep(&finished, self.stage.tape, &cell.schedule, file)?;
        Ok(Some((record, Some(distributions))))
    }

    fn into_cells(mut self, sut: &Sut, probes: &Probes, clock: &ClockProbe) -> Result<Vec<Cell>> {
        let seed = self.order.profile.run.seed;
        let mut cells = Vec::new();
        for (n, planned) in self.cells.iter().enumerate() {
            let attempts = self.results.remove(&n).unwrap_or_default();
            let of = |wanted: fn(&Repetition) -> bool| -> Vec<&Distributions> {
                attempts.iter().filter(|(r, _)| wanted(r)).filter_map(|(_, d)| d.as_ref()).collect()
            };
            let counted = of(Repetition::counts_for_latency);
            let staged = of(|r| r.valid && r.staged);
            let latency_ns =
                if counted.is_empty() { Latencies::default() } else { summarise(&counted, &staged, seed)? };
            let repetitions: Vec<Repetition> = attempts.iter().map(|(r, _)| r.clone()).collect();
            cells.push(Cell {
                lane: planned.lane.name().to_owned(),
                variant: String::new(),
                order_channel: planned.caps.orders,
                evidence: planned.caps.evidence,
                evidence_why: planned.caps.evidence_why.clone(),
                placement: self.placement(),
                handoff: Handoff::Inline,
                load: planned.load.describe(&planned.schedule),
                warnings: warnings(&repetitions, planned.caps.orders, sut, clock),
                repetitions,
                latency_ns,
                stamp_cost_ns: probes.stamp_cost_ns,
            });
        }
        Ok(cells)
    }

    fn placement(&self) -> Placement {
        let (exchange_core, trader_core) = self.order.cores;
        Placement {
            name: format!("{exchange_core}-{trader_core}"),
            exchange_core,
            trader_core,
            link: "veth".to_owned(),
        }
    }
}

fn describe(lane: &str, r: &Repetition, d: Option<&Distributions>) -> String {
    let what = if r.staged { "stages" } else { "repetition" };
    if !r.valid {
        return format!(
            "  {lane} {what} {} attempt {}: INVALID, {}",
            r.repetition,
            r.attempt,
            r.invalid_reasons.join("; ")
        );
    }
    let shown = |q| d.and_then(|d| d.t2t_due.quantile(q)).map_or_else(|| "-".to_owned(), |n| n.to_string());
    format!(
        "  {lane} {what} {}: {} orders, t2t_due p50 {} p99 {}",
        r.repetition,
        r.counts.matched,
        shown(0.5),
        shown(0.99)
    )
}

/// What a reader should know before trusting the numbers of a cell.
fn warnings(repetitions: &[Repetition], channel: OrderChannel, sut: &Sut, clock: &ClockProbe) -> Vec<String> {
    let mut warnings = Vec::new();
    let valid: Vec<&Repetition> = repetitions.iter().filter(|r| r.counts_for_latency()).collect();
    let count = |is: &dyn Fn(&Repetition) -> bool| valid.iter().filter(|r| is(r)).count();
    let mut say = |n: usize, what: &str| {
        if n > 0 {
            warnings.push(format!("{n} of {} repetitions: {what}", valid.len()));
        }
    };
    say(count(&|r| !r.warm_up.stationary), "the latencies were not stationary when the warm-up allowed was used up");
    say(
        count(&|r| r.independence.drift_p < 0.01 && r.independence.drift_share.abs() > 0.05),
        "the median drifted by more than 5 % within the window",
    );
    say(
        count(&|r| r.independence.autocorrelation_p < 0.01 && r.independence.lag1 > 0.2),
        "successive latencies are correlated, so a window holds less information than its samples suggest; the intervals rest on repetitions and allow for it",
    );
    say(
        count(&|r| r.notes.get("trader/memory_locked").is_some_and(|v| v == "false")),
        "the trader's memory was not locked (raise `ulimit -l`)",
    );
    if !clock.invariant_tsc {
        warnings.push("the processor does not promise an invariant time-stamp counter".to_owned());
    }
    if sut.host.virtualised != "none" {
        let text = "on a virtual machine the hypervisor may take a core away for milliseconds at any moment: the tails are the host's as much as the lane's";
        warnings.push(text.to_owned());
    }
    if channel == OrderChannel::Datagram {
        warnings.push("orders cross as datagrams without a session; the exchange sends no answers".to_owned());
    }
    warnings
}

/// Cores for exchange and trader when nobody chose: the last two that this process may use, since the first ones
/// serve most interrupts.
///
/// # Errors
/// When there are fewer than two.
pub fn choose_cores() -> Result<(u32, u32)> {
    let allowed = affinity::allowed()?;
    let mut last = allowed.iter().rev();
    match (last.next(), last.next()) {
        (Some(trader), Some(exchange)) => Ok((*exchange, *trader)),
        _ => anyhow::bail!(
            "only core {allowed:?} may be used here: exchange and trader need one each (more cores, or a wider cpuset)"
        ),
    }
}
