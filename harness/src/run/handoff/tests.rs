//! Real trials on two cores of this host; where there is one, on that alone: what is claimed here is what comes out, never
//! how fast.

use tickcert_probes::affinity;
use tickcert_results::{
    certificate::{HandoffCell, NotRunKind},
    time::{PerSecond, TickScale},
};
use tickcert_scenarios::{
    generator::{self, GeneratorConfig},
    handoff::{MessageSize, resolve},
    profile::HandoffSpec,
    tape,
    trader::{Strategy, SymbolChoice, TraderConfig},
};

use super::*;
use crate::run::{progress::Voice, scratch::Scratch};

/// A small tape on which every symbol is traded.
fn tape(folder: &Scratch) -> Tape {
    let config = GeneratorConfig { seed: 3, symbols: 8, messages: 3_000, ..GeneratorConfig::default() };
    let ticks = generator::generate(&config).unwrap();
    let strategy = Strategy::Threshold {
        symbol: SymbolChoice::All,
        threshold: tickcert_scenarios::feed::itch::Price4(100),
        quantity: 100,
    };
    let path = folder.path().join("tape");
    tape::build(&path, &ticks, TraderConfig::new(strategy)).unwrap();
    Tape::open(&path).unwrap()
}

fn spec(names: &[&str]) -> HandoffSpec {
    HandoffSpec {
        handoffs: resolve(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).unwrap(),
        rate: PerSecond(50_000.0),
        // A pass and a part of the next.
        duration: Nanos::MILLI * 80,
        repetitions: 1,
        // Room for all of it: a host that takes a core away for long must not fail these.
        capacity: 1 << 15,
        ..HandoffSpec::default()
    }
}

/// The comparison, on cores that may be the same one.
fn compared(spec: &HandoffSpec) -> Compared {
    let allowed: Vec<u32> = affinity::allowed().unwrap().into_iter().collect();
    compared_on((allowed[0], allowed[allowed.len() - 1]), spec)
}

fn compared_on(cores: (u32, u32), spec: &HandoffSpec) -> Compared {
    let folder = Scratch::new().unwrap();
    let tape = tape(&folder);
    let order = Order { spec, tape: &tape, cores, scale: scale(), seed: 1, hypervisor: "none" };
    compare(&order, &mut Progress::new(Voice::Quiet)).unwrap()
}

/// What the comparison ends with where a trial may start so many threads.
fn with_threads(threads: u32, spec: &HandoffSpec) -> Result<Compared> {
    let folder = Scratch::new().unwrap();
    let tape = tape(&folder);
    let first = affinity::allowed().unwrap().into_iter().next().unwrap();
    let order = Order { spec, tape: &tape, cores: (first, first), scale: scale(), seed: 1, hypervisor: "none" };
    together::tests::allow(threads);
    let ended = compare(&order, &mut Progress::new(Voice::Quiet));
    together::tests::allow(u32::MAX);
    ended
}

fn scale() -> TickScale {
    tickcert_probes::clocks::start(std::path::Path::new("/")).unwrap().1
}

/// What invalidates it, but that the host was too slow for the schedule.
fn faults(cell: &HandoffCell) -> Vec<&String> {
    let all = cell.repetitions.iter().flat_map(|repetition| &repetition.invalid_reasons);
    all.filter(|why| !why.contains(" at their rate: ") && !why.contains(" at its rate: ")).collect()
}

#[test]
fn every_hand_off_makes_the_orders_of_the_tape_whatever_the_size_of_a_message() {
    let few = "inline,rtrb,mutex";
    let sizes = [(MessageSize::Bytes64, "all"), (MessageSize::Bytes256, few), (MessageSize::Bytes1024, few)];
    for (message_size, names) in sizes {
        let names: Vec<&str> = names.split(',').collect();
        let compared = compared(&HandoffSpec { message_size, ..spec(&names) });
        assert_eq!(compared.not_run, []);
        let inline = compared.comparison.cells[0].repetitions[0].clone();
        assert_eq!(inline.orders_sha256, inline.expected_sha256);
        assert!(inline.orders > 20, "{}", inline.orders);
        for cell in &compared.comparison.cells {
            let found = &cell.repetitions[0];
            assert_eq!(faults(cell), Vec::<&String>::new(), "{}", cell.name);
            // Every message is in each distribution of messages; only where there is no queue nothing is put in.
            let pushed = if cell.name == "inline" { 0 } else { cell.hand_off_ns.n };
            assert_eq!((cell.taken_due_ns.n, cell.push_ns.n), (cell.hand_off_ns.n, pushed), "{}", cell.name);
            assert_eq!((found.preemptions, found.stalled_pushes), (0, 0), "{}", cell.name);
            assert_eq!(
                (&found.orders_sha256, found.messages),
                (&inline.orders_sha256, inline.messages),
                "{}",
                cell.name
            );
        }
    }
}

