//! The highest rate without loss of a lane, found by search: real trials at an even rate, each judged for itself.

pub mod judge;
pub mod lag;
pub mod search;

use std::time::Instant;

use anyhow::Result;
use tickcert_results::{
    certificate::{NotRun, NotRunKind, RateLimit, RateSearch, RateTrial},
    time::{Nanos, PerSecond},
};
use tickcert_scenarios::{
    load::{Arrival, Schedule},
    tape::Tape,
};
use tickcert_transports::{
    Lane,
    api::{Caps, Link, Unmet, buffer_for},
};

use super::{
    ground, interrupt,
    progress::Progress,
    trial::{Request, Stage, is_interrupt, unmet_in},
};
use crate::endpoint::control::Injection;
use search::{Bounds, End, Search, Step};

/// Where each search begins: most hosts carry it over any lane.
const START: f64 = 50_000.0;
const GROWTH: f64 = 2.0;
const FLOOR: f64 = 1_000.0;
/// More than any exchange sends that reads a clock for each packet.
const CEILING: f64 = 20_000_000.0;
/// A trial ends after so many packets even if it is short then: what it records must fit into memory.
const MOST_PACKETS: u64 = 8_000_000;
/// Doubling from the start to the ceiling and halving to 1 % take about 34 trials where no two at a rate disagree.
const MOST_TRIALS: u32 = 80;
const MOST_TIME: Nanos = Nanos(300_000_000_000);
/// Of fewer orders no trial says whether the trader falls behind.
const LEAST_ORDERS: u64 = 100;
/// After so many trials in a row without any samples something else is wrong than the rate.
const MOST_BROKEN: usize = 3;

/// What is searched for, on which lane.
pub struct Quest<'a> {
    /// The lane.
    pub lane: Lane,
    /// The settings of its transport.
    pub settings: &'a serde_json::Value,
    /// What it can do here.
    pub caps: &'a Caps,
    /// Share of the rate to which the edge is wanted.
    pub resolution: f64,
    /// How long each trial sends, as far as the bounds of its packets and orders allow.
    pub trial: Nanos,
    /// How long an endpoint may stand still without loss: receive buffers hold that much.
    pub stall: Nanos,
}

/// What came of a search.
pub enum Found {
    /// It was made.
    Search(Box<RateSearch>),
    /// The lane can't run here after all.
    Unmet(Unmet),
    /// The user wants to stop; what was found by then, if there was a trial.
    Interrupted(Option<Box<RateSearch>>),
}

/// What came of one trial of a search.
enum Tried {
    /// It was made.
    Trial(RateTrial),
    /// The lane can't run here after all.
    Unmet(Unmet),
    /// The user wants to stop.
    Interrupted,
}

/// Why a search went no further.
enum Ended {
    /// As it was meant to.
    Search(End),
    /// Its last trials gave no samples.
    Broke,
    /// The user wants to stop.
    Interrupted,
}

/// Searches on one lane.
///
/// # Errors
/// When no schedule can be made.
pub fn find(stage: &Stage<'_>, quest: &Quest<'_>, progress: &Progress) -> Result<Found> {
    let bounds = Bounds {
        start: START,
        growth: GROWTH,
        resolution: quest.resolution,
        floor: FLOOR,
        ceiling: CEILING,
        trials: MOST_TRIALS,
        time: MOST_TIME,
    };
    let (mut search, mut trials) = (Search::new(bounds), Vec::<(f64, RateTrial)>::new());
    let end = loop {
        let rate = match search.next() {
            Step::Done(end) => break Ended::Search(end),
            Step::Try(_) if broke(&trials) => break Ended::Broke,
            Step::Try(rate) => rate,
        };
        let began = Instant::now();
        let trial = match one(stage, quest, rate)? {
            Tried::Trial(trial) => trial,
            Tried::Unmet(unmet) => return Ok(Found::Unmet(unmet)),
            Tried::Interrupted => break Ended::Interrupted,
        };
        progress.say(&describe(quest.lane.name(), &trial));
        let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        search.record(trial.held, Nanos(took));
        trials.push((rate, trial));
    };
    let interrupted = matches!(end, Ended::Interrupted);
    let any = !trials.is_empty();
    let found = Box::new(record(stage, quest, &search, trials, &end));
    Ok(if interrupted { Found::Interrupted(any.then_some(found)) } else { Found::Search(found) })
}

