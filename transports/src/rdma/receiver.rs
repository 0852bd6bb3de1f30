//! Receiving over one queue pair: from buffers that wait for sends, or from slots that the other end writes to, with a completion
//! for each or with none.
//!
//! A write with immediate value uses up a receive that has no buffer, and its bytes may come before it does. Slots are one
//! more than receives: when all receives are used up by frames that nobody has taken yet, only the next frame can be on
//! its way, again and again until there is a receive for it, and that one has a slot of its own. A frame's receive is posted
//! again only after it was handed over. So nothing is overwritten, and no counter has to cross.
//!
//! Plain writes use up no receives; see [`polled`].

use std::{io, ptr::NonNull, sync::Arc};

use rdma_mummy_sys::ibv_qp;
use tickcert_results::stamp::Stamp;

use super::{
    config::Operation,
    device_ffi::Device,
    meet::{Connection, StreamEnd},
    memory_ffi::Registered,
    opened::Stream,
    polled::{self, Polled},
    queue_ffi::{Queue, Room},
    refusal,
    request_ffi::Receives,
    setup::{low, service_of},
    slots::{SLOT, Turn},
    way::Way,
};
use crate::api::{OpenError, RxMeta};

/// What precedes a datagram in its buffer: room for the routing header (`struct ibv_grh`), whether there is one or not.
pub(super) const ROUTING_HEADER: usize = 40;
/// Receives posted at once.
const BATCH: u32 = 16;
/// Looks in vain before it is looked whether the other end is still there.
const LOOKS: u32 = 256;
/// Such looks that find it gone before it is believed: what it has sent last may still be on its way.
const GONE: u32 = 256;
/// The receiving end of a stream.
pub(super) struct Receiver {
    // Taken down before the memory that its requests are about: fields are dropped in this order.
    queue: Queue,
    memory: Registered,
    kind: Kind,
    receives: Receives,
    /// Receives that have completed and were not posted again.
    used_up: usize,
    /// Frames handed over.
    taken: u64,
    in_vain: u32,
    found_gone: u32,
    connection: Option<Arc<Connection>>,
}

/// Where frames come to.
#[expect(clippy::large_enum_variant, reason = "there is one, looked at in the loop: a box would be a look more")]
enum Kind {
    /// Into the buffer of the receive that completes, behind so many bytes that are none of theirs.
    Buffers { before: usize },
    /// Into slots in turn, with a completion.
    Slots { count: usize, next: Turn },
    /// Into slots in turn, without.
    Polled(Polled),
}

impl Receiver {
    /// As many receives as are wanted, as far as the device has them, all posted; and a queue pair that isn't connected yet.
    ///
    /// # Errors
    /// What the device refuses, and memory that can't be had.
    pub(super) fn new(device: &Device, operation: Operation, wanted: u32, huge: bool) -> Result<Self, OpenError> {
        let polled = operation == Operation::RcWritePoll;
        let receives = if polled { 1 } else { device.requests(wanted) };
        // A polled one's own sends are those that tell what it has read.
        let room = Room { sends: polled::REQUESTS, receives, inline: 8 };
        let queue = Queue::new(device, service_of(operation), room, !polled)?;
        queue.prepare()?;
        let slots = match operation {
            Operation::RcWrite => receives as usize + 1,
            Operation::RcWritePoll => wanted as usize,
            Operation::RcSend | Operation::Ud | Operation::Raw => receives as usize,
        };
        let written = matches!(operation, Operation::RcWrite | Operation::RcWritePoll);
        let memory = Registered::new(&device.domain, slots * SLOT, huge, written)?;
        let kind = match operation {
            Operation::RcWrite => Kind::Slots { count: slots, next: Turn::of(slots as u64) },
            Operation::RcWritePoll => Kind::Polled(Polled::new(device, slots as u64)?),
            Operation::Ud => Kind::Buffers { before: ROUTING_HEADER },
            Operation::RcSend | Operation::Raw => Kind::Buffers { before: 0 },
        };
        #[expect(clippy::cast_possible_truncation, reason = "a slot is small")]
        let bytes = if written { 0 } else { SLOT as u32 };
        let count = if polled { 0 } else { receives };
        let mut receives = Receives::new(count, BATCH.min(receives / 4).max(1), bytes, &memory);
        receives.post_all(&queue)?;
        Ok(Self { queue, memory, kind, receives, used_up: 0, taken: 0, in_vain: 0, found_gone: 0, connection: None })
    }

    /// To which rules lead frames.
    pub(super) const fn queue_pair(&self) -> NonNull<ibv_qp> {
        self.queue.pair()
    }

    /// As a queue pair of raw packets.
    ///
    /// # Errors
    /// As [`Queue::connect_raw`].
    pub(super) fn connect_raw(&self) -> Result<(), OpenError> {
        self.queue.connect_raw()
    }

