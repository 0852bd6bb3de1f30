//! Spans between hardware stamps: between which points of the frames they run, and how one convention becomes another.
//!
//! A device stamps the start of a frame: the first bit of its destination address, after the start-of-frame delimiter
//! (IEEE 1588-2019, 7.3.4.1). When the end of a message inside, or of the frame, passes follows from the number of bytes
//! before it and the speed of the link: bits on the wire come at an even pace, and nothing is inserted within a frame.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Nanos;

/// Which point of the tick's frame a span begins at; it ends at the start of the order's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Convention {
    /// Start of frame to start of frame.
    SofSof,
    /// End of the triggering message to start of frame: from when the trader could act.
    EotSof,
    /// End of frame to start of frame; negative for a trader that answers before the frame's end.
    EofSof,
}

/// A span between hardware stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WireSpan {
    /// At the exchange: the tick leaves, the order arrives.
    T2t(Convention),
    /// At the trader: the tick arrives, the order leaves.
    Trader(Convention),
    /// The tick from the exchange to the trader, by two clocks or by one that both have.
    TickOneWay,
    /// The order from the trader to the exchange.
    OrderOneWay,
}

impl WireSpan {
    /// All.
    pub const ALL: [Self; 8] = [
        Self::T2t(Convention::SofSof),
        Self::T2t(Convention::EotSof),
        Self::T2t(Convention::EofSof),
        Self::Trader(Convention::SofSof),
        Self::Trader(Convention::EotSof),
        Self::Trader(Convention::EofSof),
        Self::TickOneWay,
        Self::OrderOneWay,
    ];

    /// The name used in profiles and certificates.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::T2t(Convention::SofSof) => "t2t_wire",
            Self::T2t(Convention::EotSof) => "t2t_wire_eot",
            Self::T2t(Convention::EofSof) => "t2t_wire_eof",
            Self::Trader(Convention::SofSof) => "trader_wire",
            Self::Trader(Convention::EotSof) => "trader_wire_eot",
            Self::Trader(Convention::EofSof) => "trader_wire_eof",
            Self::TickOneWay => "tick_one_way",
            Self::OrderOneWay => "order_one_way",
        }
    }

    /// What it is, for the report.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::T2t(Convention::SofSof) => {
                "at the exchange's NIC, from the start of the tick's frame to the start of the order's"
            }
            Self::T2t(Convention::EotSof) => {
                "at the exchange's NIC, from the end of the triggering message to the start of the order's frame"
            }
            Self::T2t(Convention::EofSof) => {
                "at the exchange's NIC, from the end of the tick's frame to the start of the order's"
            }
            Self::Trader(Convention::SofSof) => {
                "at the trader's NIC, from the start of the tick's frame to the start of the order's"
            }
            Self::Trader(Convention::EotSof) => {
                "at the trader's NIC, from the end of the triggering message to the start of the order's frame"
            }
            Self::Trader(Convention::EofSof) => {
                "at the trader's NIC, from the end of the tick's frame to the start of the order's"
            }
            Self::TickOneWay => "the tick from the exchange's NIC to the trader's, start of frame to start of frame",
            Self::OrderOneWay => "the order from the trader's NIC to the exchange's, start of frame to start of frame",
        }
    }

    /// Whether it rests on the stamps of the trader's NIC (else only on those of the exchange's).
    #[must_use]
    pub const fn needs_trader(self) -> bool {
        !matches!(self, Self::T2t(_))
    }

    /// Whether it rests on the stamps of the exchange's NIC.
    #[must_use]
    pub const fn needs_exchange(self) -> bool {
        !matches!(self, Self::Trader(_))
    }
}

impl fmt::Display for WireSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for WireSpan {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|span| span.name() == name).ok_or(())
    }
}

/// How fast bits pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct LinkSpeed(u32);

impl LinkSpeed {
    /// In Mbit/s as the kernel gives it; `None` for 0 and for what stands for unknown there (-1).
    #[must_use]
    pub fn from_mbps(mbps: i64) -> Option<Self> {
        u32::try_from(mbps).ok().filter(|mbps| *mbps > 0 && *mbps != u32::MAX).map(Self)
    }