/// Whether the last trials gave no samples at all.
fn broke(trials: &[(f64, RateTrial)]) -> bool {
    trials.len() >= MOST_BROKEN && trials.iter().rev().take(MOST_BROKEN).all(|(_, t)| t.achieved_pps.0 == 0.0)
}

fn one(stage: &Stage<'_>, quest: &Quest<'_>, rate: f64) -> Result<Tried> {
    if interrupt::wanted() {
        return Ok(Tried::Interrupted);
    }
    let load = Arrival::Constant { rate: PerSecond(rate) };
    let (schedule, passes) = schedule(stage, quest, &load, rate)?;
    let packets_in_a_stall = schedule.most_within(quest.stall);
    let link = Link { packets_in_a_stall, ..stage.link.clone() };
    let stage = Stage { link: &link, homes: stage.homes.clone(), ..*stage };
    let request = Request {
        lane: quest.lane,
        settings: quest.settings,
        load: &load,
        schedule: &schedule,
        passes,
        staged: false,
        stamped: quest.caps.own_wire.is_none(),
        seat: None,
        threads: None,
        injection: Injection::default(),
    };
    let e = match stage.run(&request) {
        Ok(finished) => return Ok(Tried::Trial(judge::judge(&finished, stage.tape, &schedule))),
        Err(e) if is_interrupt(&e) => return Ok(Tried::Interrupted),
        Err(e) => e,
    };
    if let Some(unmet) = unmet_in(&e) {
        return Ok(Tried::Unmet(unmet.clone()));
    }
    Ok(Tried::Trial(RateTrial {
        intended_pps: schedule.mean_rate(),
        achieved_pps: PerSecond(0.0),
        packets_sent: 0,
        held: false,
        limited_by: Some(RateLimit::Fault),
        why: vec![format!("{e:#}")],
        lag_growth_ns: None,
        schedule_error_p99_ns: Nanos::ZERO,
    }))
}

/// As long as a trial is to last, or longer if it takes that to see enough orders.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "packets of one trial; a float saturates, and the schedule refuses what is too much"
)]
fn schedule(stage: &Stage<'_>, quest: &Quest<'_>, load: &Arrival, rate: f64) -> Result<(Schedule, u32)> {
    let packets = ((rate * quest.trial.as_secs_f64()) as u64).min(MOST_PACKETS);
    let packets = packets.max(stage.tape.packets_for(LEAST_ORDERS));
    let passes = u32::try_from(packets.div_ceil(stage.tape.packets() as u64)).unwrap_or(u32::MAX);
    let whole = Schedule::new(load, stage.tape.times(), passes, stage.seed)?;
    Ok((whole.cut(u32::try_from(packets).unwrap_or(u32::MAX), Nanos(u64::MAX)), passes))
}

fn record(
    stage: &Stage<'_>,
    quest: &Quest<'_>,
    search: &Search,
    trials: Vec<(f64, RateTrial)>,
    end: &Ended,
) -> RateSearch {
    let at = |rate: Option<f64>| trials.iter().filter(move |(r, _)| Some(*r) == rate).map(|(_, trial)| trial);
    // Of the trials that held, the one that sent least.
    let highest = at(search.highest_held())
        .filter(|t| t.held)
        .min_by(|a, b| a.achieved_pps.0.total_cmp(&b.achieved_pps.0))
        .map(|t| (t.achieved_pps, PerSecond(t.achieved_pps.0 * messages_a_packet(stage.tape, t.packets_sent))));
    let fails_at = at(search.lowest_failed()).map(|t| t.intended_pps).next();
    let of_search = |why: String| (RateLimit::Search, why);
    let (limited_by, why) = match end {
        Ended::Search(End::Resolved | End::Floor) => judge::verdict(at(search.lowest_failed())),
        Ended::Search(End::Ceiling) => of_search(format!("no rate above {CEILING:.0} packets/s is tried")),
        Ended::Search(End::Trials) => of_search(format!("{MOST_TRIALS} trials were used up")),
        Ended::Search(End::Time) => of_search(format!("{MOST_TIME} were used up")),
        Ended::Interrupted => of_search("broken off by the user".to_owned()),
        Ended::Broke => judge::verdict(trials.last().map(|(_, t)| t).into_iter()),
    };
    RateSearch {
        lane: quest.lane.parts().0.to_owned(),
        variant: quest.lane.parts().1.to_owned(),
        order_channel: quest.caps.orders,
        evidence: quest.caps.evidence,
        evidence_why: quest.caps.evidence_why.clone(),
        highest_pps: highest.map(|(packets, _)| packets),
        highest_mps: highest.map(|(_, messages)| messages),
        highest_within_pass_pps: search.highest_held().map(PerSecond),
        fails_at_pps: fails_at,
        resolution: quest.resolution,
        limited_by,
        why,
        ratio_to_kernel_udp: None,
        trial_ns: quest.trial,
        trials: trials.into_iter().map(|(_, trial)| trial).collect(),
    }
}

