//! The workload: market data in, orders out, and what must come of it.

pub mod book;
pub mod digest;
pub mod feed;
pub mod generator;
pub mod handoff;
pub mod load;
pub mod order_entry;
pub mod profile;
pub mod tape;
pub mod trader;
