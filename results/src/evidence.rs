//! What a number rests on.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The class of evidence, weakest first, so that `a >= b` reads "a is at least as strong as b".
///
/// Classes never mix: a table, a chart or a comparison holds one class only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// Cycles of a simulated circuit; not a time at all.
    Simulated,
    /// A virtual wire (veth, memif, soft-RoCE) or a virtual machine.
    Emulated,
    /// The CPU's clock, around a real device.
    Software,
    /// Hardware stamps of the trader's NIC.
    Nic,
    /// Hardware stamps of the exchange side, or a capture.
    Wire,
}

impl Evidence {
    /// The word used in certificates.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Emulated => "emulated",
            Self::Software => "software",
            Self::Nic => "nic",
            Self::Wire => "wire",
        }
    }

    /// What the class means, in a line for the report.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Simulated => "cycles of a simulated circuit, not time",
            Self::Emulated => "a virtual wire or a virtual machine: good for regression, certifies no hardware",
            Self::Software => "stamped by the CPU's clock around a real device",
            Self::Nic => "stamped by the hardware of the trader's NIC",
            Self::Wire => "stamped by hardware on the exchange's side of the wire",
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Evidence::*;

    #[test]
    fn emulated_never_reaches_what_hardware_needs() {
        assert!(Emulated < Software && Software < Nic && Nic < Wire && Simulated < Emulated);
    }
}
