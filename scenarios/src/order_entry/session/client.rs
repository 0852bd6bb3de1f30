//! The trader's end of the session.

use tickcert_results::time::Nanos;
use zerocopy::IntoBytes;

use super::{CloseReason, Credentials, SESSION_MAX_PACKET, Timers};
use crate::order_entry::soup::{
    CLIENT_HEARTBEAT, Deframer, LOGOUT_REQUEST, LoginAccepted, LoginRequest, Packet, SoupError, UNSEQUENCED_DATA,
    parse_sequence, write_data,
};

/// What a client hears of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientEvent<'a> {
    /// The login was accepted.
    LoggedIn {
        /// As the server names it, left-padded with spaces.
        session: [u8; 10],
        /// Number of the next sequenced message.
        next_sequence: u64,
        /// Messages that were asked for and that the server no longer has.
        missed: u64,
    },
    /// A numbered message.
    Sequenced {
        /// Its number.
        sequence: u64,
        /// OUCH.
        message: &'a [u8],
    },
    /// It is over with this connection.
    Closed(CloseReason),
}

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Orders are taken after the login only.
    #[error("not logged in; wait for the login to be accepted")]
    NotLoggedIn,
    /// Longer than the session allows.
    #[error("a message of {length} bytes; this session sends at most {limit}")]
    TooLong {
        /// Bytes.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not connected, or done with the connection.
    Closed,
    /// Waits for the answer to the login.
    LoggingIn,
    /// Logged in.
    Up,
}

/// A client, over as many connections as it takes: it keeps its place in the session between them.
#[derive(Debug)]
pub struct ClientSession {
    deframer: Deframer,
    core: Core,
}

#[derive(Debug)]
struct Core {
    credentials: Credentials,
    timers: Timers,
    state: State,
    /// Blank until a login was accepted.
    session: [u8; 10],
    next_sequence: u64,
    last_sent: Nanos,
    last_heard: Nanos,
}

impl ClientSession {
    /// A client that wants the server's current session from its first message on.
    #[must_use]
    pub fn new(credentials: Credentials, timers: Timers) -> Self {
        let core = Core {
            credentials,
            timers,
            state: State::Closed,
            session: [b' '; 10],
            next_sequence: 1,
            last_sent: Nanos::ZERO,
            last_heard: Nanos::ZERO,
        };
        Self { deframer: Deframer::new(SESSION_MAX_PACKET), core }
    }

    /// True between the login's acceptance and the end of the connection.
    #[must_use]
    pub fn is_logged_in(&self) -> bool {
        self.core.state == State::Up
    }

    /// Number of the sequenced message that comes next, and that a login asks for.
    #[must_use]
    pub const fn next_sequence(&self) -> u64 {
        self.core.next_sequence
    }

    /// Forgets the session, so that the next login asks for the server's current one from its first message on.
    pub const fn forget_session(&mut self) {
        self.core.session = [b' '; 10];
        self.core.next_sequence = 1;
    }

    /// A connection stands: logs in.
    pub fn connected(&mut self, now: Nanos, mut send: impl FnMut(&[u8])) {
        self.deframer.reset();
        let core = &mut self.core;
        core.state = State::LoggingIn;
        core.last_sent = now;
        core.last_heard = now;
        let Credentials { username, password } = core.credentials;
        send(LoginRequest::new(username, password, core.session, core.next_sequence).as_bytes());
    }

