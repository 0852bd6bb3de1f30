//! What ptp4l's data sets hold: IEEE 1588-2019, 15.5.3, and those with `Np`, which are linuxptp's own, by its `ds.h` and
//! `tlv.h`.

use std::fmt;

use tickcert_results::stamp::ClockOffset;

use super::message::take;

/// Numbers of data sets (`tlv.h`).
pub(super) const DEFAULT: u16 = 0x2000;
pub(super) const CURRENT: u16 = 0x2001;
pub(super) const PARENT: u16 = 0x2002;
pub(super) const TIME_PROPERTIES: u16 = 0x2003;
pub(super) const PORT: u16 = 0x2004;
pub(super) const TIME_STATUS_NP: u16 = 0xc000;
pub(super) const PORT_PROPERTIES_NP: u16 = 0xc004;

/// A clock's identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClockIdentity(pub [u8; 8]);

/// As linuxptp writes it: `525400.fffe.1ab001`.
impl fmt::Display for ClockIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g, h, i] = self.0;
        write!(f, "{a:02x}{b:02x}{c:02x}.{d:02x}{e:02x}.{g:02x}{h:02x}{i:02x}")
    }
}

/// Of the clock itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) ports: u16,
    pub(super) identity: ClockIdentity,
    pub(super) domain: u8,
}

impl Clock {
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        let ports = u16::from_be_bytes(take(data, 2)?);
        Some(Self { ports, identity: ClockIdentity(take(data, 10)?), domain: *data.get(18)? })
    }
}

/// Of its place below the grandmaster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Current {
    pub(super) steps: u16,
    /// Both in nanoseconds; on the wire they have 16 bits more.
    pub(super) offset: i64,
    pub(super) path_delay: i64,
}

impl Current {
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        Some(Self {
            steps: u16::from_be_bytes(take(data, 0)?),
            offset: i64::from_be_bytes(take(data, 2)?) >> 16,
            path_delay: i64::from_be_bytes(take(data, 10)?) >> 16,
        })
    }
}

/// The grandmaster's identity.
pub(super) fn grandmaster(data: &[u8]) -> Option<ClockIdentity> {
    take(data, 24).map(ClockIdentity)
}

/// Of the time that is handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeProperties {
    /// TAI less UTC in seconds.
    pub utc_offset: i16,
    /// Whether that is known to be right.
    pub utc_offset_valid: bool,
    /// Whether it is TAI that is handed out (the timescale PTP), and not a time of the grandmaster's own.
    pub is_tai: bool,
    /// Whether it can be traced to a primary reference.
    pub traceable: bool,
}

impl TimeProperties {
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        let flags = *data.get(2)?;
        Some(Self {
            utc_offset: i16::from_be_bytes(take(data, 0)?),
            utc_offset_valid: flags & 1 << 2 != 0,
            is_tai: flags & 1 << 3 != 0,
            traceable: flags & 1 << 4 != 0,
        })
    }
}

/// What a port is doing (IEEE 1588-2019, table 20; the last is linuxptp's own).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortState {
    /// Beginning.
    Initializing,
    /// Something is wrong with it.
    Faulty,
    /// Switched off.
    Disabled,
    /// Hears no one.
    Listening,
    /// About to serve.
    PreMaster,
    /// Serves the time.
    Master,
    /// Neither serves nor follows.
    Passive,
    /// Follows, and hasn't settled yet.
    Uncalibrated,
    /// Follows.
    Slave,
    /// Another, by its number.
    Other(u8),
}

impl From<u8> for PortState {
    fn from(number: u8) -> Self {
        match number {
            1 => Self::Initializing,
            2 => Self::Faulty,
            3 => Self::Disabled,
            4 => Self::Listening,
            5 => Self::PreMaster,
            6 | 10 => Self::Master,
            7 => Self::Passive,
            8 => Self::Uncalibrated,
            9 => Self::Slave,
            other => Self::Other(other),
        }
    }
}

/// `slave`, as in linuxptp's log.
impl fmt::Display for PortState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Initializing => "initializing",
            Self::Faulty => "faulty",
            Self::Disabled => "disabled",
            Self::Listening => "listening",
            Self::PreMaster => "pre-master",
            Self::Master => "master",
            Self::Passive => "passive",
            Self::Uncalibrated => "uncalibrated",
            Self::Slave => "slave",
            Self::Other(number) => return write!(f, "state {number}"),
        })
    }
}

/// A port's number and state.
pub(super) fn port(data: &[u8]) -> Option<(u16, PortState)> {
    Some((u16::from_be_bytes(take(data, 8)?), PortState::from(*data.get(10)?)))
}

/// A port's number and interface.
pub(super) fn port_interface(data: &[u8]) -> Option<(u16, String)> {
    let length = usize::from(*data.get(12)?);
    let name = data.get(13..)?.get(..length)?;
    Some((u16::from_be_bytes(take(data, 8)?), String::from_utf8_lossy(name).into_owned()))
}

/// How the servo is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeStatus {
    pub(super) offset: ClockOffset,
    pub(super) has_grandmaster: bool,
}

impl TimeStatus {
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        Some(Self {
            offset: ClockOffset(i64::from_be_bytes(take(data, 0)?)),
            has_grandmaster: i32::from_be_bytes(take(data, 38)?) != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bytes at places among zeros.
    fn data(length: usize, parts: &[(usize, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0; length];
        for (at, part) in parts {
            bytes[*at..at + part.len()].copy_from_slice(part);
        }
        bytes
    }

    #[test]
    fn each_data_set_is_read_at_its_places() {
        let identity = [0x52, 0x54, 0, 0xff, 0xfe, 0x1a, 0xb0, 1];
        let default = data(20, &[(2, &[0, 2]), (10, &identity), (18, &[24])]);
        let read = Clock::parse(&default).unwrap();
        assert_eq!((read.ports, read.domain, read.identity.to_string().as_str()), (2, 24, "525400.fffe.1ab001"));
        let current =
            data(18, &[(0, &[0, 1]), (2, &(-40_i64 << 16).to_be_bytes()), (10, &(700_i64 << 16).to_be_bytes())]);
        assert_eq!(Current::parse(&current), Some(Current { steps: 1, offset: -40, path_delay: 700 }));
        assert_eq!(grandmaster(&data(32, &[(24, &identity)])), Some(ClockIdentity(identity)));
        let tai = TimeProperties { utc_offset: 37, utc_offset_valid: true, is_tai: true, traceable: false };
        assert_eq!(TimeProperties::parse(&[0, 37, 0b1100, 0xa0]), Some(tai));
        assert_eq!(port(&data(26, &[(8, &[0, 1]), (10, &[9])])), Some((1, PortState::Slave)));
        assert_eq!(port_interface(&data(17, &[(8, &[0, 2]), (12, b"\x04eth1")])), Some((2, "eth1".into())));
        let status = data(50, &[(0, &12_i64.to_be_bytes()), (38, &[0, 0, 0, 1])]);
        assert_eq!(TimeStatus::parse(&status), Some(TimeStatus { offset: ClockOffset(12), has_grandmaster: true }));
    }

    proptest! {
        #[test]
        fn arbitrary_data_causes_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = (Clock::parse(&bytes), Current::parse(&bytes), TimeProperties::parse(&bytes));
            let _ = (TimeStatus::parse(&bytes), grandmaster(&bytes), port(&bytes), port_interface(&bytes));
        }
    }
}
