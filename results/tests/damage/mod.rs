//! Input that somebody or something has spoilt, for the tests that throw it at decoders; other crates' tests take this
//! file as theirs.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test program uses its part, and helpers of tests fail like tests"
)]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{FileFailurePersistence, TestRunner};

/// As many cases as TICKCERT_FUZZ_CASES says, 2,000 where it says nothing.
pub(crate) fn check<S: Strategy>(strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    check_one_of(1, strategy, test);
}

/// One of so many of them, but not fewer than 20: for what takes milliseconds each.
pub(crate) fn check_one_of<S: Strategy>(each: u32, strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let cases = std::env::var("TICKCERT_FUZZ_CASES").map_or(2_000, |cases| cases.parse().unwrap());
    let config = ProptestConfig {
        cases: (cases / each).max(20),
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    };
    TestRunner::new(config).run(strategy, test).unwrap();
}

/// A change to bytes: a byte overwritten, a stretch removed, or some put in.
#[derive(Clone, Debug)]
pub(crate) enum Damage {
    Overwrite(Index, u8),
    Cut(Index, usize),
    Insert(Index, Vec<u8>),
    End(Index),
}

pub(crate) fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let one = prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Overwrite(at, byte)),
        1 => (any::<Index>(), 1_usize..8).prop_map(|(at, len)| Damage::Cut(at, len)),
        1 => (any::<Index>(), vec(any::<u8>(), 1..8)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        1 => any::<Index>().prop_map(Damage::End),
    ];
    vec(one, 0..4)
}

pub(crate) fn damaged(mut bytes: Vec<u8>, damage: Vec<Damage>) -> Vec<u8> {
    for damage in damage {
        if bytes.is_empty() {
            break;
        }
        match damage {
            Damage::Overwrite(at, byte) => *at.get_mut(&mut bytes) = byte,
            Damage::Cut(at, len) => {
                let at = at.index(bytes.len());
                bytes.drain(at..(at + len).min(bytes.len()));
            }
            Damage::Insert(at, more) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, more);
            }
            Damage::End(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
    bytes
}