#[test]
fn a_full_queue_is_counted_and_its_repetition_does_not_count() {
    // More messages at once than there is room for, and a taker that is busy with the first of them.
    let compared = compared(&HandoffSpec { burst: 2_000, capacity: 2, ..spec(&["rtrb", "mutex"]) });
    for cell in &compared.comparison.cells {
        let found = &cell.repetitions[0];
        assert!(found.full > 0 && !found.valid, "{}: {found:?}", cell.name);
        assert_ne!(found.orders_sha256, found.expected_sha256);
        assert!(found.invalid_reasons[0].ends_with("messages found the queue full and were dropped"), "{found:?}");
        assert_eq!((cell.valid(), cell.hand_off_ns.n), (0, 0));
    }
    assert_eq!(compared.comparison.reference, None);
}

#[test]
fn nothing_of_ours_allocates_while_it_is_measured() {
    let compared = compared(&spec(&["all"]));
    for cell in &compared.comparison.cells {
        let calls = cell.repetitions[0].allocator_calls;
        if cell.name.starts_with("mutex-parking-lot") && calls > 0 {
            // The crate's table of threads that wait, made when the first one does: in steps, and once for the process.
            assert!(calls <= 8, "{}: {calls} calls", cell.name);
            continue;
        }
        assert_eq!(calls > 0, cell.allocates, "{}: {calls} calls", cell.name);
    }
}

#[test]
fn messages_of_other_producers_all_come_and_change_no_order() {
    let names = ["rtrb", "array-queue", "seg-queue", "mpsc", "mutex", "ticket-lock", "condvar"];
    let shared = HandoffSpec { producers: 3, share_cores: true, ..spec(&names) };
    let compared = compared(&shared);
    let names: Vec<&str> = compared.comparison.cells.iter().map(|cell| cell.name.as_str()).collect();
    assert_eq!(names, ["array-queue", "seg-queue", "mpsc", "mutex", "ticket-lock", "condvar"]);
    for cell in &compared.comparison.cells {
        assert_eq!(faults(cell), Vec::<&String>::new(), "{}", cell.name);
    }
    let [row] = compared.not_run.as_slice() else { panic!("{:?}", compared.not_run) };
    assert_eq!((row.kind, row.name.as_str()), (NotRunKind::Handoff, "rtrb"));
    assert!(row.needs.starts_with("a queue for several producers"), "{row:?}");
}

#[test]
fn producers_without_a_core_each_are_not_run_with_the_cores_that_it_takes() {
    let compared = compared(&HandoffSpec { producers: 64, ..spec(&["mutex", "array-queue"]) });
    if affinity::allowed().unwrap().len() > 64 {
        println!("SKIPPED: too few cores for the producers: needs a host with fewer than 65");
        return;
    }
    assert_eq!(compared.not_run.len(), 2);
    assert!(compared.not_run[0].needs.starts_with("65 cores: one that decides"), "{:?}", compared.not_run);
    assert!(compared.comparison.cells.is_empty());
}

#[test]
fn ticks_due_at_once_carry_the_wait_for_those_before_them() {
    let compared = compared(&HandoffSpec { burst: 200, ..spec(&["inline", "rtrb", "mutex"]) });
    for cell in &compared.comparison.cells {
        assert_eq!(faults(cell), Vec::<&String>::new(), "{}", cell.name);
        if cell.valid() == 0 {
            println!("SKIPPED: {} in bursts: needs a host that decodes them at their rate", cell.name);
            continue;
        }
        // The last of 200 has waited for the decoding of all, be the queue as quick as it may.
        let (due, put_in) = (cell.taken_due_ns.p50.unwrap(), cell.push_ns.p50.unwrap_or(Nanos::ZERO));
        assert!(
            due > put_in && cell.schedule_error_ns.p99 > cell.schedule_error_ns.min,
            "{}: {due} {put_in}",
            cell.name
        );
        assert!(cell.taken_due_ns.max >= cell.schedule_error_ns.p50, "{}", cell.name);
    }
}

