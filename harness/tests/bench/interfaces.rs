//! The real wire, with veths in a namespace of the test's standing for the host's interfaces.

use std::{
    net::{IpAddr, Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::Command,
};

use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
};
use tickcert::bench::{
    Bench, BenchError, Wire,
    interfaces::InterfaceError,
    netlink::{Connection, Route},
};
use tickcert_transports::spare::NotSpared;

use crate::common::{
    address, bench_of, cable, configured_cable, entries, interface_names, on_a_host_of_its_own, set_promiscuous,
    state_of,
};

fn refused(run_dir: &Path, exchange: &str, trader: &str) -> InterfaceError {
    match Bench::set_up(&bench_of(run_dir, exchange, trader)) {
        Err(BenchError::Interface(e)) => e,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn interfaces_are_lent_to_the_bench_and_come_back_as_they_were() {
    on_a_host_of_its_own(|run_dir| {
        let before = configured_cable("left0", "right0");
        let bench = Bench::set_up(&bench_of(run_dir, "left0", "right0")).unwrap();
        assert_eq!((bench.link.exchange_interface.as_str(), bench.link.is_virtual), ("left0", true));
        assert!(!interface_names().iter().any(|n| n == "left0" || n == "right0"));
        bench.take_down().unwrap();
        assert_eq!(state_of("left0"), before);
        assert!(state_of("right0").up);
        assert!(entries(run_dir).is_empty(), "{:?}", entries(run_dir));
    });
}

#[test]
fn an_interface_that_was_left_promiscuous_comes_back_as_it_was() {
    on_a_host_of_its_own(|run_dir| {
        let before = configured_cable("left0", "right0");
        let mut connection = Connection::open().unwrap();
        let right = connection.interface("right0").unwrap();
        connection.set_promiscuous(&right, true).unwrap();
        let bench = Bench::set_up(&bench_of(run_dir, "left0", "right0")).unwrap();
        for (netns, name) in [(&bench.exchange_netns, "left0"), (&bench.trader_netns, "right0")] {
            set_promiscuous(netns, name, name == "left0");
        }
        bench.take_down().unwrap();
        assert_eq!(state_of("left0"), before);
        assert!(
            state_of("right0").fitting.is_some_and(|f| f.promiscuous),
            "what somebody else has set before comes back too"
        );
    });
}

#[test]
fn interfaces_that_are_not_cabled_to_each_other_are_given_back_with_an_error_that_says_so() {
    on_a_host_of_its_own(|run_dir| {
        let before = configured_cable("left0", "elsewhere0");
        cable("right0", "elsewhere1");
        let e = Bench::set_up(&bench_of(run_dir, "left0", "right0")).unwrap_err();
        assert!(matches!(e, BenchError::NotConnected { .. }), "{e}");
        assert!(e.into_unmet().how.contains("cabled to each other"));
        assert_eq!(state_of("left0"), before);
        assert!(entries(run_dir).is_empty());
    });
}

#[test]
fn an_interface_with_the_default_route_is_refused_and_nothing_is_moved() {
    on_a_host_of_its_own(|run_dir| {
        configured_cable("left0", "right0");
        let mut connection = Connection::open().unwrap();
        let interface = connection.interface("left0").unwrap();
        let gateway = Some("192.0.2.254".parse().unwrap());
        let default = Route { gateway, ..Route::on_link(Ipv4Addr::UNSPECIFIED, 0) };
        connection.add_route(&interface, &default).unwrap();
        assert!(
            matches!(refused(run_dir, "right0", "left0"), InterfaceError::NotSpared(NotSpared::DefaultRoute { by, .. }) if by == "left0")
        );
        assert!(interface_names().iter().any(|n| n == "right0"));
    });
}

#[test]
fn with_force_even_an_interface_with_the_default_route_is_lent_and_comes_back_with_it() {
    on_a_host_of_its_own(|run_dir| {
        configured_cable("left0", "right0");
        let mut connection = Connection::open().unwrap();
        let interface = connection.interface("left0").unwrap();
        let gateway = Some("192.0.2.254".parse().unwrap());
        connection.add_route(&interface, &Route { gateway, ..Route::on_link(Ipv4Addr::UNSPECIFIED, 0) }).unwrap();
        let before = state_of("left0");
        let mut spec = bench_of(run_dir, "left0", "right0");
        spec.wire = Wire::Interfaces { exchange: "left0".into(), trader: "right0".into(), force: true };
        Bench::set_up(&spec).unwrap().take_down().unwrap();
        assert_eq!(state_of("left0"), before);
    });
}

#[test]
fn an_interface_with_an_ssh_session_is_refused() {
    on_a_host_of_its_own(|run_dir| {
        configured_cable("left0", "right0");
        let mut connection = Connection::open().unwrap();
        let loopback = connection.interface("lo").unwrap();
        connection.set_up(&loopback, true).unwrap();
        let server = TcpListener::bind("192.0.2.1:22").unwrap();
        let _session = TcpStream::connect("192.0.2.1:22").unwrap();
        let _accepted = server.accept().unwrap();
        let local: IpAddr = "192.0.2.1".parse().unwrap();
        assert!(
            matches!(refused(run_dir, "left0", "right0"), InterfaceError::NotSpared(NotSpared::SshSession { local: l, .. }) if l == local)
        );
    });
}

/// Runs `ip` in the calling thread's namespaces.
fn ip(arguments: &str) -> bool {
    Command::new("ip").args(arguments.split(' ')).status().is_ok_and(|status| status.success())
}

/// Has `/sys` show the calling thread's network namespace, to this thread only.
fn see_own_interfaces() -> nix::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), None::<&str>)
}

