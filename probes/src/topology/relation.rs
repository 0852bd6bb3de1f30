//! How near two cores are to each other.

use serde::Serialize;

use super::Topology;

/// What two cores share, nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// They are threads of one core.
    Siblings,
    /// A last-level cache.
    SameCache,
    /// A socket.
    SamePackage,
    /// Nothing but the host.
    OtherPackage,
    /// The kernel doesn't say.
    Unknown,
}

impl Relation {
    /// In words, for a table.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Siblings => "threads of one core",
            Self::SameCache => "same last-level cache",
            Self::SamePackage => "same socket, another last-level cache",
            Self::OtherPackage => "another socket",
            Self::Unknown => "not told by the kernel",
        }
    }
}

impl Topology {
    /// How near two different cores are to each other.
    #[must_use]
    pub fn relation(&self, a: u32, b: u32) -> Relation {
        let core = |number| self.cores.iter().find(|core| core.number == number);
        let (Some(first), Some(second)) = (core(a), core(b)) else { return Relation::Unknown };
        if first.siblings.contains(&b) {
            return Relation::Siblings;
        }
        if self.last_level_caches.iter().any(|cache| cache.cores.contains(&a) && cache.cores.contains(&b)) {
            return Relation::SameCache;
        }
        match (first.package, second.package) {
            (Some(first), Some(second)) if first == second => Relation::SamePackage,
            (Some(_), Some(_)) => Relation::OtherPackage,
            _ => Relation::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::topology::{fixtures, read};

    #[test]
    fn two_cores_are_as_near_as_the_nearest_thing_that_they_share() {
        let all: BTreeSet<u32> = (0..8).collect();
        let sockets = read(fixtures::two_sockets().root(), &all).unwrap();
        assert_eq!(sockets.relation(1, 5), Relation::Siblings);
        assert_eq!(sockets.relation(0, 5), Relation::SameCache);
        assert_eq!(sockets.relation(0, 2), Relation::OtherPackage);
        let complexes = read(fixtures::two_complexes().root(), &all).unwrap();
        assert_eq!(complexes.relation(3, 4), Relation::SamePackage);
        let off_line = read(fixtures::one_off_line().root(), &all).unwrap();
        assert_eq!(off_line.relation(0, 3), Relation::Unknown);
        assert_eq!(off_line.relation(0, 9), Relation::Unknown);
    }
}