    /// Bytes came.
    pub fn receive(&mut self, now: Nanos, bytes: &[u8], mut on_event: impl FnMut(ClientEvent<'_>)) {
        let Self { deframer, core } = self;
        let framed = deframer.push(bytes, |packet| core.packet(now, packet, &mut on_event));
        if let Err(error) = framed {
            core.close(CloseReason::Framing(error), &mut on_event);
        }
    }

    /// Time has passed: sends a heartbeat when one is due, gives a silent server up.
    pub fn tick(&mut self, now: Nanos, mut send: impl FnMut(&[u8]), mut on_event: impl FnMut(ClientEvent<'_>)) {
        let core = &mut self.core;
        if core.state == State::Closed {
            return;
        }
        if now.saturating_sub(core.last_heard) >= core.timers.silence {
            core.close(CloseReason::PeerSilent, &mut on_event);
        } else if core.state == State::Up && now.saturating_sub(core.last_sent) >= core.timers.heartbeat {
            core.last_sent = now;
            send(&CLIENT_HEARTBEAT);
        }
    }

    /// Sends one message in a packet of unsequenced data.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent.
    pub fn send(&mut self, now: Nanos, message: &[u8], mut send: impl FnMut(&[u8])) -> Result<(), SendError> {
        if self.core.state != State::Up {
            return Err(SendError::NotLoggedIn);
        }
        let mut room = [0; SESSION_MAX_PACKET];
        let packet = write_data(&mut room, UNSEQUENCED_DATA, message)
            .ok_or(SendError::TooLong { length: message.len(), limit: SESSION_MAX_PACKET - 3 })?;
        self.core.last_sent = now;
        send(packet);
        Ok(())
    }

    /// The owner has sent a packet itself (an order written in place by the lane): no heartbeat is due for a while.
    #[inline]
    pub const fn sent(&mut self, now: Nanos) {
        self.core.last_sent = now;
    }

    /// Leaves.
    pub fn logout(&mut self, mut send: impl FnMut(&[u8]), mut on_event: impl FnMut(ClientEvent<'_>)) {
        if self.core.state != State::Closed {
            send(&LOGOUT_REQUEST);
            self.core.close(CloseReason::LoggedOut, &mut on_event);
        }
    }

    /// The connection is gone.
    pub fn disconnected(&mut self, mut on_event: impl FnMut(ClientEvent<'_>)) {
        self.core.close(CloseReason::Disconnected, &mut on_event);
    }
}

impl Core {
    /// Closes once.
    fn close(&mut self, reason: CloseReason, on_event: &mut impl FnMut(ClientEvent<'_>)) {
        if self.state != State::Closed {
            self.state = State::Closed;
            on_event(ClientEvent::Closed(reason));
        }
    }

    fn packet(&mut self, now: Nanos, bytes: &[u8], on_event: &mut impl FnMut(ClientEvent<'_>)) {
        if self.state == State::Closed {
            return;
        }
        self.last_heard = now;
        let packet = match Packet::parse(bytes) {
            Ok(packet) => packet,
            Err(error) => return self.close(CloseReason::Framing(error), on_event),
        };
        match (self.state, packet) {
            (_, Packet::Debug(_)) | (State::Up, Packet::ServerHeartbeat) => {}
            (State::LoggingIn, Packet::LoginAccepted(accepted)) => {
                self.logged_in(accepted, on_event);
            }
            (State::LoggingIn, Packet::LoginRejected(reason)) => {
                self.close(CloseReason::LoginRejected(reason), on_event);
            }
            (State::Up, Packet::SequencedData(message)) => {
                let sequence = self.next_sequence;
                self.next_sequence += 1;
                on_event(ClientEvent::Sequenced { sequence, message });
            }
            (State::Up, Packet::EndOfSession) => {
                self.session = [b' '; 10];
                self.next_sequence = 1;
                self.close(CloseReason::EndOfSession, on_event);
            }
            _ => self.close(CloseReason::Unexpected(bytes.get(2).copied().unwrap_or_default()), on_event),
        }
    }

    fn logged_in(&mut self, accepted: &LoginAccepted, on_event: &mut impl FnMut(ClientEvent<'_>)) {
        // The largest number is refused too: counting on from it would overflow.
        let Some(next_sequence) = parse_sequence(&accepted.sequence).filter(|&n| n < u64::MAX / 2) else {
            return self.close(CloseReason::Framing(SoupError::Number { kind: accepted.kind }), on_event);
        };
        let missed = next_sequence.saturating_sub(self.next_sequence);
        let session = accepted.session;
        self.session = session;
        self.next_sequence = next_sequence;
        self.state = State::Up;
        on_event(ClientEvent::LoggedIn { session, next_sequence, missed });
    }
}
