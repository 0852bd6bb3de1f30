//! The trader's threads as a dimension of the cells: one, or three with a queue between each two, for which there must be cores.

use tickcert_probes::{affinity, isolated};
use tickcert_results::certificate::{Handoff as Record, NotRun, NotRunKind};
use tickcert_scenarios::{handoff::Handoff, profile::Attribution};
use tickcert_transports::api::Unmet;

use super::seated;
use crate::endpoint::control::Threads;

/// Threads that never rest: the exchange's, and the trader's that receive, decide and send.
const CORES: usize = 4;

/// How a cell's trader shares out its work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crew(Option<Threads>);

impl Crew {
    /// One thread does all.
    pub const ALONE: Self = Self(None);

    /// Whether the cores of its threads beyond the first can still be used.
    pub(super) fn check(&self) -> Result<(), Unmet> {
        self.0.as_ref().map_or(Ok(()), |threads| seated::usable([threads.decide_core, threads.send_core]))
    }

    /// For the endpoint.
    #[must_use]
    pub const fn threads(&self) -> Option<&Threads> {
        self.0.as_ref()
    }

    /// What sets it apart, in titles; `None` for one thread.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.as_ref().map(|threads| threads.handoff.as_str())
    }

    /// As it stands in a certificate.
    #[must_use]
    pub fn record(&self) -> Record {
        self.0.clone().map_or(Record::Inline, |threads| Record::Queue {
            capacity: is_bounded(&threads.handoff).then_some(threads.capacity as u64),
            name: threads.handoff,
            decide_core: threads.decide_core,
            send_core: threads.send_core,
        })
    }
}

/// One crew for each of the hand-offs that there are cores for, and a row for each other one. `ends` are the cores of exchange and
/// trader, `given` those of the other two threads, where somebody chose.
#[must_use]
pub fn crews(
    handoffs: &[Handoff],
    ends: (u32, u32),
    given: Option<(u32, u32)>,
    capacity: usize,
) -> (Vec<Crew>, Vec<NotRun>) {
    let cores = more_cores(ends, given);
    let (mut crews, mut not_run) = (Vec::new(), Vec::new());
    for handoff in handoffs {
        match &cores {
            _ if handoff.about().is_none() => crews.push(Crew::ALONE),
            Ok((decide_core, send_core)) => {
                let (decide_core, send_core) = (*decide_core, *send_core);
                crews.push(Crew(Some(Threads { handoff: handoff.name(), capacity, decide_core, send_core })));
            }
            Err(unmet) => {
                not_run.push(NotRun::new(
                    NotRunKind::Queue,
                    between(&handoff.name()),
                    unmet.needs.clone(),
                    unmet.how.clone(),
                ));
            }
        }
    }
    (crews, not_run)
}

/// That it is not looked into why the slowest ticks were slow, where there are several threads: two threads and their cores can be
/// watched, and watching costs, so that it would slow one side of the comparison and not the other.
#[must_use]
pub fn unwatched(crews: &[Crew], wanted: Attribution) -> Option<NotRun> {
    let several = wanted != Attribution::Off && crews.iter().any(|crew| crew.threads().is_some());
    several.then(|| {
        let needs = "traders in one thread only: what watches the kernel watches one thread of each end, and would slow those \
                     beside which it stands";
        let how = "run the lane by itself, with handoffs = [\"inline\"]";
        NotRun::new(NotRunKind::Probe, "tail by cause", needs, how)
    })
}

/// Name of a row.
#[must_use]
pub(super) fn between(queue: &str) -> String {
    format!("{queue} between the trader's threads")
}

fn is_bounded(queue: &str) -> bool {
    Handoff::by_name(queue).and_then(Handoff::about).is_none_or(|about| about.bounded)
}

/// Cores of the threads that decide and send.
fn more_cores(ends: (u32, u32), given: Option<(u32, u32)>) -> Result<(u32, u32), Unmet> {
    if let Some((decide, send)) = given {
        return [decide, send].into_iter().try_for_each(affinity::check).map(|()| (decide, send)).map_err(|e| Unmet {
            needs: format!("the cores named for it: {e}"),
            how: "name others (decide_core and send_core of the profile's placement, or --decide-core and --send-core), or leave \
                  them out to have two chosen"
                .to_owned(),
        });
    }
    let chosen = isolated::choose(CORES).unwrap_or_default();
    let mut free = chosen.into_iter().filter(|core| ![ends.0, ends.1].contains(core));
    free.next().zip(free.next()).ok_or_else(|| Unmet {
        needs: format!(
            "{CORES} cores, for the exchange and for the trader's threads that receive, decide and send; this process may use {}",
            affinity::allowed().map_or(0, |cores| cores.len())
        ),
        how: "give it more (`taskset -c`, a container's --cpuset-cpus, a larger machine); what a queue costs by itself is in the \
              comparison of hand-offs from memory, which two cores can run"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_needs_nothing_more_and_three_have_a_row_that_names_the_cores_where_they_lack() {
        let of = |cores| crews(&[Handoff::INLINE, Handoff::by_name("rtrb").unwrap()], (0, 1), cores, 64);
        let beyond = of(Some((70_000, 70_001)));
        assert_eq!(beyond.0, [Crew::ALONE]);
        assert!(beyond.1[0].needs.contains("70000") && beyond.1[0].name.starts_with("rtrb between"), "{:?}", beyond.1);
        let (here, not_run) = of(None);
        match affinity::allowed().unwrap().len() {
            0..4 => {
                assert_eq!(here, [Crew::ALONE]);
                assert!(not_run[0].needs.starts_with("4 cores"), "{not_run:?}");
            }
            _ => {
                let threads = here[1].threads().unwrap();
                let own = [0, 1, threads.decide_core, threads.send_core];
                assert_eq!(own.iter().collect::<std::collections::HashSet<_>>().len(), 4, "{own:?}");
                assert!(not_run.is_empty());
            }
        }
    }

    #[test]
    fn cores_that_are_named_are_taken_as_they_are() {
        let core = *affinity::allowed().unwrap().first().unwrap();
        let (crews, not_run) = crews(&[Handoff::by_name("mutex").unwrap()], (8, 9), Some((core, core)), 64);
        let Record::Queue { name, capacity, decide_core, send_core } = crews[0].record() else { panic!("a queue") };
        assert_eq!((name.as_str(), capacity, decide_core, send_core), ("mutex", Some(64), core, core));
        assert!(not_run.is_empty());
    }
}
