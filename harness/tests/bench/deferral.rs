//! What is set on lent interfaces by way of sysfs, with veths in a namespace of the test's standing for the host's.

use std::{fs, path::Path, thread};

use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
};
use tickcert::bench::{
    Bench, BenchSpec, Tuned, Tuning,
    netns::{self, Namespace},
};
use tickcert_results::time::Nanos;
use tickcert_scenarios::profile::Deferral;

use crate::common::{bench_of, cable, entries, on_a_host_of_its_own};

/// A sysfs of this thread's own, which shows the interfaces of its network namespace.
fn with_sysfs_of_its_own(netns: &Path, job: impl FnOnce() + Send) {
    thread::scope(|s| {
        let work = s.spawn(|| {
            netns::enter(netns).unwrap();
            unshare(CloneFlags::CLONE_NEWNS).unwrap();
            let none = None::<&str>;
            mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
            mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), none).unwrap();
            job();
        });
        work.join().unwrap();
    });
}

/// `napi_defer_hard_irqs` and `gro_flush_timeout`, as sysfs has them.
fn deferral_of(interface: &str) -> [String; 2] {
    ["napi_defer_hard_irqs", "gro_flush_timeout"]
        .map(|name| fs::read_to_string(format!("/sys/class/net/{interface}/{name}")).unwrap().trim().to_owned())
}

#[test]
fn deferred_interrupts_are_set_on_lent_interfaces_for_the_run_and_set_back_afterwards() {
    on_a_host_of_its_own(|run_dir| {
        cable("left0", "right0");
        let host = Namespace::current().unwrap();
        with_sysfs_of_its_own(&host.path(), || {
            fs::write("/sys/class/net/left0/napi_defer_hard_irqs", "7").unwrap();
            fs::write("/sys/class/net/left0/gro_flush_timeout", "9000").unwrap();
            let before = ["left0", "right0"].map(deferral_of);
            let wanted = Deferral { napi_defer_hard_irqs: 2, gro_flush_timeout: Nanos(200_000) };
            let bench = Bench::set_up(&BenchSpec {
                tuning: Tuning { deferral: Some(wanted), queue: Some(0) },
                ..bench_of(run_dir, "left0", "right0")
            });
            let bench = bench.unwrap();
            let of: Vec<_> = bench.tuned.iter().map(|tuned| (tuned.interface.as_str(), tuned.deferral)).collect();
            assert_eq!(of, ["left0", "right0"].map(|name| (name, Some(wanted))));
            let queue = |tuned: &Tuned| tuned.queue.clone().unwrap().unwrap_err().needs;
            assert!(
                bench.tuned.iter().map(queue).all(|needs| needs.contains("how many queues it receives on")),
                "{:?}",
                bench.tuned
            );
            for (netns, name) in [(&bench.exchange_netns, "left0"), (&bench.trader_netns, "right0")] {
                with_sysfs_of_its_own(netns, || assert_eq!(deferral_of(name), ["2", "200000"]));
            }
            bench.take_down().unwrap();
            assert_eq!(["left0", "right0"].map(deferral_of), before);
            assert_eq!(before[0], ["7", "9000"]);
            assert!(entries(run_dir).is_empty(), "{:?}", entries(run_dir));
        });
    });
}
