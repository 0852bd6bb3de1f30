//! All trials of a run, in their order, and the cells that come of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use anyhow::Result;
use tickcert_results::{
    certificate::{
        Cell, ClockProbe, Latencies, NotRun, NotRunKind, Placement, PlacementNodes, Planned, Probes, Purpose,
        Repetition, StampingRecord, Sut,
    },
    stats::summarise::{Distributions, summarise},
    time::Nanos,
};
use tickcert_transports::{
    api::{Job, Transport, Unmet},
    dispatch, read_settings,
};

use super::{
    cell_stamps::{self, Terms},
    certify::{Order, now},
    interrupt, placement,
    plan::{self, PlannedCell, Slot},
    progress::Progress,
    queues::{self, Steered},
    repetition::{Attempt, Kept},
    sample_file::SampleFile,
    seated::{self, Unseated},
    spans::WireFormat,
    tail::{self, TrialTail},
    trial::{Request, Stage, is_interrupt, lost_in, unmet_in},
    warnings,
};
use crate::{
    bench::{interrupts::Interrupts, journal::JournalError, run_dir},
    endpoint::control::Injection,
};

/// What came of one attempt.
enum Attempted {
    /// Samples, valid or not, and in a file or not.
    Samples(Box<Kept>),
    /// An endpoint failed.
    Nothing(Box<Repetition>),
    /// The trader's host is lost, and no attempt after this one can be made.
    Lost(Box<Repetition>, String),
    /// The lane, or this placement of it, can't run here after all.
    Unmet(NotRunKind, Unmet),
    /// The user wants to stop.
    Interrupted,
}

/// Why no more trials are made.
pub(super) enum Stop {
    /// The user wants to stop.
    User,
    /// The samples of one can't be written, and those of the next couldn't either; or the trader's host is lost.
    Broken(String),
}

impl Stop {
    /// Why, where it was not the user.
    pub(super) fn because(self) -> Option<String> {
        match self {
            Self::User => None,
            Self::Broken(why) => Some(why),
        }
    }
}

/// The trials, and what has come of them so far.
pub(super) struct Trials<'a> {
    order: &'a Order,
    stage: &'a Stage<'a>,
    cells: Vec<PlannedCell>,
    /// By cell: the attempts, with their distributions where there are any.
    results: HashMap<usize, Vec<(Repetition, Option<Distributions>)>>,
    position: u32,
    /// By cell, what is known of its frames.
    formats: HashMap<usize, WireFormat>,
    /// By cell, the tails of the repetitions that count, with their numbers.
    tails: HashMap<usize, Vec<(u32, TrialTail)>>,
    /// Why the kernel was not watched in some trials though it was to be, and in how many.
    unwatched: BTreeMap<String, u32>,
    /// Cells whose lane or placement turned out not to run here, and why.
    unmet: BTreeMap<usize, (NotRunKind, Unmet)>,
    /// Interrupts that the placements send about.
    interrupts: Interrupts,
    /// Interfaces of which all goes to one queue.
    steered: Steered,
    /// By cell, what of its placement no trial has shown to be so.
    unshown: BTreeMap<usize, BTreeSet<String>>,
}

impl<'a> Trials<'a> {
    pub(super) fn new(order: &'a Order, stage: &'a Stage<'a>, cells: Vec<PlannedCell>, steered: Steered) -> Self {
        Self {
            order,
            stage,
            cells,
            results: HashMap::new(),
            position: 0,
            formats: HashMap::new(),
            tails: HashMap::new(),
            unwatched: BTreeMap::new(),
            unmet: BTreeMap::new(),
            interrupts: Interrupts::new(Path::new("/"), &run_dir::default_path()),
            steered,
            unshown: BTreeMap::new(),
        }
    }