    /// In Mbit/s.
    #[must_use]
    pub const fn mbps(self) -> u32 {
        self.0
    }

    /// How long so many bytes take, to the nearest nanosecond.
    #[must_use]
    pub fn time_of(self, bytes: u32) -> Nanos {
        let (bits, mbps) = (u64::from(bytes) * 8_000, u64::from(self.0));
        Nanos((bits + mbps / 2) / mbps)
    }
}

/// `25 Gbit/s`, `2.5 Gbit/s`, `100 Mbit/s`.
impl fmt::Display for LinkSpeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= 1_000 {
            write!(f, "{} Gbit/s", f64::from(self.0) / 1_000.0)
        } else {
            write!(f, "{} Mbit/s", self.0)
        }
    }
}

/// Bytes of the check sequence at a frame's end.
const FCS: u32 = 4;
/// The shortest frame there is, check sequence included; a shorter one is padded (IEEE 802.3, 4.4.2).
const SHORTEST: u32 = 64;

/// A tick's frame, untagged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickFrame {
    /// Bytes from its first to the tick's first: headers of Ethernet and of what it carries.
    pub headers: u32,
    /// Bytes of the tick.
    pub tick: u32,
    /// Bytes of the tick up to the end of the message that caused the order.
    pub trigger_end: u32,
}

impl TickFrame {
    /// From the start of the frame until a span of this convention begins.
    #[must_use]
    pub fn until(&self, convention: Convention, speed: LinkSpeed) -> Nanos {
        match convention {
            Convention::SofSof => Nanos::ZERO,
            Convention::EotSof => speed.time_of(self.headers + self.trigger_end.min(self.tick)),
            Convention::EofSof => speed.time_of((self.headers + self.tick + FCS).max(SHORTEST)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ethernet 14, IPv4 20, UDP 8.
    const UDP: u32 = 42;

    fn gigabits(n: i64) -> LinkSpeed {
        LinkSpeed::from_mbps(n * 1_000).unwrap()
    }

    #[test]
    fn a_tick_of_100_bytes_whose_first_message_triggers_passes_at_known_times() {
        // MoldUDP64's header 20, a length 2, an Add Order 36: the first message ends at byte 58.
        let frame = TickFrame { headers: UDP, tick: 100, trigger_end: 58 };
        for (speed, eot, eof) in [(1, 800, 1_168), (10, 80, 117), (25, 32, 47), (100, 8, 12)] {
            let at = |convention| frame.until(convention, gigabits(speed)).get();
            assert_eq!((at(Convention::SofSof), at(Convention::EotSof), at(Convention::EofSof)), (0, eot, eof));
        }
    }

    #[test]
    fn a_short_frame_is_padded_and_the_padding_takes_its_time_too() {
        let frame = TickFrame { headers: UDP, tick: 1, trigger_end: 1 };
        assert_eq!(frame.until(Convention::EofSof, gigabits(1)), Nanos(512), "64 bytes, the classic slot time");
    }

    #[test]
    fn the_longest_frame_takes_what_the_standard_says() {
        let frame = TickFrame { headers: UDP, tick: 1_472, trigger_end: 1_472 };
        assert_eq!(frame.until(Convention::EofSof, gigabits(10)), Nanos(1_214), "1,518 bytes");
    }

    #[test]
    fn a_speed_that_nobody_knows_is_none() {
        assert!([-1, 0, i64::from(u32::MAX), i64::MAX].iter().all(|n| LinkSpeed::from_mbps(*n).is_none()));
        assert_eq!(LinkSpeed::from_mbps(2_500).unwrap().to_string(), "2.5 Gbit/s");
        assert_eq!(LinkSpeed::from_mbps(100).unwrap().to_string(), "100 Mbit/s");
    }

    #[test]
    fn every_span_is_read_back_from_its_name() {
        assert!(WireSpan::ALL.iter().all(|span| span.name().parse() == Ok(*span)));
    }
}
