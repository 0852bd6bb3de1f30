//! The sweep of a profile: each lane's highest rate without loss is searched for, then shares of it and a rate near idle
//! become loads of their own.

use anyhow::Result;
use tickcert_results::{
    certificate::{NotRun, RateSearch, SweepPoint, compare_to_kernel_udp},
    time::{Nanos, PerSecond},
};
use tickcert_scenarios::{load::Arrival, profile::SweepSpec, tape::Tape};

use super::{
    ground,
    plan::{self, PlanError, PlannedCell},
    progress::Progress,
    rate::{self, Found, Quest},
    trial::Stage,
};

/// What the searches found.
pub(super) struct Searched {
    /// One of each lane, as far as the run came.
    pub(super) rates: Vec<RateSearch>,
    /// A row for each lane that has no sweep.
    pub(super) not_run: Vec<NotRun>,
    /// Whether the user broke it off.
    pub(super) interrupted: bool,
}

/// Searches on each lane of the plan, one after the other.
pub(super) fn searched(
    stage: &Stage<'_>,
    spec: &SweepSpec,
    stall: Nanos,
    planned: &[PlannedCell],
    progress: &Progress,
) -> Result<Searched> {
    let (mut rates, mut not_run, mut interrupted) = (Vec::new(), Vec::new(), false);
    for cell in one_a_lane(planned) {
        progress.say(&format!("Searching for the highest rate without loss of {}", cell.lane.name()));
        let quest = Quest {
            lane: cell.lane,
            settings: &cell.settings,
            caps: &cell.caps,
            resolution: spec.resolution,
            trial: spec.trial,
            stall,
        };
        match rate::find(stage, &quest, progress)? {
            Found::Search(search) => {
                not_run.extend(rate::not_run(&search));
                rates.push(*search);
            }
            Found::Unmet(unmet) => not_run.push(ground::lane_not_run(cell.lane.name(), unmet)),
            Found::Interrupted(search) => {
                progress.say("Interrupted: what the search found by now goes into the certificate, marked as such");
                rates.extend(search.map(|search| *search));
                interrupted = true;
                break;
            }
        }
    }
    compare_to_kernel_udp(&mut rates);
    Ok(Searched { rates, not_run, interrupted })
}

/// The loads of the sweep, for each lane of which a rate held; one that ends before the first order is due is a row of
/// `not_run`, so late in a run.
pub(super) fn cells(
    spec: &SweepSpec,
    rates: &[RateSearch],
    planned: &[PlannedCell],
    tape: &Tape,
    seed: u64,
    not_run: &mut Vec<NotRun>,
) -> Result<Vec<PlannedCell>> {
    let mut cells = Vec::new();
    for cell in one_a_lane(planned) {
        let Some(search) = rates.iter().find(|r| r.title() == cell.lane.name()) else { continue };
        for point in spec.points() {
            let Some(rate) = rate_at(point, spec.idle, search) else { continue };
            let load = Arrival::Constant { rate };
            let (schedule, passes) = match plan::schedule(&load, tape, spec.window, seed) {
                Ok(planned) => planned,
                Err(e @ PlanError::NoOrder(_)) => {
                    let how = "see what it needs, or raise `max_duration` under [sweep]".to_owned();
                    not_run.push(rate::sweep_not_run(cell.lane.name(), format!("orders in {point}: {e}"), how));
                    continue;
                }
                Err(e) => return Err(e.into()),
            };
            let (lane, settings, caps) = (cell.lane, cell.settings.clone(), cell.caps.clone());
            let (sweep, seat, crew) = (Some(point), cell.seat.clone(), cell.crew.clone());
            cells.push(PlannedCell { lane, settings, caps, load, schedule, passes, sweep, seat, crew });
        }
    }
    Ok(cells)
}

/// The even rate within a pass of a point of the sweep; `None` where no rate held.
///
/// It is a share of a rate within a pass too: of a short tape the silences between passes lower what is sent a second.
fn rate_at(point: SweepPoint, idle: PerSecond, search: &RateSearch) -> Option<PerSecond> {
    let highest = search.highest_within_pass_pps?;
    Some(match point {
        SweepPoint::Share(share) => PerSecond(highest.0 * share),
        SweepPoint::Idle => idle,
    })
}

/// The first cell of each lane.
fn one_a_lane(planned: &[PlannedCell]) -> impl Iterator<Item = &PlannedCell> {
    let first = |at: usize| planned[..at].iter().all(|before| before.lane.name() != planned[at].lane.name());
    planned.iter().enumerate().filter(move |(at, _)| first(*at)).map(|(_, cell)| cell)
}

#[cfg(test)]
mod tests {
    use tickcert_results::certificate::example;

    use super::*;

    #[test]
    fn shares_are_of_the_rate_within_a_pass_and_a_lane_of_which_none_held_has_no_point() {
        let mut search = example::two_lanes().rates.remove(0);
        (search.highest_pps, search.highest_within_pass_pps) = (Some(PerSecond(70_000.0)), Some(PerSecond(100_000.0)));
        let at = |point, search: &RateSearch| rate_at(point, PerSecond(1_000.0), search).map(|rate| rate.0);
        assert_eq!(at(SweepPoint::Share(0.5), &search), Some(50_000.0), "the silences between passes are not in it");
        assert_eq!(at(SweepPoint::Idle, &search), Some(1_000.0));
        search.highest_within_pass_pps = None;
        assert_eq!(at(SweepPoint::Idle, &search), None);
    }
}
