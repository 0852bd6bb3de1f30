//! Ports that somebody else holds. In a namespace of one's own that takes a second program in the same namespace.

use std::net::{TcpListener, UdpSocket};

use tickcert::{
    bench::netns,
    endpoint::control::{Command, Report},
};
use tickcert_transports::api::Role;

use crate::support::{
    can_measure,
    endpoints::{Endpoint, Site},
};

/// Opens a lane on one end while `hold` keeps its port; afterwards the same process opens it.
fn refused_while_held<H: Send>(lane: &str, role: Role, hold: impl FnOnce(&Site) -> H + Send, port: &str) {
    if !can_measure() {
        return;
    }
    let site = Site::new();
    let mut endpoint = Endpoint::start(site.netns(role), &[]);
    let held = std::thread::scope(|s| {
        let thread = s.spawn(|| {
            netns::enter(site.netns(role)).unwrap();
            hold(&site)
        });
        thread.join().unwrap()
    });
    let open = Command::Open(Box::new(site.spec(lane, role, 100)));
    endpoint.tell(&open);
    let Some(Report::Failed { error }) = endpoint.hear() else { panic!("it did not fail") };
    for part in [lane, port, "another program holds this port"] {
        assert!(error.contains(part), "`{part}` is missing in: {error}");
    }
    drop(held);
    if lane == "kernel-udp" {
        endpoint.tell(&open);
        let report = endpoint.hear();
        assert!(matches!(report, Some(Report::Ready)), "{report:?}");
    }
}

#[test]
fn the_exchanges_port_for_datagram_orders_in_use_is_named_and_can_be_used_when_free() {
    let hold = |site: &Site| UdpSocket::bind(site.bench.link.orders).unwrap();
    refused_while_held("kernel-udp", Role::Exchange, hold, "10.77.0.1:26478");
}

#[test]
fn the_exchanges_port_for_sessions_in_use_is_named() {
    let hold = |site: &Site| TcpListener::bind(site.bench.link.orders).unwrap();
    refused_while_held("kernel-tcp", Role::Exchange, hold, "10.77.0.1:26478");
}

#[test]
fn the_traders_port_for_ticks_in_use_is_named_and_can_be_used_when_free() {
    let hold = |site: &Site| UdpSocket::bind(("0.0.0.0", site.bench.link.ticks.port())).unwrap();
    refused_while_held("kernel-udp", Role::Trader, hold, "239.195.1.1:26477");
}
