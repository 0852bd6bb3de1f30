//! Disturbances that are really put into this host, and what the tail of a real trial is said to come from.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::atomic::{AtomicBool, Ordering},
        thread,
        time::{Duration, Instant},
    };

    use tickcert::{
        endpoint::control::Injection,
        run::{
            endpoints::Homes,
            placements::Seat,
            tail::{Slow, TrialTail, Watch},
            trial::{Request, Stage},
        },
    };
    use tickcert_probes::{
        affinity,
        tail::{ROOM, Watched},
    };
    use tickcert_results::{
        certificate::{Side, TailKind},
        time::{Nanos, PerSecond},
    };
    use tickcert_scenarios::load::{Arrival, Schedule};
    use tickcert_transports::{Lane, api::Link};

    use crate::support::{can_measure, endpoints::Site};

    /// What a trial is like.
    struct Plan {
        packets: u32,
        rate: PerSecond,
        injection: Injection,
        /// The ends on each other's core.
        swapped: bool,
        /// Bytes of the rings.
        room: u32,
    }

    impl Default for Plan {
        fn default() -> Self {
            let (rate, injection) = (PerSecond(10_000.0), Injection::default());
            Self { packets: 20_000, rate, injection, swapped: false, room: ROOM }
        }
    }

    /// A trial of a lane without the kernel, with the kernel watched and `disturb` on a thread beside it, which is told the trader's
    /// core, until it is over.
    fn tail(plan: &Plan, disturb: impl Fn(u32, &AtomicBool) + Sync) -> Option<TrialTail> {
        if !can_measure() {
            return None;
        }
        let site = Site::new();
        let watched = Watched { cores: [site.cores.0, site.cores.1], calls: false, room: plan.room };
        let watch = match Watch::attach(watched) {
            Ok(watch) => watch,
            Err(unmet) => {
                println!("SKIPPED: the tail by cause: {unmet}");
                return None;
            }
        };
        let link = Link { meeting: site.dir.path().into(), ..site.bench.link.clone() };
        let stage = stage(&site, &link, &watch);
        let lane = Lane::by_name("shm").unwrap();
        let settings = lane.settings(&serde_json::Map::new()).unwrap();
        let load = Arrival::Constant { rate: plan.rate };
        let passes = plan.packets.div_ceil(u32::try_from(site.tape.packets()).unwrap());
        let schedule = Schedule::new(&load, site.tape.times(), passes, 1).unwrap().cut(plan.packets, Nanos(u64::MAX));
        let (exchange, trader) = site.cores;
        let swapped = Seat::only((trader, exchange), (None, None));
        let request = Request {
            lane,
            settings: &settings,
            load: &load,
            schedule: &schedule,
            passes,
            staged: false,
            threads: None,
            stamped: false,
            seat: plan.swapped.then_some(&swapped),
            injection: plan.injection,
        };
        let over = AtomicBool::new(false);
        thread::scope(|s| {
            s.spawn(|| disturb(if plan.swapped { exchange } else { trader }, &over));
            let finished = stage.run(&request);
            over.store(true, Ordering::Relaxed);
            Some(finished.unwrap().tail.expect("the trial was watched"))
        })
    }

    fn stage<'a>(site: &'a Site, link: &'a Link, watch: &'a Watch) -> Stage<'a> {
        Stage {
            link,
            homes: Homes {
                exchange: Some(&site.bench.exchange_netns),
                trader: Some(&site.bench.trader_netns),
                logs: site.dir.path(),
                program: Some(Path::new(env!("CARGO_BIN_EXE_tickcert"))),
                far: None,
            },
            tape: &site.tape,
            tape_path: site.tape_path(),
            scale: site.scale,
            folder: site.dir.path(),
            exchange_core: site.cores.0,
            trader_core: site.cores.1,
            memory_nodes: (None, None),
            late_after: Nanos::SECOND,
            stamp_timeout: Nanos::SECOND,
            stamps: None,
            speeds: [None; 2],
            seed: 1,
            tail: Some(watch),
        }
    }

    /// So often a trial is made again because what else runs on this host disturbed it more than the test did.
    const TRIES: u32 = 6;

    /// That in a trial the cause of most slow ticks is this one.
    fn expect(kind: TailKind, name: &str, by: Nanos, trial: impl Fn() -> Option<TrialTail>) {
        let mut said = String::new();
        for _ in 0..TRIES {
            let Some(tail) = trial() else { return };
            match shown(&tail, kind, name, by) {
                Ok(line) => return println!("{line}"),
                Err(other) => said = other.unwrap_or_default(),
            }
        }
        // A host on which others take the cores for longer than the test does proves nothing.
        assert!(said.is_empty(), "never named {name}, but at last:\n{said}");
        println!(
            "SKIPPED: {name} as a cause: other threads took the cores in all {TRIES} tries; needs two cores that are idle"
        );
    }

    /// Whether those that were slow by at least `by` have this cause, or else what they have; nothing where it is that other
    /// threads had the cores, which says nothing of this cause.
    fn shown(tail: &TrialTail, kind: TailKind, name: &str, by: Nanos) -> Result<String, Option<String>> {
        let slow: Vec<&Slow> = tail.slow.iter().filter(|s| s.t2t_due > by).collect();
        let is = |s: &&&Slow| s.cause.kind == kind && s.cause.name == name && s.cause.side == Some(Side::Trader);
        let named = slow.iter().filter(is).count();
        let all: Vec<String> = slow.iter().map(|s| format!("{} {}", s.t2t_due, s.cause)).collect();
        assert_eq!(tail.lost, 0);
        let unexplained = slow.iter().filter(|s| s.cause.kind == TailKind::Unexplained).count();
        if named >= 20 && named > unexplained {
            let (of, error) = (slow.len(), tail.error);
            return Ok(format!(
                "{named} of {of} slow ticks are named {name}, {unexplained} unexplained, within {error}"
            ));
        }
        let others = slow.iter().filter(|s| s.cause.kind == TailKind::Thread && s.cause.name != name).count();
        let busy = others > unexplained && 2 * others > slow.len();
        Err((!busy).then(|| format!("{named} are named {name}, of:\n{}", all.join("\n"))))
    }

    /// A thread that takes the core for 15 ms at a time.
    fn compete(core: u32, over: &AtomicBool) {
        // The name that the kernel knows it by.
        let named = thread::Builder::new().name("competitor".into());
        thread::scope(|s| {
            let spin = || {
                affinity::pin(core).unwrap();
                while !over.load(Ordering::Relaxed) {
                    let until = Instant::now() + Duration::from_millis(15);
                    while Instant::now() < until {}
                    thread::sleep(Duration::from_millis(100));
                }
            };
            named.spawn_scoped(s, spin).unwrap();
        });
    }

    #[test]
    fn a_thread_that_takes_the_traders_core_is_the_cause_by_its_name() {
        expect(TailKind::Thread, "competitor", Nanos(100_000), || tail(&Plan::default(), compete));
    }

    #[test]
    fn of_a_trial_on_other_cores_than_the_run_it_is_those_that_are_watched() {
        let plan = Plan { swapped: true, ..Plan::default() };
        expect(TailKind::Thread, "competitor", Nanos(100_000), || tail(&plan, compete));
    }

    #[test]
    fn where_there_is_no_room_for_events_nothing_is_said_of_what_came_after() {
        let Some(tail) = tail(&Plan { room: 4096, ..Plan::default() }, compete) else { return };
        assert!(tail.lost > 0);
        let known = tail.slow.iter().filter(|s| s.cause.kind != TailKind::NotKnown).count();
        // No more than a ring of 4 KiB tells of, which is full of 48 bytes long switches to threads after 85 of them.
        assert!(2 * known < tail.slow.len(), "{known} of {} have a cause", tail.slow.len());
        let unsaid = tail.slow.iter().filter(|s| s.cause.kind == TailKind::NotKnown);
        assert!(unsaid.clone().count() > 0 && unsaid.clone().all(|s| s.took.is_none()));
    }

    #[test]
    fn page_faults_of_the_trader_are_the_cause() {
        let injection = Injection { fresh_pages: 100, ..Injection::default() };
        expect(TailKind::PageFault, "minor", Nanos(10_000), || tail(&Plan { injection, ..Plan::default() }, |_, _| ()));
    }
}
