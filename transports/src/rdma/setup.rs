//! What both halves of a stream are told of the lane.

use super::{
    config::{Config, Operation},
    queue_ffi::Service,
};

/// How a sender is set up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) operation: Operation,
    pub(super) ring: u32,
    pub(super) signal_every: u32,
    pub(super) inline: u32,
    pub(super) huge: bool,
}

impl Setup {
    /// As the settings say.
    pub(super) const fn new(config: &Config) -> Self {
        Self {
            operation: config.operation,
            ring: config.send_ring,
            signal_every: config.signal_every,
            inline: config.inline_bytes,
            huge: config.huge_pages,
        }
    }
}

/// The service of queue pairs that it takes.
pub(super) const fn service_of(operation: Operation) -> Service {
    match operation {
        Operation::RcWrite | Operation::RcWritePoll | Operation::RcSend => Service::Reliable,
        Operation::Ud => Service::Datagram,
        Operation::Raw => Service::Raw,
    }
}

/// The low half of a number that counts frames.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "numbers wrap around")]
pub(super) const fn low(n: u64) -> u32 {
    n as u32
}
