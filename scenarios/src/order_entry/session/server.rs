//! The exchange's end of the session.

use tickcert_results::time::Nanos;
use zerocopy::IntoBytes;

use super::{
    CloseReason, CredentialError, Credentials, SESSION_MAX_PACKET, Timers,
    answer::{Outcome, Standing, answer},
    pending::Pending,
    server_types::{ServerConfig, ServerCounters, ServerEvent},
    store::{MAX_MESSAGE, Store},
};
use crate::order_entry::soup::{
    Deframer, END_OF_SESSION, LoginAccepted, LoginRejected, LoginRequest, Packet, RejectReason, SERVER_HEARTBEAT,
    UNSEQUENCED_DATA, padded_right, parse_sequence,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No connection, or done with it.
    Closed,
    /// Waits for a login.
    Connected,
    /// A client is in.
    Up,
}

/// A server of one session for one client at a time, over as many connections as it takes.
#[derive(Debug)]
pub struct ServerSession {
    deframer: Deframer,
    core: Core,
}

#[derive(Debug)]
struct Core {
    credentials: Credentials,
    session: [u8; 10],
    timers: Timers,
    midnight_offset: Nanos,
    state: State,
    ended: bool,
    connected_at: Nanos,
    last_sent: Nanos,
    last_heard: Nanos,
    last_user_ref_num: u32,
    pending: Pending,
    store: Store,
    counters: ServerCounters,
}

impl ServerSession {
    /// A server whose session has no messages yet. Allocates all that it will ever need.
    ///
    /// # Errors
    /// [`CredentialError::Session`] for a name that does not fit its field.
    pub fn new(config: &ServerConfig) -> Result<Self, CredentialError> {
        let session = padded_right::<10>(&config.session)
            .filter(|name| !name.trim_ascii().is_empty())
            .ok_or(CredentialError::Session)?;
        let core = Core {
            credentials: config.credentials,
            session,
            timers: config.timers,
            midnight_offset: config.midnight_offset,
            state: State::Closed,
            ended: false,
            connected_at: Nanos::ZERO,
            last_sent: Nanos::ZERO,
            last_heard: Nanos::ZERO,
            last_user_ref_num: 0,
            pending: Pending::new(config.pending_bytes.max(SESSION_MAX_PACKET)),
            store: Store::new(config.stored_messages),
            counters: ServerCounters::default(),
        };
        Ok(Self { deframer: Deframer::new(SESSION_MAX_PACKET), core })
    }

    /// True while a client is in.
    #[must_use]
    pub fn is_logged_in(&self) -> bool {
        self.core.state == State::Up
    }

    /// Number of the next sequenced message.
    #[must_use]
    pub const fn next_sequence(&self) -> u64 {
        self.core.store.next()
    }

    /// What was done so far.
    #[must_use]
    pub const fn counters(&self) -> ServerCounters {
        self.core.counters
    }

    /// True while orders wait for their answer; see [`ServerSession::pump`].
    #[must_use]
    pub const fn has_pending(&self) -> bool {
        !self.core.pending.is_empty()
    }

    /// Starts the numbering of orders over: the next UserRefNum may be 1 again. For a repetition of the same tape.
    pub const fn forget_user_ref_nums(&mut self) {
        self.core.last_user_ref_num = 0;
    }

    /// A client has connected.
    pub const fn connected(&mut self, now: Nanos) {
        self.deframer.reset();
        self.core.state = State::Connected;
        self.core.connected_at = now;
        self.core.last_heard = now;
        self.core.last_sent = now;
    }

    /// Bytes came. Each packet of unsequenced data from a client that is in goes to `on_order`, whole, before anything
    /// else is done with it; its answer waits for [`ServerSession::pump`]. Whether the last of the bytes was the last of
    /// such a packet.
    #[inline]
    pub fn receive(
        &mut self,
        now: Nanos,
        bytes: &[u8],
        mut send: impl FnMut(&[u8]),
        mut on_order: impl FnMut(&[u8]),
        mut on_event: impl FnMut(ServerEvent),
    ) -> bool {
        let Self { deframer, core } = self;
        let mut order_last = false;
        let framed = deframer.push(bytes, |packet| {
            order_last = core.state == State::Up && packet.get(2) == Some(&UNSEQUENCED_DATA);
            if order_last {
                on_order(packet);
                core.wait(now, packet, &mut send);
            } else {
                core.packet(now, packet, &mut send, &mut on_event);
            }
        });
        if let Err(error) = framed {
            core.close(CloseReason::Framing(error), &mut on_event);
        }
        order_last && deframer.is_at_boundary()
    }

    /// Answers at most `budget` waiting orders, oldest first, and returns how many were taken. Without a client the
    /// answers are kept for its return.
    pub fn pump(&mut self, now: Nanos, budget: usize, mut send: impl FnMut(&[u8])) -> usize {
        (0..budget).take_while(|_| self.core.answer_next(now, &mut send)).count()
    }

    /// Time has passed: sends a heartbeat when one is due, drops a client that is silent or does not log in.
    pub fn tick(&mut self, now: Nanos, mut send: impl FnMut(&[u8]), mut on_event: impl FnMut(ServerEvent)) {
        let core = &mut self.core;
        match core.state {
            State::Closed => {}
            State::Connected if now.saturating_sub(core.connected_at) >= core.timers.login => {
                core.close(CloseReason::LoginTimeout, &mut on_event);
            }
            State::Connected => {}
            State::Up if now.saturating_sub(core.last_heard) >= core.timers.silence => {
                core.close(CloseReason::PeerSilent, &mut on_event);
            }
            State::Up if now.saturating_sub(core.last_sent) >= core.timers.heartbeat => {
                core.last_sent = now;
                send(&SERVER_HEARTBEAT);
            }
            State::Up => {}
        }
    }

