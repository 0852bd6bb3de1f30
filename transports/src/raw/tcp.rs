//! Market data as datagrams and orders on a TCP connection, over a device of frames.
//!
//! Both halves need the connection: the receiving one puts segments in and has them acknowledged, the sending one
//! writes. Neither holds it while a frame is handed over. Where one thread uses both, as a rule, the lock is always free: it
//! costs an atomic operation and never waits. Two threads wait for each other.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tickcert_results::{certificate::OrderChannel, time::Nanos};

use super::{
    KEPT, OTHERS,
    connection::Connection,
    datagram::{facts, no_ticks, transmit},
    kept::Kept,
    port::{FrameRx, FrameTx},
    sorter::{Ends, Sorted, Sorter},
    udp::UdpFrames,
};
use crate::api::{Flow, Frame, Interest, Role, RxMeta, Segments, TxError, TxToken};

/// Longest run of bytes handed over at once.
const RUN: usize = 64 * 1024;
/// So many polls for market data that found nothing, and TCP's clock is looked at: it must go on where nobody asks for
/// orders.
const QUIET: u32 = 64;
/// First wait for an answer to a connection's first segment; doubled each time. TCP's own is a second, too long where
/// the other end is just starting.
const FIRST_PATIENCE: Duration = Duration::from_millis(5);
const LONGEST_PATIENCE: Duration = Duration::from_millis(500);

struct Shared<X: FrameTx>(Arc<Mutex<Connection<X>>>);

