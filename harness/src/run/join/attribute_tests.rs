//! Known stamps, and what is wrong with them, each counted for what it is.

use proptest::prelude::*;
use tickcert_transports::api::TxToken;

use super::*;
use crate::run::join::ties::Tie;

const CLOCK: StampClock = StampClock::Phc(3);
const SCALE: TickScale = TickScale { ns_per_tick: 1.0 };
/// The clock shows so much more than the counter.
const AHEAD: u64 = 7_000_000_000;
/// From one frame to the next.
const GAP: u64 = 1_000_000;

fn at(raw: u64) -> Ticks {
    Ticks::new(raw).unwrap()
}

fn tied() -> Tied {
    let tie = |counter: u64| Tie {
        counter: at(counter),
        system: at(counter + 500),
        clock: at(counter + AHEAD),
        width: Nanos(100),
    };
    Tied { clock: CLOCK, before: tie(1), after: tie(1_000_000_000) }
}

fn checks(tied: &Tied) -> Checks<'_> {
    Checks { scale: SCALE, timeout: Nanos::MILLI * 10, clock: Some(CLOCK), tied: Some(tied) }
}

/// When frame `n` was handed to the lane, by the counter.
const fn handed(n: u32) -> u64 {
    1_000 + n as u64 * GAP
}

fn sent(frames: u32) -> Vec<Sent> {
    (0..frames).map(|n| Sent { frame: n, token: TxToken(1_000 - n) }).collect()
}

/// The stamp of frame `n`: 400 ns after it was handed over, given to the endpoint 20 us later.
fn good(n: u32) -> Came {
    let stamp = Stamp::new(at(handed(n) + 400 + AHEAD), CLOCK);
    Came { token: TxToken(1_000 - n), stamp, seen: handed(n) + 20_000 }
}

fn counted(frames: u32, came: &[Came]) -> Attributed {
    transmitted(&sent(frames), came, |n| Some(at(handed(n))), &checks(&tied()))
}

fn all_good(frames: u32) -> StampCounts {
    StampCounts { asked: frames.into(), good: frames.into(), ..StampCounts::default() }
}

#[test]
fn stamps_belong_to_the_frame_of_their_name_in_whatever_order_they_come() {
    let mut came: Vec<Came> = (0..10).map(good).collect();
    came.reverse();
    let found = counted(10, &came);
    assert_eq!(found.counts, all_good(10));
    assert!((0..10).all(|n| found.good[&n] == good(n).stamp));
}

#[test]
fn missing_late_twice_stale_and_unasked_stamps_are_each_counted_for_what_they_are() {
    let mut came: Vec<Came> = (0..10).map(good).collect();
    // Of 1 none comes; of 2 it comes late; of 3 twice; of 4 it is of a frame before; of 5 before it was handed over; of 6
    // after it was seen; of 7 it is another clock's; and one is of no frame at all.
    came[2].seen = handed(2) + 10_000_001;
    came[4].stamp.at = at(handed(2) + AHEAD);
    came[5].stamp.at = at(handed(5) - 103_000 + AHEAD);
    came[6].stamp.at = at(handed(6) + 130_000 + AHEAD);
    came[7].stamp.clock = StampClock::Phc(4);
    came.push(came[3]);
    came.push(Came { token: TxToken(5), ..good(8) });
    came.remove(1);
    let found = counted(10, &came);
    let counts = StampCounts {
        asked: 10,
        good: 4,
        missing: 2,
        late: 1,
        stale: 3,
        duplicate: 1,
        unasked: 2,
        ..StampCounts::default()
    };
    assert_eq!(found.counts, counts);
    let mut frames: Vec<u32> = found.good.keys().copied().collect();
    frames.sort_unstable();
    assert_eq!(frames, [0, 3, 8, 9]);
}

#[test]
fn a_name_that_two_frames_have_is_nobodys() {
    let mut frames = sent(3);
    frames[2].token = frames[0].token;
    let came = [good(0), good(1)];
    let found = transmitted(&frames, &came, |n| Some(at(handed(n))), &checks(&tied()));
    assert_eq!((found.counts.good, found.counts.missing, found.counts.unasked), (1, 2, 1));
}

#[test]
fn without_a_clock_to_compare_by_what_is_older_than_the_frame_ahead_is_stale_all_the_same() {
    let came = [good(0), good(1), Came { stamp: Stamp::new(at(5), CLOCK), ..good(2) }];
    let checks = Checks { tied: None, ..checks(&tied()) };
    let found = transmitted(&sent(3), &came, |n| Some(at(handed(n))), &checks);
    assert_eq!((found.counts.good, found.counts.stale), (2, 1));
}

