//! The parts that the `tickcert` binary is put together from.

pub mod bench;
