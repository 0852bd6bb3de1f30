//! All trials of a run, in their order, and what came of each.

mod cells;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use anyhow::Result;
use tickcert_results::{
    certificate::{NotRunKind, Purpose, Repetition, StampingRecord},
    stats::summarise::Distributions,
    time::Nanos,
};
use tickcert_transports::{
    api::{Job, Transport, Unmet},
    dispatch, read_settings,
};

use super::{
    cell_stamps::Terms,
    certify::{Order, now},
    interrupt,
    plan::{self, PlannedCell, Slot},
    progress::Progress,
    queues::{self, Steered},
    repetition::{Attempt, Kept},
    sample_file::SampleFile,
    seated::{self, Unseated},
    spans::WireFormat,
    tail::TrialTail,
    trial::{Request, Stage, is_interrupt, lost_in, unmet_in},
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
}

struct TakesNoStamps<'s>(&'s serde_json::Value);

impl Job for TakesNoStamps<'_> {
    type Out = Option<&'static str>;

    /// Settings that can't be read are said where the lane is opened.
    fn run<T: Transport>(self) -> Self::Out {
        read_settings::<T>(self.0).ok().and_then(|config| T::takes_no_stamps(&config))
    }
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
