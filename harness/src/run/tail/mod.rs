//! Why the slowest ticks were slow: what the kernel did on the measured cores, joined with the samples.

mod attach;
mod cause;
mod pool;
mod queue;
mod recording;
mod samples;
mod taken;

pub use attach::{attach, unwatched};
pub use pool::pool;
pub use recording::{Recording, Seen, Watch};
pub use samples::{Left, Slow, TrialTail, look_into};
