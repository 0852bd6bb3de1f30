//! AF_XDP: what driver, device and other programs refuse, and what the rest of the interface's traffic may expect.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    path::Path,
    process::Command as Program,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};
use tickcert::{
    bench::{
        netns,
        user_namespace::{self, Privilege},
    },
    endpoint::control::{Command, Injection, Report, TrialSpec},
};
use tickcert_results::time::Nanos;
use tickcert_transports::{
    Lane,
    afxdp::{AfXdp, Config},
    api::{DROPPED, Flow, Interest, Link, OpenError, Role, Rx, Transport, Tx, Unmet},
};

use crate::support::{
    PATIENCE, can_measure,
    endpoints::{Endpoint, Site},
    has,
};

/// Loading the program needs more than a user namespace gives.
fn can_load() -> bool {
    let root = user_namespace::present() == Some(Privilege::Host);
    if !root {
        println!("SKIPPED: AF_XDP needs root on the host");
    }
    root && can_measure()
}

/// The command that opens a lane, with settings on top of the lane's own.
fn open(site: &Site, lane: &str, role: Role, wanted: &Value) -> Command {
    let wanted: Map<String, Value> = wanted.as_object().unwrap().clone();
    let settings = Lane::by_name(lane).unwrap().settings(&wanted).unwrap();
    let mut spec = site.spec(lane, role, 100);
    spec.settings = settings;
    Command::Open(Box::new(spec))
}

/// What the lane lacks on the trader's side.
fn unmet(site: &Site, lane: &str, wanted: &Value) -> Unmet {
    let mut endpoint = Endpoint::start(site.netns(Role::Trader), &[]);
    endpoint.tell(&open(site, lane, Role::Trader, wanted));
    match endpoint.hear() {
        Some(Report::Unmet(unmet)) => unmet,
        other => panic!("it should lack something, and says {other:?}"),
    }
}

