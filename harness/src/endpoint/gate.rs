//! Where orders come in at the exchange: straight from datagrams, or out of a SoupBinTCP session.

use anyhow::{Result, anyhow};
use tickcert_probes::clocks::tsc;
use tickcert_results::{
    certificate::OrderChannel,
    time::{Nanos, TickScale, Ticks},
};
use tickcert_scenarios::order_entry::session::{CloseReason, ServerConfig, ServerEvent, ServerSession};
use tickcert_transports::api::Tx;

use super::{outbox::Outbox, process::credentials, samples::ArrivalLog};

/// Answers built in one go, so that the sender of ticks is never away for long.
const ANSWERS: usize = 8;
/// So long the answers that are still waiting at the end are offered to a lane that has no room.
const FAREWELL: Nanos = Nanos::SECOND;

/// The exchange's side of order entry.
pub(super) enum Gate {
    /// Each frame is an order.
    Datagram,
    /// Frames are pieces of a session's byte stream.
    Session(Box<Session>),
}

pub(super) struct Session {
    server: ServerSession,
    outbox: Outbox,
    scale: TickScale,
    start: Ticks,
    closed: Option<CloseReason>,
}

impl Gate {
    pub(super) fn new(channel: OrderChannel, scale: TickScale) -> Result<Self> {
        Ok(match channel {
            OrderChannel::Datagram => Self::Datagram,
            OrderChannel::Tcp => {
                let mut server = ServerSession::new(&ServerConfig::new(credentials()?))?;
                server.connected(Nanos::ZERO);
                let outbox = Outbox::new();
                Self::Session(Box::new(Session { server, outbox, scale, start: tsc::now(), closed: None }))
            }
        })
    }

    /// Something arrived at `at`: logs every order in it, first of all.
    #[inline]
    pub(super) fn on_frame(&mut self, bytes: &[u8], at: Ticks, log: &mut ArrivalLog) {
        match self {
            Self::Datagram => log.push(at, bytes),
            Self::Session(session) => {
                let Session { server, outbox, scale, start, closed } = &mut **session;
                let now = scale.ns(at.since(*start)).unwrap_or_default();
                server.receive(
                    now,
                    bytes,
                    |packet| outbox.push(packet),
                    |order| log.push(at, order),
                    |event| note(event, closed),
                );
            }
        }
    }

    /// Whether orders can come.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::Datagram => true,
            Self::Session(session) => session.server.is_logged_in(),
        }
    }

    /// Answers orders, keeps the session alive. To be called when there is time.
    pub(super) fn pump(&mut self, tx: &mut impl Tx) -> Result<()> {
        let Self::Session(session) = self else { return Ok(()) };
        let Session { server, outbox, scale, start, closed } = &mut **session;
        let now = scale.ns(tsc::now().since(*start)).unwrap_or_default();
        if outbox.is_empty() {
            server.pump(now, ANSWERS, |packet| outbox.push(packet));
            server.tick(now, |packet| outbox.push(packet), |event| note(event, closed));
        }
        outbox.send(tx)?;
        match closed {
            Some(reason) => Err(anyhow!("order session: {reason}")),
            None => Ok(()),
        }
    }

    /// Ends the session in good order. The trader may be gone already, and a lane that carries TCP itself then says only that
    /// there is no room.
    pub(super) fn close(&mut self, tx: &mut impl Tx) {
        let Self::Session(session) = self else { return };
        let Session { server, outbox, scale, start, .. } = &mut **session;
        let now = scale.ns(tsc::now().since(*start)).unwrap_or_default();
        server.end_session(now, |packet| outbox.push(packet), |_| ());
        let give_up = tsc::now().raw() + scale.ticks(FAREWELL);
        while !outbox.is_empty() && outbox.send(tx).is_ok() && tsc::now().raw() < give_up {}
    }
}

fn note(event: ServerEvent, closed: &mut Option<CloseReason>) {
    if let ServerEvent::Closed(reason) = event {
        *closed = Some(reason);
    }
}

#[cfg(test)]
mod tests {
    use tickcert_transports::api::{Flow, TxError, TxToken};

    use super::*;

    /// To somebody who reads nothing any more.
    struct NoRoom;

    impl Tx for NoRoom {
        fn send(&mut self, _: Flow, _: usize, _: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
            Err(TxError::Full)
        }
    }

    #[test]
    fn a_farewell_to_a_trader_that_is_gone_has_an_end() {
        let mut gate = Gate::new(OrderChannel::Tcp, TickScale { ns_per_tick: 1.0 }).unwrap();
        let Gate::Session(session) = &mut gate else { panic!("orders on TCP have a session") };
        session.outbox.push(b"an answer that nobody waits for");
        gate.close(&mut NoRoom);
        let Gate::Session(session) = &gate else { panic!("orders on TCP have a session") };
        assert!(!session.outbox.is_empty());
    }
}
