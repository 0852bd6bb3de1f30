//! The parts that the `tickcert` binary is put together from.

pub mod allocator;
pub mod bench;
pub mod cli;
pub mod endpoint;
pub mod remote;
pub mod run;
pub mod selftest;
pub mod version;
