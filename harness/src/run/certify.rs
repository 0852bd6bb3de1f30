//! `tickcert certify`, step by step: plan, preflight, tape, bench, gate, trials, judgement.

use std::path::Path;

use anyhow::Result;
use jiff::Timestamp;
use tickcert_probes::{clocks, isolated, latency_hold::LatencyHold, noise, sysfs::write_core_list};
use tickcert_results::{
    certificate::{
        Cell, Certificate, ClockProbe, ExchangeHost, HandoffComparison, NotRun, NotRunKind, Probes, RateSearch, SCHEMA,
        StampingRecord, Sut,
    },
    crews,
    judge::judge,
    placements::matrices,
    stamp::StampPolicy,
    time::TickScale,
    verdict::Verdict,
    wire::LinkSpeed,
};
use tickcert_scenarios::tape::Tape;
use tickcert_transports::api::{Link, Unmet};

pub use super::order::Order;
use super::{
    between_cores, counters, floor,
    ground::{self, Ground},
    handoff, huge_pages, machine, output, overhead,
    plan::PlannedCell,
    progress::Progress,
    queues::{self, Steered},
    scratch::Scratch,
    settings, sweep, tail, threads,
    trial::Stage,
    trials::{Stop, Trials},
    two_hosts,
    wiring::{self, Wiring},
    workload,
};
use crate::{
    bench::{huge_pages::HugePages, stamping::Stamps},
    remote::Session,
    version,
};

/// Runs everything and judges it. Nothing is signed or stored yet.
///
/// # Errors
/// When the run could not begin: no tape, no clock. A bench that can't be set up, and what goes wrong later, is in the
/// certificate.
pub fn certify(order: &Order, progress: &mut Progress) -> Result<Certificate> {
    let started_at = now();
    let root = Path::new("/");
    progress.say("Checking the clock");
    let (mut clock, scale) = clocks::start(root)?;
    let far = order.far.as_deref();
    let (sut, mut exchange_host) = two_hosts::hosts(far, order.label.as_deref(), &clock);
    let mut not_run = Vec::new();
    let machine = far.is_none().then(|| machine::read(&mut not_run));
    let mut probes = Probes { audit: order.audit(root, &mut exchange_host), machine, ..Probes::default() };
    let folder = Scratch::new()?;
    progress.say("Building the tape");
    let tape_path = folder.path().join("tape");
    let tape = workload::make_tape(&order.profile, order.ticks.as_deref(), &tape_path)?;
    progress.say(&describe(&tape));
    let (mut rates, mut hand_off) = (Vec::new(), None);
    not_run.extend(order.seats.iter().flat_map(|seats| seats.not_run.iter().cloned()));
    not_run.extend(order.no_crews.iter().cloned());
    let ground = Ground::new(order, two_hosts::hypervisor(&sut, exchange_host.as_ref()));
    let planned = ground.plan_cells(order, &tape, &mut not_run)?;
    let run =
        Prepared { order, ground: &ground, sut: &sut, tape: &tape, tape_path: &tape_path, folder: &folder, scale };
    let mut found = Found {
        probes: &mut probes,
        exchange_host: &mut exchange_host,
        clock: &mut clock,
        not_run: &mut not_run,
        rates: &mut rates,
        hand_off: &mut hand_off,
    };
    let (cells, stop) = match run.bench(&planned) {
        Ok(wiring) => {
            let measured = run.measure(&wiring, planned, &mut found, progress);
            wiring.take_down().iter().for_each(|left| progress.say(&format!("warning: {left}")));
            measured?
        }
        Err(unmet) => {
            progress.say(&format!("Nothing can be measured here: {unmet}"));
            output::make_folder(&order.out)?;
            ground::none_runs(&planned, &unmet, &mut not_run);
            not_run.extend(machine::without_a_bench(probes.machine.as_ref()));
            (Vec::new(), None)
        }
    };
    match &mut exchange_host {
        Some(exchange) => exchange.clocks = clock,
        None => probes.clocks = Some(clock),
    }
    ground::mark_optional(&order.profile.run.optional_lanes, &mut not_run);
    let mut certificate = Certificate {
        schema: SCHEMA.to_owned(),
        run_id: order.run_id.clone(),
        tool: version::tool(),
        started_at,
        finished_at: now(),
        interrupted: stop.is_some(),
        interrupted_because: stop.and_then(Stop::because),
        sut,
        exchange_host,
        tape: tape.summary(),
        profile: order.profile_summary(),
        verdict: Verdict::NotRun,
        reasons: Vec::new(),
        requirements: Vec::new(),
        placements: Vec::new(),
        crews: Vec::new(),
        cells,
        rates,
        hand_off,
        not_run,
        probes,
        files: Vec::new(),
    };
    certificate.placements = matrices(&certificate, order.profile.run.seed);
    certificate.crews = crews::comparisons(&certificate, order.profile.run.seed);
    let judgement = judge(&order.profile.requirements, &certificate);
    certificate.verdict = judgement.verdict;
    certificate.reasons = judgement.reasons;
    certificate.requirements = judgement.results;
    Ok(certificate)
}

