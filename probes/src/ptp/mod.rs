//! Who keeps the clocks that stamps are of, and how well: ptp4l by its management socket, phc2sys by its command line and the
//! clocks themselves, chrony by its client.

mod chrony;
mod client;
mod data_set;
mod keeper;
mod message;
mod phc2sys;
mod programs;
mod state;

pub use chrony::Tracking;
pub use data_set::{ClockIdentity, PortState, TimeProperties};
pub use keeper::Keepers;
pub use phc2sys::Serving;
pub use programs::{Program, find};
pub use state::{Port, State};