#[test]
fn a_core_that_is_lost_makes_repetitions_invalid_and_not_the_comparison() {
    let first = affinity::allowed().unwrap().into_iter().next().unwrap();
    let lost = 4_000; // No kernel for x86-64 numbers so many by default.
    let compared = compared_on((first, lost), &spec(&["inline", "rtrb", "mutex"]));
    let [inline, queues @ ..] = compared.comparison.cells.as_slice() else { panic!("nothing ran") };
    assert_eq!(faults(inline), Vec::<&String>::new());
    for cell in queues {
        let reasons = faults(cell);
        assert!(reasons.iter().any(|why| why.starts_with("core 4000 could not be kept")), "{}: {reasons:?}", cell.name);
        assert_eq!(cell.repetitions[0].orders_sha256, cell.repetitions[0].expected_sha256, "{}", cell.name);
    }
    // How far the counters are apart can't be told either.
    let [row] = compared.not_run.as_slice() else { panic!("{:?}", compared.not_run) };
    assert_eq!(row.kind, NotRunKind::Probe);
    assert_eq!(compared.comparison.counter_offset, None);
}

#[test]
fn a_trial_that_gets_too_few_threads_ends_with_the_remedy_whichever_it_is_that_is_missing() {
    let three = HandoffSpec { producers: 3, share_cores: true, ..spec(&["mutex"]) };
    let mut trials = vec![(1, spec(&["inline"])), (2, spec(&["rtrb-blocking"])), (4, three.clone())];
    if preempt::check().is_ok() {
        let often = |spec| HandoffSpec { preempt: Some(Nanos::MILLI), preempt_every: Nanos::MILLI * 10, ..spec };
        trials.extend([(2, often(spec(&["inline"]))), (5, often(three))]);
    } else {
        println!("SKIPPED: too few threads to take a core away: needs SCHED_FIFO");
    }
    for (needed, spec) in trials {
        for threads in 0..needed {
            let e = with_threads(threads, &spec).err().map(|e| format!("{e:#}")).unwrap_or_default();
            assert!(e.contains("a thread of the trial can't be started") && e.contains("ulimit -u"), "{threads}: {e}");
        }
        assert!(with_threads(needed, &spec).is_ok(), "{needed}");
    }
}

#[test]
fn a_core_that_is_to_be_taken_away_and_never_is_makes_the_repetition_invalid() {
    if preempt::check().is_err() {
        println!("SKIPPED: taking a core away: needs SCHED_FIFO");
        return;
    }
    let never = HandoffSpec { preempt: Some(Nanos::MILLI), preempt_every: Nanos::MILLI * 10_000, ..spec(&["rtrb"]) };
    let cell = &compared(&never).comparison.cells[0];
    let reasons = &cell.repetitions[0].invalid_reasons;
    assert!(reasons.iter().any(|why| why.starts_with("the core was to be taken away and never was")), "{reasons:?}");
}

#[test]
fn a_core_taken_away_on_purpose_is_counted_or_not_run_with_the_remedy() {
    let taken =
        HandoffSpec { preempt: Some(Nanos::MILLI), preempt_every: Nanos::MILLI * 10, ..spec(&["rtrb", "mutex"]) };
    let compared = compared(&taken);
    if compared.comparison.cells.is_empty() {
        println!("SKIPPED: taking a core away: needs {}", compared.not_run[0].needs);
        assert!(!compared.not_run[0].how.is_empty());
        return;
    }
    for cell in &compared.comparison.cells {
        let found = &cell.repetitions[0];
        assert!(found.preemptions > 0, "{}: {found:?}", cell.name);
        assert!(found.involuntary_switches >= found.preemptions / 2, "{}: {found:?}", cell.name);
        let others: Vec<_> = faults(cell).into_iter().filter(|why| !why.starts_with("the core was away")).collect();
        assert_eq!(others, Vec::<&String>::new(), "{}", cell.name);
        // Whichever thread stood still: what was due in the meantime has waited for the core.
        let (taken, order) = (found.taken_due_ns.max.unwrap(), found.order_due_ns.max.unwrap());
        assert!(taken >= Nanos(500_000), "{}: {taken}", cell.name);
        assert!(order >= Nanos(500_000), "{}: {order}", cell.name);
    }
}

#[test]
fn each_round_has_every_cell_once_and_the_seed_decides_the_order() {
    let all = in_turn(5, 4, 9);
    for round in all.chunks(5) {
        let mut cells: Vec<usize> = round.iter().map(|(cell, _)| *cell).collect();
        cells.sort_unstable();
        assert_eq!(cells, [0, 1, 2, 3, 4]);
        assert!(round.iter().all(|(_, repetition)| *repetition == round[0].1));
    }
    assert_eq!(all, in_turn(5, 4, 9));
    assert_ne!(all, in_turn(5, 4, 10));
}