#[test]
fn a_part_of_a_bridge_and_what_lies_below_the_default_route_are_refused() {
    on_a_host_of_its_own(|run_dir| {
        cable("left0", "right0");
        let bridged = see_own_interfaces().is_ok() && ip("link add br0 type bridge") && ip("link set left0 master br0");
        if !bridged {
            println!("SKIPPED: a part of a bridge as an end of the wire: needs `ip`, bridges in the kernel and root");
            return;
        }
        let e = refused(run_dir, "left0", "right0");
        assert!(matches!(&e, InterfaceError::NotSpared(NotSpared::Enslaved { master, .. }) if master == "br0"), "{e}");
        assert!(e.to_string().contains("ip link set dev left0 nomaster") && !e.to_string().contains("--force"), "{e}");
        let mut spec = bench_of(run_dir, "left0", "right0");
        spec.wire = Wire::Interfaces { exchange: "left0".into(), trader: "right0".into(), force: true };
        assert!(matches!(Bench::set_up(&spec), Err(BenchError::Interface(InterfaceError::NotSpared(_)))));
        assert!(interface_names().iter().any(|n| n == "left0"));
        assert!(ip("link set dev left0 nomaster"), "the command frees it");
        Bench::set_up(&bench_of(run_dir, "left0", "right0")).unwrap().take_down().unwrap();

        if !ip("link add link left0 name left0.10 type vlan id 10") {
            println!("SKIPPED: the default route on a VLAN of an end of the wire: needs VLANs in the kernel");
            return;
        }
        assert!(ip("address add 198.51.100.1/24 dev left0.10") && ip("link set left0.10 up"));
        assert!(ip("link set left0 up") && ip("route add default via 198.51.100.2"));
        let e = refused(run_dir, "right0", "left0");
        assert!(matches!(&e, InterfaceError::NotSpared(NotSpared::DefaultRoute { by, .. }) if by == "left0.10"), "{e}");
    });
}

#[test]
fn the_same_interface_twice_the_loopback_and_one_that_does_not_exist_are_refused() {
    on_a_host_of_its_own(|run_dir| {
        cable("left0", "right0");
        assert!(matches!(refused(run_dir, "left0", "left0"), InterfaceError::Same { .. }));
        assert!(matches!(refused(run_dir, "lo", "left0"), InterfaceError::Loopback { .. }));
        let e = Bench::set_up(&bench_of(run_dir, "left0", "nosuch0")).unwrap_err();
        assert!(e.to_string().contains("nosuch0"), "{e}");
        assert!(interface_names().iter().any(|n| n == "left0"));
    });
}

#[test]
fn ipv6_addresses_come_back_too() {
    on_a_host_of_its_own(|run_dir| {
        cable("left0", "right0");
        let mut connection = Connection::open().unwrap();
        let interface = connection.interface("left0").unwrap();
        connection.add_address(&interface, address("2001:db8::1", 64)).unwrap();
        let before = state_of("left0");
        Bench::set_up(&bench_of(run_dir, "left0", "right0")).unwrap().take_down().unwrap();
        assert_eq!(state_of("left0").addresses, before.addresses);
    });
}