    /// All slots, each until it is valid or its retries are used up; or up to whatever breaks it off.
    pub(super) fn run(&mut self, progress: &mut Progress) -> Result<Option<Stop>> {
        let run = &self.order.profile.run;
        let unstamped: Vec<u32> = (0..self.cells.len()).map(|n| self.unstamped(n)).collect();
        let slots = plan::interleave(&unstamped, run.repetitions, run.staged_repetitions, run.seed);
        let total: Nanos = slots.iter().map(|s| self.cells[s.cell].schedule.duration()).fold(Nanos::ZERO, |a, b| a + b);
        progress.say(&format!("{} trials, about {} of traffic", slots.len(), total));
        progress.begin(slots.len());
        let mut stop = None;
        for slot in slots {
            stop = self.repetition(slot, progress)?;
            if stop.is_some() {
                break;
            }
        }
        progress.end();
        let kept = "what there is by now goes into the certificate, marked as such";
        match &stop {
            Some(Stop::User) => progress.say(&format!("Interrupted: {kept}")),
            Some(Stop::Broken(why)) => progress.say(&format!("Broken off, {why}: {kept}")),
            None => {}
        }
        Ok(stop)
    }

    /// Sends interrupts back to where they went before the trials.
    ///
    /// # Errors
    /// Those that could not be; the journal of them stays, for `tickcert clean`.
    pub(super) fn give_interrupts_back(&mut self) -> Result<(), JournalError> {
        self.interrupts.give_back()
    }

    /// One slot; and why it is the last, if it is.
    fn repetition(&mut self, slot: Slot, progress: &Progress) -> Result<Option<Stop>> {
        let title = &self.cells[slot.cell].title();
        for number in 1..=self.order.profile.run.retries + 1 {
            if interrupt::wanted() {
                return Ok(Some(Stop::User));
            }
            if self.unmet.contains_key(&slot.cell) {
                break;
            }
            self.position += 1;
            progress.trial(&format!("{title}, repetition {}", slot.repetition));
            let attempt = Attempt { slot, number, position: self.position, started_at: now() };
            let (record, distributions, broken) = match self.attempt(&attempt)? {
                Attempted::Samples(kept) => (kept.record, Some(kept.distributions), kept.unwritten),
                Attempted::Nothing(record) => (*record, None, None),
                Attempted::Lost(record, why) => (*record, None, Some(why)),
                Attempted::Unmet(kind, unmet) => {
                    progress.done(&format!("  {title}: can't run here, {unmet}"));
                    // What was attempted before stays, and so does the reason why no more was.
                    if let Some(before) = self.results.get_mut(&slot.cell) {
                        before.push((
                            attempt.without_samples(format!("the {} can't run any more: it {unmet}", kind.name())),
                            None,
                        ));
                    }
                    self.unmet.insert(slot.cell, (kind, unmet));
                    break;
                }
                Attempted::Interrupted => return Ok(Some(Stop::User)),
            };
            progress.done(&describe(title, &record, distributions.as_ref()));
            let valid = record.valid;
            self.results.entry(slot.cell).or_default().push((record, distributions));
            if let Some(why) = broken {
                return Ok(Some(Stop::Broken(why)));
            }
            if valid {
                break;
            }
        }
        Ok(None)
    }

    /// Repetitions of a cell without stamps, where it has stamps otherwise.
    fn unstamped(&self, cell: usize) -> u32 {
        let stamped = self.cells.get(cell).is_some_and(|cell| self.terms(cell, None).stamps());
        if stamped { self.order.profile.stamps.cost_repetitions } else { 0 }
    }

    /// What its stamps are judged by.
    fn terms<'t>(&'t self, cell: &PlannedCell, record: Option<&'t StampingRecord>) -> Terms<'t> {
        let own_wire = cell.caps.own_wire.as_ref().map(|wire| format!("the lane crosses {wire}, where no NIC stamps"));
        let lane_why_not = dispatch(cell.lane, TakesNoStamps(&cell.settings)).map(str::to_owned).or(own_wire);
        Terms { spec: &self.order.profile.stamps, stamping: self.stage.link.stamping, record, lane_why_not }
    }

