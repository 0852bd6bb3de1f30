//! A storm of interrupts: the exchange's core sends packets that the kernel is told to take in on the trader's, so that each
//! interrupts that core, and there are so many who hear it that its softirq takes as long as a hundred ticks do.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    path::Path,
    sync::atomic::Ordering,
    thread,
    time::Duration,
};

use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    sys::socket::{
        AddressFamily, IpMembershipRequest, SockFlag, SockType, SockaddrIn, bind, setsockopt, socket,
        sockopt::{BindToDevice, IpAddMembership, ReuseAddr},
    },
};
use tickcert::bench::netns::Namespace;
use tickcert_probes::affinity;
use tickcert_results::{certificate::TailKind, time::Nanos};

use crate::trial::{Plan, Scene, Wanted, expect, tail};

/// Where nothing of the lanes goes.
const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 195, 9, 9), 26499);
/// With those of the rest of the test fewer than a process may open by default.
const EARS: usize = 500;
const EVERY: Duration = Duration::from_millis(5);

fn udp() -> std::os::fd::OwnedFd {
    socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None).unwrap()
}

/// One of many sockets that each get every packet of the group.
fn ear(interface: Ipv4Addr) -> UdpSocket {
    let ear = udp();
    setsockopt(&ear, ReuseAddr, &true).unwrap();
    bind(std::os::fd::AsRawFd::as_raw_fd(&ear), &SockaddrIn::from(GROUP)).unwrap();
    setsockopt(&ear, IpAddMembership, &IpMembershipRequest::new(*GROUP.ip(), Some(interface))).unwrap();
    ear.into()
}

fn mouth(interface: &str) -> UdpSocket {
    let mouth = udp();
    setsockopt(&mouth, BindToDevice, &interface.into()).unwrap();
    mouth.into()
}

/// Has what comes in at an interface of the calling thread's network namespace taken in by this core.
fn steer(interface: &str, core: u32) {
    // A sysfs shows the namespace that it was mounted in: one that goes with the thread.
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
    mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), none).unwrap();
    let words = usize::try_from(core / 32).unwrap();
    let mask = format!("{:x}{}", 1_u32 << (core % 32), ",00000000".repeat(words));
    fs::write(format!("/sys/class/net/{interface}/queues/rx-0/rps_cpus"), mask).unwrap();
}

fn storm(scene: &Scene<'_>) {
    let [at_exchange, at_trader] = scene.netns.map(|path| Namespace::open(path).unwrap());
    let ears: Vec<UdpSocket> = at_trader
        .run(|| {
            steer(&scene.link.trader_interface, scene.trader);
            (0..EARS).map(|_| ear(*scene.link.trader.ip())).collect()
        })
        .unwrap();
    let mouth = at_exchange.run(|| mouth(&scene.link.exchange_interface)).unwrap();
    affinity::pin(scene.exchange).unwrap();
    while !scene.over.load(Ordering::Relaxed) {
        mouth.send_to(&[0; 32], GROUP).unwrap();
        thread::sleep(EVERY);
    }
    drop(ears);
}

#[test]
fn a_storm_of_packets_that_interrupts_the_traders_core_is_the_cause_by_its_softirq() {
    if !Path::new("/proc/sys/net/core/rps_sock_flow_entries").exists() {
        println!("SKIPPED: a storm of interrupts on a core that nobody sends from: needs a kernel with CONFIG_RPS");
        return;
    }
    let wanted = Wanted { kind: TailKind::Softirq, name: "NET_RX", by: Nanos(30_000) };
    expect(&wanted, || tail(&Plan::default(), storm));
}
