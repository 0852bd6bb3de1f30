//! Files of ticks that are none.

use std::io::Write;

use crate::support::{Ended, Home, can_measure, profiles};

/// A system event of ITCH 5.0 with its length before it: 14 bytes.
fn record(kind: u8) -> Vec<u8> {
    [&[0, 12, kind][..], &[0; 10], b"O"].concat()
}

fn events(n: usize) -> Vec<u8> {
    record(b'S').repeat(n)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A capture of one ARP request on Ethernet.
fn capture_of_arp() -> Vec<u8> {
    let arp = [&[0xff; 6][..], &[2; 6], &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1], &[0; 36]].concat();
    let length = u32::try_from(arp.len()).unwrap().to_le_bytes();
    let header = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1].map(u32::to_le_bytes).concat();
    [header, [[0; 4], [0; 4], length, length].concat(), arp].concat()
}

/// Certifies with such a file: it must be refused as wrong use, and nothing may be left of the attempt.
#[track_caller]
fn refused(name: &str, contents: impl AsRef<[u8]>, parts: &[&str]) -> Option<Ended> {
    if !can_measure() {
        return None;
    }
    let home = Home::new();
    home.write("once.toml", profiles::once());
    home.write(name, contents);
    let ended = home.run(&["certify", "--profile", "./once.toml", "--out", "out", "--ticks", name]);
    let ended = ended.refused(2, &[&[name][..], parts].concat());
    assert!(!home.path("out").exists(), "a folder is left");
    assert_eq!(home.temporary_files(), Vec::<String>::new());
    assert!(!home.data().join("results.sqlite").exists(), "the store holds a run that was none");
    Some(ended)
}

#[test]
fn a_file_that_ends_inside_a_message_is_refused_with_the_offset_of_that_message() {
    let mut file = events(3);
    file.extend(&record(b'S')[..5]);
    refused("cut.itch", file, &["byte 42", "14 bytes are needed, 5 are left", "head -c"]);
}

#[test]
fn lengths_of_zero_before_the_messages_are_refused_with_what_to_write_there() {
    let file = [&[0, 0][..], &record(b'S')[2..]].concat();
    refused("zero.itch", file, &["byte 0", "length is 0", "big-endian"]);
}

#[test]
fn an_unknown_message_type_is_refused_with_its_offset() {
    let file = [events(2), record(b'z')].concat();
    refused("unknown.itch", file, &["byte 28", "`z`", "give an ITCH 5.0 file"]);
}

#[test]
fn an_empty_file_is_refused_as_empty() {
    refused("empty.itch", [], &["is empty", "none to use the generator"]);
}

#[test]
fn a_corrupt_gz_is_refused_with_the_way_to_test_it() {
    let mut file = gzip(&events(1000));
    let middle = file.len() / 2;
    file[middle] ^= 0xff;
    refused("corrupt.gz", file, &["corrupt", "gzip -t"]);
}

#[test]
fn a_gz_that_was_cut_off_is_refused() {
    let file = gzip(&events(1000));
    refused("cut.gz", &file[..file.len() - 9], &["cut off", "gzip -t"]);
}

#[test]
fn inside_a_gz_the_offset_is_that_of_the_unpacked_data() {
    let file = gzip(&[events(2), record(b'z')].concat());
    refused("unknown.gz", file, &["byte 28 of the unpacked data"]);
}

#[test]
fn a_capture_of_another_protocol_is_refused_with_what_it_holds_instead() {
    refused("arp.pcap", capture_of_arp(), &["no MoldUDP64 packet", "but ", "capture the UDP feed"]);
}

#[test]
fn captures_of_order_entry_are_no_ticks() {
    let Some(samples) = std::env::var_os("TICKCERT_SAMPLE_DATA") else {
        println!("SKIPPED: needs TICKCERT_SAMPLE_DATA");
        return;
    };
    for name in ["ouch50/EnterOrderMessage.pcap", "jnx-ouch/LoginRequestPacket.pcap"] {
        let file = std::path::Path::new(&samples).join("wire").join(name);
        refused("orders.pcap", std::fs::read(file).unwrap(), &["To mend it:"]);
    }
}

#[test]
fn ticks_on_which_the_strategy_has_nothing_to_do_are_refused_with_the_reason() {
    if !can_measure() {
        return;
    }
    let home = Home::new();
    let threshold = "kind = \"threshold\"\nsymbol = \"most-active\"\nthreshold = \"0.01\"\n";
    home.write("p.toml", profiles::once().replace("kind = \"first-byte\"\n", threshold));
    home.write("quiet.itch", events(10));
    let ended = home.run(&["certify", "--profile", "./p.toml", "--out", "out", "--ticks", "quiet.itch"]);
    ended.refused(2, &["quiet.itch", "no order"]);
    assert!(!home.path("out").exists());
}
