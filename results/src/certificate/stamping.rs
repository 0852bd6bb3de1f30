//! What stamps frames at each end of the wire, as claimed and as seen, and the clocks that it stamps by.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    stamp::{ClockOffset, Lock, StampClock, StampPolicy},
    time::Nanos,
    wire::LinkSpeed,
};

/// Hardware stamps of the whole run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StampingRecord {
    /// What the profile asked for.
    pub policy: StampPolicy,
    /// At the exchange's interface; `null` where nothing was looked at.
    pub exchange: Option<StampingEnd>,
    /// At the trader's.
    pub trader: Option<StampingEnd>,
    /// Why no interface was looked at, where none was though stamps were wanted: a virtual wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_looked_at: Option<String>,
    /// The clocks that hardware stamps are of, through the run; one that serves both ends stands once.
    #[serde(default)]
    pub clocks: Vec<ClockRecord>,
    /// The system's clock, of which the kernel's own stamps are, and beside which the others are read; `null` where no interface
    /// was looked at.
    #[serde(default)]
    pub system_clock: Option<SystemClockRecord>,
}

impl StampingRecord {
    /// Both ends that were looked at, the exchange's first.
    pub fn ends(&self) -> impl Iterator<Item = &StampingEnd> {
        self.exchange.iter().chain(&self.trader)
    }

    /// Why hardware does not stamp everywhere, each with its interface; empty where it does, and where nobody wanted it.
    #[must_use]
    pub fn why_not(&self) -> Vec<String> {
        let of_ends = self.ends().flat_map(|end| end.why_not.iter().map(|why| format!("{}: {why}", end.interface)));
        self.not_looked_at.iter().cloned().chain(of_ends).collect()
    }

    /// A clock by its name.
    #[must_use]
    pub fn clock(&self, clock: StampClock) -> Option<&ClockRecord> {
        self.clocks.iter().find(|record| record.clock == clock)
    }
}

/// One end of the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StampingEnd {
    /// Its interface.
    pub interface: String,
    /// The interface's driver; empty where nobody says.
    pub driver: String,
    /// Speed of its link while frames crossed; `null` where its driver doesn't know it.
    #[serde(default)]
    pub speed_mbps: Option<LinkSpeed>,
    /// The clock that its stamps are of; `null` where it has none.
    pub clock: Option<StampClock>,
    /// What driver and kernel say that they can.
    pub claimed: StampClaims,
    /// What was seen on real frames, one way and the other.
    pub seen: SeenStamps,
    /// Why hardware does not stamp as was wanted; empty where it does.
    pub why_not: Vec<String>,
    /// The interface's configuration before the run; `null` where it can't be read.
    pub before: Option<StampConfig>,
    /// As the run has set it; `null` where it has set none.
    pub set: Option<StampConfig>,
    /// As it was found when the run was over: other than `set` where another program has changed it meanwhile.
    pub after: Option<StampConfig>,
    /// What is to become of it when the bench is taken down: `to be set back …`, `to be left alone: …`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone: Option<String>,
}

/// What an interface is said to be able to (`ETHTOOL_MSG_TSINFO_GET`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StampClaims {
    /// Frames that leave are stamped by hardware.
    pub transmit: bool,
    /// Frames that arrive, of any kind, are. False for those that stamp frames of PTP only.
    pub receive: bool,
    /// All that was said: names of flags, of transmit types and receive filters, as `ethtool -T` has them.
    pub words: Vec<String>,
}

/// What was seen on real frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeenStamps {
    /// A frame that left was stamped by hardware.
    pub transmit: bool,
    /// A frame that arrived was.
    pub receive: bool,
    /// Frames sent to find out.
    pub frames: u32,
}

/// How an interface stamps (`struct hwtstamp_config` of `linux/net_tstamp.h`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StampConfig {
    /// `off`, `on`, …
    pub transmit: String,
    /// `none`, `all`, …
    pub receive: String,
}

/// A PTP hardware clock through the run, beside the system's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClockRecord {
    /// Which.
    pub clock: StampClock,
    /// Its driver's name for it.
    pub name: String,
    /// Interfaces that stamp by it.
    pub interfaces: Vec<String>,
    /// Which seconds it counts.
    pub timescale: Timescale,
    /// TAI less UTC in seconds, as the kernel has been told (`adjtimex`); 0 where nobody has told it.
    pub kernel_tai_utc_s: i32,
    /// Its offset from `CLOCK_REALTIME` through the run.
    pub readings: Vec<ClockReading>,
    /// How fast it drifts from `CLOCK_REALTIME`, in parts in a thousand million: slope of the readings (Theil-Sen);
    /// `null` where there are too few.
    pub drift_ppb: Option<f64>,
    /// Whether it followed its reference, whenever it was asked.
    pub lock: Lock,
    /// Who keeps it, and how far off it was: `ptp4l: slave of …, offset +12 ns`.
    pub source: String,
    /// That reference: a grandmaster's identity, `CLOCK_REALTIME`, another clock's file; `null` where nobody says. Clocks of one
    /// reference are as far apart as both are from it.
    pub reference: Option<String>,
    /// The largest offset from its reference that was reported; `null` where nobody reports one.
    pub largest_offset_ns: Option<Nanos>,
    /// What is wrong with it: not readable, not locked, and what to do.
    pub troubles: Vec<String>,
}

/// `CLOCK_REALTIME` when the run was over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SystemClockRecord {
    /// TAI less UTC in seconds, as the kernel has been told (`adjtimex`); 0 where nobody has told it.
    pub tai_utc_s: i32,
    /// Whether somebody keeps it by a reference, as the kernel has been told.
    pub synchronised: bool,
    /// Who keeps it, as far as can be told.
    pub source: String,
    /// Its offset from its reference, where chrony says; `null` otherwise.
    pub offset_ns: Option<ClockOffset>,
}

/// Which seconds a clock counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Timescale {
    /// As `CLOCK_REALTIME`.
    Utc,
    /// As `CLOCK_TAI`: ahead of UTC by the leap seconds, 37 s since 2017.
    Tai,
    /// Neither: seconds since the interface came up, say.
    #[default]
    Arbitrary,
}

/// One look at a clock beside the system's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockReading {
    /// When, since the first look.
    pub at_ns: Nanos,
    /// The clock less `CLOCK_REALTIME`.
    pub offset_ns: ClockOffset,
    /// The reading may be off by half of this either way: from the system's time before it to that after it.
    pub width_ns: Nanos,
    /// How it was read.
    pub method: ReadMethod,
    /// Whether the clock followed its reference then.
    pub lock: Lock,
    /// Its offset from its reference then, by who keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_reference_ns: Option<ClockOffset>,
}

/// How a clock is read beside the system's (`linux/ptp_clock.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReadMethod {
    /// `PTP_SYS_OFFSET_PRECISE`: the hardware takes both at once.
    Precise,
    /// `PTP_SYS_OFFSET_EXTENDED`: the driver reads the system's clock around the read of the register.
    Extended,
    /// `PTP_SYS_OFFSET`: the kernel reads the system's clock around the call of the driver.
    Basic,
}
