//! One tick after the other.

use tickcert_results::time::Nanos;

use super::{
    NoProbe, Stage, StageProbe, Strategy, TraderConfig, TraderError, config,
    followed::Followed,
    follower::Follower,
    risk::{Market, Risk},
    stats::{TickKind, TickOutcome, TraderStats},
    threshold::{Threshold, Wish},
};
use crate::{
    book::Book,
    feed::{
        itch::{Message, Side},
        mold::{Arrival, Kind, MoldPacket, Sequencer, Session},
    },
    order_entry::Order,
};

#[derive(Debug)]
enum Mode {
    Threshold(Box<Follower>),
    FirstByte(Order),
}

/// The trader, but for the lane. Allocates when made, and not after, unless the book outgrows its capacity.
#[derive(Debug)]
pub struct Trader {
    mode: Mode,
    /// The first packet's; what is of another has numbers that mean nothing here.
    session: Option<Session>,
    sequencer: Sequencer,
    messages_per_pass: Option<u64>,
    /// First message of the next pass.
    next_pass: u64,
    last_user_ref_num: u32,
    /// References to orders never seen, in passes that are over; those of this pass are in the book.
    past_unknown: u64,
    stats: TraderStats,
}

impl Trader {
    /// A trader that expects the feed's first message and numbers its orders from 1.
    ///
    /// # Errors
    /// [`TraderError`] for a configuration that makes no sense.
    pub fn new(config: &TraderConfig) -> Result<Self, TraderError> {
        let risk = Risk::new(config.risk)?;
        let mode = match &config.strategy {
            Strategy::Threshold { symbol, threshold, quantity } => {
                config::check_capacity(&config.capacity)?;
                let followed = Followed::new(symbol)?;
                let rule = Threshold::new(*threshold, *quantity)?;
                Mode::Threshold(Box::new(Follower { book: Book::new(config.capacity), followed, rule, risk }))
            }
            Strategy::FirstByte { symbol, price, quantity } => {
                if price.0 == 0 || *price > crate::feed::itch::Price4::MAX {
                    return Err(TraderError::Price { price: *price });
                }
                let quantity = config::check_quantity(*quantity)?;
                risk.check_size(*price, quantity).map_err(TraderError::RefusedAlways)?;
                let symbol = config::stock(symbol)?;
                Mode::FirstByte(Order { user_ref_num: 0, side: Side::Buy, quantity, symbol, price: *price })
            }
        };
        let next_pass = match config.messages_per_pass {
            Some(0) => return Err(TraderError::EmptyPass),
            Some(messages) => messages.saturating_add(1),
            None => u64::MAX,
        };
        Ok(Self {
            mode,
            session: None,
            sequencer: Sequencer::default(),
            messages_per_pass: config.messages_per_pass,
            next_pass,
            last_user_ref_num: 0,
            past_unknown: 0,
            stats: TraderStats::default(),
        })
    }

    /// Takes one tick, the payload of a datagram, and calls `send` for each order that it causes, from inside. Nothing
    /// that the bytes may hold is an error: what cannot be read is counted.
    #[inline]
    pub fn on_tick<P: StageProbe>(
        &mut self,
        packet: &[u8],
        probe: &mut P,
        mut send: impl FnMut(&Order, &mut P),
    ) -> TickOutcome {
        self.stats.packets += 1;
        let session = &mut self.session;
        let ours = |packet: &MoldPacket<'_>| *session.get_or_insert(packet.session) == packet.session;
        let Some(packet) = MoldPacket::parse(packet).ok().filter(ours) else {
            self.stats.malformed_packets += 1;
            return TickOutcome { kind: TickKind::Malformed, messages: 0, orders: 0 };
        };
        let skip = match self.sequencer.on_packet(packet.sequence, packet.count()) {
            Arrival::InOrder => Some(0),
            Arrival::Straddles { skip } => Some(skip),
            Arrival::Duplicate => None,
            Arrival::Gap { missing, .. } => {
                self.give_up(&packet, missing);
                Some(0)
            }
        };
        match (packet.kind, skip) {
            (Kind::Heartbeat, _) => TickOutcome { kind: TickKind::Heartbeat, messages: 0, orders: 0 },
            (Kind::EndOfSession, _) => TickOutcome { kind: TickKind::EndOfSession, messages: 0, orders: 0 },
            (Kind::Messages(_), None) => {
                self.stats.duplicate_packets += 1;
                TickOutcome { kind: TickKind::Duplicate, messages: 0, orders: 0 }
            }
            (Kind::Messages(count), Some(skip)) => {
                if let Mode::FirstByte(order) = &mut self.mode {
                    let messages = count - skip;
                    probe.stamp(Stage::Decode);
                    self.last_user_ref_num = self.last_user_ref_num.wrapping_add(1);
                    order.user_ref_num = self.last_user_ref_num;
                    self.stats.messages += u64::from(messages);
                    self.stats.orders += 1;
                    send(order, probe);
                    return TickOutcome { kind: TickKind::Messages, messages: messages.into(), orders: 1 };
                }
                self.messages(&packet, skip, probe, &mut send)
            }
        }
    }

