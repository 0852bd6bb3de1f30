//! What sets the placements of a matrix apart: not the numbers of cores, which belong to one machine, but how near to each other
//! the ends, their memory, their NIC and its interrupts are.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How near core, memory, NIC and interrupts are. Two placements of one class are the same, whatever their cores' numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct PlacementClass {
    /// The exchange's core and the trader's.
    pub cores: CoreRelation,
    /// The trader's interface, seen from its core; `null` where the lane uses none, or the host has one memory node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nic: Option<Nearness>,
    /// The trader's memory, seen from its core; `null` where the host has one memory node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Nearness>,
    /// Where the interrupts of the trader's interface go; `null` where the lane uses none, or it has no interrupts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupts: Option<InterruptSite>,
}

/// What two cores share, nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CoreRelation {
    /// They are threads of one core.
    SmtSibling,
    /// A last-level cache: the same core complex.
    #[serde(rename = "same-l3")]
    SameL3,
    /// A socket, and not a last-level cache.
    #[serde(rename = "other-l3")]
    OtherL3,
    /// A socket; of caches the kernel says nothing.
    SameSocket,
    /// Nothing but the host.
    OtherSocket,
}

/// On the same memory node, or on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Nearness {
    /// On the same.
    Local,
    /// On another.
    Remote,
}

/// Where interrupts go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InterruptSite {
    /// To the core that is interrupted for them anyway: the trader's.
    Same,
    /// To a core of neither end.
    Other,
}

impl CoreRelation {
    /// All of them, nearest first.
    pub const ALL: [Self; 5] = [Self::SmtSibling, Self::SameL3, Self::OtherL3, Self::SameSocket, Self::OtherSocket];

    /// The word used in names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SmtSibling => "smt-sibling",
            Self::SameL3 => "same-l3",
            Self::OtherL3 => "other-l3",
            Self::SameSocket => "same-socket",
            Self::OtherSocket => "other-socket",
        }
    }

    /// In words.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::SmtSibling => "two threads of one core",
            Self::SameL3 => "two cores of one last-level cache",
            Self::OtherL3 => "two cores of one socket, each with a last-level cache of its own",
            Self::SameSocket => "two cores of one socket, of whose caches the kernel says nothing",
            Self::OtherSocket => "cores of two sockets",
        }
    }
}

/// Every word that a name may hold, in the order in which they stand in it; what is near is left out of names.
pub const PLACEMENT_WORDS: [&str; 11] = [
    CoreRelation::SmtSibling.name(),
    CoreRelation::SameL3.name(),
    CoreRelation::OtherL3.name(),
    CoreRelation::SameSocket.name(),
    CoreRelation::OtherSocket.name(),
    "nic-local",
    "nic-remote",
    "mem-local",
    "mem-remote",
    "irq-same",
    "irq-other",
];

impl PlacementClass {
    /// The words that apply to it, those of what is near too.
    #[must_use]
    pub fn words(&self) -> Vec<&'static str> {
        let near = |nearness: Option<Nearness>, [local, remote]: [&'static str; 2]| {
            nearness.map(|n| if n == Nearness::Local { local } else { remote })
        };
        let interrupts = self.interrupts.map(|site| match site {
            InterruptSite::Same => "irq-same",
            InterruptSite::Other => "irq-other",
        });
        let nic = near(self.nic, ["nic-local", "nic-remote"]);
        let memory = near(self.memory, ["mem-local", "mem-remote"]);
        [Some(self.cores.name()), nic, memory, interrupts].into_iter().flatten().collect()
    }

    /// Whether `wanted`, words joined by `+`, is about it: all of the words must apply.
    #[must_use]
    pub fn is_meant_by(&self, wanted: &str) -> bool {
        let words = self.words();
        wanted.split('+').all(|word| words.contains(&word))
    }
}

/// `same-l3`, `other-socket+mem-remote+irq-other`.
impl fmt::Display for PlacementClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said: Vec<_> = self.words().into_iter().filter(|word| !word.ends_with("-local")).collect();
        f.write_str(&said.join("+"))
    }
}

/// Interrupts of interfaces, and the core that each was sent to for the time of a trial.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct InterruptsSent {
    /// Whose they are: `eth2`.
    pub interface: String,
    /// Numbers of the interrupts.
    pub numbers: Vec<u32>,
    /// The core.
    pub core: u32,
}

/// An interface whose table of receive queues sent all to one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct QueueSteered {
    /// Which: `eth2`.
    pub interface: String,
    /// The queue, counted from 0.
    pub queue: u32,
    /// How many it has; of one, nothing had to be set.
    pub of: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: PlacementClass = PlacementClass {
        cores: CoreRelation::OtherSocket,
        nic: Some(Nearness::Local),
        memory: Some(Nearness::Remote),
        interrupts: Some(InterruptSite::Other),
    };

    #[test]
    fn a_name_says_what_is_far_and_leaves_out_what_is_near() {
        assert_eq!(FAR.to_string(), "other-socket+mem-remote+irq-other");
        let near =
            PlacementClass { cores: CoreRelation::SameL3, nic: None, memory: Some(Nearness::Local), interrupts: None };
        assert_eq!(near.to_string(), "same-l3");
    }

    #[test]
    fn who_names_some_words_means_every_placement_to_which_all_of_them_apply() {
        for (wanted, meant) in [
            ("other-socket", true),
            ("nic-local", true),
            ("mem-remote+other-socket", true),
            ("other-socket+mem-local", false),
            ("same-l3", false),
            ("", false),
        ] {
            assert_eq!(FAR.is_meant_by(wanted), meant, "{wanted}");
        }
    }

    #[test]
    fn every_word_of_every_class_is_a_known_one_and_names_differ() {
        let near = [None, Some(Nearness::Local), Some(Nearness::Remote)];
        let sites = [None, Some(InterruptSite::Same), Some(InterruptSite::Other)];
        let mut words = std::collections::BTreeSet::new();
        let mut names = std::collections::BTreeSet::new();
        for cores in CoreRelation::ALL {
            for (nic, memory) in near.into_iter().flat_map(|nic| near.map(|memory| (nic, memory))) {
                for interrupts in sites {
                    let class = PlacementClass { cores, nic, memory, interrupts };
                    words.extend(class.words());
                    names.insert(class.words());
                }
            }
        }
        assert_eq!(words, PLACEMENT_WORDS.into_iter().collect());
        assert_eq!(names.len(), 5 * 27);
    }
}