    /// Ends the session for good, after answering what waits.
    pub fn end_session(&mut self, now: Nanos, mut send: impl FnMut(&[u8]), mut on_event: impl FnMut(ServerEvent)) {
        while self.core.answer_next(now, &mut send) {}
        self.core.ended = true;
        if self.core.state == State::Up {
            send(&END_OF_SESSION);
        }
        self.core.close(CloseReason::EndOfSession, &mut on_event);
    }

    /// The connection is gone.
    pub fn disconnected(&mut self, mut on_event: impl FnMut(ServerEvent)) {
        self.core.close(CloseReason::Disconnected, &mut on_event);
    }
}

impl Core {
    /// Closes once.
    fn close(&mut self, reason: CloseReason, on_event: &mut impl FnMut(ServerEvent)) {
        if self.state != State::Closed {
            self.state = State::Closed;
            on_event(ServerEvent::Closed(reason));
        }
    }

    /// Puts an order with those that wait; answers older ones at once where there is no room.
    #[inline]
    fn wait(&mut self, now: Nanos, packet: &[u8], send: &mut impl FnMut(&[u8])) {
        self.last_heard = now;
        while !self.pending.push(packet) {
            self.counters.forced += 1;
            if !self.answer_next(now, send) {
                break;
            }
        }
    }

    fn packet(
        &mut self,
        now: Nanos,
        bytes: &[u8],
        send: &mut impl FnMut(&[u8]),
        on_event: &mut impl FnMut(ServerEvent),
    ) {
        if self.state == State::Closed {
            return;
        }
        self.last_heard = now;
        match (self.state, Packet::parse(bytes)) {
            (_, Ok(Packet::Debug(_) | Packet::ClientHeartbeat)) => {}
            (State::Connected, Ok(Packet::LoginRequest(login))) => {
                self.login(now, login, send, on_event);
            }
            (_, Ok(Packet::LogoutRequest)) => self.close(CloseReason::LoggedOut, on_event),
            (_, Ok(_)) => self.close(CloseReason::Unexpected(bytes.get(2).copied().unwrap_or_default()), on_event),
            (_, Err(error)) => self.close(CloseReason::Framing(error), on_event),
        }
    }

    /// Where a login may start, or why it may not: the number asked for, and the one served from.
    fn admit(&self, login: &LoginRequest) -> Result<(u64, u64), RejectReason> {
        if !self.credentials.admit(&login.username, &login.password) {
            return Err(RejectReason::NotAuthorised);
        }
        let wanted = login.session.trim_ascii();
        if self.ended || !(wanted.is_empty() || wanted.eq_ignore_ascii_case(self.session.trim_ascii())) {
            return Err(RejectReason::SessionNotAvailable);
        }
        // A number that cannot be read, or that this session has not reached, belongs to some other session.
        match parse_sequence(&login.sequence) {
            Some(0) => Ok((0, self.store.next().saturating_sub(1).max(1))),
            Some(requested) if requested <= self.store.next() => Ok((requested, requested.max(self.store.oldest()))),
            _ => Err(RejectReason::SessionNotAvailable),
        }
    }

    fn login(
        &mut self,
        now: Nanos,
        login: &LoginRequest,
        send: &mut impl FnMut(&[u8]),
        on_event: &mut impl FnMut(ServerEvent),
    ) {
        self.last_sent = now;
        match self.admit(login) {
            Ok((requested, from)) => {
                send(LoginAccepted::new(padded_session(&self.session), from).as_bytes());
                for sequence in from..self.store.next() {
                    if let Some(packet) = self.store.packet(sequence) {
                        send(packet);
                    }
                }
                self.state = State::Up;
                on_event(ServerEvent::LoggedIn { requested, from });
            }
            Err(reason) => {
                send(LoginRejected::new(reason).as_bytes());
                self.close(CloseReason::LoginRejected(reason), on_event);
            }
        }
    }

    /// Answers the oldest waiting order; false when none waits.
    fn answer_next(&mut self, now: Nanos, send: &mut impl FnMut(&[u8])) -> bool {
        let Some(packet) = self.pending.front() else {
            return false;
        };
        let length = packet.len();
        let mut standing = Standing {
            time: self.midnight_offset + now,
            last_user_ref_num: self.last_user_ref_num,
            order_reference_number: self.store.next(),
        };
        let mut room = [0; MAX_MESSAGE];
        let outcome = answer(packet.get(3..).unwrap_or_default(), &mut standing, &mut room);
        self.last_user_ref_num = standing.last_user_ref_num;
        self.pending.pop(length);
        let (counter, length) = match outcome {
            Outcome::Accepted(length) => (&mut self.counters.accepted, length),
            Outcome::Rejected(length) => (&mut self.counters.rejected, length),
            Outcome::Other(length) => (&mut self.counters.others, length),
            Outcome::Stale => (&mut self.counters.stale, 0),
        };
        *counter += 1;
        let message = room.get(..length).unwrap_or_default();
        if !message.is_empty()
            && let Some(packet) = self.store.push(message)
            && self.state == State::Up
        {
            self.last_sent = now;
            send(packet);
        }
        true
    }
}

/// The session's name as Login Accepted has it: left-padded.
fn padded_session(name: &[u8; 10]) -> [u8; 10] {
    let trimmed = name.trim_ascii();
    let mut field = [b' '; 10];
    if let Some(end) = field.get_mut(10 - trimmed.len()..) {
        end.copy_from_slice(trimmed);
    }
    field
}
