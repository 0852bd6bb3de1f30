//! A trader that somebody moves to another core, and back: as an administrator's tool does, or a daemon that balances threads.

use std::{
    fs, process,
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use nix::{
    sched::{CpuSet, sched_setaffinity},
    unistd::Pid,
};
use tickcert::run::certify::choose_cores;
use tickcert_results::{certificate::TailKind, time::Nanos};

use crate::trial::{Plan, Scene, Wanted, expect, tail};

/// No longer than the scheduler lets the exchange go on, so that the trader waits there and takes it nothing.
const AWAY: Duration = Duration::from_millis(1);
const APART: Duration = Duration::from_millis(40);

/// The value of a line of `/proc/PID/status`.
fn line<'a>(status: &'a str, key: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(key)).map(str::trim)
}

/// The process that this one began and that may run on this core only: an end that is ready.
fn end_on(core: u32) -> Option<Pid> {
    let (parent, core) = (process::id().to_string(), core.to_string());
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let status = fs::read_to_string(entry.path().join("status")).ok()?;
        let is = line(&status, "PPid:")? == parent
            && line(&status, "Cpus_allowed_list:")? == core
            && line(&status, "VmLck:")? != "0 kB";
        is.then(|| Pid::from_raw(pid))
    })
}

fn keep_on(thread: Pid, core: u32) {
    let mut set = CpuSet::new();
    set.set(usize::try_from(core).unwrap()).unwrap();
    // It may have ended meanwhile.
    let _ = sched_setaffinity(thread, &set);
}

fn move_about(scene: &Scene<'_>) {
    while !scene.over.load(Ordering::Relaxed) {
        if let Some(trader) = end_on(scene.trader) {
            keep_on(trader, scene.exchange);
            let until = Instant::now() + AWAY;
            while Instant::now() < until {
                thread::sleep(Duration::from_micros(100));
            }
            keep_on(trader, scene.trader);
        }
        thread::sleep(APART);
    }
}

#[test]
fn a_trader_that_is_moved_to_another_core_is_slow_by_that_until_it_is_back() {
    let (exchange, _) = choose_cores().unwrap();
    let name = format!("to core {exchange}");
    let wanted = Wanted { kind: TailKind::Migration, name: &name, by: Nanos(300_000) };
    expect(&wanted, || tail(&Plan::default(), move_about));
}