    /// Hands over each frame that waits, at most `budget`; how many.
    ///
    /// # Errors
    /// A receive that failed, or another end that is gone.
    #[inline]
    pub(super) fn poll(&mut self, budget: u32, mut on_frame: impl FnMut(&[u8], RxMeta)) -> io::Result<u32> {
        let Self { queue, memory, kind, receives, used_up, taken, .. } = self;
        let frames = match kind {
            Kind::Polled(polled) => polled.poll(queue, memory, taken, budget, &mut on_frame)?,
            Kind::Buffers { before } => {
                let done = queue.received.take(budget);
                for done in done {
                    if done.status != 0 {
                        return Err(refusal::completion("receive", done.status, done.vendor_error));
                    }
                    let buffer = memory.slot(usize::try_from(done.id).unwrap_or_default());
                    let frame = buffer.get(*before..done.bytes as usize).unwrap_or_default();
                    on_frame(frame, meta(done.stamp));
                }
                done.len()
            }
            Kind::Slots { next, .. } => {
                let done = queue.received.take(budget);
                for done in done {
                    if done.status != 0 {
                        return Err(refusal::completion("receive", done.status, done.vendor_error));
                    }
                    if done.immediate != low(*taken) {
                        return Err(out_of_turn(done.immediate, low(*taken)));
                    }
                    let frame = memory.slot(next.place()).get(..done.bytes as usize).unwrap_or_default();
                    on_frame(frame, meta(done.stamp));
                    *taken += 1;
                    next.step();
                }
                done.len()
            }
        };
        if frames == 0 {
            return self.nothing(budget).map(|()| 0);
        }
        *used_up += if matches!(kind, Kind::Polled(_)) { 0 } else { frames };
        while *used_up >= receives.batch() {
            receives.post_batch(queue)?;
            *used_up -= receives.batch();
        }
        (self.in_vain, self.found_gone) = (0, 0);
        Ok(low(frames as u64))
    }

    /// Nothing came: is the other end still there? What it sent before it went is taken first.
    #[inline]
    fn nothing(&mut self, budget: u32) -> io::Result<()> {
        self.in_vain += 1;
        if self.in_vain < LOOKS || budget == 0 {
            return Ok(());
        }
        self.in_vain = 0;
        match self.connection.as_ref().and_then(|connection| connection.gone()) {
            None => Ok(()),
            Some(_) if self.found_gone < GONE => {
                self.found_gone += 1;
                Ok(())
            }
            Some(gone) => Err(gone),
        }
    }

    /// How it was set up, and what was seen.
    pub(super) fn describe(&self) -> String {
        let stamps = self
            .queue
            .received
            .reading()
            .map_or_else(|| "no stamps".to_owned(), |reading| format!("stamped by {}", reading.describe()));
        let memory = self.memory.describe();
        match &self.kind {
            Kind::Buffers { .. } => format!("{} receives with buffers, {memory}, {stamps}", self.receives.count()),
            Kind::Slots { count, .. } => {
                format!("{} receives for {count} slots, {memory}, {stamps}", self.receives.count())
            }
            Kind::Polled(polled) => format!(
                "{} slots looked at in memory, {memory}, no completions and so no stamps, {} frames seen before they were whole",
                polled.slots(),
                polled.seen_early()
            ),
        }
    }
}

impl Stream for Receiver {
    fn end(&self) -> StreamEnd {
        let slots = match &self.kind {
            Kind::Buffers { .. } => 0,
            Kind::Slots { count, .. } => u32::try_from(*count).unwrap_or_default(),
            Kind::Polled(polled) => low(polled.slots()),
        };
        let (address, key) = if slots > 0 { (self.memory.address(), self.memory.remote_key()) } else { (0, 0) };
        StreamEnd { queue: self.queue.number(), first_packet: self.queue.first_packet(), address, key, slots }
    }

    fn queue(&self) -> &Queue {
        &self.queue
    }

    fn connect(&mut self, device: &Device, way: Option<&Way>, other: &StreamEnd) -> Result<(), OpenError> {
        if let Kind::Polled(polled) = &mut self.kind {
            polled.aim_at(other);
        }
        way.map_or(Ok(()), |way| self.queue.connect(device, way))
    }

    fn watch(&mut self, connection: Arc<Connection>) {
        self.connection = Some(connection);
    }
}

#[inline]
fn meta(stamp: Option<Stamp>) -> RxMeta {
    RxMeta { hw: stamp, kernel: None }
}

#[cold]
fn out_of_turn(came: u32, due: u32) -> io::Error {
    let what = format!("the frame {came} was written when {due} was due: the other end writes out of turn");
    io::Error::new(io::ErrorKind::InvalidData, what)
}
