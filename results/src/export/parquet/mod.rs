//! Raw samples as Parquet: one row for each order of a repetition, in the order in which the tape expects them.
//!
//! | column | type | meaning |
//! |---|---|---|
//! | `order` | u32 | index of the expected order in one pass of the tape |
//! | `pass` | u32 | which pass of the tape, from 0 |
//! | `packet` | u32 | index of the triggering packet in one pass |
//! | `due_ns`, `sent_ns`, `arrival_ns` | i64 | the tick's due time and departure, the order's arrival; from the start of the repetition |
//! | `t2t_sent_ns`, `t2t_due_ns` | i64 | arrival less departure, arrival less due time |
//! | `trader_ns` | i64, may be null | inside the trader, where it was stamped |
//! | `warm_up` | bool | before the first order that is measured: discarded from the distributions, kept here |
//! | `measured` | bool | in the distributions; neither this nor `warm_up`: an order that the load doesn't measure (a cold load measures only the first after each silence) |
//! | `stage_NAME_ns` | i64, may be null | one for each stage that was stamped |
//! | `tick_tx_stamp_ns`, `tick_rx_stamp_ns`, `order_tx_stamp_ns`, `order_rx_stamp_ns` | i64, may be null | usable hardware stamps, in nanoseconds of the clocks that stamped: the exchange's for the first and the last, the trader's for the others; where any were taken |
//!
//! The file's key-value metadata holds `tickcert.lane`, `.repetition`, `.attempt`, `.evidence` and `.tape_sha256`, and with stamps
//! their clocks, `.exchange_clock` and `.trader_clock`.

mod columns;
mod writer;

pub use columns::{NO_VALUE, STAMPS, SampleColumns};
pub use writer::{ROWS_PER_GROUP, SampleError, SampleMeta, SampleWriter, write_samples};
