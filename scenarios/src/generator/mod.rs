//! A made-up feed that behaves like the measured ones: for tapes that need no exchange data, and the default input.
//!
//! What is calibrated, and to what (all from public captures and published counts):
//!
//! | property | source | where |
//! |---|---|---|
//! | message mix, order sizes | AAPL, 10,000 book messages of the 28 s after the open of 2019-01-30 | [`Mix`] |
//! | mean rate, and its course over the tape | Nasdaq TotalView, all symbols, the same 28 s: 68,782 messages a second | [`Envelope`] |
//! | clusters: Fano factors from 10 us to 1 s, busiest windows | IEX DEEP packets, five minutes before the open of 2026-07-13 | `arrivals` |
//! | messages per packet | TotalView capture of 2023-08-22, IEX DEEP of 2026 | `packing` |
//! | activity of symbols | the part of AAPL in the whole feed | `events` |
//!
//! The two rates belong together like this: a cluster process has the same Fano factors at any mean rate, so the
//! clusters that IEX shows at 250 packets a second are laid under TotalView's rate; the opening burst squeezes time,
//! clusters and all. On a [`Envelope::Flat`] tape the Fano factors are the measured ones at every mean rate.
//!
//! Not modelled: the release of the opening cross (up to 90 messages of one symbol with one timestamp), bursts that
//! stay with one symbol, and the delay of 164 to 180 us between ITCH timestamp and wire (a constant that no one sees
//! in a tape whose times are relative). Executions with a price (`C`) are at the resting order's price.
//!
//! Books are consistent: every reference exists, executions hit the oldest order at the best price, nothing crosses.
//! The same configuration gives the same bytes on every host.

mod arrivals;
mod config;
mod dice;
mod events;
mod market;
mod mix;
mod packing;
mod spin;

use tickcert_results::time::Nanos;
use zerocopy::IntoBytes;

use crate::feed::TickStream;
pub use config::{Envelope, GeneratorConfig, GeneratorError};
use dice::Dice;
use events::Events;
pub use mix::Mix;
use packing::{Packets, PerPacket};

/// 09:30:00 since midnight.
const OPEN: Nanos = Nanos(34_200_000_000_000);
/// From one packet of the spin to the next.
const SPIN_GAP: Nanos = Nanos(100_000);
/// From the spin to the first message after it.
const SPIN_REST: Nanos = Nanos(10_000_000);

/// Makes the feed: the spin, the start of market hours, then `messages` messages.
///
/// # Errors
/// A configuration that makes no tape.
pub fn generate(config: &GeneratorConfig) -> Result<TickStream, GeneratorError> {
    let duration = config.check()?;
    let mut packets = Packets::default();
    let start = begin_day(config.symbols, &mut packets);
    let spin_packets = packets.records.len();

    let counts = PerPacket::new().counts(&mut Dice::new(config.seed, 1), config.messages);
    let times = arrivals::arrivals(&mut Dice::new(config.seed, 2), counts.len(), duration, config.envelope);
    let max_live = config.max_live_orders as usize;
    let mut events = Events::new(config.seed, config.symbols, &config.mix, max_live);
    for (count, time) in counts.into_iter().zip(times) {
        let since_open = stretched(time, config.stretch);
        packets.begin(start + since_open);
        for _ in 0..count {
            events.next(OPEN + since_open, |message| packets.push(message));
        }
    }

    let mut notes = vec![format!("the first {spin_packets} packets are the spin of {} symbols", config.symbols)];
    if events.capped > 0 {
        let (capped, most) = (events.capped, config.max_live_orders);
        notes.push(format!("{capped} adds became deletes, because {most} orders were live"));
    }
    if !events.owed.is_empty() {
        notes.push(format!("{} messages became adds for want of an order", events.owed.len()));
    }
    Ok(TickStream { packets: packets.records, blocks: packets.blocks, source: config.words(), notes })
}

/// The spin and the start of market hours; gives the time of the latter.
fn begin_day(symbols: u16, packets: &mut Packets) -> Nanos {
    let before = OPEN.saturating_sub(Nanos::SECOND);
    packets.begin(Nanos::ZERO);
    spin::spin(symbols, before, |message| packets.push(message));
    let mut at = Nanos::ZERO;
    for record in &mut packets.records {
        record.at = at;
        at = at + SPIN_GAP;
    }
    let start = at + SPIN_REST;
    packets.begin(start);
    packets.push(spin::system_event(b'Q', OPEN).as_bytes());
    start
}

fn stretched(ns: u64, stretch: f64) -> Nanos {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, at most a week, which is below 2^53 ns"
    )]
    let product = (ns as f64 * stretch) as u64;
    Nanos(product)
}
