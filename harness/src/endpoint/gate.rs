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

    /// Something arrived at `at`: logs every order in it, first of all. Whether it ended with the end of an order: what
    /// came with the frame of its last byte is that order's then, and nobody's otherwise.
    #[inline]
    pub(super) fn on_frame(&mut self, bytes: &[u8], at: Ticks, log: &mut ArrivalLog) -> bool {
        match self {
            Self::Datagram => {
                log.push(at, bytes);
                true
            }
            Self::Session(session) => {
                let Session { server, outbox, scale, start, closed } = &mut **session;
                let now = scale.ns(at.since(*start)).unwrap_or_default();
                server.receive(
                    now,
                    bytes,
                    |packet| outbox.push(packet),
                    |order| log.push(at, order),
                    |event| note(event, closed),
                )
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
    use proptest::prelude::*;
    use tickcert_scenarios::order_entry::session::{ClientSession, Timers};
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

    /// An exchange that a trader has logged in to.
    fn logged_in() -> Gate {
        let mut gate = Gate::new(OrderChannel::Tcp, TickScale { ns_per_tick: 1.0 }).unwrap();
        let mut client = ClientSession::new(credentials().unwrap(), Timers::default());
        let mut login = Vec::new();
        client.connected(Nanos::ZERO, |packet| login.extend_from_slice(packet));
        gate.on_frame(&login, tsc::now(), &mut ArrivalLog::with_room(1));
        assert!(gate.is_open());
        gate
    }

    /// A packet of the trader's side: an order of so many bytes, or a heartbeat.
    fn packet(order: Option<u8>) -> Vec<u8> {
        match order {
            Some(len) => {
                let mut packet = vec![0, len + 1, b'U'];
                packet.extend(std::iter::repeat_n(b'O', len.into()));
                packet
            }
            None => vec![0, 1, b'R'],
        }
    }

    proptest! {
        /// A stream of orders and heartbeats, cut into runs anywhere: a stamp is of the frame that a run's last byte came in.
        #[test]
        fn a_runs_stamp_is_an_orders_only_if_the_run_ends_with_the_orders_last_byte(
            packets in proptest::collection::vec(proptest::option::weighted(0.7, 1_u8..60), 1..30),
            cuts in proptest::collection::vec(1_usize..90, 1..40),
        ) {
            let (mut stream, mut ends) = (Vec::new(), Vec::new());
            for order in &packets {
                stream.extend(packet(*order));
                // Where a packet ends, and whether it is an order.
                ends.push((stream.len(), order.is_some()));
            }
            let (mut gate, mut log) = (logged_in(), ArrivalLog::with_room(64));
            let (mut from, mut cuts) = (0, cuts.into_iter().cycle());
            while from < stream.len() {
                let to = (from + cuts.next().unwrap()).min(stream.len());
                let before = log.len();
                let stamped = gate.on_frame(&stream[from..to], tsc::now(), &mut log);
                prop_assert_eq!(stamped, ends.contains(&(to, true)), "{} to {}", from, to);
                prop_assert!(!stamped || log.len() > before);
                from = to;
            }
            prop_assert_eq!(log.len(), packets.iter().flatten().count());
        }
    }
}
