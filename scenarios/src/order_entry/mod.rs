//! Order entry: OUCH 5.0 messages in SoupBinTCP 3.00 packets, and the session that carries them.

mod order;
pub mod ouch;
pub mod session;
pub mod soup;

pub use order::{Order, OrderSettings, OrderTemplate, SettingsError};
