//! What takes the cores away from a program that only spins, and what the kernel counted meanwhile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Topic;
use crate::time::Nanos;

/// Gaps seen by a loop that only reads the clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoiseProbe {
    /// A gap longer than this is counted.
    pub threshold_ns: Nanos,
    /// How long each core was watched.
    pub duration_ns: Nanos,
    /// How system management interrupts were counted, or why they were not; certificates of older versions don't say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub smi_counter: String,
    /// Each core.
    pub cores: Vec<NoiseCore>,
}

/// One core under the noise probe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoiseCore {
    /// Core number.
    pub core: u32,
    /// Gaps above the threshold.
    pub gaps: u64,
    /// Gaps a second.
    pub gaps_per_second: f64,
    /// The longest.
    pub largest_ns: Nanos,
    /// Share of the time that was taken away, in parts per million.
    pub stolen_ppm: f64,
    /// The gaps by what the kernel told of the watching thread right after each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<GapsOfCause>,
    /// What the kernel counted on this core in the same window; an event needn't have made a gap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counted: Vec<Counted>,
    /// At least so many gaps had no event of the kernel's: there were more gaps than interrupts, switches and faults. `None`
    /// where interrupts could not be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_event_at_least: Option<u64>,
}

/// Gaps of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GapsOfCause {
    /// Which.
    pub cause: GapCause,
    /// How many.
    pub gaps: u64,
    /// The longest of them.
    pub largest_ns: Nanos,
    /// Their sum.
    pub total_ns: Nanos,
}

/// What the kernel says of the thread that watched, after a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GapCause {
    /// It stayed on the core and had no fault: interrupts, the hypervisor, firmware (SMIs) or the hardware.
    Below,
    /// Another task had the core.
    SwitchedOut,
    /// It had a page fault.
    PageFault,
}

impl GapCause {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Below => "interrupt, hypervisor, firmware or hardware",
            Self::SwitchedOut => "another task had the core",
            Self::PageFault => "page fault",
        }
    }
}

/// A counter of the kernel's that moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counted {
    /// Whose layer it is.
    pub layer: Topic,
    /// What is counted: `Local timer interrupts`, `interrupt 36 virtio1-req.0`, `softirq TIMER`, `SMI`.
    pub what: String,
    /// By how much; of times (`stolen by the hypervisor`, `waiting for the core`), in nanoseconds.
    pub by: u64,
    /// Whether `by` is a time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_time: bool,
}

impl Counted {
    /// `Local timer interrupts 250`, `stolen by the hypervisor 10 ms`.
    #[must_use]
    pub fn words(&self) -> String {
        if self.is_time { format!("{} {}", self.what, Nanos(self.by)) } else { format!("{} {}", self.what, self.by) }
    }
}

impl NoiseCore {
    /// What moved of one layer, in words; empty where nothing did.
    #[must_use]
    pub fn moved(&self, layer: Topic) -> String {
        let of_layer = self.counted.iter().filter(|counted| counted.layer == layer && counted.by > 0);
        of_layer.map(Counted::words).collect::<Vec<_>>().join(", ")
    }

    /// What the longest gap was of, where that was asked.
    #[must_use]
    pub fn cause_of_largest(&self) -> Option<GapCause> {
        self.causes.iter().max_by_key(|of| of.largest_ns).map(|of| of.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moved_is_told_by_layer_and_what_did_not_is_left_out() {
        let counted = |layer, what: &str, by, is_time| Counted { layer, what: what.to_owned(), by, is_time };
        let core = NoiseCore {
            counted: vec![
                counted(Topic::Hardware, "SMI", 0, false),
                counted(Topic::Hardware, "stolen by the hypervisor", 10_000_000, true),
                counted(Topic::OperatingSystem, "Local timer interrupts", 250, false),
                counted(Topic::OperatingSystem, "softirq TIMER", 20, false),
            ],
            ..NoiseCore::default()
        };
        assert_eq!(core.moved(Topic::Hardware), format!("stolen by the hypervisor {}", Nanos(10_000_000)));
        assert_eq!(core.moved(Topic::OperatingSystem), "Local timer interrupts 250, softirq TIMER 20");
        assert_eq!(core.moved(Topic::Application), "");
    }

    #[test]
    fn the_longest_gap_has_the_cause_of_its_kind() {
        let of = |cause, largest| GapsOfCause { cause, gaps: 1, largest_ns: Nanos(largest), total_ns: Nanos(largest) };
        let causes = vec![of(GapCause::Below, 9_000), of(GapCause::SwitchedOut, 4_000_000)];
        let core = NoiseCore { causes, ..NoiseCore::default() };
        assert_eq!(core.cause_of_largest(), Some(GapCause::SwitchedOut));
        assert_eq!(NoiseCore::default().cause_of_largest(), None);
    }
}