#[test]
fn a_stamp_that_the_frame_ahead_had_already_is_stale() {
    let came = [good(0), Came { stamp: good(0).stamp, ..good(1) }, good(2)];
    let checks = Checks { tied: None, ..checks(&tied()) };
    let found = transmitted(&sent(3), &came, |n| Some(at(handed(n))), &checks);
    assert_eq!((found.counts.good, found.counts.stale), (2, 1));
    assert!(!found.good.contains_key(&1));
}

#[test]
fn frames_received_may_have_one_stamp_only_if_they_are_of_one_packet() {
    let checks = Checks { tied: None, ..checks(&tied()) };
    let with = seen(0, Some(1_000), None).with;
    for (packets, stale) in [([Some(7), Some(7)], 0), ([Some(7), Some(8)], 1), ([None, None], 1)] {
        let frames = [0, 1].map(|n| Seen { packet: packets[n as usize], with, ..seen(n, None, None) });
        let counts = received(frames, &checks).counts;
        assert_eq!((counts.good, counts.stale), (2 - stale, stale), "{packets:?}");
    }
}

#[test]
fn the_kernels_stamps_are_held_against_the_devices() {
    // The system's clock shows 500 ns more than the counter.
    let kernel =
        |n: u32, after: u64| Came { stamp: Stamp::new(at(handed(n) + after + 500), StampClock::Kernel), ..good(n) };
    let came = [good(0), kernel(0, 100), good(1), kernel(1, 2_000), good(2)];
    let counts = counted(3, &came).counts;
    assert_eq!((counts.good, counts.kernel, counts.disordered), (3, 2, 1), "of 1 the kernel's is the later one");
}

fn seen(n: u32, hw: Option<u64>, kernel: Option<u64>) -> Seen {
    let hw = hw.map(|after| Stamp::new(at(handed(n) + after + AHEAD), CLOCK));
    let kernel = kernel.map(|after| Stamp::new(at(handed(n) + after + 500), StampClock::Kernel));
    let with = Received { hw, kernel };
    Seen { frame: n, packet: Some(n as usize), with, not_before: Some(at(handed(n))), seen: at(handed(n) + 5_000) }
}

#[test]
fn missing_stamps_of_orders_that_were_read_with_a_later_one_are_told_apart() {
    let together = Seen { seen: seen(2, None, None).seen, ..seen(1, None, None) };
    let frames =
        [seen(0, None, None), together, seen(2, Some(1_000), None), seen(3, None, None), seen(4, Some(1_000), None)];
    let counts = received(frames, &checks(&tied())).counts;
    assert_eq!((counts.asked, counts.good, counts.missing, counts.shared), (5, 2, 3, 1));
}

#[test]
fn stamps_of_frames_received_are_good_missing_or_stale() {
    let mut of_another = seen(5, Some(1_000), None);
    of_another.with.hw = of_another.with.hw.map(|s| Stamp { clock: StampClock::Device, ..s });
    let long_ago = Seen { with: seen(1, Some(0), None).with, ..seen(4, None, None) };
    let ahead = seen(3, Some(110_000), None);
    let frames = [
        seen(0, Some(1_000), Some(1_500)),
        seen(1, Some(1_000), Some(200)),
        seen(2, None, Some(7)),
        ahead,
        long_ago,
        of_another,
    ];
    let found = received(frames, &checks(&tied()));
    let counts = StampCounts {
        asked: 6,
        good: 2,
        missing: 2,
        stale: 2,
        unasked: 1,
        kernel: 2,
        disordered: 1,
        ..StampCounts::default()
    };
    assert_eq!(found.counts, counts);
}

proptest! {
    #[test]
    fn every_frame_has_one_fate_whatever_comes(
        tokens in proptest::collection::vec((900_u32..1_005, any::<u64>(), any::<u64>(), 0_u32..3), 0..60),
    ) {
        let came: Vec<Came> = tokens
            .into_iter()
            .filter_map(|(token, time, seen, clock)| {
                let clock = if clock == 0 { StampClock::Kernel } else { StampClock::Phc(2 + clock) };
                Some(Came { token: TxToken(token), stamp: Stamp::new(Ticks::new(time)?, clock), seen })
            })
            .collect();
        let found = counted(50, &came);
        let c = found.counts;
        prop_assert_eq!(c.asked, c.good + c.missing + c.late + c.stale);
        prop_assert_eq!(c.good, found.good.len() as u64);
        let hardware = came.iter().filter(|c| c.stamp.clock.is_hardware()).count() as u64;
        prop_assert!(c.good + c.late + c.stale + c.duplicate <= hardware);
    }
}
