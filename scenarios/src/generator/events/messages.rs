//! One function for each message type: acts on the book and hands over the message.

use tickcert_results::time::Nanos;
use zerocopy::IntoBytes;

use super::super::market::Order;
use super::super::mix::Kind;
use super::super::spin::stock;
use super::{Events, TRIES};
use crate::feed::itch::{
    AddOrder, AddOrderMpid, Head, MarketParticipantPosition, Mpid, Noii, OrderCancel, OrderDelete, OrderExecuted,
    OrderExecutedWithPrice, OrderReplace, Price4, Side, Trade, WireMessage,
};

impl Events {
    pub(super) fn add(&mut self, kind: Kind, stamp: Stamp, emit: impl FnOnce(&[u8])) {
        let side = self.side();
        let competes = self.dice.chance(1, 5);
        let cents = self.price(stamp.symbol, side, competes);
        let shares = self.sizes.draw(&mut self.dice);
        let reference = self.market.add(stamp.symbol, side, cents, shares).into();
        let (shares, stock, price) = (shares.into(), stock(stamp.symbol), price4(cents).into());
        if kind == Kind::Add {
            emit(AddOrder { head: stamp.head::<AddOrder>(), reference, side, shares, stock, price }.as_bytes());
        } else {
            let head = stamp.head::<AddOrderMpid>();
            let attribution = Mpid(*b"TCMM");
            emit(AddOrderMpid { head, reference, side, shares, stock, price, attribution }.as_bytes());
        }
    }

    pub(super) fn execute(&mut self, kind: Kind, stamp: Stamp, emit: impl FnOnce(&[u8])) {
        let side = self.pressed(stamp.symbol);
        let Some((slot, order)) = self.front(stamp.symbol, side) else {
            return;
        };
        let whole = self.dice.chance(3, 5);
        let executed = if whole { order.shares } else { 1 + self.dice.below_u32(order.shares) };
        self.market.reduce(slot, executed);
        self.matches += 1;
        let (reference, shares) = (order.reference.into(), executed.into());
        let match_number = self.matches.into();
        if kind == Kind::Executed {
            let head = stamp.head::<OrderExecuted>();
            emit(OrderExecuted { head, reference, shares, match_number }.as_bytes());
        } else {
            let head = stamp.head::<OrderExecutedWithPrice>();
            let (printable, price) = (b'Y', price4(order.cents).into());
            emit(OrderExecutedWithPrice { head, reference, shares, match_number, printable, price }.as_bytes());
        }
    }

    pub(super) fn cancel(&mut self, stamp: Stamp, emit: impl FnOnce(&[u8])) {
        // A partial cancel leaves at least one share, so an order of one share will not do, if there is another.
        let mut found = None;
        for _ in 0..TRIES {
            found = self.market.any(stamp.symbol, &mut self.dice);
            if found.and_then(|slot| self.market.order(slot)).is_some_and(|order| order.shares > 1) {
                break;
            }
        }
        let Some((slot, order)) = found.and_then(|slot| Some((slot, *self.market.order(slot)?))) else {
            return;
        };
        let cancelled = 1 + self.dice.below_u32((order.shares - 1).max(1));
        self.market.reduce(slot, cancelled);
        let head = stamp.head::<OrderCancel>();
        emit(OrderCancel { head, reference: order.reference.into(), shares: cancelled.into() }.as_bytes());
    }

    pub(super) fn delete(&mut self, stamp: Stamp, emit: impl FnOnce(&[u8])) {
        let Some(order) = self.withdraw(stamp.symbol) else {
            return;
        };
        let head = stamp.head::<OrderDelete>();
        emit(OrderDelete { head, reference: order.reference.into() }.as_bytes());
    }

    pub(super) fn replace(&mut self, stamp: Stamp, emit: impl FnOnce(&[u8])) {
        let Some(old) = self.withdraw(stamp.symbol) else {
            return;
        };
        let competes = self.dice.chance(1, 2);
        let cents = self.price(stamp.symbol, old.side, competes);
        let shares = self.sizes.draw(&mut self.dice);
        let reference = self.market.add(stamp.symbol, old.side, cents, shares);
        let replace = OrderReplace {
            head: stamp.head::<OrderReplace>(),
            original: old.reference.into(),
            reference: reference.into(),
            shares: shares.into(),
            price: price4(cents).into(),
        };
        emit(replace.as_bytes());
    }

    /// Takes an order out: half the time where the price has moved away, else any.
    pub(super) fn withdraw(&mut self, symbol: u16) -> Option<Order> {
        let slot = if self.dice.chance(1, 2) {
            let side = self.pressed(symbol);
            self.market.front(symbol, side)
        } else {
            self.market.any(symbol, &mut self.dice)
        };
        self.market.remove(slot?)
    }

    pub(super) fn front(&mut self, symbol: u16, side: Side) -> Option<(usize, Order)> {
        let slot = self.market.front(symbol, side)?;
        Some((slot, *self.market.order(slot)?))
    }

    pub(super) fn trade(&mut self, stamp: Stamp, emit: impl FnOnce(&[u8])) {
        self.matches += 1;
        let trade = Trade {
            head: stamp.head::<Trade>(),
            reference: 0.into(),
            side: Side::Buy,
            shares: self.sizes.draw(&mut self.dice).into(),
            stock: stock(stamp.symbol),
            price: price4(self.fair(stamp.symbol)).into(),
            match_number: self.matches.into(),
        };
        emit(trade.as_bytes());
    }

    pub(super) fn imbalance(&mut self, stamp: Stamp, emit: impl FnOnce(&[u8])) {
        let price = price4(self.fair(stamp.symbol)).into();
        let noii = Noii {
            head: stamp.head::<Noii>(),
            paired: u64::from(self.sizes.draw(&mut self.dice)).into(),
            imbalance: 0.into(),
            direction: b'N',
            stock: stock(stamp.symbol),
            far: price,
            near: price,
            reference_price: price,
            cross: b'O',
            variation: b'L',
        };
        emit(noii.as_bytes());
    }

    pub(super) fn position(&mut self, stamp: Stamp, emit: impl FnOnce(&[u8])) {
        let position = MarketParticipantPosition {
            head: stamp.head::<MarketParticipantPosition>(),
            mpid: Mpid(*b"TCMM"),
            stock: stock(stamp.symbol),
            primary: b'Y',
            mode: b'N',
            state: b'A',
        };
        emit(position.as_bytes());
    }
}

/// What every message begins with.
#[derive(Clone, Copy)]
pub(super) struct Stamp {
    pub(super) symbol: u16,
    pub(super) timestamp: Nanos,
}

impl Stamp {
    fn head<M: WireMessage>(self) -> Head {
        Head::of::<M>(self.symbol + 1, 0, self.timestamp)
    }
}

const fn price4(cents: u32) -> Price4 {
    Price4(cents * 100)
}
