//! How near two cores of recorded hosts are to each other.

use std::collections::BTreeSet;

use super::{Relation, fixtures, read};

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
