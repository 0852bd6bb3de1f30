//! Management messages of PTP as ptp4l takes and gives them: IEEE 1588-2019, 13.3 (header), 15.4 (management message) and
//! 15.5 (its TLV), by linuxptp's `msg.h` and `tlv.h`. All numbers are in network order.

/// The common header, and with the fields of a management message.
const HEADER: usize = 34;
const MANAGEMENT: usize = 48;
/// Type, length and number of what is asked for.
const TLV: usize = 6;

/// Of the header: the message's type, with the profile's `transportSpecific` above it, and the version.
const TYPE_MANAGEMENT: u8 = 0x0d;
const VERSION: u8 = 2;
/// Of the management message: what is to be done, and what was.
const GET: u8 = 0;
const RESPONSE: u8 = 2;
const TLV_MANAGEMENT: u16 = 1;

/// Places in the message.
const LENGTH_AT: usize = 2;
const DOMAIN_AT: usize = 4;
const SOURCE_AT: usize = 20;
const SEQUENCE_AT: usize = 30;
const CONTROL_AT: usize = 32;
const INTERVAL_AT: usize = 33;
const TARGET_AT: usize = 34;
const ACTION_AT: usize = 46;

/// How a profile's messages are told apart, and those of one network from another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Domain {
    pub(super) number: u8,
    /// `transportSpecific`: 0, and 1 for 802.1AS.
    pub(super) profile: u8,
}

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) domain: Domain,
    pub(super) sequence: u16,
    /// What is asked for: `MID_*` of `tlv.h`.
    pub(super) about: u16,
}

impl Question {
    /// To all clocks and all ports, from `asker`.
    pub(super) fn bytes(self, asker: u32) -> [u8; MANAGEMENT + TLV] {
        let mut bytes = [0; MANAGEMENT + TLV];
        bytes[0] = self.domain.profile << 4 | TYPE_MANAGEMENT;
        bytes[1] = VERSION;
        put(&mut bytes, LENGTH_AT, &u16::try_from(MANAGEMENT + TLV).unwrap_or_default().to_be_bytes());
        bytes[DOMAIN_AT] = self.domain.number;
        // A clock's identity of 8 bytes, and a port's of 2.
        put(&mut bytes, SOURCE_AT + 4, &asker.to_be_bytes());
        put(&mut bytes, SOURCE_AT + 8, &[0, 1]);
        put(&mut bytes, SEQUENCE_AT, &self.sequence.to_be_bytes());
        bytes[CONTROL_AT] = 4;
        bytes[INTERVAL_AT] = 0x7f;
        put(&mut bytes, TARGET_AT, &[0xff; 10]);
        bytes[ACTION_AT] = GET;
        put(&mut bytes, MANAGEMENT, &TLV_MANAGEMENT.to_be_bytes());
        put(&mut bytes, MANAGEMENT + 2, &2_u16.to_be_bytes());
        put(&mut bytes, MANAGEMENT + 4, &self.about.to_be_bytes());
        bytes
    }

    /// The data of an answer to it; `None` for everything else.
    pub(super) fn answer(self, message: &[u8]) -> Option<&[u8]> {
        let length = usize::from(u16::from_be_bytes(take(message, LENGTH_AT)?));
        let message = message.get(..length)?;
        let [kind, version] = take(message, 0)?;
        let is_ours = kind & 0x0f == TYPE_MANAGEMENT
            && version & 0x0f == VERSION
            && message.get(ACTION_AT)? & 0x0f == RESPONSE
            && u16::from_be_bytes(take(message, SEQUENCE_AT)?) == self.sequence
            && u16::from_be_bytes(take(message, MANAGEMENT)?) == TLV_MANAGEMENT
            && u16::from_be_bytes(take(message, MANAGEMENT + 4)?) == self.about;
        // The length counts the number and the data.
        let data = usize::from(u16::from_be_bytes(take(message, MANAGEMENT + 2)?)).checked_sub(2)?;
        if is_ours { message.get(MANAGEMENT + TLV..)?.get(..data) } else { None }
    }
}

fn put(bytes: &mut [u8], at: usize, what: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + what.len()) {
        place.copy_from_slice(what);
    }
}

/// So many bytes from there, if there are.
pub(super) fn take<const BYTES: usize>(bytes: &[u8], at: usize) -> Option<[u8; BYTES]> {
    bytes.get(at..)?.first_chunk().copied()
}

const _: () = assert!(HEADER == TARGET_AT);

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUESTION: Question = Question { domain: Domain { number: 24, profile: 1 }, sequence: 7, about: 0x2001 };

    /// As a clock would answer.
    pub(in super::super) fn answer_to(question: &[u8], data: &[u8]) -> Vec<u8> {
        let mut answer = question.to_vec();
        answer.extend(data);
        answer[ACTION_AT] = RESPONSE;
        let length = u16::try_from(answer.len()).unwrap();
        answer[LENGTH_AT..LENGTH_AT + 2].copy_from_slice(&length.to_be_bytes());
        answer[MANAGEMENT + 2..MANAGEMENT + 4].copy_from_slice(&u16::try_from(data.len() + 2).unwrap().to_be_bytes());
        answer
    }

    #[test]
    fn a_question_is_laid_out_as_pmc_sends_it() {
        let bytes = QUESTION.bytes(0x0102_0304);
        assert_eq!((bytes[0], bytes[1], bytes[4]), (0x1d, 2, 24));
        assert_eq!(bytes[2..4], [0, 54]);
        assert_eq!(bytes[20..30], [0, 0, 0, 0, 1, 2, 3, 4, 0, 1]);
        assert_eq!(bytes[48..], [0, 1, 0, 2, 0x20, 1]);
    }

    #[test]
    fn only_an_answer_to_the_question_is_one() {
        let asked = QUESTION.bytes(1);
        let answer = answer_to(&asked, &[5; 18]);
        assert_eq!(QUESTION.answer(&answer), Some(&[5_u8; 18][..]));
        assert_eq!(QUESTION.answer(&asked), None);
        assert_eq!(Question { sequence: 8, ..QUESTION }.answer(&answer), None);
        assert_eq!(Question { about: 0x2002, ..QUESTION }.answer(&answer), None);
        assert_eq!(QUESTION.answer(&answer[..60]), None);
    }

    proptest! {
        #[test]
        fn arbitrary_messages_cause_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..100), at in 0_usize..80) {
            let _ = QUESTION.answer(&bytes);
            let mut damaged = answer_to(&QUESTION.bytes(1), &[5; 18]);
            let at = at % damaged.len();
            damaged[at] = damaged[at].wrapping_add(bytes.first().copied().unwrap_or(1));
            if let Some(data) = QUESTION.answer(&damaged) {
                prop_assert!(data.len() <= 18);
            }
        }
    }
}
