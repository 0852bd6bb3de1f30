//! The devices by themselves, without the framing above: both ends in one process, over memif.

use std::{
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Instant,
};

use nix::{
    sched::{CpuSet, sched_setaffinity},
    unistd::Pid,
};
use tempfile::TempDir;
use tickcert_results::time::Nanos;

use super::{
    config::Config,
    device::DpdkPort,
    halves_ffi::{DpdkRx, DpdkTx},
};
use crate::{
    api::{Link, OpenError, Role, SoftRdma, TxError},
    raw::port::{FramePort, FrameRx, FrameTx},
};

type End = (DpdkRx, DpdkTx);

fn link(meeting: &Path) -> Link {
    Link {
        exchange_interface: String::new(),
        trader_interface: String::new(),
        ticks: "239.1.1.1:26400".parse().unwrap(),
        orders: "10.0.0.1:26401".parse().unwrap(),
        trader: "10.0.0.2:26402".parse().unwrap(),
        is_virtual: true,
        exchange_mac: [0; 6],
        trader_mac: [0; 6],
        meeting: meeting.to_owned(),
        same_host: true,
        packets_in_a_stall: 0,
        connect_timeout: Nanos::SECOND * 5,
        stamping: None,
        soft_rdma: SoftRdma::NotMade,
    }
}

/// Both ends; says that the test was skipped where they can't be had.
fn ends(config: &str) -> Option<(TempDir, End, End)> {
    let dir = tempfile::tempdir().unwrap();
    let (link, config) = (link(dir.path()), serde_json::from_str::<Config>(config).unwrap());
    let (exchange, trader) = thread::scope(|s| {
        let exchange = s.spawn(|| DpdkPort::open(&config, &link, Role::Exchange));
        let trader = DpdkPort::open(&config, &link, Role::Trader);
        (exchange.join().unwrap(), trader)
    });
    match (exchange, trader) {
        (Ok(exchange), Ok(trader)) => Some((dir, exchange, trader)),
        (Err(OpenError::Unmet(unmet)), _) | (_, Err(OpenError::Unmet(unmet))) => {
            println!("SKIPPED: memif: {unmet}");
            None
        }
        (Err(e), _) | (_, Err(e)) => panic!("{e}"),
    }
}

/// Receives until `enough`.
fn until(rx: &mut DpdkRx, mut enough: impl FnMut(&[u8]) -> bool) {
    let (begin, mut done) = (Instant::now(), false);
    while !done {
        assert!(begin.elapsed().as_secs() < 10, "nothing more came");
        rx.receive(4, |frame, _| done |= enough(frame)).unwrap();
    }
}

