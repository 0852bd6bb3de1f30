//! Which tapes are the same: those with the same ticks, settings and orders, and no others.

use std::{fs, io::Write, path::Path};

use super::{Strategy, TraderConfig, every_move, tape, ticks, write};
use crate::{
    feed::{Excerpt, TickStream, itch::Price4, read_ticks},
    tape::TapeError,
    trader::SymbolChoice,
};

fn digest(ticks: &TickStream, trader: TraderConfig) -> String {
    tape(ticks, trader).1.sha256().to_owned()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn the_same_seed_gives_the_same_digest_and_another_seed_another() {
    assert_eq!(digest(&ticks(7), every_move()), digest(&ticks(7), every_move()));
    assert_ne!(digest(&ticks(7), every_move()), digest(&ticks(8), every_move()));
}

#[test]
fn the_same_ticks_are_one_tape_under_any_name_and_packing_and_one_byte_makes_another() {
    let folder = tempfile::tempdir().unwrap();
    // Blocks, back to back, are a BinaryFILE.
    let plain = ticks(7).blocks;
    let mut changed = plain.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    let files = [
        ("day.itch", plain.clone()),
        ("renamed copy", plain.clone()),
        ("day.itch.gz", gzipped(&plain)),
        ("day.itch.zst", zstd::stream::encode_all(&plain[..], 1).unwrap()),
        ("changed.itch", changed),
    ];
    let [day, copy, gz, zst, changed] = files.map(|(name, bytes)| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let tape =
            write(&folder.path().join("tape"), &read_ticks(&path, Excerpt::default()).unwrap(), every_move()).unwrap();
        assert!(tape.header().source.contains(name), "the words still name the file");
        tape.sha256().to_owned()
    });
    assert_eq!([&copy, &gz, &zst], [&day; 3]);
    assert_ne!(changed, day);
}

#[test]
fn notes_make_no_other_tape() {
    let mut noted = ticks(7);
    noted.notes.push("the clock of the capture went back once".to_owned());
    assert_eq!(digest(&noted, every_move()), digest(&ticks(7), every_move()));
}

#[test]
fn another_setting_of_strategy_or_risk_or_another_time_makes_another_tape() {
    let ticks = ticks(7);
    let usual = digest(&ticks, every_move());
    let of =
        |threshold, quantity| TraderConfig::new(Strategy::Threshold { symbol: SymbolChoice::All, threshold, quantity });
    assert_eq!(digest(&ticks, of(Price4(1), 100)), usual);
    assert_ne!(digest(&ticks, of(Price4(200), 100)), usual);
    assert_ne!(digest(&ticks, of(Price4(1), 200)), usual);
    let mut risk = every_move();
    risk.risk.max_quantity += 1;
    assert_ne!(digest(&ticks, risk), usual, "although no order differs");
    let mut later = ticks;
    let last = later.packets.last_mut().unwrap();
    last.at = last.at + tickcert_results::time::Nanos(1);
    assert_ne!(digest(&later, every_move()), usual);
}

#[test]
fn ticks_that_cause_no_order_make_no_tape_and_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tape");
    let error = write(&path, &ticks(7), TraderConfig::new(Strategy::threshold("NONE", Price4(1), 100))).err().unwrap();
    assert!(matches!(error, TapeError::NoOrders { .. }), "{error}");
    assert!(!path.exists());
    let nowhere = write(Path::new("/proc/tape"), &ticks(7), every_move()).err().unwrap();
    assert!(matches!(nowhere, TapeError::Unwritable { .. }), "{nowhere}");
}
