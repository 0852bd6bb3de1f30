//! The threshold strategy with the book that it looks at: from a message to a change of the book.

use super::{followed::Followed, risk::Risk, threshold::Threshold};
use crate::{
    book::{Book, Update},
    feed::itch::Message,
};

/// What the threshold strategy needs.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) book: Book,
    pub(super) followed: Followed,
    pub(super) rule: Threshold,
    pub(super) risk: Risk,
}

impl Follower {
    /// Brings the book up to date, and what is known of the symbols followed.
    #[inline]
    pub(super) fn update(&mut self, message: &Message<'_>) -> Option<Update> {
        let Self { book, followed, .. } = self;
        match message {
            Message::AddOrder(m) => {
                let locate = m.head.locate();
                followed.learn(locate, m.stock);
                book.add(locate, m.reference.get(), m.side, m.shares.get(), m.price.get())
            }
            Message::AddOrderMpid(m) => {
                let locate = m.head.locate();
                followed.learn(locate, m.stock);
                book.add(locate, m.reference.get(), m.side, m.shares.get(), m.price.get())
            }
            Message::OrderExecuted(m) => {
                let update = book.execute(m.reference.get(), m.shares.get())?;
                followed.traded(update.locate, update.price);
                Some(update)
            }
            Message::OrderExecutedWithPrice(m) => {
                let update = book.execute(m.reference.get(), m.shares.get())?;
                followed.traded(update.locate, m.price.get());
                Some(update)
            }
            Message::OrderCancel(m) => book.cancel(m.reference.get(), m.shares.get()),
            Message::OrderDelete(m) => book.delete(m.reference.get()),
            Message::OrderReplace(m) => {
                book.replace(m.original.get(), m.reference.get(), m.shares.get(), m.price.get())
            }
            Message::StockDirectory(m) => {
                followed.learn(m.head.locate(), m.stock);
                None
            }
            Message::Trade(m) => {
                followed.traded(m.head.locate(), m.price.get());
                None
            }
            Message::CrossTrade(m) if m.shares.get() > 0 => {
                followed.traded(m.head.locate(), m.price.get());
                None
            }
            _ => None,
        }
    }
}
