//! Real captures and files, where TICKCERT_SAMPLE_DATA names a folder of them.
#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

use tickcert_results::time::Nanos;
use tickcert_scenarios::feed::itch::Message;
use tickcert_scenarios::feed::{Excerpt, Problem, read_ticks};

fn samples() -> Option<PathBuf> {
    let folder = std::env::var_os("TICKCERT_SAMPLE_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("SKIPPED: TICKCERT_SAMPLE_DATA names no folder of sample captures");
    }
    folder
}

fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "pcap"));
    assert!(!files.is_empty(), "no captures in {}", folder.display());
    files
}

#[test]
fn every_totalview_capture_is_read_with_its_vlan_tags() {
    let Some(samples) = samples() else { return };
    for file in captures(&samples.join("wire/nasdaq-totalview")) {
        let stream = read_ticks(&file, Excerpt::default()).unwrap();
        assert!(stream.message_count() >= 1, "{}", file.display());
        for message in stream.packets.iter().flat_map(|packet| stream.messages(packet)) {
            Message::parse(message).unwrap();
        }
        assert!(stream.notes.iter().any(|note| note.contains("session 000010059B")), "{:?}", stream.notes);
    }
}

#[test]
fn the_full_packet_has_38_messages_in_1452_bytes() {
    let Some(samples) = samples() else { return };
    let stream = read_ticks(&samples.join("wire/nasdaq-totalview/Multiple.Packets.pcap"), Excerpt::default()).unwrap();
    let full = stream.packets.iter().max_by_key(|packet| packet.messages).unwrap();
    assert_eq!((full.messages, full.len), (38, 1_452));
    assert_eq!(stream.messages(full).count(), 38);
}

#[test]
fn every_order_session_capture_is_refused_with_what_it_holds() {
    let Some(samples) = samples() else { return };
    for folder in ["wire/jnx-ouch", "wire/ouch50"] {
        for file in captures(&samples.join(folder)) {
            let error = read_ticks(&file, Excerpt::default()).unwrap_err();
            assert!(matches!(error.problem, Problem::NoTicks { .. }), "{error}");
            let text = error.to_string();
            assert!(text.contains("TCP of port") && text.contains("looks like SoupBinTCP"), "{text}");
            assert!(text.starts_with(&*file.to_string_lossy()), "{text}");
        }
    }
}

#[test]
fn the_opening_seconds_of_a_symbol_are_read_whole() {
    let Some(samples) = samples() else { return };
    let stream = read_ticks(&samples.join("itch50/20190130_AAPL_open28s_REENCODED.itch"), Excerpt::default()).unwrap();
    assert_eq!((stream.packets.len(), stream.notes.len()), (10_000, 0));
    assert_eq!(stream.duration(), Nanos(34_227_932_186_292 - 34_200_000_245_396));
    assert!(stream.source.contains("560c8df7acd14208359a4fd5e8ee288c809c56bcf131e65e7b2ff96d19fd89d8"));
}

#[test]
fn a_stock_directory_is_read_with_its_symbols() {
    let Some(samples) = samples() else { return };
    let stream =
        read_ticks(&samples.join("itch50/20191230_first1000_stock_directory.itch"), Excerpt::default()).unwrap();
    let symbols = stream
        .packets
        .iter()
        .flat_map(|packet| stream.messages(packet))
        .filter(|message| matches!(Message::parse(message), Ok(Message::StockDirectory(_))))
        .count();
    assert_eq!((stream.packets.len(), symbols), (1_000, 993));
}

#[test]
fn compressed_copies_give_the_same_ticks_and_damaged_ones_errors() {
    let Some(samples) = samples() else { return };
    let folder = tempfile::tempdir().unwrap();
    for name in ["itch50/20190130_AAPL_open28s_REENCODED.itch", "wire/nasdaq-totalview/Multiple.Packets.pcap"] {
        let (plain, bytes) =
            (read_ticks(&samples.join(name), Excerpt::default()).unwrap(), fs::read(samples.join(name)).unwrap());
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, &bytes).unwrap();
        let packed = [gzip.finish().unwrap(), zstd::stream::encode_all(&bytes[..], 3).unwrap()];
        for packed in packed {
            let path = folder.path().join("copy");
            fs::write(&path, &packed).unwrap();
            let stream = read_ticks(&path, Excerpt::default()).unwrap();
            assert_eq!((&stream.packets, &stream.blocks), (&plain.packets, &plain.blocks));
            fs::write(&path, &packed[..packed.len() * 2 / 3]).unwrap();
            let error = read_ticks(&path, Excerpt::default()).unwrap_err();
            assert!(matches!(error.problem, Problem::Corrupt { .. }), "{error}");
        }
        let path = folder.path().join("cut");
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let error = read_ticks(&path, Excerpt::default()).unwrap_err();
        assert!(matches!(error.problem, Problem::CutOff { .. } | Problem::CutCapture), "{error}");
    }
}
