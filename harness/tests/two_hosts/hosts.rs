//! Two hosts for tests, one of which is reached by a program that stands for ssh.

use std::{
    fs,
    os::{fd::AsFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tickcert::bench::{
    journal::InterfaceState,
    netlink::{Address, Connection},
    netns::Namespace,
    user_namespace::{self, Privilege},
};

use crate::support::{Ended, Home, Running, can_measure, has, names};

/// The name of the other host.
pub(crate) const OTHER: &str = "other";

/// The exchange's host and the trader's, whose interfaces `left0` and `right0` are cabled to each other.
pub(crate) struct Hosts {
    pub(crate) home: Home,
    pub(crate) exchange: Namespace,
    pub(crate) trader: Namespace,
    before: [InterfaceState; 2],
}

/// What stands for ssh: runs its last argument on the other host.
const SSH: &str = "#!/bin/sh\nfor last; do :; done\nexec nsenter --net=NETNS sh -c \"$last\"\n";

impl Hosts {
    /// `None` where there can be none; says that the test was skipped.
    pub(crate) fn new() -> Option<Self> {
        if user_namespace::present() != Some(Privilege::Host) {
            println!("SKIPPED: two hosts of a test need root (CAP_SYS_ADMIN and CAP_NET_ADMIN)");
            return None;
        }
        if !can_measure() || !has("nsenter") {
            return None;
        }
        let (exchange, trader) = (Namespace::create().unwrap(), Namespace::create().unwrap());
        cable(&exchange, "left0", &trader, "right0");
        on(&exchange, || add_address("left0", "192.0.2.1"));
        on(&trader, || add_address("right0", "198.51.100.1"));
        let before = [state(&exchange, "left0"), state(&trader, "right0")];
        let hosts = Self { home: Home::new(), exchange, trader, before };
        hosts.ssh_is(SSH);
        Some(hosts)
    }

    /// Puts another program in ssh's place; `NETNS` in it is the other host's.
    pub(crate) fn ssh_is(&self, script: &str) {
        let netns = self.trader.path().display().to_string();
        let path = self.home.write("ssh", script.replace("NETNS", &netns));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Arguments for a run over both.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let ssh = self.home.path("ssh").display().to_string();
        let program = env!("CARGO_BIN_EXE_tickcert");
        let pairs = [
            ("--trader-host", OTHER),
            ("--trader-program", program),
            ("--ssh-program", &ssh),
            ("--exchange-interface", "left0"),
            ("--trader-interface", "right0"),
        ];
        pairs.iter().flat_map(|(flag, value)| [(*flag).to_owned(), (*value).to_owned()]).collect()
    }

    /// `tickcert` on the exchange's host.
    pub(crate) fn command(&self, arguments: &[&str], two_hosts: bool) -> Command {
        let mut command = self.home.command(arguments);
        if two_hosts {
            command.args(self.arguments());
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments, true);
        self.exchange.run(|| Ended::of(&mut command)).unwrap()
    }

    pub(crate) fn certify(&self, profile: &str) -> Ended {
        self.home.write("p.toml", profile);
        self.run(&["certify", "--profile", "./p.toml", "--out", "out"])
    }

    /// Begins to certify, and waits until trials are made.
    pub(crate) fn certifying(&self, profile: &str) -> Running {
        self.home.write("p.toml", profile);
        let mut command = self.command(&["certify", "--profile", "./p.toml", "--out", "out"], true);
        let mut run = self.exchange.run(|| Running::start(&mut command)).unwrap();
        run.wait_for("trials, about");
        run
    }

    /// `tickcert clean` on one of the hosts.
    pub(crate) fn clean(&self, host: &Namespace) -> Ended {
        let mut command = self.home.command(&["clean"]);
        host.run(|| Ended::of(&mut command)).unwrap()
    }

    pub(crate) fn certificate(&self) -> Value {
        serde_json::from_slice(&fs::read(self.home.path("out/certificate.json")).unwrap()).unwrap()
    }

    /// Whether both interfaces are back where and as they were.
    pub(crate) fn are_as_before(&self) -> [bool; 2] {
        let [left, right] = &self.before;
        [is_as(&self.exchange, "left0", left), is_as(&self.trader, "right0", right)]
    }

    /// That nothing is left of a run.
    #[track_caller]
    pub(crate) fn assert_nothing_is_left(&self) {
        assert_eq!(self.are_as_before(), [true; 2], "an interface is not as it was");
        assert_eq!(self.home.temporary_files(), Vec::<String>::new());
    }
}

fn on<T: Send>(host: &Namespace, work: impl FnOnce() -> T + Send) -> T {
    host.run(work).unwrap()
}

/// A cable between interfaces of two hosts.
pub(crate) fn cable(here: &Namespace, one: &str, there: &Namespace, other: &str) {
    let up = |name: &str| {
        let mut connection = Connection::open().unwrap();
        let interface = connection.interface(name).unwrap();
        connection.set_up(&interface, true).unwrap();
    };
    on(here, || {
        Connection::open().unwrap().create_veth(one, other, there.as_fd(), 1400).unwrap();
        up(one);
        up("lo");
    });
    on(there, || {
        up(other);
        up("lo");
    });
}

pub(crate) fn add_address(name: &str, ip: &str) {
    let mut connection = Connection::open().unwrap();
    let interface = connection.interface(name).unwrap();
    connection.add_address(&interface, Address { ip: ip.parse().unwrap(), prefix_length: 24 }).unwrap();
}

fn state(host: &Namespace, name: &str) -> InterfaceState {
    let mut state = on(host, || InterfaceState::read(&mut Connection::open().unwrap(), name).unwrap());
    // Of the kernel's own making, when it sees fit.
    state.addresses.retain(|a| a.ip.is_ipv4());
    state
}

fn is_as(host: &Namespace, name: &str, before: &InterfaceState) -> bool {
    let is_here = on(host, || Connection::open().unwrap().is_here(name).unwrap());
    is_here && state(host, name) == *before
}

/// Processes that one has started, and those that they have.
pub(crate) fn descendants(of: u32) -> Vec<u32> {
    let all: Vec<(u32, u32)> = names(Path::new("/proc"))
        .into_iter()
        .filter_map(|name| {
            let id = name.parse().ok()?;
            let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            Some((id, text.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?))
        })
        .collect();
    let mut found = vec![of];
    let mut at = 0;
    while let Some(&parent) = found.get(at) {
        found.extend(all.iter().filter(|(_, p)| *p == parent).map(|(id, _)| *id));
        at += 1;
    }
    found
}

/// The one of them whose command line ends so.
pub(crate) fn descendant(of: u32, end: &[&str]) -> Option<u32> {
    let is_it = |id: &u32| {
        let line = fs::read(PathBuf::from(format!("/proc/{id}/cmdline"))).unwrap_or_default();
        let words: Vec<String> = line
            .split(|b| *b == 0)
            .filter(|w| !w.is_empty())
            .map(|w| String::from_utf8_lossy(w).into_owned())
            .collect();
        words.len() >= end.len() && words[words.len() - end.len()..].iter().zip(end).all(|(a, b)| a == b)
    };
    descendants(of).into_iter().find(is_it)
}
