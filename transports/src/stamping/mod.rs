//! What stamps frames at an interface: what its driver claims, how it is set, and what comes of it when real frames cross.

pub mod claims;
pub mod configuration;
mod device_ffi;
pub mod trial;
mod tsinfo;
mod words;

pub use claims::Claims;
pub use configuration::Configuration;
pub use trial::{Crossing, TrialSocket};
