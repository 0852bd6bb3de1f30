//! The trader's side of order entry: nothing to do on datagrams, a SoupBinTCP session on a stream.

use anyhow::{Context, Result, anyhow};
use tickcert_probes::clocks::tsc;
use tickcert_results::{
    certificate::OrderChannel,
    time::{Nanos, TickScale, Ticks},
};
use tickcert_scenarios::order_entry::session::{ClientEvent, ClientSession, CloseReason, Timers};
use tickcert_transports::api::{Interest, Rx, Tx};

use super::{outbox::Outbox, process::credentials};

/// Answers from the exchange read in one go.
const READS: u32 = 4;

/// The trader's side of order entry.
pub(super) enum Desk {
    /// Orders go out, nothing comes back.
    Datagram,
    /// A session with the exchange.
    Session(Box<Session>),
}

pub(super) struct Session {
    client: ClientSession,
    outbox: Outbox,
    scale: TickScale,
    start: Ticks,
    closed: Option<CloseReason>,
    answers: u64,
    /// Orders sent when last looked.
    orders: usize,
}

impl Desk {
    pub(super) fn new(channel: OrderChannel, scale: TickScale) -> Result<Self> {
        Ok(match channel {
            OrderChannel::Datagram => Self::Datagram,
            OrderChannel::Tcp => {
                let mut client = ClientSession::new(credentials()?, Timers::default());
                let mut outbox = Outbox::new();
                client.connected(Nanos::ZERO, |packet| outbox.push(packet));
                let start = tsc::now();
                Self::Session(Box::new(Session { client, outbox, scale, start, closed: None, answers: 0, orders: 0 }))
            }
        })
    }

    /// Whether the exchange answers, in a session.
    pub(super) const fn is_session(&self) -> bool {
        matches!(self, Self::Session(_))
    }

    /// Whether orders can go.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::Datagram => true,
            Self::Session(session) => session.client.is_logged_in(),
        }
    }

    /// Answers read from the exchange; `None` where there is no session to answer in.
    pub(super) fn answers(&self) -> Option<u64> {
        match self {
            Self::Datagram => None,
            Self::Session(session) => Some(session.answers),
        }
    }

    /// Reads answers, keeps the session alive. To be called when no tick waits, with how many orders were sent so far:
    /// while they flow no heartbeat is due.
    pub(super) fn pump(&mut self, rx: &mut impl Rx, tx: &mut impl Tx, sent: usize) -> Result<()> {
        let Self::Session(session) = self else { return Ok(()) };
        let Session { client, outbox, scale, start, closed, answers, orders } = &mut **session;
        let now = scale.ns(tsc::now().since(*start)).unwrap_or_default();
        if *orders != sent {
            *orders = sent;
            client.sent(now);
        }
        let polled = rx.poll(Interest::Orders, READS, |frame| {
            client.receive(now, frame.bytes, |event| match event {
                ClientEvent::Sequenced { .. } => *answers += 1,
                ClientEvent::Closed(reason) => *closed = Some(reason),
                ClientEvent::LoggedIn { .. } => {}
            });
        });
        if let Some(reason) = closed {
            // Said by the exchange itself, so better than what the lane then finds.
            return Err(anyhow!("order session: {reason}"));
        }
        polled.context("while reading the order session")?;
        client.tick(
            now,
            |packet| outbox.push(packet),
            |event| {
                if let ClientEvent::Closed(reason) = event {
                    *closed = Some(reason);
                }
            },
        );
        outbox.send(tx)
    }

    /// Reads until the exchange ends the session, so that the last answers are counted, but not for longer than so many
    /// ticks of the clock; then logs out. The exchange may be gone already.
    pub(super) fn close(&mut self, rx: &mut impl Rx, tx: &mut impl Tx, sent: usize, patience: u64) {
        let deadline = tsc::now().raw() + patience;
        while matches!(self, Self::Session(_)) && tsc::now().raw() < deadline {
            if self.pump(rx, tx, sent).is_err() {
                return;
            }
        }
        let Self::Session(session) = self else { return };
        session.client.logout(|packet| session.outbox.push(packet), |_| ());
        let _ = session.outbox.send(tx);
    }
}
