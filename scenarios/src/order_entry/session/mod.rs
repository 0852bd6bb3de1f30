//! The order session, without input or output of its own.
//!
//! [`ClientSession`] and [`ServerSession`] are told what came and what time it is, and say what to send and what
//! happened, through callbacks. Time is [`Nanos`] since whatever start their owner counts from; it must not run
//! backwards. Rules (SoupBinTCP 3.00): the client logs in first and the answer is an acceptance or a rejection; each
//! side sends a heartbeat when it has sent nothing for 1 s, and gives the other up after 15 s of silence; a client that
//! does not log in is dropped after 30 s; sequenced messages are counted from 1 by both sides and sent again to a
//! client that comes back and asks for them.

mod answer;
mod client;
mod pending;
mod server;
mod server_types;
mod store;

pub use client::{ClientEvent, ClientSession, SendError};
pub use server::ServerSession;
pub use server_types::{ServerConfig, ServerCounters, ServerEvent};

use std::fmt;

use serde::{Deserialize, Serialize};
use tickcert_results::time::Nanos;

use super::soup::{RejectReason, SoupError, padded_right};

/// Largest packet that a session takes or sends. An order with every listed tag value has 130 bytes.
pub const SESSION_MAX_PACKET: usize = 1024;

/// Who logs in. Compared without regard to case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    username: [u8; 6],
    password: [u8; 10],
}

impl Credentials {
    /// At most 6 and 10 printable ASCII characters.
    ///
    /// # Errors
    /// [`CredentialError`] says which is too long or not printable.
    pub fn new(username: &str, password: &str) -> Result<Self, CredentialError> {
        Ok(Self {
            username: padded_right(username).ok_or(CredentialError::Username)?,
            password: padded_right(password).ok_or(CredentialError::Password)?,
        })
    }

    /// True when these fields of a login are these credentials, whatever their case.
    fn admit(&self, username: &[u8; 6], password: &[u8; 10]) -> bool {
        self.username.eq_ignore_ascii_case(username) && self.password.eq_ignore_ascii_case(password)
    }
}

/// The password stays out of logs.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username.escape_ascii().to_string())
            .finish_non_exhaustive()
    }
}

/// A name that SoupBinTCP's fields do not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// The username.
    #[error("the username must have at most 6 printable ASCII characters")]
    Username,
    /// The password.
    #[error("the password must have at most 10 printable ASCII characters")]
    Password,
    /// The name of the session.
    #[error("the session's name must have 1 to 10 printable ASCII characters, not all blank")]
    Session,
}

/// The session's times. The defaults are those of SoupBinTCP 3.00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timers {
    /// A side that has sent nothing for so long sends a heartbeat: 1 s.
    pub heartbeat: Nanos,
    /// A peer that has sent nothing for so long is gone: 15 s.
    pub silence: Nanos,
    /// A client that has not logged in after so long is dropped: 30 s.
    pub login: Nanos,
}

impl Default for Timers {
    fn default() -> Self {
        Self { heartbeat: Nanos::SECOND, silence: Nanos::SECOND * 15, login: Nanos::SECOND * 30 }
    }
}

/// Why a session does not go on over this connection. The owner closes the connection when it hears of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The login was refused.
    #[error("login rejected: {}", match .0 {
        RejectReason::NotAuthorised => "wrong username or password",
        RejectReason::SessionNotAvailable => "that session, or that place in it, is not available",
    })]
    LoginRejected(RejectReason),
    /// The client did not log in in time.
    #[error("no login in time")]
    LoginTimeout,
    /// Not even a heartbeat came.
    #[error("the peer has fallen silent")]
    PeerSilent,
    /// The client logged out.
    #[error("logged out")]
    LoggedOut,
    /// The server ended the session.
    #[error("the session has ended")]
    EndOfSession,
    /// The connection is gone.
    #[error("the connection was dropped")]
    Disconnected,
    /// The byte stream cannot be followed any more.
    #[error("the peer broke the protocol")]
    Framing(#[source] SoupError),
    /// A packet that has no place here.
    #[error("the peer broke the protocol: packet type 0x{kind:02x} has no place here", kind = .0)]
    Unexpected(u8),
}

#[cfg(test)]
mod tests;
