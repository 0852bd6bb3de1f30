//! What the endpoints ask of the kernel and of the allocator in their timed loops.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs};

    use tickcert::bench::user_namespace::{self, Privilege};
    use tickcert_results::time::PerSecond;
    use tickcert_transports::{
        Lane,
        api::{Job, Role, Transport, Unmet},
        dispatch, read_settings,
    };

    use crate::support::{
        can_measure,
        endpoints::{Endpoint, Site, trial},
        has,
        pages::{self, Pages},
    };

    const PACKETS: u32 = 300;

    /// How often each system call was made in the timed loop: between the trader's two looks at its own usage, which
    /// follow the report that it runs and the end of the session. Of threads that a driver has beside, nothing counts.
    fn calls_in_the_loop(log: &str) -> BTreeMap<String, usize> {
        // With -f the thread's number stands first, once there is more than one.
        let parts = |line: &str| {
            let call = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').to_owned();
            (line[..line.len() - call.len()].trim().to_owned(), call)
        };
        let mut lines = log.lines().map(parts).skip_while(|(_, l)| !(l.starts_with("write(") && l.contains("running")));
        let (main, _) = lines.next().unwrap_or_default();
        let mut of_main = lines.filter(|(thread, _)| *thread == main || thread.is_empty()).map(|(_, call)| call);
        assert!(of_main.any(|l| l.starts_with("getrusage(")), "the trace does not hold the start of the loop");
        let mut calls = BTreeMap::new();
        for line in of_main {
            let name = line.split('(').next().unwrap_or_default();
            if name == "getrusage" {
                return calls;
            }
            *calls.entry(name.to_owned()).or_default() += 1;
        }
        panic!("the trace does not hold the end of the loop");
    }

    fn traced(lane: &str) -> Option<BTreeMap<String, usize>> {
        if !can_measure() || !has("strace") {
            return None;
        }
        let _pages = huge_pages_for(lane);
        let site = Site::new();
        let log = site.dir.path().join("trace");
        // -D: the tracer is the grandchild, so that the endpoint's parent is the one that it is told of.
        let under = ["strace", "-D", "-f", "-qq", "-s", "64", "-o", log.to_str().unwrap()];
        let mut exchange = Endpoint::start(site.netns(Role::Exchange), &[]);
        let mut trader = Endpoint::start(site.netns(Role::Trader), &under);
        trial(&site, lane, PACKETS, &mut exchange, &mut trader);
        // Returns only when the tracer too has closed standard error, and so has written its log.
        let said = trader.end();
        // DPDK's drivers say things of their own there.
        assert!(said.is_empty() || lane.starts_with("dpdk"), "{said}");
        Some(calls_in_the_loop(&fs::read_to_string(&log).unwrap()))
    }

    fn check(lane: &str) {
        let Some(calls) = traced(lane) else { return };
        let names: Vec<&str> = calls.keys().map(String::as_str).collect();
        assert_eq!(names, ["recvfrom", "sendto"], "{calls:?}");
        let orders = usize::try_from(PACKETS).unwrap();
        // On a session, its log-out and perhaps a heartbeat.
        assert!((orders..=orders + 10).contains(&calls["sendto"]), "{calls:?}");
        assert!(calls["recvfrom"] >= orders, "{calls:?}");
    }

    /// More orders than an exchange remembers, so that nothing has only not grown yet. What a library in C asks of its own
    /// allocator is not counted.
    const MANY: u32 = 20_000;
    /// Enough to wrap every ring and run through every pool of a lane.
    const ENOUGH: u32 = 10_000;

    /// Where they can't be had, the lane says so.
    fn huge_pages_for(lane: &str) -> Option<Pages> {
        lane.starts_with("dpdk").then(|| pages::reserve().ok())?
    }

    fn check_memory(lane: &str, orders: u32) {
        let _pages = huge_pages_for(lane);
        if !can_measure() || refused(lane) {
            return;
        }
        let mut site = Site::new();
        site.rate = PerSecond(10_000.0);
        let [mut exchange, mut trader] =
            [Role::Exchange, Role::Trader].map(|role| Endpoint::start(site.netns(role), &[]));
        let used = trial(&site, lane, orders, &mut exchange, &mut trader);
        assert_eq!(used.map(|u| u.allocator_calls), [0, 0], "{lane}");
    }

    #[test]
    fn neither_ends_loop_on_datagrams_calls_the_allocator() {
        check_memory("kernel-udp", MANY);
        for lane in ["io-uring", "io-uring/zc", "shm", "afxdp-copy", "dpdk-memif", "dpdk-afxdp"] {
            check_memory(lane, ENOUGH);
        }
    }

    #[test]
    fn neither_ends_loop_on_a_session_calls_the_allocator() {
        check_memory("kernel-tcp", MANY);
        for lane in ["io-uring/tcp", "afxdp-copy/tcp", "dpdk-memif/tcp"] {
            check_memory(lane, ENOUGH);
        }
    }

    /// Whether the host refuses the lane, as far as is known before it is opened; says that the test was skipped where it does.
    fn refused(lane: &str) -> bool {
        let lane = Lane::by_name(lane).unwrap();
        let settings = lane.settings(&serde_json::Map::new()).unwrap();
        if lane.parts().0.starts_with("afxdp") && user_namespace::present() != Some(Privilege::Host) {
            println!("SKIPPED: {}: needs root on the host", lane.name());
            return true;
        }
        match dispatch(lane, Preflight(&settings)) {
            Ok(()) => false,
            Err(unmet) => {
                println!("SKIPPED: {}: {unmet}", lane.name());
                true
            }
        }
    }

    struct Preflight<'a>(&'a serde_json::Value);

    impl Job for Preflight<'_> {
        type Out = Result<(), Unmet>;
        fn run<T: Transport>(self) -> Self::Out {
            T::preflight(&read_settings::<T>(self.0).unwrap(), true).map(drop)
        }
    }

    /// One system call for each tick and one for each order, and what begins the receiving.
    fn check_io_uring(lane: &str) {
        if refused(lane) {
            return;
        }
        let Some(calls) = traced(lane) else { return };
        let names: Vec<&str> = calls.keys().map(String::as_str).collect();
        assert!(names.iter().all(|n| ["io_uring_enter", "io_uring_register"].contains(n)), "{calls:?}");
        let orders = usize::try_from(PACKETS).unwrap();
        // Ticks that came together share a call; none is made to look whether there are any.
        assert!((orders..=3 * orders).contains(&calls["io_uring_enter"]), "{calls:?}");
        assert!(calls.get("io_uring_register").is_none_or(|n| *n <= 3), "{calls:?}");
    }

    #[test]
    fn the_traders_loop_on_datagrams_makes_no_system_call_but_receive_and_one_send_for_each_order() {
        check("kernel-udp");
    }

    #[test]
    fn the_traders_loop_on_a_session_makes_no_system_call_but_receive_and_send() {
        check("kernel-tcp");
    }

    #[test]
    fn busy_polling_adds_no_system_call_to_the_traders_loop() {
        check("kernel-udp-busypoll");
    }

    #[test]
    fn the_traders_loop_over_shared_memory_makes_no_system_call_at_all() {
        if let Some(calls) = traced("shm") {
            assert!(calls.is_empty(), "{calls:?}");
        }
    }

    /// One call for each order, which makes the kernel send; none to receive.
    #[test]
    fn the_traders_loop_on_af_xdp_makes_no_system_call_but_one_send_for_each_order() {
        for lane in ["afxdp-copy", "afxdp-copy/skb"] {
            if refused(lane) {
                continue;
            }
            let Some(calls) = traced(lane) else { continue };
            let names: Vec<&str> = calls.keys().map(String::as_str).collect();
            assert_eq!(names, ["sendto"], "{lane}: {calls:?}");
            // Where the kernel was busy with the queue it is asked once more.
            let orders = usize::try_from(PACKETS).unwrap();
            assert!((orders..=2 * orders).contains(&calls["sendto"]), "{lane}: {calls:?}");
        }
    }

    /// A question, after so many looks in vain that a millisecond is over, whether the other end is still there (a handful in
    /// all); nothing to send or to receive. DPDK's threads of its own are not the loop's.
    #[test]
    fn the_traders_loop_on_dpdk_over_shared_memory_asks_now_and_then_for_the_other_end_and_makes_no_other_system_call()
    {
        for lane in ["dpdk-memif", "dpdk-memif/tcp"] {
            let pages = huge_pages_for(lane);
            if refused(lane) {
                continue;
            }
            drop(pages);
            if let Some(calls) = traced(lane) {
                let orders = usize::try_from(PACKETS).unwrap();
                let few = calls.iter().all(|(name, calls)| name == "flock" && *calls < orders);
                assert!(few, "{lane}: {calls:?}");
            }
        }
    }

    #[test]
    fn the_traders_loop_on_io_uring_makes_none_while_nothing_comes() {
        check_io_uring("io-uring");
    }

    #[test]
    fn the_traders_loop_on_io_uring_without_copies_neither() {
        check_io_uring("io-uring/zc");
    }
}
