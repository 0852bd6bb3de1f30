//! Records as the BPF programs write them: `struct event` and `struct named` of tail.bpf.c.

use tickcert_results::{certificate::Side, time::Nanos};

use super::event::{Comm, Vector};

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) side: Side,
    pub(super) begin: Nanos,
    pub(super) end: Nanos,
    pub(super) said: Said,
}

/// What it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Interrupt(u32, Comm),
    Softirq(u32),
    Vector(Vector),
    /// A fault has begun.
    Fault,
    /// One has ended.
    FaultDone {
        major: bool,
    },
    /// This thread has the core now.
    Switch {
        to: u32,
        name: Comm,
        /// The timed one let go of the core by itself.
        waited: bool,
    },
    Migration(u32),
    Frequency(u32),
    Call(u32),
}

/// Bytes of `struct event`, which each record begins with.
const PLAIN: usize = 24;
/// Where `struct named` has its name.
const NAME: usize = PLAIN;

impl Record {
    /// `None` for bytes that no program of this build wrote.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| bytes.get(at..)?.first_chunk().map(|b| u64::from_ne_bytes(*b));
        let number = bytes.get(16..)?.first_chunk().map(|b| u32::from_ne_bytes(*b))?;
        let name = || bytes.get(NAME..)?.first_chunk().copied().map(Comm);
        // In the order of `enum kind`.
        let said = match bytes.get(20)? {
            1 => Said::Interrupt(number, name()?),
            2 => Said::Softirq(number),
            3 => Said::Vector(*Vector::ALL.get(usize::try_from(number).ok()?)?),
            4 => Said::Fault,
            5 => Said::FaultDone { major: number != 0 },
            6 => Said::Switch { to: number, name: name()?, waited: *bytes.get(22)? != 0 },
            7 => Said::Migration(number),
            8 => Said::Frequency(number),
            9 => Said::Call(number),
            _ => return None,
        };
        let side = *Side::BOTH.get(usize::from(*bytes.get(21)?))?;
        (bytes.len() >= PLAIN).then_some(Self { side, begin: Nanos(word(0)?), end: Nanos(word(8)?), said })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(kind: u8, number: u32) -> Vec<u8> {
        let mut bytes = [7_u64.to_ne_bytes(), 9_u64.to_ne_bytes()].concat();
        bytes.extend(number.to_ne_bytes());
        bytes.extend([kind, 1, 0, 0]);
        bytes
    }

    #[test]
    fn what_the_programs_write_is_read() {
        let record = Record::read(&bytes(2, 3)).unwrap();
        let wanted = Record { side: Side::Trader, begin: Nanos(7), end: Nanos(9), said: Said::Softirq(3) };
        assert_eq!(record, wanted);
        let mut named = bytes(6, 42);
        named[22] = 1;
        named.extend(*b"stress\0\0\0\0\0\0\0\0\0\0");
        let to = Said::Switch { to: 42, name: Comm::from("stress"), waited: true };
        assert_eq!(Record::read(&named).unwrap().said, to);
    }

    #[test]
    fn each_kind_is_what_the_programs_number_it_as() {
        let number = 5;
        let said =
            |kind| Record::read(&[bytes(kind, number), b"eth2-rx-0\0\0\0\0\0\0\0".to_vec()].concat()).map(|r| r.said);
        let wanted = [
            (1, Said::Interrupt(number, Comm::from("eth2-rx-0"))),
            (2, Said::Softirq(number)),
            (3, Said::Vector(Vector::Spurious)),
            (4, Said::Fault),
            (5, Said::FaultDone { major: true }),
            (6, Said::Switch { to: number, name: Comm::from("eth2-rx-0"), waited: false }),
            (7, Said::Migration(number)),
            (8, Said::Frequency(number)),
            (9, Said::Call(number)),
        ];
        for (kind, wanted) in wanted {
            assert_eq!(said(kind), Some(wanted));
        }
        assert_eq!((said(0), said(10)), (None, None));
        let beyond = u32::try_from(Vector::ALL.len()).unwrap();
        assert_eq!(Record::read(&bytes(3, beyond)), None, "a vector that has no name");
        assert_eq!(Record::read(&bytes(1, 0)), None, "a name that is not there");
    }

    proptest! {
        #[test]
        fn bytes_of_any_kind_cause_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Record::read(&bytes);
        }
    }
}
