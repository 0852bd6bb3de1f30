//! The second half of the trader: from what a message says to the order that it causes.

use super::{
    Stage, StageProbe, Strategy, TraderConfig, TraderError, config,
    event::Event,
    followed::Followed,
    follower::Follower,
    risk::{Market, Risk},
    stats::TraderStats,
    threshold::{Threshold, Wish},
};
use crate::{book::Book, feed::itch::Side, order_entry::Order};

#[derive(Debug)]
enum Mode {
    Threshold(Box<Follower>),
    FirstByte(Order),
}

/// Book, strategy and risk check. Allocates when made, and not after, unless the book outgrows its capacity.
#[derive(Debug)]
pub struct Decider {
    mode: Mode,
    messages_per_pass: Option<u64>,
    /// First message of the next pass.
    next_pass: u64,
    last_user_ref_num: u32,
    /// References to orders never seen, in passes that are over; those of this pass are in the book.
    past_unknown: u64,
    stats: TraderStats,
}

impl Decider {
    /// One that numbers its orders from 1.
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
            messages_per_pass: config.messages_per_pass,
            next_pass,
            last_user_ref_num: 0,
            past_unknown: 0,
            stats: TraderStats::default(),
        })
    }

    /// What was done so far: of passes and orders only.
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

    /// Takes what the next message says, and calls `send` with the order that it causes; true when it caused one.
    #[inline(always)]
    pub fn on_event<P: StageProbe>(
        &mut self,
        event: &Event,
        probe: &mut P,
        send: &mut impl FnMut(&Order, &mut P),
    ) -> bool {
        if event.sequence >= self.next_pass {
            self.begin_pass(event.sequence);
        }
        let follower = match &mut self.mode {
            Mode::FirstByte(order) => {
                self.last_user_ref_num = self.last_user_ref_num.wrapping_add(1);
                order.user_ref_num = self.last_user_ref_num;
                self.stats.orders += 1;
                send(order, probe);
                return true;
            }
            Mode::Threshold(follower) => follower,
        };
        let Some(update) = follower.update(&event.change) else {
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
        if let Err(reason) = risk.check(price, quantity, Market { last_trade: known.last_trade, top }, event.time) {
            self.stats.refuse(reason);
            return false;
        }
        probe.stamp(Stage::Risk);
        self.last_user_ref_num = self.last_user_ref_num.wrapping_add(1);
        self.stats.orders += 1;
        send(&Order { user_ref_num: self.last_user_ref_num, side, quantity, symbol, price }, probe);
        true
    }

    /// Starts afresh with the pass that `sequence` belongs to.
    #[cold]
    fn begin_pass(&mut self, sequence: u64) {
        let Mode::Threshold(follower) = &mut self.mode else { return };
        let Some(per_pass) = self.messages_per_pass else {
            return;
        };
        let pass = (sequence - 1) / per_pass;
        self.next_pass = (pass + 1).saturating_mul(per_pass).saturating_add(1);
        self.stats.resets += 1;
        self.past_unknown += follower.book.stats().unknown;
        follower.book.clear();
        follower.followed.reset();
        follower.risk.reset();
    }
}