fn describe(tape: &Tape) -> String {
    let (name, packets, orders) = (&tape.sha256()[..12], tape.packets(), tape.orders());
    #[expect(clippy::cast_precision_loss, reason = "a share for display")]
    let share = 100.0 * orders as f64 / packets as f64;
    format!("Tape {name}: {packets} packets, {orders} orders ({share:.2} for 100 packets)")
}

/// All that is there before the bench is.
struct Prepared<'a> {
    order: &'a Order,
    ground: &'a Ground,
    sut: &'a Sut,
    tape: &'a Tape,
    tape_path: &'a Path,
    folder: &'a Scratch,
    scale: TickScale,
}

/// What is found out beside the samples.
struct Found<'a> {
    probes: &'a mut Probes,
    exchange_host: &'a mut Option<ExchangeHost>,
    /// This host's.
    clock: &'a mut ClockProbe,
    not_run: &'a mut Vec<NotRun>,
    rates: &'a mut Vec<RateSearch>,
    hand_off: &'a mut Option<HandoffComparison>,
}

impl Prepared<'_> {
    /// The wire, and the tape where it is needed.
    fn bench(&self, planned: &[PlannedCell]) -> Result<Wiring, Unmet> {
        if let Some(unmet) = &self.order.no_bench {
            return Err(unmet.clone());
        }
        let far = self.order.far.as_ref();
        let wiring = Wiring::set_up(&ground::bench_spec(self.order, planned), far)?;
        far.map_or(Ok(()), |far| far.send_tape(self.tape_path, self.tape.sha256()).map_err(|e| wiring::unmet(far, e)))?;
        Ok(wiring)
    }

    /// The cells, with all that was measured, and why that was broken off, if it was.
    fn measure(
        &self,
        wiring: &Wiring,
        mut planned: Vec<PlannedCell>,
        found: &mut Found<'_>,
        progress: &mut Progress,
    ) -> Result<(Vec<Cell>, Option<Stop>)> {
        let order = self.order;
        let hold = LatencyHold::take();
        progress.detail(&hold.describe());
        output::make_folder(&order.out)?;
        self.look(wiring, &hold, found, progress);
        let link = Link { meeting: self.folder.path().to_owned(), ..wiring.link().clone() };
        let stage = self.stage(wiring, &link);
        let wanted = planned.iter().map(|cell| (cell.lane, &cell.settings));
        let pages =
            huge_pages::for_run(wanted, order.cores_by_node(), order.far.as_deref(), |text| progress.say(text))?;
        let mut stop = self.search(&stage, &mut planned, found, progress)?.then_some(Stop::User);
        // What was found may be faster than all that the bench was set up for.
        let most = ground::most_within(&planned, order.profile.run.stall);
        let link = Link { packets_in_a_stall: most.max(link.packets_in_a_stall), ..link.clone() };
        let stage = Stage { link: &link, ..stage };
        if let (Some(load), Some(_)) = (order.profile.loads.first(), wiring.on_this_host()) {
            match floor::left_out(order.profile.run.floor, !planned.is_empty()) {
                Some(row) => found.not_run.push(row),
                None => floor::measure(&stage, load, &hold, found.probes, found.not_run, progress),
            }
        }
        let (watch, without) = match threads::unwatched(&order.crews, order.profile.run.attribution) {
            Some(row) => (None, vec![row]),
            None => tail::attach(order, wiring.on_this_host().is_some()),
        };
        found.not_run.extend(without);
        found.not_run.extend(counters::missing());
        let stage = Stage { tail: watch.as_ref(), ..stage };
        let (steered, not_steered) = Steered::of(wiring, order.profile.queue.is_some());
        found.not_run.extend(not_steered);
        found.not_run.extend(queues::wanted(order, &planned).err());
        let mut trials = Trials::new(order, &stage, planned, steered);
        if stop.is_none() {
            stop = trials.run(progress)?;
        }
        if let Err(e) = trials.give_interrupts_back() {
            progress.say(&format!("warning: interrupts are not all back where they went: {e}"));
        }
        if stop.is_none() {
            let compared =
                handoff::Ground { order, tape: self.tape, scale: self.scale, hypervisor: &self.sut.host.virtualised };
            stop = compared.certified(found.hand_off, found.not_run, progress).then_some(Stop::User);
        }
        drop(hold);
        if let Some(Err(e)) = pages.map(HugePages::give_back) {
            progress.say(&e.to_string());
        }
        calibrate_again(found, order.far.as_deref());
        found.probes.stamping = Some(self.stamping(wiring));
        let warning = self.ground.buffer_warning(link.receive_buffer(), order.profile.run.stall);
        Ok((trials.into_cells(self.sut, found.probes, found.clock, warning.as_deref(), found.not_run)?, stop))
    }

    /// What stamped frames, and by which clocks.
    fn stamping(&self, wiring: &Wiring) -> StampingRecord {
        let policy = self.order.profile.stamps.policy;
        wiring.on_this_host().map_or_else(
            || StampingRecord {
                policy,
                not_looked_at: (policy != StampPolicy::Off)
                    .then(|| "the ends are on two hosts, where stamps are not taken yet".to_owned()),
                ..StampingRecord::default()
            },
            |bench| bench.stamps.record(),
        )
    }

    /// At settings and noise, before any trial.
    fn look(&self, wiring: &Wiring, hold: &LatencyHold, found: &mut Found<'_>, progress: &Progress) {
        let (order, spec) = (self.order, &self.order.profile.noise);
        if let (Some(far), Some(exchange)) = (order.far.as_deref(), found.exchange_host.as_mut()) {
            let (exchange_core, scale) = (order.cores.0, self.scale);
            let look = two_hosts::Look { far, exchange_core, noise: spec, scale, hold, wiring };
            look.at_both(found.probes, exchange, found.not_run, progress);
            found.not_run.extend(two_hosts::unknown());
            return;
        }
        found.probes.audit.push(settings::held(hold));
        let deferral = wiring.tuned().iter();
        found.probes.audit.extend(deferral.filter_map(|t| t.deferral.map(|f| settings::put_off(&t.interface, f))));
        overhead::measure(found.probes, self.scale);
        between_cores::measure(&order.all_pairs(), self.scale, found.probes, found.not_run);
        if let Some(machine) = &mut found.probes.machine {
            machine::measure(order, self.scale, machine, found.not_run, progress);
        }
        gate(order, self.scale, found.probes, found.not_run, progress);
    }

    /// Where trials are run.
    fn stage<'s>(&'s self, wiring: &'s Wiring, link: &'s Link) -> Stage<'s> {
        let stamps = wiring.on_this_host().map(|bench| &bench.stamps);
        Stage {
            link,
            homes: wiring.homes(self.folder.path()),
            tape: self.tape,
            tape_path: self.tape_path,
            scale: self.scale,
            folder: self.folder.path(),
            exchange_core: self.order.cores.0,
            trader_core: self.order.cores.1,
            memory_nodes: self.order.profile.run.memory_nodes(),
            late_after: self.order.profile.run.orders_late_after,
            stamp_timeout: self.order.profile.stamps.timeout,
            stamps,
            speeds: self.speeds(link, stamps),
            seed: self.order.profile.run.seed,
            tail: None,
        }
    }

    /// How fast the links of both ends are: as was seen while frames crossed, or else as the kernel knew before they were lent.
    fn speeds(&self, link: &Link, stamps: Option<&Stamps>) -> [Option<LinkSpeed>; 2] {
        let seen = stamps.map(Stamps::record).unwrap_or_default();
        let before = |name: &str| {
            let nic = self.sut.host.nics.iter().find(|nic| nic.name == name)?;
            LinkSpeed::from_mbps(nic.speed_mbps)
        };
        let seen = |name: &str| seen.ends().find(|end| end.interface == name).and_then(|end| end.speed_mbps);
        [&link.exchange_interface, &link.trader_interface].map(|name| seen(name).or_else(|| before(name)))
    }

    /// Finds each lane's highest rate, where the profile has a sweep, and adds the sweep's cells to the plan; whether the
    /// user broke it off.
    fn search(
        &self,
        stage: &Stage<'_>,
        planned: &mut Vec<PlannedCell>,
        found: &mut Found<'_>,
        progress: &Progress,
    ) -> Result<bool> {
        let run = &self.order.profile.run;
        let Some(spec) = &self.order.profile.sweep else { return Ok(false) };
        let searched = sweep::searched(stage, spec, run.stall, planned, progress)?;
        *found.rates = searched.rates;
        // What could not be opened is not tried again.
        let runs = |cell: &PlannedCell| !searched.not_run.iter().any(|row| row.is_lane(cell.lane.name()));
        planned.retain(runs);
        found.not_run.extend(searched.not_run);
        // Half a search gives no rate to take shares of, and nothing is measured any more.
        if !searched.interrupted {
            planned.extend(sweep::cells(spec, found.rates, planned, self.tape, run.seed, found.not_run)?);
        }
        Ok(searched.interrupted)
    }
}