impl<X: FrameTx> Shared<X> {
    #[inline]
    fn get(&self) -> MutexGuard<'_, Connection<X>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Receives.
pub(super) struct TcpRx<X: FrameTx> {
    connection: Shared<X>,
    sorter: Sorter,
    ticks: Kept,
    run: Box<[u8]>,
    quiet: u32,
}

impl<X: FrameTx> TcpRx<X> {
    /// As [`crate::api::Rx::poll`].
    #[inline]
    pub(super) fn poll(
        &mut self,
        port: &mut impl FrameRx,
        interest: Interest,
        budget: u32,
        on_frame: impl FnMut(Frame<'_>),
    ) -> io::Result<u32> {
        match interest {
            Interest::Ticks => self.poll_ticks(port, budget, on_frame),
            Interest::Orders => self.poll_orders(port, budget, on_frame),
        }
    }

    #[inline]
    fn poll_ticks(
        &mut self,
        port: &mut impl FrameRx,
        budget: u32,
        mut on_frame: impl FnMut(Frame<'_>),
    ) -> io::Result<u32> {
        let Self { connection, sorter, ticks, .. } = self;
        let mut handed = ticks.hand_over(budget, &mut on_frame);
        let (mut patience, mut moved) = (OTHERS, false);
        while handed < budget {
            let (asked, before) = (budget - handed, handed);
            let got = port.receive(asked, |frame, meta| match sorter.sort(frame) {
                Sorted::Payload(flow, bytes) => {
                    handed += 1;
                    on_frame(Frame { flow, bytes, meta });
                }
                // What it carries waits in TCP's own buffer, and holds the other end up when that is full.
                Sorted::Segment(packet) => {
                    connection.get().take(packet);
                    moved = true;
                }
                Sorted::Arp(asker) => connection.get().answer(asker),
                Sorted::Nothing => {}
            })?;
            patience = patience.saturating_sub(got - (handed - before));
            if got < asked || patience == 0 {
                break;
            }
        }
        self.quiet = if handed > 0 { 0 } else { self.quiet + 1 };
        if moved || self.quiet >= QUIET {
            self.quiet = 0;
            self.connection.get().drive();
        }
        Ok(handed)
    }

    /// Hands over a run of bytes for each segment that brings some, and what is left from before as the first.
    #[inline]
    fn poll_orders(
        &mut self,
        port: &mut impl FrameRx,
        budget: u32,
        mut on_frame: impl FnMut(Frame<'_>),
    ) -> io::Result<u32> {
        if budget == 0 {
            return Ok(0);
        }
        let Self { connection, sorter, ticks, run, .. } = self;
        let mut hand_over = |bytes: &[u8], meta| {
            on_frame(Frame { flow: Flow::Orders, bytes, meta });
            1
        };
        let left = connection.get().read(run)?;
        let mut handed = if left > 0 { hand_over(&run[..left], RxMeta::default()) } else { 0 };
        let mut patience = OTHERS;
        while handed < budget {
            let (asked, before) = (budget - handed, handed);
            let got = port.receive(asked, |frame, meta| match sorter.sort(frame) {
                Sorted::Payload(_, bytes) => ticks.push(bytes, meta),
                Sorted::Segment(packet) => {
                    let read = {
                        let mut connection = connection.get();
                        connection.take(packet);
                        // The end of the stream is told by the next poll.
                        connection.read(run).unwrap_or(0)
                    };
                    if read > 0 {
                        handed += hand_over(&run[..read], meta);
                    }
                }
                Sorted::Arp(asker) => connection.get().answer(asker),
                Sorted::Nothing => {}
            })?;
            patience = patience.saturating_sub(got - (handed - before));
            if got < asked || patience == 0 {
                break;
            }
        }
        connection.get().drive();
        Ok(handed)
    }

    pub(super) fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        note("orders_tcp", "smoltcp".to_owned());
        facts(self.sorter.ignored(), self.ticks.lost(), note);
    }
}

/// Takes what waits, without handing anything over.
fn drain<X: FrameTx>(
    port: &mut impl FrameRx,
    connection: &Shared<X>,
    sorter: &mut Sorter,
    ticks: &mut Kept,
) -> io::Result<()> {
    let mut connection = connection.get();
    port.receive(OTHERS, |frame, meta| match sorter.sort(frame) {
        Sorted::Payload(_, bytes) => ticks.push(bytes, meta),
        Sorted::Segment(packet) => connection.take(packet),
        Sorted::Arp(asker) => connection.answer(asker),
        Sorted::Nothing => {}
    })?;
    connection.drive();
    Ok(())
}

/// Sends.
pub(super) struct TcpTx<X: FrameTx> {
    connection: Shared<X>,
    ticks: Option<UdpFrames>,
}

impl<X: FrameTx> TcpTx<X> {
    /// As [`crate::api::Tx::send`].
    #[inline]
    pub(super) fn send(&mut self, flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        let mut connection = self.connection.get();
        match flow {
            Flow::Orders => connection.write(len, fill),
            Flow::Ticks => {
                let frames = self.ticks.as_ref().ok_or_else(no_ticks)?;
                let token = transmit(&mut connection.wire.port, frames, len, fill)?;
                connection.wire.was_queued();
                Ok(token)
            }
        }
    }

    pub(super) fn flush(&mut self) -> Result<(), TxError> {
        self.connection.get().flush()
    }

    pub(super) fn segments(&self) -> Segments {
        self.connection.get().segments()
    }

    /// The device, for as long as `look` takes.
    pub(super) fn with_port<R>(&self, look: impl FnOnce(&mut X) -> R) -> R {
        look(&mut self.connection.get().wire.port)
    }
}

/// Both sides, once the connection stands.
pub(super) fn open<X: FrameTx>(
    ends: &Ends,
    role: Role,
    timeout: Nanos,
    rx: &mut impl FrameRx,
    tx: X,
) -> io::Result<(TcpRx<X>, TcpTx<X>)> {
    let connection = Arc::new(Mutex::new(Connection::new(ends, role, tx)?));
    let slots = if role == Role::Trader { KEPT } else { 0 };
    let mut receiver = TcpRx {
        connection: Shared(Arc::clone(&connection)),
        sorter: Sorter::new(ends, OrderChannel::Tcp),
        ticks: Kept::new(Flow::Ticks, slots),
        run: vec![0xff; RUN].into_boxed_slice(),
        quiet: 0,
    };
    establish(ends, role, timeout, rx, &mut receiver)?;
    Ok((receiver, TcpTx { connection: Shared(connection), ticks: ends.ticks_out() }))
}

fn establish<X: FrameTx>(
    ends: &Ends,
    role: Role,
    timeout: Nanos,
    port: &mut impl FrameRx,
    receiver: &mut TcpRx<X>,
) -> io::Result<()> {
    let TcpRx { connection, sorter, ticks, .. } = receiver;
    let begun = Instant::now();
    let (mut patience, mut again) = (FIRST_PATIENCE, begun);
    while !connection.get().is_established() {
        let now = Instant::now();
        if now.duration_since(begun) > Duration::from(timeout) {
            return Err(nobody(ends, role, timeout));
        }
        if role == Role::Trader && now >= again {
            connection.get().connect()?;
            again = now + patience;
            patience = (patience * 2).min(LONGEST_PATIENCE);
        }
        drain(port, connection, sorter, ticks)?;
        std::thread::yield_now();
    }
    Ok(())
}

fn nobody(ends: &Ends, role: Role, timeout: Nanos) -> io::Error {
    let (local, peer) = (ends.local, ends.peer);
    let what = match role {
        Role::Exchange => {
            format!("no order session from {} on {local} within {timeout}: did the trader end early?", peer.ip())
        }
        Role::Trader => format!("connect the order session to {peer}: no answer within {timeout}; did it end early?"),
    };
    io::Error::new(io::ErrorKind::TimedOut, what)
}
