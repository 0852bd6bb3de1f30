//! What a server is told and what it tells.

use tickcert_results::time::Nanos;

use super::{CloseReason, Credentials, Timers};

/// Settings of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// Who may log in.
    pub credentials: Credentials,
    /// Name of the session, at most 10 characters.
    pub session: String,
    /// Times.
    pub timers: Timers,
    /// How many sequenced messages are kept for a client that comes back.
    pub stored_messages: usize,
    /// Room for orders that wait for their answer, in bytes of whole packets.
    pub pending_bytes: usize,
    /// Added to the time that calls pass in, to give OUCH's nanoseconds since midnight.
    pub midnight_offset: Nanos,
}

impl ServerConfig {
    /// The usual settings for these credentials: a session `TICKCERT`, 16,384 messages kept, 1 MiB of orders waiting.
    #[must_use]
    pub fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            session: String::from("TICKCERT"),
            timers: Timers::default(),
            stored_messages: 16_384,
            pending_bytes: 1 << 20,
            midnight_offset: Nanos::ZERO,
        }
    }
}

/// What a server hears of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerEvent {
    /// A client is in.
    LoggedIn {
        /// The message that it asked for.
        requested: u64,
        /// The message that it is served from.
        from: u64,
    },
    /// It is over with this connection.
    Closed(CloseReason),
}

/// What a server has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerCounters {
    /// Orders accepted.
    pub accepted: u64,
    /// Orders, or what should have been orders, rejected.
    pub rejected: u64,
    /// Messages not answered, for their UserRefNum was not above the last.
    pub stale: u64,
    /// Other messages answered: cancels, queries.
    pub others: u64,
    /// Times that the queue of waiting orders was full, so that answers were built while receiving.
    pub forced: u64,
}
