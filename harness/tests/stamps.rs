//! Hardware stamps that no hardware took, in real trials: known ones, and known faults in them, each counted for what it is.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use tickcert::{
        endpoint::control::{Injection, Threads},
        run::{
            plan::Slot,
            repetition::Attempt,
            trial::{Request, Stage},
        },
    };
    use tickcert_results::{
        certificate::{EndStamps, MessageBytes, Purpose, Repetition, StampCounts},
        hist::Histogram,
        stamp::StampClock,
        time::Nanos,
        wire::LinkSpeed,
    };
    use tickcert_scenarios::{
        handoff::MessageSize,
        load::{Arrival, Schedule},
    };
    use tickcert_transports::{
        Lane,
        api::{EndStamping, Link, Stamping},
        wrap::fake_stamps::{FakeStamps, StampFault, StampFaults},
    };

    use crate::support::{can_measure, endpoints::Site};

    const PACKETS: u32 = 3_000;
    /// One stamp in so many is spoilt.
    const EVERY: u32 = 10;
    const FAULTY: u64 = (PACKETS / EVERY) as u64;
    /// Beyond any stall of a host that leaves a trial valid.
    const TIMEOUT: Nanos = Nanos(500_000_000);
    const CLOCK: StampClock = StampClock::Device;
    /// A host that stalls loses orders of its own; the stamps of such a trial say nothing.
    const TRIES: u32 = 5;

    /// The record of a valid trial on `lane` with this fault in the stamps of frames sent and received at both ends.
    fn trial(site: &Site, lane: &str, fault: Option<StampFault>) -> Repetition {
        trial_of(site, lane, fault, None)
    }

    /// The same of a trader in several threads.
    fn trial_of(site: &Site, lane: &str, fault: Option<StampFault>, threads: Option<&Threads>) -> Repetition {
        let end = EndStamping { clock: Some(CLOCK), transmit: true, receive: true };
        let stamping = Some(Stamping { exchange: end, trader: end });
        let link = Link { meeting: site.dir.path().into(), stamping, ..site.bench.link.clone() };
        let lane = Lane::by_name(lane).unwrap();
        let settings = lane.settings(&serde_json::Map::new()).unwrap();
        let stage = Stage { stamp_timeout: TIMEOUT, speeds: [LinkSpeed::from_mbps(1_000); 2], ..site.stage(&link) };
        let load = Arrival::Constant { rate: site.rate };
        let passes = PACKETS.div_ceil(u32::try_from(site.tape.packets()).unwrap());
        let schedule = Schedule::new(&load, site.tape.times(), passes, 1).unwrap().cut(PACKETS, Nanos(u64::MAX));
        let faults = fault.map(|fault| StampFaults { fault, every: EVERY });
        let fake = Some(FakeStamps { clock: CLOCK, tx: faults, rx: faults });
        let request = Request {
            lane,
            settings: &settings,
            load: &load,
            schedule: &schedule,
            passes,
            staged: false,
            threads,
            stamped: true,
            seat: None,
            injection: Injection { stamps_at_exchange: fake, stamps_at_trader: fake, ..Injection::default() },
        };
        let slot = Slot { cell: 0, repetition: 1, purpose: Purpose::Latency };
        let attempt = Attempt { slot, number: 1, position: 1, started_at: String::new() };
        let mut number = 1;
        loop {
            let finished = stage.run(&request).unwrap();
            let (record, _) = attempt.with_samples(&finished, &site.tape, &schedule).unwrap();
            if record.valid || number == TRIES {
                assert!(record.valid, "{:?}", record.invalid_reasons);
                return record;
            }
            number += 1;
        }
    }

    /// With how far off it may be: histograms resolve 0.1 % of what is in them, which is later than the span by the shift.
    fn smallest(r: &Repetition, span: &str) -> (i64, i64) {
        let of = &r.histograms.wire[span];
        let signed = |n: Nanos| i64::try_from(n.get()).unwrap();
        let shifted = signed(Histogram::from_base64(&of.histogram).unwrap().min().unwrap());
        (shifted - signed(of.shift_ns), 1 + shifted / 1000)
    }

    fn ends(r: &Repetition) -> (EndStamps, EndStamps) {
        (r.hw_stamps.exchange.clone().unwrap(), r.hw_stamps.trader.clone().unwrap())
    }

    /// What the lane's own kernel stamps would add is not of interest here.
    fn hardware(c: StampCounts) -> StampCounts {
        StampCounts { kernel: 0, disordered: 0, ..c }
    }

    fn with(good: u64) -> StampCounts {
        StampCounts { asked: PACKETS.into(), good, ..StampCounts::default() }
    }

    #[test]
    fn known_stamps_are_all_attributed_and_the_spans_between_them_are_recorded() {
        if !can_measure() {
            return;
        }
        let site = Site::new();
        for lane in ["kernel-udp", "kernel-tcp", "shm"] {
            let record = trial(&site, lane, None);
            let (exchange, trader) = ends(&record);
            for (name, counts) in
                [("ticks sent", exchange.tx), ("orders sent", trader.tx), ("ticks received", trader.rx)]
            {
                assert_eq!(hardware(counts), with(PACKETS.into()), "{lane}, {name}");
            }
            // On a stream the last of several orders in a run has the stamp, and the others have none.
            let received = exchange.rx;
            assert_eq!(received.asked, received.good + received.missing, "{lane}: {received:?}");
            assert!(lane == "kernel-tcp" || received.missing == 0, "{lane}: {received:?}");
            assert_eq!((record.hw_stamps.tx_coverage, record.hw_stamps.negative), (Some(1.0), 0), "{lane}");
            let spans: Vec<&str> = record.histograms.wire.keys().map(String::as_str).collect();
            let wanted = ["t2t_wire", "trader_wire"];
            assert!(wanted.iter().all(|span| spans.contains(span)), "{lane}: {spans:?}");
            if lane != "shm" {
                // At 1 Gbit/s, 8 ns a byte, an order is decided on when 42 bytes of headers and 20 of the packet's head have passed.
                let [(sof, of_sof), (eot, of_eot)] =
                    ["trader_wire", "trader_wire_eot"].map(|span| smallest(&record, span));
                assert!(
                    (sof - eot - 62 * 8).abs() <= of_sof + of_eot,
                    "{lane}: {sof} and {eot}, to {of_sof} and {of_eot}"
                );
            }
            // What is not known of shared memory's frames is the number of bytes before a tick.
            assert_eq!(spans.contains(&"trader_wire_eot"), lane != "shm", "{spans:?}");
            assert!(!spans.contains(&"tick_one_way"), "two devices' counters are two clocks: {spans:?}");
        }
    }

    #[test]
    fn the_stamp_of_a_tick_crosses_the_queues_with_it_to_the_thread_that_sends() {
        if !can_measure() {
            return;
        }
        let site = Site::new();
        let (decide_core, send_core) = site.cores;
        // Two stamps and a message are more than 64 bytes, and so are they and an order.
        let (small, large) =
            (MessageBytes { to_decide: 104, to_send: 80 }, MessageBytes { to_decide: 256, to_send: 256 });
        for (fault, message_size, took) in
            [(None, MessageSize::Bytes64, small), (Some(StampFault::Missing), MessageSize::Bytes256, large)]
        {
            let handoff = "rtrb-blocking".to_owned();
            let threads = Threads { handoff, capacity: 4096, message_size, decide_core, send_core };
            let record = trial_of(&site, "kernel-udp", fault, Some(&threads));
            let (exchange, trader) = ends(&record);
            let missing = if fault.is_some() { FAULTY } else { 0 };
            let wanted = StampCounts { missing, ..with(u64::from(PACKETS) - missing) };
            for (name, counts) in
                [("ticks sent", exchange.tx), ("ticks received", trader.rx), ("orders sent", trader.tx)]
            {
                assert_eq!(hardware(counts), wanted, "{name}, {fault:?}");
            }
            assert_eq!(record.hw_stamps.negative, 0);
            assert!(record.histograms.wire.contains_key("trader_wire"));
            assert_eq!(record.message_bytes, Some(took));
        }
    }

    #[test]
    fn stamps_that_are_missing_late_twice_stale_or_zero_are_counted_exactly() {
        if !can_measure() {
            return;
        }
        let site = Site::new();
        let late = StampFault::Late { by: TIMEOUT * 2 };
        for fault in [StampFault::Missing, late, StampFault::Duplicate, StampFault::Stale, StampFault::Zero] {
            let (exchange, trader) = ends(&trial(&site, "kernel-udp", Some(fault)));
            let rest = u64::from(PACKETS) - FAULTY;
            for (name, tx) in [("ticks", exchange.tx), ("orders", trader.tx)] {
                let wanted = match fault {
                    StampFault::Missing => StampCounts { missing: FAULTY, ..with(rest) },
                    // The last ones are given up before they come.
                    StampFault::Late { .. } => {
                        StampCounts { late: FAULTY - tx.missing, missing: tx.missing, ..with(rest) }
                    }
                    StampFault::Duplicate => StampCounts { duplicate: FAULTY, ..with(PACKETS.into()) },
                    StampFault::Stale => StampCounts { stale: FAULTY, ..with(rest) },
                    StampFault::Zero => StampCounts { missing: FAULTY, zero: FAULTY, ..with(rest) },
                };
                assert_eq!(hardware(tx), wanted, "{name} sent, {fault:?}");
                assert_eq!(tx.late > 0, matches!(fault, StampFault::Late { .. }), "{name} sent: {tx:?}");
            }
            for (name, rx) in [("orders", exchange.rx), ("ticks", trader.rx)] {
                let wanted = match fault {
                    StampFault::Missing | StampFault::Late { .. } => StampCounts { missing: FAULTY, ..with(rest) },
                    StampFault::Duplicate => with(PACKETS.into()),
                    StampFault::Stale => StampCounts { stale: FAULTY, ..with(rest) },
                    StampFault::Zero => StampCounts { missing: FAULTY, zero: FAULTY, ..with(rest) },
                };
                assert_eq!(hardware(rx), wanted, "{name} received, {fault:?}");
            }
        }
    }
}