fn says(unmet: &Unmet, parts: &[&str]) {
    let text = unmet.to_string();
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

/// Both ends of the lane, each in a process of its own.
fn both(site: &Site, lane: &str) -> [Endpoint; 2] {
    let ends = [Role::Exchange, Role::Trader].map(|role| {
        let mut endpoint = Endpoint::start(site.netns(role), &[]);
        endpoint.tell(&open(site, lane, role, &json!({})));
        endpoint
    });
    ends.map(|mut end| {
        let report = end.hear();
        assert!(matches!(report, Some(Report::Ready)), "{report:?}");
        end
    })
}

/// Does something inside a namespace, on a thread of its own.
fn inside<T: Send>(netns: &Path, job: impl FnOnce() -> T + Send) -> T {
    thread::scope(|s| {
        let thread = s.spawn(|| {
            netns::enter(netns).unwrap();
            job()
        });
        thread.join().unwrap()
    })
}

#[test]
fn zero_copy_refused_is_answered_with_the_drivers_name_and_errno() {
    if can_load() {
        let unmet = unmet(&Site::new(), "afxdp-zc", &json!({}));
        says(&unmet, &["zero-copy", "veth", "EOPNOTSUPP", "afxdp-copy"]);
    }
}

#[test]
fn transmit_stamps_that_the_driver_has_not_are_answered_with_its_name_and_how_to_do_without() {
    if can_load() {
        let wanted = json!({ "transmit_stamps": true });
        let parts = ["transmit stamps", "veth", "transmit_stamps = false", "[transport.afxdp]"];
        says(&unmet(&Site::new(), "afxdp-zc", &wanted), &parts);
        // The kernel would give some, but they are no hardware's.
        says(&unmet(&Site::new(), "afxdp-copy", &wanted), &["zero-copy", "afxdp-zc", "transmit_stamps = false"]);
    }
}

#[test]
fn a_queue_out_of_range_is_answered_with_how_many_there_are() {
    if can_load() {
        let unmet = unmet(&Site::new(), "afxdp-copy", &json!({ "queue": 9 }));
        says(&unmet, &["queue 9", "has 1", "[transport.afxdp]"]);
    }
}

#[test]
fn memory_beyond_what_may_be_locked_is_answered_with_how_much_and_how_to_have_it() {
    if !can_load() || !has("setpriv") || !has("prlimit") {
        return;
    }
    let site = Site::new();
    // Who has CAP_IPC_LOCK, root that is, may lock whatever there is.
    let bounded = ["setpriv", "--bounding-set", "-ipc_lock,-sys_resource"];
    let under = [&["prlimit", "--memlock=65536"], &bounded[..]].concat();
    let mut endpoint = Endpoint::start(site.netns(Role::Trader), &under);
    endpoint.tell(&open(&site, "afxdp-copy", Role::Trader, &json!({ "receive_ring": 1024 })));
    match endpoint.hear() {
        // 1024 chunks to receive into and 512 to send from, of 2 KiB.
        Some(Report::Unmet(unmet)) => says(&unmet, &["3072 KiB of locked memory", "ulimit -l", "receive_ring"]),
        other => panic!("it should lack memory, and says {other:?}"),
    }
}

#[test]
fn settings_that_cannot_be_are_named_before_anything_is_opened() {
    if can_load() {
        let unmet = unmet(&Site::new(), "afxdp-copy/skb", &json!({ "receive_stamps": true }));
        says(&unmet, &["native mode for receive_stamps", "[transport.afxdp]"]);
    }
}

#[test]
fn an_xdp_program_of_somebody_else_is_left_alone_and_the_way_to_take_it_off_is_told() {
    if !can_load() || !has("clang") || !has("ip") {
        return;
    }
    let site = Site::new();
    let (source, object) = (site.dir.path().join("pass.c"), site.dir.path().join("pass.o"));
    std::fs::write(&source, "__attribute__((section(\"xdp\"), used)) int pass(void *c) { return 2; }").unwrap();
    let options = ["-O2", "-target", "bpf", "-c", "-o"];
    assert!(Program::new("clang").args(options).args([&object, &source]).status().unwrap().success());
    let interface = &site.bench.link.trader_interface;
    let ip = |arguments: &[&str]| {
        inside(site.netns(Role::Trader), || Program::new("ip").args(arguments).output().unwrap().stdout)
    };
    ip(&["link", "set", "dev", interface, "xdpdrv", "obj", object.to_str().unwrap(), "sec", "xdp"]);
    let shown = String::from_utf8(ip(&["link", "show", "dev", interface])).unwrap();
    if !shown.contains("prog/xdp") {
        println!("SKIPPED: another XDP program: needs an `ip` that loads one");
        return;
    }
    says(&unmet(&site, "afxdp-copy", &json!({})), &[interface, "another one", "xdp off"]);
    let after = String::from_utf8(ip(&["link", "show", "dev", interface])).unwrap();
    let id = |text: &str| text.split("prog/xdp id ").nth(1).and_then(|rest| rest.split(' ').next().map(str::to_owned));
    assert_eq!(id(&after), id(&shown));
}

#[test]
fn a_killed_endpoint_leaves_neither_program_nor_socket_behind() {
    if !can_load() {
        return;
    }
    let site = Site::new();
    for mut end in both(&site, "afxdp-copy") {
        end.child.kill().unwrap();
        end.child.wait().unwrap();
    }
    // The kernel takes sockets and links down a moment after their process.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut endpoint = Endpoint::start(site.netns(Role::Exchange), &[]);
        endpoint.tell(&open(&site, "afxdp-copy", Role::Exchange, &json!({})));
        match endpoint.hear() {
            Some(Report::Ready) => return,
            other => assert!(Instant::now() < deadline, "it doesn't open again: {other:?}"),
        }
    }
}