    /// Orders of a tick for who wants no stamps.
    #[inline]
    pub fn on_tick_unprobed(&mut self, packet: &[u8], mut send: impl FnMut(&Order)) -> TickOutcome {
        self.on_tick(packet, &mut NoProbe, |order, _| send(order))
    }

    /// What was seen and done so far.
    #[must_use]
    pub const fn stats(&self) -> &TraderStats {
        &self.stats
    }

    /// The books; `None` for a strategy that has none.
    #[must_use]
    pub const fn book(&self) -> Option<&Book> {
        match &self.mode {
            Mode::Threshold(follower) => Some(&follower.book),
            Mode::FirstByte(_) => None,
        }
    }

    /// Messages that referred to orders never seen.
    #[must_use]
    pub fn unknown_references(&self) -> u64 {
        self.past_unknown + self.book().map_or(0, |book| book.stats().unknown)
    }

    /// UserRefNum of the last order; 0 before the first.
    #[must_use]
    pub const fn last_user_ref_num(&self) -> u32 {
        self.last_user_ref_num
    }

    #[cold]
    fn give_up(&mut self, packet: &MoldPacket<'_>, missing: u64) {
        self.stats.gaps += 1;
        self.stats.missing_messages += missing;
        self.sequencer.resume_at(packet.sequence);
        self.sequencer.on_packet(packet.sequence, packet.count());
    }

    #[inline]
    fn messages<P: StageProbe>(
        &mut self,
        packet: &MoldPacket<'_>,
        mut skip: u16,
        probe: &mut P,
        send: &mut impl FnMut(&Order, &mut P),
    ) -> TickOutcome {
        let mut outcome = TickOutcome { kind: TickKind::Messages, messages: 0, orders: 0 };
        let mut sequence = packet.sequence;
        for message in packet.messages() {
            let Ok(message) = message else {
                self.stats.malformed_packets += 1;
                outcome.kind = TickKind::Malformed;
                break;
            };
            let this = sequence;
            sequence = sequence.saturating_add(1);
            if skip > 0 {
                skip -= 1;
                continue;
            }
            if this >= self.next_pass {
                self.begin_pass(this);
            }
            outcome.messages += 1;
            outcome.orders += u32::from(self.message(message, probe, send));
        }
        self.stats.messages += u64::from(outcome.messages);
        outcome
    }

    /// Starts afresh with the pass that `sequence` belongs to.
    #[cold]
    fn begin_pass(&mut self, sequence: u64) {
        let Some(per_pass) = self.messages_per_pass else {
            return;
        };
        let pass = (sequence - 1) / per_pass;
        self.next_pass = (pass + 1).saturating_mul(per_pass).saturating_add(1);
        self.stats.resets += 1;
        if let Mode::Threshold(follower) = &mut self.mode {
            self.past_unknown += follower.book.stats().unknown;
            follower.book.clear();
            follower.followed.reset();
            follower.risk.reset();
        }
    }

    /// One message; true when it caused an order.
    #[inline]
    fn message<P: StageProbe>(&mut self, message: &[u8], probe: &mut P, send: &mut impl FnMut(&Order, &mut P)) -> bool {
        let Mode::Threshold(follower) = &mut self.mode else {
            return false;
        };
        let Ok(message) = Message::parse(message) else {
            self.stats.malformed_messages += 1;
            return false;
        };
        probe.stamp(Stage::Decode);
        let Some(update) = follower.update(&message) else {
            return false;
        };
        probe.stamp(Stage::Book);
        let Follower { book, followed, rule, risk } = &mut **follower;
        let Some(known) = followed.get(update.locate) else {
            return false;
        };
        let Some((Wish { side, symbol, price }, top)) = rule.decide(known, &update, || book.top(update.locate)) else {
            return false;
        };
        probe.stamp(Stage::Decide);
        let quantity = rule.quantity;
        let time: Nanos = message.head().timestamp();
        if let Err(reason) = risk.check(price, quantity, Market { last_trade: known.last_trade, top }, time) {
            self.stats.refuse(reason);
            return false;
        }
        probe.stamp(Stage::Risk);
        self.last_user_ref_num = self.last_user_ref_num.wrapping_add(1);
        self.stats.orders += 1;
        send(&Order { user_ref_num: self.last_user_ref_num, side, quantity, symbol, price }, probe);
        true
    }
}
