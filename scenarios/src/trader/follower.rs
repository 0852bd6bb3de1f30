//! The threshold strategy with the book that it looks at: from a message to a change of the book.

use super::{risk::Risk, threshold::Threshold};
use crate::{
    book::{Book, Update},
    feed::itch::Message,
};

/// What the threshold strategy needs.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) book: Book,
    pub(super) strategy: Threshold,
    pub(super) risk: Risk,
}

impl Follower {
    /// Brings the book up to date, and what the risk check and the strategy know of the symbol.
    #[inline]
    pub(super) fn update(&mut self, message: &Message<'_>) -> Option<Update> {
        let Self { book, strategy, risk } = self;
        match message {
            Message::AddOrder(m) => {
                let locate = m.head.locate();
                strategy.learn(locate, m.stock);
                book.add(locate, m.reference.get(), m.side, m.shares.get(), m.price.get())
            }
            Message::AddOrderMpid(m) => {
                let locate = m.head.locate();
                strategy.learn(locate, m.stock);
                book.add(locate, m.reference.get(), m.side, m.shares.get(), m.price.get())
            }
            Message::OrderExecuted(m) => {
                let update = book.execute(m.reference.get(), m.shares.get())?;
                if strategy.follows(update.locate) {
                    risk.traded(update.price);
                }
                Some(update)
            }
            Message::OrderExecutedWithPrice(m) => {
                let update = book.execute(m.reference.get(), m.shares.get())?;
                if strategy.follows(update.locate) {
                    risk.traded(m.price.get());
                }
                Some(update)
            }
            Message::OrderCancel(m) => book.cancel(m.reference.get(), m.shares.get()),
            Message::OrderDelete(m) => book.delete(m.reference.get()),
            Message::OrderReplace(m) => {
                book.replace(m.original.get(), m.reference.get(), m.shares.get(), m.price.get())
            }
            Message::StockDirectory(m) => {
                strategy.learn(m.head.locate(), m.stock);
                None
            }
            Message::Trade(m) if strategy.follows(m.head.locate()) => {
                risk.traded(m.price.get());
                None
            }
            Message::CrossTrade(m) if strategy.follows(m.head.locate()) && m.shares.get() > 0 => {
                risk.traded(m.price.get());
                None
            }
            _ => None,
        }
    }
}
