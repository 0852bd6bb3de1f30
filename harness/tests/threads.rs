//! A trader in three threads over real lanes, on whatever cores there are: where they must share some, they sleep while there is
//! nothing to do.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tickcert::{
        endpoint::control::{Injection, Threads},
        run::{
            join::STAGES,
            plan::Slot,
            repetition::Attempt,
            trial::{Finished, Request, Stage, unmet_in},
        },
    };
    use tickcert_results::{
        certificate::{MessageBytes, Purpose, Repetition},
        time::{Nanos, PerSecond},
    };
    use tickcert_scenarios::{
        feed::itch::Price4,
        generator::{self, GeneratorConfig},
        handoff::MessageSize,
        load::{Arrival, Schedule},
        tape::{self, Tape},
        trader::{Strategy, SymbolChoice, TraderConfig},
    };
    use tickcert_transports::{Lane, api::Link};

    use crate::support::{can_measure, endpoints::Site};

    /// Enough to go around a queue more than once.
    const PACKETS: u32 = 300;
    const CAPACITY: usize = 64;

    struct Plan<'a> {
        lane: &'a str,
        queue: &'a str,
        capacity: usize,
        message_size: MessageSize,
        load: Arrival,
        staged: bool,
        /// In place of the site's, where every packet causes an order and no message is read.
        tape: Option<(&'a Tape, &'a Path)>,
        /// Of the threads that decide and send, in place of those of exchange and trader.
        cores: Option<(u32, u32)>,
    }

    impl Plan<'_> {
        const fn of<'a>(lane: &'a str, queue: &'a str) -> Plan<'a> {
            let load = Arrival::Constant { rate: PerSecond(1_000.0) };
            Plan {
                lane,
                queue,
                capacity: CAPACITY,
                message_size: MessageSize::Bytes64,
                load,
                staged: false,
                tape: None,
                cores: None,
            }
        }

        fn run(&self, site: &Site) -> anyhow::Result<(Repetition, Finished)> {
            let lane = Lane::by_name(self.lane).unwrap();
            let settings = lane.settings(&serde_json::Map::new())?;
            let link = Link { meeting: site.dir.path().into(), ..site.bench.link.clone() };
            let (tape, tape_path) = self.tape.unwrap_or((&site.tape, site.tape_path()));
            let passes = PACKETS.div_ceil(u32::try_from(tape.packets())?);
            let schedule = Schedule::new(&self.load, tape.times(), passes, 1)?.cut(PACKETS, Nanos(u64::MAX));
            let (decide_core, send_core) = self.cores.unwrap_or(site.cores);
            let threads = Threads {
                handoff: self.queue.to_owned(),
                capacity: self.capacity,
                message_size: self.message_size,
                decide_core,
                send_core,
            };
            let request = Request {
                lane,
                settings: &settings,
                load: &self.load,
                schedule: &schedule,
                passes,
                staged: self.staged,
                threads: Some(&threads),
                stamped: false,
                seat: None,
                injection: Injection::default(),
            };
            let finished = Stage { tape, tape_path, ..site.stage(&link) }.run(&request)?;
            let purpose = if self.staged { Purpose::Stages } else { Purpose::Latency };
            let slot = Slot { cell: 0, repetition: 1, purpose };
            let attempt = Attempt { slot, number: 1, position: 1, started_at: String::new() };
            let (record, _) = attempt.with_samples(&finished, tape, &schedule)?;
            Ok((record, finished))
        }
    }

    /// Says why, where there can be none.
    fn site() -> Option<Site> {
        can_measure().then(Site::new)
    }

    /// Every order came once, with the tape's bytes, in the tape's order.
    fn assert_every_order_came(record: &Repetition, of: &str) {
        let counts = &record.counts;
        assert_eq!(counts.matched, counts.expected_orders, "{of}: {:?}", record.invalid_reasons);
        assert_eq!(record.orders_sha256, record.expected_sha256, "{of}: {:?}", record.invalid_reasons);
    }

    #[test]
    fn every_order_comes_in_the_tapes_order_over_any_lane_and_by_any_kind_of_queue() {
        let Some(site) = site() else { return };
        for (lane, queue) in [
            ("shm", "rtrb-blocking"),
            ("kernel-udp", "condvar"),
            ("kernel-tcp", "mutex-blocking"),
            ("io-uring", "ringbuf-blocking"),
            ("io-uring/tcp", "ticket-lock-blocking"),
            ("afxdp-copy", "disruptor-blocking"),
            ("afxdp-copy/tcp", "seg-queue-blocking"),
            ("dpdk-memif", "mpsc"),
            ("dpdk-memif/tcp", "array-queue-blocking"),
        ] {
            let of = format!("{lane} by {queue}");
            let ran = Lane::by_name(lane).map(|_| Plan::of(lane, queue).run(&site));
            let unmet = ran.as_ref().map_or(Some("a build that has it".to_owned()), |ran| {
                ran.as_ref().err().and_then(unmet_in).map(ToString::to_string)
            });
            if let Some(unmet) = unmet {
                println!("SKIPPED: three threads over {lane}: {unmet}");
                continue;
            }
            let (record, finished) = ran.unwrap().unwrap();
            assert_every_order_came(&record, &of);
            // A session's answers go the way around the queue, and none is lost there.
            assert_eq!(finished.trader.answers.is_some(), lane.contains("tcp"), "{of}");
            assert_eq!(finished.trader.answers.unwrap_or(finished.trader.orders), finished.trader.orders, "{of}");
            assert_eq!((finished.trader.queue_full, finished.trader.strayed.as_slice()), (0, &[][..]), "{of}");
            println!("{of}: {} orders", record.counts.matched);
        }
    }

    #[test]
    fn both_ways_across_a_queue_are_stages_of_their_own_and_with_the_others_the_whole_way() {
        let Some(site) = site() else { return };
        let path = site.dir.path().join("threshold");
        let ticks = generator::generate(&GeneratorConfig { messages: 2_000, ..GeneratorConfig::default() }).unwrap();
        let strategy = Strategy::Threshold { symbol: SymbolChoice::All, threshold: Price4(100), quantity: 100 };
        tape::build(&path, &ticks, TraderConfig::new(strategy)).unwrap();
        let tape = Tape::open(&path).unwrap();
        let plan = Plan { staged: true, tape: Some((&tape, &path)), ..Plan::of("shm", "rtrb-blocking") };
        let (record, finished) = plan.run(&site).unwrap();
        assert_every_order_came(&record, "shm");
        let joined = &finished.joined;
        assert_eq!(joined.legs, (0..STAGES.len()).collect::<Vec<_>>());
        assert!(!joined.orders.is_empty());
        for order in &joined.orders {
            let legs = &joined.stages[&order.order];
            let sum: u64 = legs.iter().map(|leg| leg.get()).sum();
            assert!(sum.abs_diff(order.t2t_sent().get()) <= legs.len() as u64, "{legs:?}, {}", order.t2t_sent());
        }
        assert_eq!(joined.counters_in_step, None, "its bound holds for two cores only");
    }

    #[test]
    fn messages_take_the_bytes_that_were_asked_for_or_what_their_stamps_need_and_every_order_comes() {
        let Some(site) = site() else { return };
        for (queue, message_size, staged, took) in [
            ("rtrb-blocking", MessageSize::Bytes64, false, 64..=64),
            ("rtrb-blocking", MessageSize::Bytes256, false, 256..=256),
            ("condvar", MessageSize::Bytes1024, false, 1024..=1024),
            ("seg-queue-blocking", MessageSize::Bytes1024, true, 1024..=1024),
            // The stamps of all stages don't fit beside the message.
            ("rtrb-blocking", MessageSize::Bytes64, true, 65..=192),
        ] {
            let of = format!("{queue}, {} bytes, stamped for stages: {staged}", message_size.bytes());
            let plan = Plan { message_size, staged, ..Plan::of("shm", queue) };
            let (record, _) = plan.run(&site).unwrap();
            assert_every_order_came(&record, &of);
            let MessageBytes { to_decide, to_send } = record.message_bytes.unwrap();
            assert!(took.contains(&to_decide) && took.contains(&to_send), "{of}: {to_decide} and {to_send}");
        }
    }

    #[test]
    fn a_queue_without_room_is_counted_and_spoils_the_trial() {
        let Some(site) = site() else { return };
        let load = Arrival::Bursts { rate: PerSecond(1_000.0), burst: 150 };
        let (record, finished) = Plan { capacity: 2, load, ..Plan::of("shm", "rtrb-blocking") }.run(&site).unwrap();
        assert!(finished.trader.queue_full > 0);
        let said = format!(
            "{} messages found no room in a queue between two of the trader's threads",
            finished.trader.queue_full
        );
        assert!(!record.valid && record.invalid_reasons.contains(&said), "{:?}", record.invalid_reasons);
    }

    #[test]
    fn a_thread_that_cant_have_its_core_ends_the_trial_with_the_reason() {
        let Some(site) = site() else { return };
        let beyond = Plan { cores: Some((site.cores.0, 70_000)), ..Plan::of("kernel-udp", "rtrb-blocking") };
        let said = format!("{:#}", beyond.run(&site).err().unwrap());
        assert!(said.contains("70000"), "{said}");
    }
}
