//! Arbitrary and damaged input for what the harness reads of its own endpoints and of runs that died: control lines, the
//! files of samples, the undo journal. Nothing panics, no line takes memory without bound, and of a journal that isn't
//! sound nothing is undone.
//!
//! TICKCERT_FUZZ_CASES sets the cases (2,000 by default); a quarter of them where each writes a file.
#![cfg(test)]

#[path = "../../results/tests/damage/mod.rs"]
mod damage;

use std::{
    fs,
    io::{self, BufReader},
    net::{IpAddr, Ipv4Addr, SocketAddrV4},
    path::Path,
};

use damage::{check, check_one_of, damage, damaged};
use proptest::{collection::vec, prelude::*, sample::select};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use tickcert::{
    bench::{
        journal::{Change, InterfaceState, Outcome, clean},
        netlink::{Address, Route},
    },
    endpoint::{
        control::{Command, ExchangeReport, Injection, PingPongReport, Report, TraderReport, TrialSpec, receive, send},
        samples::{self, ArrivalLog, Departure, DepartureLog, ExchangeSamples, ORDER_ROOM, STAMPS, TraderSamples},
    },
    remote::protocol::{self, Answer, Problem, Request},
};
use tickcert_results::time::{Nanos, PerSecond, TickScale, Ticks};
use tickcert_scenarios::load::Arrival;
use tickcert_transports::api::{Link, Role, SoftRdma, Unmet};

fn trial() -> TrialSpec {
    let at = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 26_477);
    TrialSpec {
        silence: Nanos(1),
        threads: None,
        lane: "kernel-udp".into(),
        settings: json!({ "busy_poll": 50 }),
        role: Role::Exchange,
        link: Link {
            exchange_interface: "tc0".into(),
            trader_interface: "tc1".into(),
            ticks: at,
            orders: at,
            trader: at,
            is_virtual: true,
            exchange_mac: [2; 6],
            trader_mac: [3; 6],
            meeting: "/tmp/meeting".into(),
            same_host: true,
            packets_in_a_stall: 400,
            connect_timeout: Nanos::SECOND,
            stamping: None,
            soft_rdma: SoftRdma::NotMade,
        },
        core: 1,
        memory_node: Some(1),
        tape: "/tmp/tape".into(),
        tape_sha256: "00".repeat(32),
        load: Arrival::Bursts { rate: PerSecond(1e5), burst: 8 },
        passes: 2,
        packets: 1_000,
        seed: 7,
        late_after: Nanos::MILLI,
        scale: TickScale::from_hz(2.6e9),
        staged: true,
        stamp_timeout: Nanos::SECOND,
        injection: Injection::default(),
        samples: "/tmp/samples".into(),
    }
}

fn lines<M: Serialize>(messages: &[M]) -> Vec<u8> {
    let mut bytes = Vec::new();
    messages.iter().for_each(|message| send(&mut bytes, message).unwrap());
    bytes
}

/// Reads to the end or to the first line that isn't understood; what is understood comes back as it was sent.
fn heard<M: Serialize + DeserializeOwned>(mut bytes: &[u8]) -> Result<(), TestCaseError> {
    let most = bytes.split(|byte| *byte == b'\n').count();
    for _ in 0..=most {
        match receive::<M>(&mut bytes) {
            Ok(Some(message)) => {
                let sent = lines(&[&message]);
                let again = receive::<M>(&mut &sent[..]).unwrap().unwrap();
                prop_assert_eq!(lines(&[again]), sent);
            }
            Ok(None) => return Ok(()),
            Err(error) => {
                prop_assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                return Ok(());
            }
        }
    }
    Err(TestCaseError::fail("more messages than lines"))
}