    fn attempt(&mut self, attempt: &Attempt) -> Result<Attempted> {
        let cell = &self.cells[attempt.slot.cell];
        if let Err(unmet) = cell.crew.check() {
            return Ok(Attempted::Unmet(NotRunKind::Queue, unmet));
        }
        let request = Request {
            lane: cell.lane,
            settings: &cell.settings,
            load: &cell.load,
            schedule: &cell.schedule,
            passes: cell.passes,
            staged: attempt.slot.purpose == Purpose::Stages,
            stamped: attempt.slot.purpose != Purpose::Cost && self.terms(cell, None).stamps(),
            seat: Some(&cell.seat),
            threads: cell.crew.threads(),
            injection: Injection::default(),
        };
        let finished = match seated::run(self.stage, &request, &mut self.interrupts) {
            Err(Unseated(unmet)) => return Ok(Attempted::Unmet(NotRunKind::Placement, unmet)),
            Ok((finished, unshown)) => {
                self.unshown.entry(attempt.slot.cell).or_default().extend(unshown);
                finished
            }
        };
        let mut finished = match finished {
            Ok(finished) => finished,
            Err(e) if is_interrupt(&e) => return Ok(Attempted::Interrupted),
            // An endpoint that died costs its attempt, not the run.
            Err(e) => {
                let record = || Box::new(attempt.without_samples(format!("{e:#}")));
                return Ok(match (unmet_in(&e), lost_in(&e)) {
                    (Some(unmet), _) => Attempted::Unmet(NotRunKind::Lane, unmet.clone()),
                    (_, Some(lost)) => Attempted::Lost(record(), lost.to_string()),
                    _ => Attempted::Nothing(record()),
                });
            }
        };
        self.formats.insert(attempt.slot.cell, finished.format);
        let cell = &self.cells[attempt.slot.cell];
        if queues::concern(cell) {
            finished.astray.extend(self.steered.strayed());
        }
        // A slash would be another folder.
        let lane = &cell.lane.name().replace('/', "-");
        let (number, repetition) = (attempt.slot.cell + 1, attempt.slot.repetition);
        let name = format!("samples/{number}-{lane}-{}-r{repetition}-a{}.parquet", cell.mode(), attempt.number);
        let file = SampleFile { folder: &self.order.out, name, lane, evidence: cell.caps.evidence };
        let tail = finished.tail.take();
        if let Some(why) = finished.unwatched.take() {
            *self.unwatched.entry(why).or_default() += 1;
        }
        let kept = attempt.keep(&finished, self.stage.tape, &cell.schedule, file)?;
        if let (true, Some(tail)) = (kept.record.counts_for_latency(), tail) {
            self.tails.entry(attempt.slot.cell).or_default().push((repetition, tail));
        }
        Ok(Attempted::Samples(Box::new(kept)))
    }

