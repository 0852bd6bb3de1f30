//! Market data and orders, all as datagrams, over a device of frames.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tickcert_results::certificate::OrderChannel;

use super::{
    KEPT, OTHERS,
    arp::{Answerer, Asker},
    kept::Kept,
    port::{FrameRx, FrameTx},
    sorter::{Ends, Ignored, Sorted, Sorter},
    udp::{MAX_PAYLOAD, UdpFrames},
};
use crate::api::{Flow, Frame, Interest, Role, TxError, TxToken};

/// Receives. It owns nothing of the sending side, so an ARP request waits at [`Door`] for the next frame to go out.
#[derive(Debug)]
pub(super) struct DatagramRx {
    sorter: Sorter,
    ticks: Kept,
    orders: Kept,
    door: Arc<Door>,
}

impl DatagramRx {
    /// As [`crate::api::Rx::poll`].
    #[inline]
    pub(super) fn poll(
        &mut self,
        port: &mut impl FrameRx,
        interest: Interest,
        budget: u32,
        mut on_frame: impl FnMut(Frame<'_>),
    ) -> io::Result<u32> {
        let Self { sorter, ticks, orders, door } = self;
        let (wanted, kept, others) = match interest {
            Interest::Ticks => (Flow::Ticks, ticks, orders),
            Interest::Orders => (Flow::Orders, orders, ticks),
        };
        let mut handed = kept.hand_over(budget, &mut on_frame);
        let mut patience = OTHERS;
        while handed < budget {
            let (asked, before) = (budget - handed, handed);
            let got = port.receive(asked, |frame, meta| match sorter.sort(frame) {
                Sorted::Payload(flow, bytes) if flow == wanted => {
                    handed += 1;
                    on_frame(Frame { flow, bytes, meta });
                }
                Sorted::Payload(_, bytes) => others.push(bytes, meta),
                Sorted::Arp(asker) => door.knock(asker),
                Sorted::Segment(_) | Sorted::Nothing => {}
            })?;
            patience = patience.saturating_sub(got - (handed - before));
            if got < asked || patience == 0 {
                break;
            }
        }
        Ok(handed)
    }

    pub(super) fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        facts(self.sorter.ignored(), self.ticks.lost() + self.orders.lost(), note);
    }
}

/// What stands in the certificate of frames that were not handed over; nothing where there were none.
pub(super) fn facts(ignored: Ignored, lost: u64, note: &mut dyn FnMut(&'static str, String)) {
    let Ignored { foreign, malformed, fragments, checksum } = ignored;
    for (name, frames) in [
        ("frames_of_others", foreign),
        ("frames_malformed", malformed),
        ("frames_fragmented", fragments),
        ("frames_with_wrong_checksum", checksum),
        ("frames_without_room", lost),
    ] {
        if frames > 0 {
            note(name, frames.to_string());
        }
    }
}

/// Where the last who asked for our hardware address waits for the sending side, which may be another thread's.
#[derive(Debug, Default)]
struct Door {
    /// So that who finds nobody, as nearly always, takes no lock.
    is_anybody: AtomicBool,
    asker: Mutex<Option<Asker>>,
}

impl Door {
    fn knock(&self, asker: Asker) {
        let mut waiting = self.asker.lock().unwrap_or_else(PoisonError::into_inner);
        *waiting = Some(asker);
        self.is_anybody.store(true, Ordering::Relaxed);
    }

    #[inline]
    fn open(&self) -> Option<Asker> {
        if !self.is_anybody.load(Ordering::Relaxed) {
            return None;
        }
        let mut waiting = self.asker.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_anybody.store(false, Ordering::Relaxed);
        waiting.take()
    }
}

/// Sends.
#[derive(Debug)]
pub(super) struct DatagramTx<X> {
    port: X,
    ticks: Option<UdpFrames>,
    orders: UdpFrames,
    answerer: Answerer,
    door: Arc<Door>,
}

impl<X: FrameTx> DatagramTx<X> {
    /// As [`crate::api::Tx::send`].
    #[inline]
    pub(super) fn send(&mut self, flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        let frames = match flow {
            Flow::Orders => &self.orders,
            Flow::Ticks => self.ticks.as_ref().ok_or_else(no_ticks)?,
        };
        transmit(&mut self.port, frames, len, fill)
    }

    pub(super) fn flush(&mut self) -> Result<(), TxError> {
        if let Some(asker) = self.door.open() {
            // Who gets no answer asks again.
            let _ = self.port.transmit(self.answerer.frame_len(), |frame| self.answerer.reply(asker, frame));
        }
        self.port.kick()
    }

    pub(super) const fn port(&self) -> &X {
        &self.port
    }

    pub(super) const fn port_mut(&mut self) -> &mut X {
        &mut self.port
    }
}

/// One datagram in one frame.
#[inline]
pub(super) fn transmit(
    port: &mut impl FrameTx,
    frames: &UdpFrames,
    len: usize,
    fill: impl FnOnce(&mut [u8]),
) -> Result<TxToken, TxError> {
    if len > MAX_PAYLOAD {
        return Err(too_long(len, MAX_PAYLOAD));
    }
    port.transmit(frames.frame_len(len), |frame| frames.build(frame, len, fill))
}

#[cold]
pub(super) fn too_long(len: usize, most: usize) -> TxError {
    let what = format!("{len} bytes at once are more than the {most} that one frame of this lane carries");
    TxError::Io(io::Error::new(io::ErrorKind::InvalidInput, what))
}

#[cold]
pub(super) fn no_ticks() -> TxError {
    TxError::Io(io::Error::new(io::ErrorKind::Unsupported, "only the exchange sends ticks"))
}

/// Both sides.
pub(super) fn halves<X: FrameTx>(ends: &Ends, role: Role, port: X) -> (DatagramRx, DatagramTx<X>) {
    let door = Arc::new(Door::default());
    // The exchange has one flow coming in: nothing to keep.
    let slots = if role == Role::Trader { KEPT } else { 0 };
    let rx = DatagramRx {
        sorter: Sorter::new(ends, OrderChannel::Datagram),
        ticks: Kept::new(Flow::Ticks, slots),
        orders: Kept::new(Flow::Orders, slots),
        door: Arc::clone(&door),
    };
    let tx = DatagramTx { port, ticks: ends.ticks_out(), orders: ends.orders_out(), answerer: ends.answerer(), door };
    (rx, tx)
}
