//! The bench.
pub mod netlink;
pub mod netns;
