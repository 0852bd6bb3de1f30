//! The trader's threads as a dimension of the cells: one, or three with a queue between each two, for which there must be cores.

use std::{cmp::Reverse, collections::BTreeSet, path::Path};

use tickcert_probes::{
    affinity, isolated,
    topology::{self, Relation, Topology},
};
use tickcert_results::certificate::{Handoff as Record, NotRun, NotRunKind};
use tickcert_scenarios::{
    handoff::Handoff,
    profile::{Attribution, QueueSize},
};
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

    /// What of the cores of its threads costs more than it has to, beside exchange and trader on these, a line each.
    pub(super) fn warnings(&self, ends: (u32, u32)) -> Vec<String> {
        let Some(threads) = &self.0 else { return Vec::new() };
        ill_placed(&topology::of_this_host().unwrap_or_default(), threads, ends)
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
            message_bytes: Some(threads.message_size.bytes()),
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
    queue: QueueSize,
) -> (Vec<Crew>, Vec<NotRun>) {
    let cores = more_cores(ends, given);
    let (mut crews, mut not_run) = (Vec::new(), Vec::new());
    for handoff in handoffs {
        match &cores {
            _ if handoff.about().is_none() => crews.push(Crew::ALONE),
            Ok((decide_core, send_core)) => {
                let (decide_core, send_core) = (*decide_core, *send_core);
                let (handoff, QueueSize { capacity, message_size }) = (handoff.name(), queue);
                crews.push(Crew(Some(Threads { handoff, capacity, message_size, decide_core, send_core })));
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
    let free = isolated::choose(usize::MAX).unwrap_or_default();
    let host = topology::of_this_host().unwrap_or_default();
    nearest(&host, &isolated::all(Path::new("/")), &free, ends).ok_or_else(|| Unmet {
        needs: format!(
            "{CORES} cores, for the exchange and for the trader's threads that receive, decide and send; this process may use {}",
            affinity::allowed().map_or(0, |cores| cores.len())
        ),
        how: "give it more (`taskset -c`, a container's --cpuset-cpus, a larger machine); what a queue costs by itself is in the \
              comparison of hand-offs from memory, which two cores can run"
            .to_owned(),
    })
}

/// Of these cores two for the threads that decide and send: rather those that are kept free, none that shares a physical core with
/// another thread that never rests, and each as near as can be to the one before it in the chain.
fn nearest(host: &Topology, isolated: &BTreeSet<u32>, free: &[u32], ends: (u32, u32)) -> Option<(u32, u32)> {
    let mut taken = vec![ends.0, ends.1];
    let mut next = |before| {
        let is_shared = |core| taken.iter().any(|other| host.relation(core, *other) == Relation::Siblings);
        // The last ones serve the fewest interrupts.
        let fitness =
            |core: &u32| (is_shared(*core), !isolated.contains(core), host.relation(*core, before), Reverse(*core));
        let core = free.iter().copied().filter(|core| !taken.contains(core)).min_by_key(fitness)?;
        taken.push(core);
        Some(core)
    };
    let decide = next(ends.1)?;
    Some((decide, next(decide)?))
}

/// What of these cores costs more than it has to, a line each.
fn ill_placed(host: &Topology, threads: &Threads, (exchange, trader): (u32, u32)) -> Vec<String> {
    let Threads { decide_core, send_core, .. } = *threads;
    let (decides, sends) = (("the thread that decides", decide_core), ("the one that sends", send_core));
    let (exchange, receives) = (("the exchange", exchange), ("the thread that receives", trader));
    let shared = [(exchange, decides), (receives, decides), (exchange, sends), (receives, sends), (decides, sends)];
    let shared = shared.into_iter().filter(|(a, b)| host.relation(a.1, b.1) == Relation::Siblings).map(|(a, b)| {
        format!(
            "{} and {} are on two threads of one physical core ({} and {}) and take turns at it",
            a.0, b.0, a.1, b.1
        )
    });
    let far = [(receives, decides), (decides, sends)].into_iter().filter_map(|(from, to)| {
        let where_to = match host.relation(from.1, to.1) {
            Relation::SamePackage => "a core of another last-level cache",
            Relation::OtherPackage => "another socket",
            Relation::Siblings | Relation::SameCache | Relation::Unknown => return None,
        };
        Some(format!("what {} hands on goes to {where_to} (core {} to {})", from.0, from.1, to.1))
    });
    shared.chain(far).collect()
}

#[cfg(test)]
mod tests {
    use tickcert_probes::topology::{Core, SharedCache};
    use tickcert_scenarios::handoff::MessageSize;

    use super::*;

    const QUEUE: QueueSize = QueueSize { capacity: 64, message_size: MessageSize::Bytes256 };

    /// Two sockets of two cores with two threads each; a cache for each core of the second.
    fn host() -> Topology {
        let core = |number: u32, package, siblings: [u32; 2]| Core {
            number,
            package: Some(package),
            siblings: siblings.into(),
            ..Core::default()
        };
        let cores = [(0, 0, [0, 4]), (1, 0, [1, 5]), (2, 1, [2, 6]), (3, 1, [3, 7])];
        let both = |(n, package, siblings)| [core(n, package, siblings), core(n + 4, package, siblings)];
        let cache =
            |cores: &[u32]| SharedCache { level: 3, cores: cores.iter().copied().collect(), ..SharedCache::default() };
        Topology {
            cores: cores.into_iter().flat_map(both).collect(),
            last_level_caches: [&[0, 1, 4, 5][..], &[2, 6], &[3, 7]].map(cache).into(),
            ..Topology::default()
        }
    }

    #[test]
    fn cores_are_chosen_near_the_trader_and_of_no_physical_core_twice() {
        let all: Vec<u32> = (0..8).collect();
        let none = BTreeSet::new();
        // Of the first socket nothing is left that is not shared.
        assert_eq!(nearest(&host(), &none, &all, (0, 1)), Some((7, 6)));
        // The trader's own socket is nearer than the exchange's.
        assert_eq!(nearest(&host(), &none, &all, (0, 2)), Some((7, 5)));
        assert_eq!(nearest(&host(), &BTreeSet::from([2]), &all, (0, 1)), Some((2, 7)), "who is kept free comes first");
        assert_eq!(
            nearest(&host(), &none, &[0, 1, 4, 5], (0, 1)),
            Some((5, 4)),
            "shared ones, where there are no others"
        );
        assert_eq!(nearest(&Topology::default(), &none, &[0, 1, 2, 3], (0, 1)), Some((3, 2)), "nothing is known");
        assert_eq!(nearest(&host(), &none, &[0, 1, 2], (0, 1)), None);
    }

    #[test]
    fn cores_that_are_shared_or_far_are_said() {
        let of = |decide_core, send_core| {
            let threads = Threads {
                handoff: "rtrb".into(),
                capacity: 64,
                message_size: MessageSize::default(),
                decide_core,
                send_core,
            };
            ill_placed(&host(), &threads, (0, 2))
        };
        assert_eq!(
            of(4, 5),
            [
                "the exchange and the thread that decides are on two threads of one physical core (0 and 4) and take turns at it",
                "what the thread that receives hands on goes to another socket (core 2 to 4)",
            ]
        );
        assert_eq!(
            of(3, 7),
            [
                "the thread that decides and the one that sends are on two threads of one physical core (3 and 7) and take turns at it",
                "what the thread that receives hands on goes to a core of another last-level cache (core 2 to 3)",
            ]
        );
    }

    #[test]
    fn one_thread_needs_nothing_more_and_three_have_a_row_that_names_the_cores_where_they_lack() {
        let of = |cores| crews(&[Handoff::INLINE, Handoff::by_name("rtrb").unwrap()], (0, 1), cores, QUEUE);
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
        let (crews, not_run) = crews(&[Handoff::by_name("mutex").unwrap()], (8, 9), Some((core, core)), QUEUE);
        let record = Record::Queue {
            name: "mutex".to_owned(),
            capacity: Some(64),
            message_bytes: Some(256),
            decide_core: core,
            send_core: core,
        };
        assert_eq!(crews[0].record(), record);
        assert!(not_run.is_empty());
    }
}
