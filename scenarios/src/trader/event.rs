//! What a message means to the trader, once it is read: in the processor's own integers, and independent of the packet's
//! memory, so that another thread can go on with it.

use tickcert_results::time::Nanos;

use crate::feed::itch::{Message, Price4, Side, Stock};

/// A message of the feed, read, with its place in the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The feed's own time of it.
    pub time: Nanos,
    /// Its number in the feed, from 1.
    pub sequence: u64,
    /// What it says.
    pub change: Change,
}

/// What a message changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new order in the book, which also names its stock.
    Add {
        /// Day-unique number of the order.
        reference: u64,
        /// Name behind the locate.
        stock: Stock,
        /// Shares.
        shares: u32,
        /// Limit.
        price: Price4,
        /// Number of the stock.
        locate: u16,
        /// Which way.
        side: Side,
    },
    /// An order traded at its own limit.
    Execute {
        /// The order.
        reference: u64,
        /// Shares that traded.
        shares: u32,
    },
    /// An order traded at another price.
    ExecuteAt {
        /// The order.
        reference: u64,
        /// Shares that traded.
        shares: u32,
        /// Price of the trade.
        price: Price4,
    },
    /// An order lost some of its shares.
    Cancel {
        /// The order.
        reference: u64,
        /// Shares that are gone.
        shares: u32,
    },
    /// An order is gone.
    Delete {
        /// The order.
        reference: u64,
    },
    /// An order made way for another.
    Replace {
        /// The order that is gone.
        original: u64,
        /// The new one.
        reference: u64,
        /// Its shares.
        shares: u32,
        /// Its limit.
        price: Price4,
    },
    /// A name for a locate.
    Name {
        /// Number of the stock.
        locate: u16,
        /// Its name.
        stock: Stock,
    },
    /// A trade that is in no book: of a hidden order, or a cross.
    Trade {
        /// Number of the stock.
        locate: u16,
        /// Price of the trade.
        price: Price4,
    },
    /// A packet of new messages, of which nothing was read.
    Packet,
}

impl Change {
    /// What `message` says; `None` where it says nothing to this trader.
    #[inline(always)]
    pub(super) fn of(message: &Message<'_>) -> Option<Self> {
        Some(match message {
            Message::AddOrder(m) => Self::Add {
                reference: m.reference.get(),
                stock: m.stock,
                shares: m.shares.get(),
                price: m.price.get(),
                locate: m.head.locate(),
                side: m.side,
            },
            Message::AddOrderMpid(m) => Self::Add {
                reference: m.reference.get(),
                stock: m.stock,
                shares: m.shares.get(),
                price: m.price.get(),
                locate: m.head.locate(),
                side: m.side,
            },
            Message::OrderExecuted(m) => Self::Execute { reference: m.reference.get(), shares: m.shares.get() },
            Message::OrderExecutedWithPrice(m) => {
                Self::ExecuteAt { reference: m.reference.get(), shares: m.shares.get(), price: m.price.get() }
            }
            Message::OrderCancel(m) => Self::Cancel { reference: m.reference.get(), shares: m.shares.get() },
            Message::OrderDelete(m) => Self::Delete { reference: m.reference.get() },
            Message::OrderReplace(m) => Self::Replace {
                original: m.original.get(),
                reference: m.reference.get(),
                shares: m.shares.get(),
                price: m.price.get(),
            },
            Message::StockDirectory(m) => Self::Name { locate: m.head.locate(), stock: m.stock },
            Message::Trade(m) => Self::Trade { locate: m.head.locate(), price: m.price.get() },
            Message::CrossTrade(m) if m.shares.get() > 0 => {
                Self::Trade { locate: m.head.locate(), price: m.price.get() }
            }
            _ => return None,
        })
    }
}