/// Of what a trial sent, which may be the tape's beginning only.
#[expect(clippy::cast_precision_loss, reason = "a trial has far fewer than 2^53 messages")]
fn messages_a_packet(tape: &Tape, packets: u64) -> f64 {
    tape.messages_in(usize::try_from(packets).unwrap_or(usize::MAX)) as f64 / packets.max(1) as f64
}

/// That the receive buffers of some trial were smaller than what a stall takes, if so.
#[must_use]
pub fn buffer_warning(searches: &[RateSearch], stall: Nanos) -> Option<String> {
    ground::buffer_warning(ground::buffer_limit(), buffer_wanted(searches, stall), stall)
}

/// Bytes for the most that any trial sent within a stall.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "packets of one trial; a float saturates")]
fn buffer_wanted(searches: &[RateSearch], stall: Nanos) -> usize {
    let within = |t: &RateTrial| ((t.intended_pps.0 * stall.as_secs_f64()).ceil() as u64).min(t.packets_sent);
    let most = searches.iter().flat_map(|s| &s.trials).map(within).max().unwrap_or_default();
    buffer_for(usize::try_from(most).unwrap_or(usize::MAX))
}

/// The row for a lane of which no rate held; `None` where one did.
#[must_use]
pub fn not_run(search: &RateSearch) -> Option<NotRun> {
    search.highest_pps.is_none().then(|| {
        let needs = format!("a rate at which nothing is lost; none held: {}", search.why);
        let how = "mend what the trials of the search name".to_owned();
        sweep_not_run(&search.title(), needs, how)
    })
}

/// The row for a lane that has no sweep.
#[must_use]
pub fn sweep_not_run(lane: &str, needs: String, how: String) -> NotRun {
    NotRun::new(NotRunKind::Load, format!("sweep of {lane}"), needs, how)
}

fn describe(lane: &str, trial: &RateTrial) -> String {
    let what = if trial.held { "held".to_owned() } else { format!("failed, {}", trial.why.join("; ")) };
    format!("  {lane} {:.0} packets/s: {what}", trial.intended_pps.0)
}

#[cfg(test)]
mod tests {
    use tickcert_results::certificate::example;
    use tickcert_scenarios::{
        generator::{self, GeneratorConfig},
        tape,
        trader::{Strategy, TraderConfig},
    };

    use super::*;

    #[test]
    fn messages_are_counted_in_the_packets_that_were_sent_and_not_in_those_of_the_whole_tape() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape");
        let ticks = generator::generate(&GeneratorConfig { messages: 200, ..GeneratorConfig::default() }).unwrap();
        tape::build(&path, &ticks, TraderConfig::new(Strategy::first_byte())).unwrap();
        let tape = Tape::open(&path).unwrap();
        let mut messages = 0_u32;
        for sent in 1..=2 * tape.packets() {
            // A MoldUDP64 header ends with how many messages follow it.
            let packet = tape.packet((sent - 1) % tape.packets());
            messages += u32::from(u16::from_be_bytes([packet[18], packet[19]]));
            let expected = f64::from(messages) / f64::from(u32::try_from(sent).unwrap());
            assert_eq!(messages_a_packet(&tape, sent as u64), expected, "{sent} packets");
        }
        assert_eq!(messages_a_packet(&tape, 0), 0.0);
    }

    #[test]
    fn the_fastest_trial_says_what_receive_buffers_were_wanted() {
        let mut search = example::two_lanes().rates.remove(0);
        let wanted = |search: &RateSearch| buffer_wanted(std::slice::from_ref(search), Nanos::MILLI * 200);
        let fastest = &mut search.trials[3];
        (fastest.intended_pps, fastest.packets_sent) = (PerSecond(1e6), 1_000_000);
        assert_eq!(wanted(&search), buffer_for(200_000));
        search.trials[3].packets_sent = 150_000;
        assert_eq!(wanted(&search), buffer_for(150_000), "no more can wait than was sent");
    }
}