#[test]
fn control_lines_are_understood_or_refused() {
    let commands = lines(&[Command::Open(Box::new(trial())), Command::Go, Command::Quit]);
    let reports = lines(&[
        Report::Ready,
        Report::Exchanged(Box::new(ExchangeReport { stalls: vec![Ticks::new(7).unwrap()], ..Default::default() })),
        Report::Traded(Box::new(TraderReport { merged: Some(3), ..Default::default() })),
        Report::PingPonged(PingPongReport { rtt: "HISTFAAA".into(), ..Default::default() }),
        Report::Unmet(Unmet { needs: "a NIC".into(), how: "buy one".into() }),
        Report::Failed { error: "no".into() },
    ]);
    let arbitrary = vec(any::<u8>(), 0..100);
    let deep = (1_usize..100_000).prop_map(|n| "[".repeat(n).into_bytes());
    let spoilt =
        (prop_oneof![Just(commands), Just(reports)], damage()).prop_map(|(text, damage)| damaged(text, damage));
    check(&prop_oneof![10 => spoilt, 5 => arbitrary, 1 => deep], |bytes| {
        heard::<Command>(&bytes)?;
        heard::<Report>(&bytes)
    });
}

#[test]
fn what_a_run_and_its_agent_say_to_each_other_is_understood_or_refused() {
    let (mut requests, mut answers) = (Vec::new(), Vec::new());
    let tell = Request::Tell { command: Box::new(Command::Open(Box::new(trial()))) };
    for (number, request) in [Request::Tape { bytes: 9, sha256: "00".into() }, tell, Request::Alive].iter().enumerate()
    {
        protocol::send(&mut requests, &(number, request)).unwrap();
        protocol::send_piece(&mut requests, &[0, 10, 255]).unwrap();
    }
    let problem = Problem::Busy { holder: Some(7) };
    for answer in [
        Answer::Done { to: 1, value: json!({ "bytes": 3 }) },
        Answer::Problem { to: 2, problem },
        Answer::Said { report: Box::new(Report::Ready) },
        Answer::TraderEnded { how: "so".into() },
    ] {
        protocol::send(&mut answers, &answer).unwrap();
        protocol::send_piece(&mut answers, b"{}\n").unwrap();
    }
    let arbitrary = vec(any::<u8>(), 0..100);
    let long = any::<u64>().prop_map(|n| format!("{{\"piece\":{n}}}\n12").into_bytes());
    let spoilt =
        (prop_oneof![Just(requests), Just(answers)], damage()).prop_map(|(text, damage)| damaged(text, damage));
    check(&prop_oneof![10 => spoilt, 5 => arbitrary, 1 => long], |bytes| {
        let mut from = bytes.as_slice();
        while let Ok(Some(_)) = protocol::receive::<(u64, Request)>(&mut from) {}
        let mut from = bytes.as_slice();
        while let Ok(Some(_)) = protocol::receive::<Answer>(&mut from) {}
        Ok(())
    });
}

#[test]
fn a_line_that_does_not_end_is_refused_before_it_takes_all_memory() {
    let mut endless = BufReader::new(io::repeat(b'x'));
    let error = receive::<Report>(&mut endless).unwrap_err();
    assert!(error.to_string().starts_with("a line of more than"), "{error}");
}

#[test]
fn a_line_that_is_not_understood_is_shown_by_its_beginning() {
    let line = format!("{}\n", "so ".repeat(100_000));
    let error = receive::<Report>(&mut line.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("so so") && error.len() < 1_000, "{error}");
}

/// Files as the endpoints write them, of some packets and orders.
fn written(folder: &Path) -> [Vec<u8>; 2] {
    let at = |n| Ticks::new(n).unwrap();
    let (mut arrivals, mut departures) = (ArrivalLog::with_room(9), DepartureLog::with_room(9));
    for n in 1..9_u8 {
        arrivals.push(at(1_000 + u64::from(n)), &vec![n; usize::from(n) * 10]);
        departures.push(Departure { stamps: [u64::from(n); STAMPS] });
    }
    let path = folder.join("written");
    ExchangeSamples::write(&path, at(1_000), &[1_000, 0, 1_001], &arrivals).unwrap();
    let exchange = fs::read(&path).unwrap();
    departures.write(&path).unwrap();
    [exchange, fs::read(&path).unwrap()]
}