#[test]
fn other_traffic_on_the_interface_still_reaches_the_kernel() {
    if !can_load() {
        return;
    }
    for lane in ["afxdp-copy", "afxdp-copy/skb"] {
        let site = Site::new();
        let _ends = both(&site, lane);
        let (ip, exchange_ip) = (*site.bench.link.trader.ip(), *site.bench.link.orders.ip());
        let server = inside(site.netns(Role::Trader), || TcpListener::bind((ip, 0)).unwrap());
        let receiver = inside(site.netns(Role::Trader), || UdpSocket::bind((ip, 0)).unwrap());
        receiver.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let (stream_to, datagrams_to) = (server.local_addr().unwrap(), receiver.local_addr().unwrap());
        let client = inside(site.netns(Role::Exchange), || {
            let socket = UdpSocket::bind((exchange_ip, 0)).unwrap();
            socket.send_to(&[7; 40], datagrams_to).unwrap();
            // In pieces, of which only the first has ports.
            socket.send_to(&[8; 4000], datagrams_to).unwrap();
            let mut stream = TcpStream::connect_timeout(&stream_to, Duration::from_secs(5)).unwrap();
            stream.write_all(&[9; 100_000]).unwrap();
            stream
        });
        let mut buffer = [0; 8000];
        assert_eq!(receiver.recv(&mut buffer).unwrap(), 40, "{lane}");
        assert_eq!(receiver.recv(&mut buffer).unwrap(), 4000, "{lane}");
        drop(client);
        let mut got = Vec::new();
        server.accept().unwrap().0.read_to_end(&mut got).unwrap();
        assert_eq!(got.len(), 100_000, "{lane}");
    }
}

#[test]
fn a_drivers_stamp_comes_with_its_frame_or_the_driver_is_named() {
    if !can_load() {
        return;
    }
    let site = Site::new();
    // As if the wire were real: on a virtual one the stamps are refused, since no hardware makes them.
    let link = Link { is_virtual: false, ..site.bench.link.clone() };
    let config = Config { receive_stamps: true, ..Config::default() };
    let end = |role| inside(site.netns(role), || AfXdp::open(&config, &link, role));
    let (mut rx, mut tx) = match (end(Role::Trader), end(Role::Exchange)) {
        (Ok((rx, _)), Ok((_, tx))) => (rx, tx),
        (Err(OpenError::Unmet(unmet)), _) => {
            says(&unmet, &["receive stamps", "veth", "receive_stamps = false"]);
            println!("SKIPPED: receive stamps: {unmet}");
            return;
        }
        (trader, exchange) => panic!("{:?} {:?}", trader.err(), exchange.err()),
    };
    tx.send(Flow::Ticks, 40, |frame| frame.fill(5)).unwrap();
    tx.flush().unwrap();
    let (mut stamp, deadline) = (None, Instant::now() + PATIENCE);
    while stamp.is_none() {
        assert!(Instant::now() < deadline, "no frame came");
        rx.poll(Interest::Ticks, 1, |frame| stamp = Some((frame.bytes == [5; 40], frame.meta.hw))).unwrap();
    }
    assert!(stamp.is_some_and(|(whole, _)| whole), "{stamp:?}");
    if stamp.is_some_and(|(_, hw)| hw.is_none()) {
        println!("SKIPPED: receive stamps: needs a driver that gives them; veth takes the program and stamps nothing");
    }
}

#[test]
fn frames_that_the_ring_has_no_room_for_are_counted_and_the_setting_is_named() {
    if !can_load() {
        return;
    }
    let site = Site::new();
    // Much more comes meanwhile than the ring holds.
    let injection = Injection { stall: Nanos::MILLI * 300, stall_every: Nanos::MILLI * 500, ..Injection::default() };
    let [mut exchange, mut trader] = [Role::Exchange, Role::Trader].map(|role| {
        let mut end = Endpoint::start(site.netns(role), &[]);
        let mut spec = site.spec("afxdp-copy", role, 4000);
        let small = Map::from_iter([("receive_ring".to_owned(), 64.into())]);
        spec.settings = Lane::by_name("afxdp-copy").unwrap().settings(&small).unwrap();
        end.tell(&Command::Open(Box::new(TrialSpec { injection, ..spec })));
        end
    });
    for end in [&mut trader, &mut exchange] {
        let report = end.hear();
        assert!(matches!(report, Some(Report::Ready)), "{report:?}");
    }
    for end in [&mut trader, &mut exchange] {
        end.tell(&Command::Go);
        let report = end.hear();
        assert!(matches!(report, Some(Report::Running)), "{report:?}");
    }
    let Some(Report::Traded(traded)) = trader.hear() else { panic!("the trader has no report") };
    assert!(traded.gaps > 0, "{traded:?}");
    let dropped = traded.facts.get(DROPPED).unwrap_or_else(|| panic!("{:?}", traded.facts));
    assert!(dropped.contains("`receive_ring`"), "{dropped}");
}
