//! The first thread: takes each tick from the tape when it is due, decodes it, and hands its messages on.

use anyhow::{Context, Result};
use tickcert_probes::clocks::tsc;
use tickcert_results::time::{Nanos, TickScale, Ticks};
use tickcert_scenarios::{
    handoff::Full,
    tape::Tape,
    trader::{Decoder, Event, NoProbe},
};

use super::logs::{Log, Span};

/// From the beginning until the first tick is due.
const LEAD: Nanos = Nanos(2_000_000);

/// What the first thread saw.
pub(super) struct Decoded {
    /// When the schedule began.
    pub(super) base: Ticks,
    /// Departure of each tick, raw.
    pub(super) sent: Vec<u64>,
    /// How long putting in took, of each message.
    pub(super) pushes: Log<Span>,
    /// Times that there was no room.
    pub(super) full: u64,
    /// Messages handed on, those without room included.
    pub(super) messages: u64,
    /// What the decoder could make nothing of.
    pub(super) unreadable: u64,
}

/// The tape, its schedule, and where it all goes.
pub(super) struct Feed<'a> {
    tape: &'a Tape,
    offsets: Vec<u64>,
    buffer: Vec<u8>,
    decoder: Decoder,
    out: Decoded,
    lead: u64,
}

impl<'a> Feed<'a> {
    /// With room for everything, so that nothing is allocated later.
    pub(super) fn new(tape: &'a Tape, due: &[Nanos], scale: TickScale) -> Result<Self> {
        let longest = (0..tape.packets()).map(|n| tape.packet(n).len()).max().unwrap_or_default();
        let messages = usize::try_from(tape.messages_in(due.len())).context("too many messages for this host")?;
        let mut sent = vec![1; due.len()];
        sent.fill(0);
        Ok(Self {
            tape,
            offsets: due.iter().map(|at| scale.ticks(*at)).collect(),
            buffer: vec![1; longest],
            decoder: Decoder::new(&tape.header().trader),
            lead: scale.ticks(LEAD),
            out: Decoded {
                base: Ticks::MIN,
                sent,
                pushes: Log::with_room(messages),
                full: 0,
                messages: 0,
                unreadable: 0,
            },
        })
    }

    /// Plays the schedule. `hand_on` gets each message with the number of its tick and the counter just before.
    #[inline(always)]
    pub(super) fn play(&mut self, mut hand_on: impl FnMut(&Event, u32, Ticks) -> Result<(), Full>) {
        let Self { tape, offsets, buffer, decoder, out, lead } = self;
        let base = tsc::now().raw() + *lead;
        out.base = Ticks::new(base).unwrap_or(Ticks::MIN);
        let (per_pass, mut in_pass, mut pass) = (tape.packets(), 0, 0_u32);
        let mut number = 0_u32;
        for (offset, sent) in offsets.iter().zip(&mut out.sent) {
            let now = wait_until(base + offset);
            let bytes = &mut buffer[..tape.packet(in_pass).len()];
            tape.write_packet(in_pass, pass, bytes);
            *sent = now.raw();
            decoder.on_tick(bytes, &mut NoProbe, |event, _| {
                let before = tsc::now();
                if hand_on(event, number, before).is_err() {
                    out.full += 1;
                }
                out.pushes.push(Span { packet: number, ticks: tsc::now().since(before) });
                out.messages += 1;
                false
            });
            number = number.wrapping_add(1);
            in_pass += 1;
            if in_pass == per_pass {
                (in_pass, pass) = (0, pass + 1);
            }
        }
        let stats = decoder.stats();
        out.unreadable = stats.malformed_packets + stats.malformed_messages + stats.gaps + stats.duplicate_packets;
    }

    /// What was seen.
    pub(super) fn into_decoded(self) -> Decoded {
        self.out
    }
}

/// Watches the clock; returns the first reading not before `due`.
#[inline]
fn wait_until(due: u64) -> Ticks {
    loop {
        let now = tsc::arrival();
        if now.raw() >= due {
            return now;
        }
    }
}
