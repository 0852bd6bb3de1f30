//! Captures of MoldUDP64: what becomes of every packet, and what the reader says about the rest.
#![cfg(test)]

mod captures;

use std::path::Path;

use captures::{Frame, PORT, SESSION, delete, deletes, frames, mold, pcap, pcapng, tagged, tcp, udp};
use tickcert_results::time::Nanos;
use tickcert_scenarios::feed::itch::Message;
use tickcert_scenarios::feed::mold::Session;
use tickcert_scenarios::feed::{
    Excerpt, FeedError, MAX_BLOCK_BYTES, Place, Problem, ReadLimits, TickStream, TimeOfDay, read_ticks_from,
};

const ETHERNET: u32 = 1;

fn read(file: &[u8]) -> Result<TickStream, FeedError> {
    read_ticks_from(file, Path::new("test.pcap"), ReadLimits::default())
}

fn references(stream: &TickStream) -> Vec<u64> {
    stream
        .packets
        .iter()
        .flat_map(|packet| stream.messages(packet))
        .map(|bytes| match Message::parse(bytes).unwrap() {
            Message::OrderDelete(delete) => delete.reference.get(),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn noted(stream: &TickStream, words: &str) -> bool {
    stream.notes.iter().any(|note| note.contains(words))
}

#[test]
fn packets_keep_their_messages_and_their_capture_times() {
    let file = pcap(
        ETHERNET,
        &frames(vec![(5_000_000_007, udp(PORT, &deletes(1, 2))), (5_000_000_250, udp(PORT, &deletes(3, 1)))]),
    );
    let stream = read(&file).unwrap();
    assert_eq!(references(&stream), [1, 2, 3]);
    let times: Vec<_> = stream.packets.iter().map(|packet| (packet.at, packet.messages)).collect();
    assert_eq!(times, [(Nanos::ZERO, 2), (Nanos(243), 1)]);
    assert!(stream.source.starts_with("pcap of MoldUDP64: test.pcap, sha256 "), "{}", stream.source);
}

#[test]
fn a_pcapng_gives_the_same_as_a_pcap_at_every_clock_resolution() {
    let packets = frames(vec![(5_000_000, udp(PORT, &deletes(1, 2))), (7_000_000, udp(PORT, &deletes(3, 1)))]);
    let expected = read(&pcap(ETHERNET, &packets)).unwrap();
    for resolution in [3, 6, 9, 12] {
        let stream = read(&pcapng(ETHERNET, resolution, &packets)).unwrap();
        assert_eq!((&stream.packets, &stream.blocks), (&expected.packets, &expected.blocks));
    }
}

#[test]
fn vlan_tags_single_and_double_are_looked_through() {
    let frame = udp(PORT, &deletes(1, 1));
    let single = tagged(&frame, &[[0x81, 0, 0, 141]]);
    let double = tagged(&udp(PORT, &deletes(2, 1)), &[[0x88, 0xa8, 0, 7], [0x81, 0, 0, 141]]);
    let stream = read(&pcap(ETHERNET, &frames(vec![(0, single), (1, double)]))).unwrap();
    assert_eq!(references(&stream), [1, 2]);
}

#[test]
fn cooked_loopback_and_raw_captures_are_read() {
    let ip = udp(PORT, &deletes(1, 1))[14..].to_vec();
    let with = |head: &[u8]| [head, &ip].concat();
    let mut cooked = [0_u8; 16];
    cooked[14..].copy_from_slice(&[8, 0]);
    let mut cooked_2 = [0_u8; 20];
    cooked_2[..2].copy_from_slice(&[8, 0]);
    for (link, frame) in
        [(113, with(&cooked)), (276, with(&cooked_2)), (0, with(&[2, 0, 0, 0])), (101, with(&[])), (228, with(&[]))]
    {
        let stream = read(&pcap(link, &frames(vec![(0, frame)]))).unwrap();
        assert_eq!(references(&stream), [1], "link type {link}");
    }
}

#[test]
fn heartbeats_are_left_out_and_counted() {
    let heartbeat = udp(PORT, &mold(SESSION, 2, &[]));
    let file =
        pcap(ETHERNET, &frames(vec![(0, udp(PORT, &deletes(1, 1))), (1, heartbeat), (2, udp(PORT, &deletes(2, 1)))]));
    let stream = read(&file).unwrap();
    assert_eq!(references(&stream), [1, 2]);
    assert!(noted(&stream, "1 heartbeats"), "{:?}", stream.notes);
}

#[test]
fn gaps_are_noted_and_what_comes_twice_is_left_out() {
    let packets = [deletes(1, 2), deletes(5, 2), deletes(5, 2), deletes(6, 3)];
    let packets = packets.iter().enumerate().map(|(at, packet)| (at as u64, udp(PORT, packet))).collect();
    let stream = read(&pcap(ETHERNET, &frames(packets))).unwrap();
    assert_eq!(references(&stream), [1, 2, 5, 6, 7, 8]);
    assert!(noted(&stream, "1 gaps in the sequence, 2 messages missing"), "{:?}", stream.notes);
    assert!(noted(&stream, "3 messages that came again"), "{:?}", stream.notes);
}

#[test]
fn of_several_flows_the_one_with_most_messages_is_taken_and_the_others_are_noted() {
    let other = mold(Session(*b"OTHER00001"), 1, &[delete(99)]);
    let file = pcap(
        ETHERNET,
        &frames(vec![
            (0, udp(PORT, &other)),
            (1, udp(PORT, &deletes(1, 1))),
            (2, udp(PORT, &deletes(2, 1))),
            (3, udp(53, b"a question of another kind")),
            (4, tcp(22, b"SSH-2.0")),
        ]),
    );
    let stream = read(&file).unwrap();
    assert_eq!(references(&stream), [1, 2]);
    assert!(noted(&stream, "session TEST000001 to 233.54.12.111 port 26477"));
    assert!(noted(&stream, "left out: 1 messages of session OTHER00001"), "{:?}", stream.notes);
    assert!(noted(&stream, "left out: 1 x UDP to port 53 that is not MoldUDP64"), "{:?}", stream.notes);
    assert!(noted(&stream, "left out: 1 x TCP of port 22"), "{:?}", stream.notes);
}

#[test]
fn times_that_run_backwards_are_held_and_noted() {
    let packets = vec![
        (10, udp(PORT, &deletes(1, 1))),
        (30, udp(PORT, &deletes(2, 1))),
        (20, udp(PORT, &deletes(3, 1))),
        (40, udp(PORT, &deletes(4, 1))),
    ];
    let stream = read(&pcap(ETHERNET, &frames(packets))).unwrap();
    let times: Vec<_> = stream.packets.iter().map(|packet| packet.at.get()).collect();
    assert_eq!(times, [0, 20, 20, 30]);
    assert!(noted(&stream, "1 capture times run backwards"), "{:?}", stream.notes);
}

#[test]
fn a_jumbo_packet_is_split_into_packets_that_fit() {
    let stream = read(&pcap(ETHERNET, &frames(vec![(0, udp(PORT, &deletes(1, 100)))]))).unwrap();
    assert_eq!(references(&stream), (1..=100).collect::<Vec<_>>());
    assert!(stream.packets.len() == 2 && stream.packets.iter().all(|p| p.len as usize <= MAX_BLOCK_BYTES));
    assert!(noted(&stream, "1 packets of more than"), "{:?}", stream.notes);
}

#[test]
fn empty_blocks_are_legal_and_left_out() {
    let packet = mold(SESSION, 1, &[delete(1), Vec::new(), delete(3)]);
    let stream = read(&pcap(ETHERNET, &frames(vec![(0, udp(PORT, &packet))]))).unwrap();
    assert_eq!(references(&stream), [1, 3]);
    assert!(noted(&stream, "1 empty messages left out"), "{:?}", stream.notes);
}

#[test]
fn a_packet_that_the_capture_cut_is_an_error_that_says_how_to_capture() {
    let mut packets = frames(vec![(0, udp(PORT, &deletes(1, 1))), (1, udp(PORT, &deletes(2, 1)))]);
    packets[1].bytes.truncate(60);
    let error = read(&pcap(ETHERNET, &packets)).unwrap_err();
    assert_eq!(error.place, Place::Packet(2));
    assert!(matches!(error.problem, Problem::CutPacket { captured: 60, original: 83 }), "{error}");
    assert!(error.to_string().contains("tcpdump -s 0"), "{error}");
    let only_cut = [Frame { at: 0, bytes: packets[1].bytes.clone(), original_len: 83 }];
    let error = read(&pcap(ETHERNET, &only_cut)).unwrap_err();
    assert!(matches!(error.problem, Problem::CutPacket { .. }), "{error}");
}

#[test]
fn a_packet_of_the_feed_that_does_not_parse_is_an_error_that_names_it() {
    let mut broken = deletes(2, 1);
    broken.pop();
    let packets = vec![(0, udp(PORT, &deletes(1, 1))), (1, udp(PORT, &broken))];
    let error = read(&pcap(ETHERNET, &frames(packets))).unwrap_err();
    assert_eq!(error.place, Place::Packet(2));
    assert!(error.to_string().contains("message 0 (of 1) is cut off: at byte 20"), "{error}");
}

#[test]
fn moldudp64_of_another_feed_is_refused_by_its_first_message() {
    let packet = mold(SESSION, 1, &[b"T\0\0\0\x01".to_vec()]);
    let error = read(&pcap(ETHERNET, &frames(vec![(0, udp(PORT, &packet))]))).unwrap_err();
    assert!(error.to_string().contains("`T` (0x54) is no ITCH 5.0 message type"), "{error}");
}

#[test]
fn a_capture_of_an_order_session_says_what_it_holds() {
    let packets = vec![(0, tcp(8_001, b"\0\x01H")), (1, tcp(8_001, b"\0\x01R"))];
    let error = read(&pcap(ETHERNET, &frames(packets))).unwrap_err();
    assert!(matches!(error.problem, Problem::NoTicks { .. }), "{error}");
    assert!(error.to_string().contains("2 x TCP of port 8001 that looks like SoupBinTCP"), "{error}");
}

#[test]
fn a_capture_without_packets_says_so() {
    let error = read(&pcap(ETHERNET, &[])).unwrap_err();
    assert!(error.to_string().contains("no packet at all"), "{error}");
}

#[test]
fn a_capture_that_ends_inside_a_packet_names_where_the_packet_begins() {
    let packets = frames(vec![(0, udp(PORT, &deletes(1, 1))), (1, udp(PORT, &deletes(2, 1)))]);
    let file = pcap(ETHERNET, &packets);
    let second = 24 + 16 + packets[0].bytes.len() as u64;
    let error = read(&file[..file.len() - 3]).unwrap_err();
    assert_eq!(error.place, Place::Byte(second));
    assert!(matches!(error.problem, Problem::CutCapture), "{error}");
    let file = pcapng(ETHERNET, 9, &packets);
    let error = read(&file[..file.len() - 3]).unwrap_err();
    let packet = 32 + packets[1].bytes.len().next_multiple_of(4) as u64;
    assert_eq!(error.place, Place::Byte(file.len() as u64 - packet));
}

#[test]
fn more_messages_than_the_limit_are_refused() {
    let file = pcap(ETHERNET, &frames(vec![(0, udp(PORT, &deletes(1, 2)))]));
    let limits = ReadLimits { memory: 41, ..ReadLimits::default() };
    let error = read_ticks_from(&file[..], Path::new("big.pcap"), limits).unwrap_err();
    assert!(matches!(error.problem, Problem::TooLarge { limit: 41, .. }), "{error}");
}

#[test]
fn an_excerpt_of_a_capture_goes_by_the_messages_own_times_and_counts_no_gap_before_it() {
    let packets = frames(vec![
        (1_000, udp(PORT, &deletes(1, 1))),
        (2_000, udp(PORT, &deletes(5, 2))),
        (3_000, udp(PORT, &deletes(7, 1))),
        (3_500, udp(PORT, &deletes(9, 1))),
    ]);
    let file = pcap(ETHERNET, &packets);
    let part = |from, until| {
        let [from, until] = [from, until].map(|at| Some(TimeOfDay(Nanos(at))));
        let limits = ReadLimits { excerpt: Excerpt::new(from, until).unwrap(), ..ReadLimits::default() };
        read_ticks_from(&file[..], Path::new("test.pcap"), limits)
    };
    let stream = part(4, 9).unwrap();
    assert_eq!(references(&stream), [5, 6, 7]);
    assert_eq!(stream.packets.iter().map(|p| p.at).collect::<Vec<_>>(), [Nanos::ZERO, Nanos(1_000)]);
    assert!(!noted(&stream, "gaps") && noted(&stream, "1 messages before"), "{:?}", stream.notes);
    assert!(stream.source.ends_with(", from 00:00:00.000000004 until 00:00:00.000000009"), "{}", stream.source);
    let error = part(20, 30).unwrap_err();
    assert!(error.to_string().contains("from 00:00:00.000000001 to 00:00:00.000000009"), "{error}");
}
