//! Wrappers that implement the lanes' own traits around any lane.

pub mod fake_stamps;
pub mod faults;