    /// What has come of them; `warning` goes with every cell.
    pub(super) fn into_cells(
        mut self,
        sut: &Sut,
        probes: &Probes,
        clock: &ClockProbe,
        warning: Option<&str>,
        not_run: &mut Vec<NotRun>,
    ) -> Result<Vec<Cell>> {
        let run = &self.order.profile.run;
        let seed = run.seed;
        let unstamped: Vec<u32> = (0..self.cells.len()).map(|n| self.unstamped(n)).collect();
        let mut cells = Vec::new();
        let mut results = std::mem::take(&mut self.results);
        let mut tails = std::mem::take(&mut self.tails);
        not_run.extend(self.unwatched.iter().map(|(why, trials)| tail::unwatched(why, *trials)));
        for (n, planned) in self.cells.iter().enumerate() {
            let attempts = results.remove(&n).unwrap_or_default();
            if let Some(unmet) = self.unmet.remove(&n) {
                seated::note_unmet(planned, unmet, attempts.is_empty(), not_run);
                // One that the user broke off before stays, with none of what was planned.
                if attempts.is_empty() {
                    continue;
                }
            }
            let nodes = self.nodes(planned, sut);
            let of = |wanted: fn(&Repetition) -> bool| -> Vec<&Distributions> {
                attempts.iter().filter(|(r, _)| wanted(r)).filter_map(|(_, d)| d.as_ref()).collect()
            };
            let counted = of(Repetition::counts_for_latency);
            let staged = of(|r| r.valid && r.staged);
            let mut latency_ns =
                if counted.is_empty() { Latencies::default() } else { summarise(&counted, &staged, seed)? };
            let repetitions: Vec<Repetition> = attempts.iter().map(|(r, _)| r.clone()).collect();
            let mut warnings = warnings::of_cell(&repetitions, planned.caps.orders, sut, clock, warning);
            let on_the_wire = planned.caps.own_wire.is_none();
            warnings.extend(nodes.iter().flat_map(|nodes| placement::crossings(nodes, on_the_wire)));
            warnings.extend(seated::warning(&planned.seat));
            warnings.extend(planned.crew.warnings(planned.seat.cores));
            warnings.extend(self.steered.unwatched().filter(|_| queues::concern(planned)));
            warnings.extend(self.unshown.remove(&n).unwrap_or_default());
            let terms = self.terms(planned, probes.stamping.as_ref());
            let mut stamps = terms.judge(&repetitions, self.formats.get(&n));
            cell_stamps::keep_reliable(&mut latency_ns, stamps.as_ref());
            if let Some(stamps) = &mut stamps {
                let without = of(|r| r.valid && r.purpose() == Purpose::Cost);
                stamps.cost = cell_stamps::cost(&counted, &without, seed);
            }
            let mut tail = tails.remove(&n).and_then(|trials| tail::pool(&trials, latency_ns.t2t_due.p50));
            if let (Some(tail), "none") = (&mut tail, sut.host.virtualised.as_str()) {
                // There is nobody who could take any.
                tail.steal_ns = None;
            }
            let (evidence, evidence_why) = cell_stamps::evidence(&planned.caps, stamps.as_ref());
            let plan = Planned {
                repetitions: run.repetitions,
                staged: run.staged_repetitions,
                unstamped: unstamped.get(n).copied().unwrap_or_default(),
            };
            cells.push(Cell {
                lane: planned.lane.parts().0.to_owned(),
                variant: planned.lane.parts().1.to_owned(),
                settings: settings_of(&planned.settings),
                order_channel: planned.caps.orders,
                evidence,
                evidence_why,
                placement: self.placement(planned, nodes),
                handoff: planned.crew.record(),
                load: planned.describe_load(),
                planned: Some(plan),
                warnings,
                repetitions,
                latency_ns,
                stamps,
                tail,
                stamp_cost_ns: probes.stamp_cost_ns,
            });
        }
        Ok(cells)
    }

    /// Of another host this one knows no nodes.
    fn nodes(&self, cell: &PlannedCell, sut: &Sut) -> Option<PlacementNodes> {
        let (link, seat) = (self.stage.link, &cell.seat);
        let here = || placement::nodes(Path::new("/"), &sut.host, link, seat.cores, seat.memory);
        link.same_host.then(here).flatten()
    }

    fn placement(&self, cell: &PlannedCell, nodes: Option<PlacementNodes>) -> Placement {
        let (exchange_core, trader_core) = cell.seat.cores;
        Placement {
            name: cell.crew.threads().map_or_else(
                || cell.seat.name(),
                |t| format!("{}-{}-{}", cell.seat.name(), t.decide_core, t.send_core),
            ),
            exchange_core,
            trader_core,
            link: cell.caps.own_wire.clone().unwrap_or_else(|| self.order.wire.name()),
            nodes,
            class: cell.seat.class,
            interrupts: seated::asked_for(&cell.seat),
            queues: if queues::concern(cell) { self.steered.record() } else { Vec::new() },
        }
    }
}

struct TakesNoStamps<'s>(&'s serde_json::Value);

impl Job for TakesNoStamps<'_> {
    type Out = Option<&'static str>;

    /// Settings that can't be read are said where the lane is opened.
    fn run<T: Transport>(self) -> Self::Out {
        read_settings::<T>(self.0).ok().and_then(|config| T::takes_no_stamps(&config))
    }
}

/// The settings as a certificate holds them.
fn settings_of(settings: &serde_json::Value) -> BTreeMap<String, serde_json::Value> {
    settings.as_object().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn describe(lane: &str, r: &Repetition, d: Option<&Distributions>) -> String {
    let what = match r.purpose() {
        Purpose::Latency => "repetition",
        Purpose::Stages => "stages",
        Purpose::Cost => "without stamps",
    };
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