/// The clocks against their references once more: the judge certifies nothing without it, but what was measured is shown all
/// the same.
fn calibrate_again(found: &mut Found<'_>, far: Option<&Session>) {
    let mut missed = |which: &str, why: String| {
        let how = "run again on a host that is less busy";
        found.not_run.push(NotRun::new(NotRunKind::Probe, format!("second calibration of {which}"), why, how));
    };
    if let Err(e) = clocks::finish(found.clock) {
        missed("the clock", format!("{:#}", anyhow::Error::new(e)));
    }
    let Some(far) = far else { return };
    found.probes.clocks = Some(far.calibrate_again().unwrap_or_else(|e| {
        missed("the trader's clock", e.to_string());
        far.survey().clock.clone()
    }));
}

/// RFC 3339, UTC, in whole seconds.
#[must_use]
pub fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Noise probes come before any trial: what they find limits the verdict.
fn gate(order: &Order, scale: TickScale, probes: &mut Probes, not_run: &mut Vec<NotRun>, progress: &Progress) {
    let spec = &order.profile.noise;
    let cores = order.all_cores();
    progress.say(&format!("Watching cores {} for noise, {}", write_core_list(&cores), spec.duration));
    match noise::measure(Path::new("/"), &cores, spec.duration, spec.threshold, scale) {
        Ok(found) => {
            probes.noise = Some(found.probe);
            not_run.extend(found.uncounted);
        }
        Err(e) => {
            let how = e.remedy();
            not_run.push(NotRun::new(NotRunKind::Probe, "noise", format!("{:#}", anyhow::Error::new(e)), how));
        }
    }
}

/// Cores for exchange and trader when nobody chose: isolated ones that this process may be pinned to, or else the last that it
/// runs on, since the first ones serve most interrupts.
///
/// # Errors
/// When there are fewer than two.
pub fn choose_cores() -> Result<(u32, u32)> {
    match isolated::choose(2)?[..] {
        [exchange, trader] => Ok((exchange, trader)),
        ref allowed => anyhow::bail!(
            "only core {allowed:?} may be used here: exchange and trader need one each (more cores, or a wider cpuset)"
        ),
    }
}