#[test]
fn files_of_samples_hold_what_their_length_allows_or_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read");
    let [exchange, trader] = written(folder.path());
    // Of the head, which says how many there are, any byte; else the damage that any file may take.
    let head = vec((0_usize..24, any::<u8>()), 0..4);
    let spoilt = (Just(exchange), head, damage()).prop_map(|(mut bytes, head, damage)| {
        head.into_iter().for_each(|(at, byte)| bytes[at] = byte);
        damaged(bytes, damage)
    });
    let departures = (Just(trader), damage()).prop_map(|(bytes, damage)| damaged(bytes, damage));
    let arbitrary = vec(any::<u8>(), 0..200);
    check_one_of(4, &prop_oneof![4 => spoilt, 1 => departures, 1 => arbitrary], |bytes| {
        fs::write(&path, &bytes).unwrap();
        let mut departures = 0;
        TraderSamples::read(&path).unwrap().each(|_| departures += 1).unwrap();
        prop_assert_eq!(departures, bytes.len() / (8 * STAMPS));
        match ExchangeSamples::read(&path) {
            Ok(read) => {
                let (mut arrivals, mut longest) = (0, 0);
                let each = |arrival: &samples::Arrival| {
                    arrivals += 1;
                    longest = longest.max(arrival.bytes().map_or(0, <[u8]>::len));
                };
                read.each_arrival(each).unwrap();
                prop_assert!(longest <= ORDER_ROOM);
                prop_assert_eq!(arrivals as u64, read.arrivals());
                prop_assert!(24 + 8 * read.sent.len() + (12 + ORDER_ROOM) * arrivals <= bytes.len());
            }
            Err(error) => prop_assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof),
        }
        Ok(())
    });
}

/// A journal of a boot that is over: `clean` reads all of it and has nothing to undo.
fn journal() -> Vec<String> {
    let ip = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    let address = Address { ip, prefix_length: 24 };
    let route = Route::on_link(Ipv4Addr::new(10, 0, 1, 0), 24);
    let was = InterfaceState {
        up: true,
        mtu: 1500,
        addresses: vec![address],
        routes: vec![route],
        fitting: Some(Default::default()),
    };
    let (interface, namespace) = ("tc0".to_owned(), "/proc/1/ns/net".into());
    let changes = [
        Change::NamespacePinned { file: "/run/nowhere/pinned".into() },
        Change::ValueSet { file: "/proc/sys/nowhere".into(), before: "1".into() },
        Change::InterfaceMoved { interface: interface.clone(), namespace, pinned: true, was },
        Change::AddressAdded { interface: interface.clone(), address },
        Change::RouteAdded { interface, route },
    ];
    let head = json!({ "version": 1, "pid": 1, "start_time": 1, "boot_id": "before", "network_namespace": 1 });
    let changes = changes.iter().map(|change| serde_json::to_string(change).unwrap());
    std::iter::once(head.to_string()).chain(changes).collect()
}

#[test]
fn a_damaged_journal_is_read_whole_or_left_alone_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal-1-1-0.jsonl");
    let whole = journal();
    let text = whole.join("\n") + "\n";
    let spoilt = (Just(text.into_bytes()), damage()).prop_map(|(text, damage)| damaged(text, damage));
    let shuffled = vec(select(whole), 0..9).prop_map(|lines| (lines.join("\n") + "\n").into_bytes());
    let arbitrary = vec(any::<u8>(), 0..200);
    check_one_of(4, &prop_oneof![6 => spoilt, 2 => shuffled, 1 => arbitrary], |bytes| {
        fs::write(&path, &bytes).unwrap();
        let outcome = clean(folder.path()).unwrap().remove(0).outcome;
        prop_assert!(matches!(outcome, Outcome::Restarted | Outcome::Unreadable(_)), "{:?}", outcome);
        prop_assert_eq!(path.exists(), matches!(outcome, Outcome::Unreadable(_)));
        Ok(())
    });
}
