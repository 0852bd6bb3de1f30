//! Disturbances that are really put into this host, and what the tail of a real trial is said to come from.
#![cfg(test)]

mod certified;
mod migration;
mod storm;
#[path = "../support/mod.rs"]
mod support;
mod timers;
mod trial;

use std::{
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
};
use tickcert::{endpoint::control::Injection, run::tail::Watch};
use tickcert_probes::{
    affinity,
    tail::{ROOM, Watched},
};
use tickcert_results::{certificate::TailKind, time::Nanos};

use crate::trial::{Plan, Scene, Wanted, expect, tail};

const COMPETITOR: Wanted<'static> = Wanted { kind: TailKind::Thread, name: "competitor", by: Nanos(100_000) };

/// A thread that takes the core for so long at a time, with so long between.
fn compete(scene: &Scene<'_>, length: Duration, pause: Duration) {
    // The name that the kernel knows it by.
    let named = thread::Builder::new().name("competitor".into());
    thread::scope(|s| {
        let spin = || {
            affinity::pin(scene.trader).unwrap();
            while !scene.over.load(Ordering::Relaxed) {
                let until = Instant::now() + length;
                while Instant::now() < until {}
                thread::sleep(pause);
            }
        };
        named.spawn_scoped(s, spin).unwrap();
    });
}

fn compete_often(scene: &Scene<'_>) {
    compete(scene, Duration::from_millis(15), Duration::from_millis(100));
}

/// So seldom that the slowest ticks of a trial reach down to those that were not disturbed themselves.
fn compete_seldom(scene: &Scene<'_>) {
    compete(scene, Duration::from_millis(10), Duration::from_millis(900));
}

#[test]
fn a_thread_that_takes_the_traders_core_is_the_cause_by_its_name() {
    expect(&COMPETITOR, || tail(&Plan::default(), compete_often));
}

#[test]
fn of_a_trial_on_other_cores_than_the_run_it_is_those_that_are_watched() {
    let plan = Plan { swapped: true, ..Plan::default() };
    expect(&COMPETITOR, || tail(&plan, compete_often));
}

/// A trader that needs half of the time between two ticks works off for as long as it was away what came meanwhile.
#[test]
fn ticks_that_come_after_a_disturbance_are_queued_behind_it() {
    let injection = Injection { busy: Nanos(50_000), ..Injection::default() };
    let plan = Plan { injection, ..Plan::default() };
    let trial = || {
        let mut tail = tail(&plan, compete_seldom)?;
        // What was disturbed itself is another test's.
        tail.slow.retain(|slow| slow.cause.queued);
        Some(tail)
    };
    expect(&Wanted { by: Nanos(250_000), ..COMPETITOR }, trial);
}

#[test]
fn where_there_is_no_room_for_events_nothing_is_said_of_what_came_after() {
    let Some(tail) = tail(&Plan { room: 4096, ..Plan::default() }, compete_often) else { return };
    assert!(tail.lost > 0);
    let known = tail.slow.iter().filter(|s| s.cause.kind != TailKind::NotKnown).count();
    // No more than a ring of 4 KiB tells of, which is full of 48 bytes long switches to threads after 85 of them.
    assert!(2 * known < tail.slow.len(), "{known} of {} have a cause", tail.slow.len());
    let unsaid = tail.slow.iter().filter(|s| s.cause.kind == TailKind::NotKnown);
    assert!(unsaid.clone().count() > 0 && unsaid.clone().all(|s| s.took.is_none()));
}

#[test]
fn page_faults_of_the_trader_are_the_cause() {
    let injection = Injection { fresh_pages: 1500, ..Injection::default() };
    let wanted = Wanted { kind: TailKind::PageFault, name: "minor", by: Nanos(200_000) };
    expect(&wanted, || tail(&Plan { injection, ..Plan::default() }, |_| ()));
}

#[test]
fn a_lane_without_the_kernel_has_no_softirqs_of_its_own() {
    let Some(tail) = tail(&Plan::default(), |_| ()) else { return };
    assert_eq!(tail.untimed, 0);
}

#[test]
fn a_system_call_that_takes_longer_than_it_usually_does_is_the_cause_where_calls_are_watched() {
    let injection = Injection { slow_calls: Nanos(1_000_000), ..Injection::default() };
    let plan = Plan { injection, calls: true, ..Plan::default() };
    let name = format!("number {}", libc::SYS_ppoll);
    expect(&Wanted { kind: TailKind::SystemCall, name: &name, by: Nanos(300_000) }, || tail(&plan, |_| ()));
}

#[test]
fn without_the_kernels_type_information_that_is_what_is_said() {
    let hidden = || {
        unshare(CloneFlags::CLONE_NEWNS)?;
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
        mount(Some("none"), "/sys/kernel/btf", Some("tmpfs"), MsFlags::empty(), None::<&str>)
    };
    let attach = || hidden().map(|()| Watch::attach(Watched { cores: [0, 0], calls: false, room: ROOM }).map(drop));
    // Its own file system goes with the thread.
    let attached = thread::scope(|s| s.spawn(attach).join().unwrap());
    match attached {
        Err(errno) => println!("SKIPPED: hiding /sys/kernel/btf: needs root, and a kernel that has it ({errno})"),
        Ok(Ok(())) => println!("SKIPPED: a kernel without BTF: needs one whose BTF lies in /sys/kernel/btf only"),
        Ok(Err(unmet)) if unmet.needs.contains("`bpf`") => println!("SKIPPED: the tail by cause: {unmet}"),
        Ok(Err(unmet)) => {
            assert!(unmet.needs.contains("/sys/kernel/btf/vmlinux"), "{unmet}");
            assert!(unmet.how.contains("CONFIG_DEBUG_INFO_BTF"), "{unmet}");
        }
    }
}
