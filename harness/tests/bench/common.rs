//! Hosts for tests: network namespaces that stand for one, and processes that can be killed.

use std::{
    env,
    io::{BufRead, BufReader, Read},
    net::{IpAddr, Ipv4Addr},
    os::fd::AsFd,
    path::Path,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use tickcert::bench::{
    Bench, BenchSpec, Wire,
    journal::InterfaceState,
    netlink::{Address, Connection, Route},
    netns::Namespace,
    parent,
    user_namespace::{self, Privilege},
};
use tickcert_results::time::Nanos;

/// Whether the tests may make namespaces; says that they were skipped where not.
pub(crate) fn may_make_namespaces() -> bool {
    let may = user_namespace::present() == Some(Privilege::Host);
    if !may {
        println!("SKIPPED: needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN)");
    }
    may
}

/// Runs a test in a network namespace that stands for the host; with a folder for its journals.
pub(crate) fn on_a_host_of_its_own(test: impl FnOnce(&Path) + Send) {
    if !may_make_namespaces() {
        return;
    }
    let run_dir = TempDir::new().unwrap();
    Namespace::create().unwrap().run(|| test(run_dir.path())).unwrap();
}

pub(crate) fn veth_bench(run_dir: &Path) -> BenchSpec {
    BenchSpec { run_dir: run_dir.into(), ..BenchSpec::default() }
}

pub(crate) fn bench_of(run_dir: &Path, exchange: &str, trader: &str) -> BenchSpec {
    BenchSpec {
        wire: Wire::Interfaces { exchange: exchange.into(), trader: trader.into(), force: false },
        // Long enough for veths, short enough for tests that wait for it to end.
        connect_timeout: Nanos::MILLI * 500,
        ..veth_bench(run_dir)
    }
}

/// A cable between two interfaces of this host.
pub(crate) fn cable(one: &str, other: &str) {
    let here = Namespace::current().unwrap();
    let mut connection = Connection::open().unwrap();
    connection.create_veth(one, other, here.as_fd(), 1400).unwrap();
    for name in [one, other] {
        let interface = connection.interface(name).unwrap();
        connection.set_up(&interface, true).unwrap();
    }
}

pub(crate) fn address(text: &str, prefix_length: u8) -> Address {
    Address { ip: text.parse().unwrap(), prefix_length }
}

/// A cabled pair `one`, `other` of which `one` has an address, a route and an MTU to lose.
pub(crate) fn configured_cable(one: &str, other: &str) -> InterfaceState {
    cable(one, other);
    let mut connection = Connection::open().unwrap();
    let interface = connection.interface(one).unwrap();
    connection.add_address(&interface, address("192.0.2.1", 24)).unwrap();
    let route = Route {
        destination: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 0)),
        prefix_length: 24,
        gateway: Some("192.0.2.254".parse().unwrap()),
        priority: Some(7),
        protocol: 4,
    };
    connection.add_route(&interface, &route).unwrap();
    let state = state_of(one);
    assert_eq!((state.mtu, state.up), (1400, true));
    assert_eq!((state.addresses.len(), state.routes.len()), (1, 1));
    state
}

pub(crate) fn state_of(name: &str) -> InterfaceState {
    InterfaceState::read(&mut Connection::open().unwrap(), name).unwrap()
}

/// Of an interface in a network namespace.
pub(crate) fn set_promiscuous(netns: &Path, name: &str, promiscuous: bool) {
    let set = || {
        let mut connection = Connection::open().unwrap();
        let interface = connection.interface(name).unwrap();
        connection.set_promiscuous(&interface, promiscuous).unwrap();
    };
    Namespace::open(netns).unwrap().run(set).unwrap();
}

pub(crate) fn interface_names() -> Vec<String> {
    Connection::open().unwrap().interfaces().unwrap().into_iter().map(|i| i.name).collect()
}

pub(crate) fn entries(dir: &Path) -> Vec<String> {
    std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// A process with a bench, that waits to be killed. It is this test program again, with one test chosen.
pub(crate) struct Holder {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    /// What it said after `READY`.
    pub(crate) said: Vec<String>,
}

const ROLE: &str = "TICKCERT_TEST_HOLDER";

impl Holder {
    /// Starts one in the network namespace of the calling thread, and waits until it is ready.
    pub(crate) fn start(role: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "common::holder", "--nocapture", "--test-threads=1"])
            .env(ROLE, [&[role], arguments].concat().join(" "))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        let said = loop {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "the holder ended before it was ready");
            if let Some((_, rest)) = line.split_once("READY") {
                break rest.split_whitespace().map(str::to_owned).collect();
            }
        };
        Self { child, output, said }
    }

    /// `kill -9`, and waits until it and its children are gone: the last of them closes the pipe.
    pub(crate) fn kill(self) {
        let Self { mut child, mut output, .. } = self;
        child.kill().unwrap();
        child.wait().unwrap();
        output.read_to_end(&mut Vec::new()).unwrap();
    }
}

/// Not a test: what [`Holder`] runs.
#[test]
fn holder() {
    let Ok(role) = env::var(ROLE) else { return };
    let arguments: Vec<&str> = role.split_whitespace().collect();
    match arguments.as_slice() {
        ["veth", run_dir] => hold(&Bench::set_up(&veth_bench(Path::new(run_dir))).unwrap()),
        ["interfaces", run_dir, exchange, trader] => {
            hold(&Bench::set_up(&bench_of(Path::new(run_dir), exchange, trader)).unwrap());
        }
        ["parent"] => {
            let child = Holder::start("child", &[&std::process::id().to_string()]);
            println!("READY {}", child.said.join(" "));
            wait_for_the_test();
        }
        ["child", parent] => {
            parent::die_with_parent(Some(parent.parse().unwrap())).unwrap();
            println!("READY {}", std::process::id());
            // Its own stdin is the parent's to close; only a signal ends this.
            loop {
                std::thread::park();
            }
        }
        other => panic!("no such role: {other:?}"),
    }
}

fn hold(bench: &Bench) {
    println!("READY {} {}", bench.exchange_netns.display(), bench.trader_netns.display());
    wait_for_the_test();
}

/// Until it kills this process, or ends itself.
fn wait_for_the_test() {
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
