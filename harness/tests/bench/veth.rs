//! The virtual wire.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket},
    time::Duration,
};

use tickcert::bench::{Bench, BenchSpec, Tuning, netlink::Connection, netns::Namespace};
use tickcert_results::time::Nanos;
use tickcert_scenarios::profile::Deferral;

use crate::common::{entries, interface_names, on_a_host_of_its_own, veth_bench};

/// Sends a tick by multicast and an order by TCP across a bench, from inside its namespaces.
fn use_bench(bench: &Bench, text: &[u8]) {
    let exchange = Namespace::open(&bench.exchange_netns).unwrap();
    let trader = Namespace::open(&bench.trader_netns).unwrap();
    let link = &bench.link;
    let to_trader = trader
        .run(|| {
            let socket = UdpSocket::bind(link.ticks).unwrap();
            // No interface is named: the route decides.
            socket.join_multicast_v4(link.ticks.ip(), &Ipv4Addr::UNSPECIFIED).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            socket
        })
        .unwrap();
    let listener = exchange.run(|| TcpListener::bind(link.orders).unwrap()).unwrap();
    exchange.run(|| UdpSocket::bind("0.0.0.0:0").unwrap().send_to(text, link.ticks).unwrap()).unwrap();
    let mut received = [0; 64];
    let (length, from) = to_trader.recv_from(&mut received).unwrap();
    assert_eq!((&received[..length], from.ip()), (text, (*link.orders.ip()).into()));

    let mut order = trader.run(|| TcpStream::connect(link.orders).unwrap()).unwrap();
    order.write_all(text).unwrap();
    drop(order);
    let (mut accepted, from) = listener.accept().unwrap();
    assert_eq!(from.ip(), *link.trader.ip());
    let mut read = Vec::new();
    accepted.read_to_end(&mut read).unwrap();
    assert_eq!(read, text);
}

#[test]
fn a_bench_carries_multicast_ticks_one_way_and_tcp_orders_the_other() {
    on_a_host_of_its_own(|run_dir| {
        let bench = Bench::set_up(&veth_bench(run_dir)).unwrap();
        assert!(bench.link.is_virtual);
        use_bench(&bench, b"one tick");
        bench.take_down().unwrap();
    });
}

#[test]
fn interrupts_are_put_off_as_asked_on_both_ends_and_nothing_is_left_to_undo() {
    on_a_host_of_its_own(|run_dir| {
        let found = |bench: &Bench| bench.tuned.iter().map(|tuned| tuned.deferral).collect::<Vec<_>>();
        let as_made = Bench::set_up(&veth_bench(run_dir)).unwrap();
        if found(&as_made) == [None; 2] {
            println!("SKIPPED: a sysfs of its own can't be mounted here (in a chroot, say)");
            return;
        }
        let off = Deferral { napi_defer_hard_irqs: 0, gro_flush_timeout: Nanos::ZERO };
        assert_eq!(found(&as_made), [Some(off); 2]);
        let wanted = Deferral { napi_defer_hard_irqs: 2, gro_flush_timeout: Nanos::MICRO * 20 };
        let bench =
            Bench::set_up(&BenchSpec { tuning: Tuning { deferral: Some(wanted), queue: None }, ..veth_bench(run_dir) })
                .unwrap();
        assert_eq!(found(&bench), [Some(wanted); 2]);
        assert!(entries(run_dir).is_empty());
    });
}

#[test]
fn the_host_sees_nothing_of_a_bench_and_no_journal_is_written() {
    on_a_host_of_its_own(|run_dir| {
        let before = interface_names();
        let bench = Bench::set_up(&veth_bench(run_dir)).unwrap();
        assert_eq!(interface_names(), before);
        drop(bench);
        assert_eq!(interface_names(), before);
        assert!(entries(run_dir).is_empty());
    });
}

#[test]
fn two_benches_at_the_same_time_do_not_disturb_each_other() {
    on_a_host_of_its_own(|run_dir| {
        let one = Bench::set_up(&veth_bench(run_dir)).unwrap();
        let other = Bench::set_up(&veth_bench(run_dir)).unwrap();
        assert_ne!(one.link.exchange_interface, other.link.exchange_interface);
        use_bench(&one, b"first");
        use_bench(&other, b"second");
        drop(one);
        use_bench(&other, b"third");
    });
}

#[test]
fn neither_end_has_to_ask_for_the_others_hardware_address() {
    on_a_host_of_its_own(|run_dir| {
        let bench = Bench::set_up(&veth_bench(run_dir)).unwrap();
        for (namespace, neighbour) in
            [(&bench.exchange_netns, bench.link.trader), (&bench.trader_netns, bench.link.orders)]
        {
            let table = Namespace::open(namespace)
                .unwrap()
                .run(|| fs::read_to_string("/proc/thread-self/net/arp").unwrap())
                .unwrap();
            // Flags 0x6: complete and permanent (linux/if_arp.h, ATF_COM and ATF_PERM).
            let line = table.lines().find(|l| l.starts_with(&neighbour.ip().to_string())).unwrap_or_default();
            assert_eq!(line.split_whitespace().nth(2), Some("0x6"), "{table}");
        }
    });
}

#[test]
fn both_ends_are_up_with_the_mtu_of_ethernet() {
    on_a_host_of_its_own(|run_dir| {
        let bench = Bench::set_up(&veth_bench(run_dir)).unwrap();
        for (namespace, name) in [
            (&bench.exchange_netns, &bench.link.exchange_interface),
            (&bench.trader_netns, &bench.link.trader_interface),
        ] {
            let found = Namespace::open(namespace)
                .unwrap()
                .run(|| Connection::open().unwrap().interface(name).unwrap())
                .unwrap();
            assert!(found.up && found.carrier);
            assert_eq!((found.mtu, found.kind.as_deref()), (1500, Some("veth")));
        }
    });
}