#[test]
fn frames_cross_whole_and_in_order_both_ways_beyond_a_ring_and_a_burst() {
    let Some((_dir, mut exchange, mut trader)) = ends(r#"{"descriptors": 64, "burst": 8}"#) else { return };
    for (from, to) in [(&mut exchange.1, &mut trader.0), (&mut trader.1, &mut exchange.0)] {
        let (mut sent, mut got) = (0_u8, 0_u8);
        while got < 200 {
            while sent < 200 {
                let len = 60 + usize::from(sent) * 7;
                match from.transmit(len, |frame| frame.fill(sent)) {
                    Ok(_) => sent += 1,
                    Err(TxError::Full) => break,
                    Err(e) => panic!("{e}"),
                }
            }
            let mut seen = 0;
            let said = to.receive(5, |frame, meta| {
                assert_eq!((frame.len(), meta.hw), (60 + usize::from(got) * 7, None));
                assert!(frame.iter().all(|byte| *byte == got));
                (got, seen) = (got + 1, seen + 1);
            });
            assert_eq!(said.unwrap(), seen);
            assert!(seen <= 5);
        }
    }
}

#[test]
fn a_frame_too_long_is_refused_and_one_of_the_longest_crosses() {
    let Some((_dir, mut exchange, mut trader)) = ends("{}") else { return };
    let refused = exchange.1.transmit(1 << 20, |_| ());
    assert!(matches!(refused, Err(TxError::Io(e)) if e.kind() == std::io::ErrorKind::InvalidInput));
    exchange.1.transmit(1518, |frame| frame.fill(3)).unwrap();
    until(&mut trader.0, |frame| frame == [3; 1518]);
}

#[test]
fn the_other_end_gone_is_an_error_of_both_halves() {
    let Some((_dir, mut exchange, trader)) = ends("{}") else { return };
    drop(trader);
    let begin = Instant::now();
    let (mut sending, mut receiving) = (None, None);
    while sending.is_none() || receiving.is_none() {
        assert!(begin.elapsed().as_secs() < 10, "{sending:?} {receiving:?}");
        if let Err(TxError::Io(e)) = exchange.1.transmit(60, |frame| frame.fill(0)) {
            sending = Some(e.to_string());
        }
        receiving = receiving.or(exchange.0.receive(1, |_, _| ()).err().map(|e| e.to_string()));
    }
    for said in [sending, receiving] {
        assert!(said.is_some_and(|e| e.contains("other end is gone")));
    }
}

#[test]
fn stamps_that_a_driver_does_not_have_are_a_need_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = serde_json::from_str::<Config>(r#"{"receive_stamps": true}"#).unwrap();
    match DpdkPort::open(&config, &link(dir.path()), Role::Exchange) {
        Err(OpenError::Unmet(unmet)) if unmet.needs.contains("net_memif has no stamps") => {
            assert!(unmet.how.contains("receive_stamps = false"), "{unmet}");
        }
        Err(OpenError::Unmet(unmet)) => println!("SKIPPED: memif: {unmet}"),
        Err(e) => panic!("{e}"),
        Ok(_) => panic!("memif stamps"),
    }
}

#[test]
fn what_dpdk_was_started_with_is_told() {
    let Some((_dir, exchange, _trader)) = ends("{}") else { return };
    let mut facts = Vec::new();
    exchange.0.facts(&mut |name, value| facts.push(format!("{name} {value}")));
    let text = facts.join("\n");
    for part in [
        "dpdk DPDK 2",
        "--in-memory",
        "role=server",
        "driver net_memif",
        "descriptors 1024 to receive",
        "rx_stamps the driver has none",
        "rx_burst 32",
    ] {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
}

#[test]
fn many_ends_that_come_and_go_at_once_neither_crash_nor_miss_each_other() {
    const CONFIG: &str = r#"{"buffers": 1023, "descriptors": 256}"#;
    if ends(CONFIG).is_none() {
        return;
    }
    let come_and_go = |round: u32| {
        let (_dir, mut exchange, mut trader) = ends(CONFIG).unwrap();
        exchange.1.transmit(100, |frame| frame.fill(3)).unwrap();
        until(&mut trader.0, |frame| frame == [3; 100]);
        match round % 3 {
            0 => drop((exchange, trader)),
            1 => drop((trader, exchange)),
            _ => thread::scope(|s| {
                s.spawn(|| drop(exchange));
                drop(trader);
            }),
        }
    };
    thread::scope(|s| {
        for first in 0..3 {
            s.spawn(move || (first..first + 6).for_each(come_and_go));
        }
    });
}

#[test]
fn a_port_that_is_refused_half_way_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let config = serde_json::from_str::<Config>(r#"{"buffers": 262143}"#).unwrap();
    let link = Link { connect_timeout: Nanos(10_000_000), ..link(dir.path()) };
    // With memory for so many it is the other end that is missing.
    assert!(DpdkPort::open(&config, &link, Role::Exchange).is_err());
    assert!(ends("{}").is_none_or(|(dir, ..)| dir.path().exists()));
}

/// The folder and the role of an end that is to be a process of its own.
const AS_PROCESS: [&str; 2] = ["TICKCERT_TEST_MEETING", "TICKCERT_TEST_ROLE"];

/// One end that does nothing but look for frames, on one core, until it is told that the other is gone.
fn look_until_the_other_is_gone(meeting: &Path, role: Role) {
    let core = usize::from(role == Role::Trader);
    let mut cores = CpuSet::new();
    cores.set(core).unwrap();
    // With one core only both share it, which is no worse.
    let _ = sched_setaffinity(Pid::from_raw(0), &cores);
    let config = serde_json::from_str::<Config>(r#"{"buffers": 2047, "memory_mib": 32}"#).unwrap();
    match DpdkPort::open(&config, &link(meeting), role) {
        Ok((mut rx, _tx)) => {
            println!("is there");
            while rx.receive(4, |_, _| ()).is_ok() {}
            println!("was told");
        }
        Err(OpenError::Unmet(unmet)) => println!("unmet: {unmet}"),
        Err(e) => panic!("{e}"),
    }
}

#[test]
fn an_end_that_looks_for_frames_outlives_the_other_which_is_killed() {
    if let [Some(meeting), Some(role)] = AS_PROCESS.map(env::var_os) {
        let role = if role == "exchange" { Role::Exchange } else { Role::Trader };
        return look_until_the_other_is_gone(Path::new(&meeting), role);
    }
    for round in 0..10 {
        let dir = tempfile::tempdir().unwrap();
        let mut ends = ["exchange", "trader"].map(|role| {
            let name = "dpdk::device_tests::an_end_that_looks_for_frames_outlives_the_other_which_is_killed";
            let mut command = Command::new(env::current_exe().unwrap());
            command.args(["--exact", name, "--nocapture"]).env(AS_PROCESS[0], dir.path()).env(AS_PROCESS[1], role);
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            let said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
            (child, said)
        });
        let said = ends.each_mut().map(|(_, said)| said.find(|line| line == "is there" || line.starts_with("unmet")));
        let unmet = said.iter().flatten().find(|line| line.starts_with("unmet")).cloned();
        if round % 2 == 1 {
            ends.reverse();
        }
        let [(mut left, mut hears), (mut killed, _)] = ends;
        killed.kill().unwrap();
        killed.wait().unwrap();
        if let Some(unmet) = unmet {
            left.wait().unwrap();
            println!("SKIPPED: memif: {unmet}");
            return;
        }
        let told = hears.any(|line| line == "was told");
        let status = left.wait().unwrap();
        assert!(told && status.success(), "round {round}: {said:?}, {status}");
    }
}
