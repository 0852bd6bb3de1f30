//! Sending over one queue pair: a ring of buffers, of which each is built in place and given to the device, inside its request
//! where it is short. Only one in so many requests reports that it is done, and these reports are looked for after a
//! send, when many are under way, or when there is no room.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tickcert_results::stamp::Stamp;

use super::{
    completions_ffi::BURST,
    config::Operation,
    device_ffi::Device,
    meet::{Connection, StreamEnd},
    memory_ffi::Registered,
    opened::Stream,
    queue_ffi::{Queue, Room, Service},
    receiver::ROUTING_HEADER,
    refusal,
    request_ffi::{Deed, Posting, Request},
    setup::{Setup, low, service_of},
    slots::{self, SLOT, Turn},
    way::Way,
};
use crate::api::{OpenError, TxError};

/// Requests beyond the ring: the one that tells when all before it are done.
const SPARE: u32 = 2;
/// So long an end that closes waits until what it has sent has come.
const FAREWELL: Duration = Duration::from_millis(500);
/// Refusals in a row before it is looked whether the other end is still there.
const REFUSALS: u32 = 1024;
/// Stamps that wait to be asked for.
const STAMPS: usize = 256;

/// Where the other end's memory is, and how many slots it has.
#[derive(Clone, Copy, Debug)]
struct Remote {
    address: u64,
    key: u32,
    slots: u64,
}

/// The sending end of a stream.
pub(super) struct Sender {
    // Taken down before the memory that its requests are about: fields are dropped in this order.
    queue: Queue,
    buffers: Registered,
    /// Where the other end writes how many frames it has read, if no completion tells.
    read: Option<Registered>,
    request: Request,
    remote: Remote,
    setup: Setup,
    longest: usize,
    connection: Option<Arc<Connection>>,
    posted: u64,
    /// Where the next frame is built, and where it goes: places in turn, since a division costs more than the rest.
    next: Turn,
    next_there: Turn,
    /// Sends until one reports.
    until_report: u32,
    done: u64,
    /// Known to be read by the other end, where that is counted.
    known_read: u64,
    refused: u32,
    stamps: Vec<(u32, Stamp)>,
    waited: u64,
}

impl Sender {
    /// A ring, and a queue pair that isn't connected yet.
    ///
    /// # Errors
    /// What the device refuses, and memory that can't be had.
    pub(super) fn new(device: &Device, setup: Setup) -> Result<Self, OpenError> {
        let ring = device.requests(setup.ring + SPARE).min(setup.ring);
        let service = service_of(setup.operation);
        let room = Room { sends: ring + SPARE, receives: 1, inline: setup.inline };
        // Of a reliable connection the report says when the other end has acknowledged, not when the frame left.
        let stamped = service != Service::Reliable;
        let queue = Queue::new(device, service, room, stamped)?;
        queue.prepare()?;
        let buffers = Registered::new(&device.domain, ring as usize * SLOT, setup.huge, false)?;
        let polled = setup.operation == Operation::RcWritePoll;
        let read = polled.then(|| Registered::new(&device.domain, 4096, false, true)).transpose()?;
        let longest = match setup.operation {
            Operation::Ud => (device.mtu as usize).min(SLOT - ROUTING_HEADER),
            Operation::RcWritePoll => slots::LONGEST,
            Operation::RcWrite | Operation::RcSend | Operation::Raw => SLOT,
        };
        let request = Request::new(match setup.operation {
            Operation::RcWrite => Deed::WriteWithImmediate,
            Operation::RcWritePoll => Deed::Write,
            Operation::RcSend | Operation::Ud | Operation::Raw => Deed::Send,
        });
        let signal_every = if queue.sent.reading().is_some() { 1 } else { setup.signal_every.min(ring / 2).max(1) };
        Ok(Self {
            queue,
            buffers,
            read,
            request,
            remote: Remote { address: 0, key: 0, slots: u64::MAX },
            setup: Setup { ring, signal_every, ..setup },
            longest: longest.min(SLOT),
            connection: None,
            posted: 0,
            next: Turn::of(ring.into()),
            next_there: Turn::of(u64::MAX),
            until_report: signal_every,
            done: 0,
            known_read: 0,
            refused: 0,
            stamps: Vec::with_capacity(STAMPS),
            waited: 0,
        })
    }

    /// As a queue pair of raw packets.
    ///
    /// # Errors
    /// As [`Queue::connect_raw`].
    pub(super) fn connect_raw(&self) -> Result<(), OpenError> {
        self.queue.connect_raw()
    }

