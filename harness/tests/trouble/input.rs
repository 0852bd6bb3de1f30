//! Files of ticks that are none.

use std::io::Write;

use tickcert_scenarios::generator::{self, GeneratorConfig};

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

/// Messages from midnight on that cause no order for longer than the load lasts, then some seconds that do.
fn a_day() -> Vec<u8> {
    let config = GeneratorConfig { symbols: 2, messages: 20_000, ..GeneratorConfig::default() };
    [events(10_000), generator::generate(&config).unwrap().blocks].concat()
}

/// A second of such a day at most.
fn day_profile() -> String {
    let threshold = "kind = \"threshold\"\nsymbol = \"all\"\nthreshold = \"0.01\"\n";
    profiles::once().replace("kind = \"first-byte\"\n", threshold).replace("\"60 s\"", "\"1 s\"")
}

#[test]
fn a_day_that_begins_without_an_order_is_refused_before_any_trial_and_measured_from_where_it_says() {
    if !can_measure() {
        return;
    }
    let home = Home::new();
    home.write("p.toml", day_profile());
    home.write("day.gz", gzip(&a_day()));
    let certify = ["certify", "--profile", "./p.toml", "--ticks", "day.gz", "--out"];
    let ended = home.run(&[&certify[..], &["refused"]].concat());
    let ended =
        ended.refused(2, &["no order is due in the load `constant 5000 packets/s`", "under [tape]", "--from 0"]);
    assert!(!ended.err.contains("for noise") && !home.path("refused").exists(), "{}", ended.err);
    let from = ended.err.split_once("--from ").unwrap().1.split(',').next().unwrap();
    let ended = home.run(&[&certify[..], &["out", "--from", from, "--json"]].concat()).expect(0).json();
    let source = ended["tape"]["source"].as_str().unwrap();
    assert!(source.starts_with("ITCH 5.0 BinaryFILE, gzip: day.gz, sha256 "), "{source}");
    assert!(source.ends_with(&format!(", from {from}")), "{source}");
    assert!(ended["tape"]["notes"].to_string().contains("messages before"), "{}", ended["tape"]["notes"]);
    assert!(
        ended["profile"]["description"].to_string().contains(&format!("ticks from {from}")),
        "{}",
        ended["profile"]
    );
}

#[test]
fn an_excerpt_that_is_none_is_wrong_use_with_how_to_write_one() {
    let home = Home::new();
    home.write("day.itch", events(3));
    home.run(&["certify", "--ticks", "day.itch", "--from", "930"]).refused(2, &["`930` is no time of day", "09:30:00"]);
    let turned = ["certify", "--ticks", "day.itch", "--from", "10:00", "--until", "09:00"];
    home.run(&turned).refused(2, &["nothing is from 10:00:00 until 09:00:00"]);
    home.run(&["certify", "--from", "09:30:00"]).refused(2, &["are generated", "add --ticks"]);
    home.run(&["run", "rate", "--until", "09:30:00"]).refused(2, &["are generated", "add --ticks"]);
}