    /// Builds a frame in place and sends it; its number.
    #[inline]
    pub(super) fn send(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<u32, TxError> {
        if len > self.longest {
            return Err(self.too_long(len));
        }
        if !self.has_room()? {
            return Err(self.full());
        }
        let n = self.posted;
        let slot = self.next.place();
        let there = self.remote.address + (self.next_there.place() * SLOT) as u64;
        let buffer = self.buffers.slot_mut(slot);
        let (start, bytes) = match self.setup.operation {
            Operation::RcWritePoll => {
                let start = slots::build(buffer, len, slots::number(n), fill);
                self.request.aim_at_memory(there + start as u64, self.remote.key);
                (start, SLOT - start)
            }
            Operation::RcWrite => {
                fill(&mut buffer[..len]);
                self.request.aim_at_memory(there, self.remote.key);
                self.request.with_immediate(low(n));
                (0, len)
            }
            Operation::RcSend | Operation::Ud | Operation::Raw => {
                fill(&mut buffer[..len]);
                (0, len)
            }
        };
        let posting = Posting {
            id: n,
            address: self.buffers.address() + (slot * SLOT + start) as u64,
            #[expect(clippy::cast_possible_truncation, reason = "at most a slot")]
            bytes: bytes as u32,
            key: self.buffers.local_key(),
            signalled: self.until_report == 1,
        };
        match self.request.post(&self.queue, posting) {
            Ok(()) => {}
            Err(e) if e.raw_os_error() == Some(libc::ENOMEM) => return Err(self.full()),
            Err(e) => return Err(TxError::Io(e)),
        }
        self.posted += 1;
        self.next.step();
        self.next_there.step();
        self.until_report = if self.until_report == 1 { self.setup.signal_every } else { self.until_report - 1 };
        self.refused = 0;
        if self.posted - self.done >= u64::from(self.setup.ring / 2) {
            self.collect().map_err(TxError::Io)?;
        }
        Ok(low(n))
    }

    #[inline]
    fn has_room(&mut self) -> Result<bool, TxError> {
        if self.posted - self.done >= self.setup.ring.into() {
            self.collect().map_err(TxError::Io)?;
            if self.posted - self.done >= self.setup.ring.into() {
                return Ok(false);
            }
        }
        let Some(read) = &self.read else { return Ok(true) };
        if self.posted - self.known_read >= self.remote.slots {
            // What it says is another process's: it can't have read what was not sent.
            self.known_read = read.first_word().clamp(self.known_read, self.posted);
        }
        Ok(self.posted - self.known_read < self.remote.slots)
    }

    /// Takes reports of what is done.
    ///
    /// # Errors
    /// A send that failed: the queue pair is of no further use.
    #[inline]
    pub(super) fn collect(&mut self) -> io::Result<()> {
        for done in self.queue.sent.take(BURST) {
            if done.status != 0 {
                return Err(refusal::completion("send", done.status, done.vendor_error));
            }
            self.done = done.id + 1;
            if let Some(stamp) = done.stamp.filter(|_| self.stamps.len() < STAMPS) {
                self.stamps.push((low(done.id), stamp));
            }
        }
        Ok(())
    }

    /// Hands over stamps of frames that have left since.
    pub(super) fn take_stamps(&mut self, mut on_stamp: impl FnMut(u32, Stamp)) {
        // What failed will be said by the next send.
        if self.queue.sent.reading().is_some() && self.collect().is_ok() {
            self.stamps.drain(..).for_each(|(number, stamp)| on_stamp(number, stamp));
        }
    }

    #[cold]
    fn full(&mut self) -> TxError {
        self.waited += 1;
        self.refused += 1;
        if self.refused >= REFUSALS {
            self.refused = 0;
            if let Some(gone) = self.connection.as_ref().and_then(|connection| connection.gone()) {
                return TxError::Io(gone);
            }
        }
        TxError::Full
    }

    #[cold]
    fn too_long(&self, len: usize) -> TxError {
        let what = format!("a frame of {len} bytes is longer than the {} that this lane carries", self.longest);
        TxError::Io(io::Error::new(io::ErrorKind::InvalidInput, what))
    }

    /// How it was set up, and how often there was no room.
    pub(super) fn describe(&self) -> String {
        let stamps = match (self.queue.sent.reading(), service_of(self.setup.operation)) {
            (Some(reading), _) => format!("stamped by {}", reading.describe()),
            (None, Service::Reliable) => "no stamps: a reliable connection reports the acknowledgement".to_owned(),
            (None, _) => "no stamps".to_owned(),
        };
        format!(
            "ring {}, inline up to {} bytes, one in {} reports, {}, {stamps}, {} times no room",
            self.setup.ring,
            self.queue.inline,
            self.setup.signal_every,
            self.buffers.describe(),
            self.waited
        )
    }

    /// Waits until what was sent over a reliable connection has come: taking down the queue pair would lose it.
    fn farewell(&mut self) -> io::Result<()> {
        let is_gone = |connection: &Arc<Connection>| connection.gone().is_some();
        if service_of(self.setup.operation) != Service::Reliable || self.posted == self.done {
            return Ok(());
        }
        // Writes nothing, and reports when all before it is done.
        let posting = Posting { id: self.posted - 1, address: 0, bytes: 0, key: 0, signalled: true };
        Request::new(Deed::Write).post(&self.queue, posting)?;
        let deadline = Instant::now() + FAREWELL;
        while self.done < self.posted && Instant::now() < deadline && !self.connection.as_ref().is_some_and(is_gone) {
            self.collect()?;
        }
        Ok(())
    }
}

impl Stream for Sender {
    fn end(&self) -> StreamEnd {
        let (address, key) = self.read.as_ref().map_or((0, 0), |read| (read.address(), read.remote_key()));
        StreamEnd { queue: self.queue.number(), first_packet: self.queue.first_packet(), address, key, slots: 0 }
    }

    fn queue(&self) -> &Queue {
        &self.queue
    }

    fn connect(&mut self, device: &Device, way: Option<&Way>, other: &StreamEnd) -> Result<(), OpenError> {
        if let Some(way) = way {
            self.queue.connect(device, way)?;
        }
        if self.setup.operation == Operation::Ud {
            self.request.aim_at_queue(&self.queue, other.queue);
        }
        self.remote = Remote { address: other.address, key: other.key, slots: other.slots.max(1).into() };
        self.next_there = Turn::of(self.remote.slots);
        Ok(())
    }

    fn watch(&mut self, connection: Arc<Connection>) {
        self.connection = Some(connection);
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // Nobody can be told here.
        let _ = self.farewell();
    }
}
