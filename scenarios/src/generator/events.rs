//! What the next message says: type by the mix, symbol by activity, price and order by the state of its book.

use tickcert_results::time::Nanos;
use zerocopy::IntoBytes;

use super::dice::{Dice, Weighted};
use super::market::{Market, Order};
use super::mix::{Kind, Mix, Sizes};
use super::spin::stock;
use crate::feed::itch::{
    AddOrder, AddOrderMpid, Head, MarketParticipantPosition, Mpid, Noii, OrderCancel, OrderDelete,
    OrderExecuted, OrderExecutedWithPrice, OrderReplace, Price4, Side, Trade, WireMessage,
};

/// Fair values lie in this range at first, in cents, and move within half and twice their beginning.
const FAIR_FROM: u32 = 1_000;
const FAIR_TO: u32 = 40_000;
/// A symbol's fair value moves by a cent at one in so many of its messages.
const STEP_EVERY: u32 = 4;
/// Orders that compete at the best price before others queue behind it.
const TOUCH_QUEUE: usize = 2;
/// The most orders that a removal tries before it takes what it has.
const TRIES: u32 = 8;

/// The messages after the spin.
pub(super) struct Events {
    dice: Dice,
    kinds: Vec<Kind>,
    mix: Weighted,
    activity: Weighted,
    sizes: Sizes,
    market: Market,
    /// Fair value in cents, now and at first.
    fair: Vec<(u32, u32)>,
    matches: u64,
    /// Kinds that were drawn when no order was there for them; made up for by later adds.
    pub(super) owed: Vec<Kind>,
    max_live: usize,
    /// Adds that became deletes because the books were full.
    pub(super) capped: u64,
}

impl Events {
    pub(super) fn new(seed: u64, symbols: u16, mix: &Mix, max_live: usize) -> Self {
        let mut dice = Dice::new(seed, 3);
        let fair = (0..symbols)
            .map(|_| {
                let cents = FAIR_FROM + dice.below_u32(FAIR_TO - FAIR_FROM);
                (cents, cents)
            })
            .collect();
        Self {
            dice,
            kinds: mix.parts().map(|(kind, _)| kind).to_vec(),
            mix: mix.weighted(),
            // A symbol's share falls with the square root of its rank: over the feed's 8,700 symbols the first has
            // 0.54 % of the messages, where AAPL had 0.53 % in the opening seconds of 2019-01-30.
            activity: Weighted::new(
                (1..=u32::from(symbols)).map(|rank| 1.0 / f64::from(rank).sqrt()),
            ),
            sizes: Sizes::new(),
            market: Market::new(symbols),
            fair,
            matches: 0,
            owed: Vec::new(),
            max_live,
            capped: 0,
        }
    }

    /// Makes the next message and hands over its bytes.
    pub(super) fn next(&mut self, timestamp: Nanos, emit: impl FnOnce(&[u8])) {
        let kind = self.kind();
        let symbol = self.symbol(kind);
        self.walk(symbol);
        let message = Stamp { symbol, timestamp };
        match kind {
            Kind::Add | Kind::AddMpid => self.add(kind, message, emit),
            Kind::Executed | Kind::ExecutedWithPrice => self.execute(kind, message, emit),
            Kind::Cancel => self.cancel(message, emit),
            Kind::Delete => self.delete(message, emit),
            Kind::Replace => self.replace(message, emit),
            Kind::Trade => self.trade(message, emit),
            Kind::Imbalance => self.imbalance(message, emit),
            Kind::Position => self.position(message, emit),
        }
    }

    /// Draws by the mix. What needs an order waits until there is one; full books turn adds into deletes.
    fn kind(&mut self) -> Kind {
        let kind = self
            .kinds
            .get(self.mix.draw(&mut self.dice))
            .copied()
            .unwrap_or(Kind::Add);
        if kind.needs_order() && self.market.live() == 0 {
            self.owed.push(kind);
            return Kind::Add;
        }
        if !matches!(kind, Kind::Add | Kind::AddMpid) || self.market.live() == 0 {
            return kind;
        }
        if self.market.live() >= self.max_live {
            self.capped += 1;
            return Kind::Delete;
        }
        self.owed.pop().unwrap_or(kind)
    }

    /// Draws by activity; for a kind that needs an order, a symbol that has one.
    fn symbol(&mut self, kind: Kind) -> u16 {
        for _ in 0..TRIES {
            let symbol = u16::try_from(self.activity.draw(&mut self.dice)).unwrap_or(0);
            if !kind.needs_order() || self.market.live_of(symbol) > 0 {
                return symbol;
            }
        }
        let mut symbols = 0..u16::try_from(self.fair.len()).unwrap_or(u16::MAX);
        symbols
            .find(|&symbol| self.market.live_of(symbol) > 0)
            .unwrap_or(0)
    }

    /// The symbol's fair value takes a step now and then.
    fn walk(&mut self, symbol: u16) {
        if !self.dice.chance(1, STEP_EVERY) {
            return;
        }
        let up = self.dice.chance(1, 2);
        if let Some((fair, first)) = self.fair.get_mut(usize::from(symbol)) {
            let stepped = if up { *fair + 1 } else { *fair - 1 };
            *fair = stepped.clamp(*first / 2, *first * 2);
        }
    }

    fn fair(&self, symbol: u16) -> u32 {
        self.fair
            .get(usize::from(symbol))
            .map_or(FAIR_FROM, |&(fair, _)| fair)
    }

    /// The side whose best price the fair value has left behind: where executions and withdrawals come. Either where
    /// neither is; the other where that one is empty.
    fn pressed(&mut self, symbol: u16) -> Side {
        let fair = self.fair(symbol);
        let bid = self.market.best(symbol, Side::Buy).map(|(cents, _)| cents);
        let ask = self.market.best(symbol, Side::Sell).map(|(cents, _)| cents);
        match (bid, ask) {
            (Some(_), None) => Side::Buy,
            (None, _) => Side::Sell,
            (Some(bid), Some(_)) if bid >= fair => Side::Buy,
            (Some(_), Some(ask)) if ask <= fair => Side::Sell,
            _ => self.side(),
        }
    }

    fn side(&mut self) -> Side {
        if self.dice.chance(1, 2) {
            Side::Buy
        } else {
            Side::Sell
        }
    }

    /// A price that does not cross: near the fair value where few compete for the best price, else behind it.
    fn price(&mut self, symbol: u16, side: Side, competes: bool) -> u32 {
        let fair = self.fair(symbol);
        let away = 1 + self.dice.below_u32(2);
        let near = match side {
            Side::Buy => fair.saturating_sub(away),
            Side::Sell => fair + away,
        };
        let near = self.uncrossed(symbol, side, near);
        let Some((best, queue)) = self.market.best(symbol, side) else {
            return near;
        };
        if competes && (near != best || queue < TOUCH_QUEUE) {
            return near;
        }
        // Depth grows with the book, so that levels stay short and the touch can move through them.
        let live = u32::try_from(self.market.live_of(symbol)).unwrap_or(u32::MAX);
        let behind = 2 + self.dice.below_u32(live.clamp(40, fair / 2));
        match side {
            Side::Buy => best.saturating_sub(behind).max(1),
            Side::Sell => best + behind,
        }
    }

    /// Offers never come near a cent (see [`FAIR_FROM`]), so a bid below one is always possible.
    fn uncrossed(&self, symbol: u16, side: Side, cents: u32) -> u32 {
        let opposite = self
            .market
            .best(symbol, side.opposite())
            .map(|(cents, _)| cents);
        match (side, opposite) {
            (Side::Buy, Some(ask)) => cents.min(ask.saturating_sub(1)).max(1),
            (Side::Sell, Some(bid)) => cents.max(bid + 1),
            (_, None) => cents.max(1),
        }
    }

    fn add(&mut self, kind: Kind, stamp: Stamp, emit: impl FnOnce(&[u8])) {
        let side = self.side();
        let competes = self.dice.chance(1, 5);
        let cents = self.price(stamp.symbol, side, competes);
        let shares = self.sizes.draw(&mut self.dice);
        let reference = self.market.add(stamp.symbol, side, cents, shares).into();
        let (shares, stock, price) = (shares.into(), stock(stamp.symbol), price4(cents).into());
        if kind == Kind::Add {
            emit(
                AddOrder {
                    head: stamp.head::<AddOrder>(),
                    reference,
                    side,
                    shares,
                    stock,
                    price,
                }
                .as_bytes(),
            );
        } else {
            let head = stamp.head::<AddOrderMpid>();
            let attribution = Mpid(*b"TCMM");
            emit(
                AddOrderMpid {
                    head,
                    reference,
                    side,
                    shares,
                    stock,
                    price,
                    attribution,
                }
                .as_bytes(),
            );
        }
    }

    fn execute(&mut self, kind: Kind, stamp: Stamp, emit: impl FnOnce(&[u8])) {
        let side = self.pressed(stamp.symbol);
        let Some((slot, order)) = self.front(stamp.symbol, side) else {
            return;
        };
        let whole = self.dice.chance(3, 5);
        let executed = if whole {
            order.shares
        } else {
            1 + self.dice.below_u32(order.shares)
        };
        self.market.reduce(slot, executed);
        self.matches += 1;
        let (reference, shares) = (order.reference.into(), executed.into());
        let match_number = self.matches.into();
        if kind == Kind::Executed {
            let head = stamp.head::<OrderExecuted>();
            emit(
                OrderExecuted {
                    head,
                    reference,
                    shares,
                    match_number,
                }
                .as_bytes(),
            );
        } else {
            let head = stamp.head::<OrderExecutedWithPrice>();
            let (printable, price) = (b'Y', price4(order.cents).into());
            emit(
                OrderExecutedWithPrice {
                    head,
                    reference,
                    shares,
                    match_number,
                    printable,
                    price,
                }
                .as_bytes(),
            );
        }
    }

    fn cancel(&mut self, stamp: Stamp, emit: impl FnOnce(&[u8])) {
        // A partial cancel leaves at least one share, so an order of one share will not do, if there is another.
        let mut found = None;
        for _ in 0..TRIES {
            found = self.market.any(stamp.symbol, &mut self.dice);
            if found
                .and_then(|slot| self.market.order(slot))
                .is_some_and(|order| order.shares > 1)
            {
                break;
            }
        }
        let Some((slot, order)) = found.and_then(|slot| Some((slot, *self.market.order(slot)?)))
        else {
            return;
        };
        let cancelled = 1 + self.dice.below_u32((order.shares - 1).max(1));
        self.market.reduce(slot, cancelled);
        let head = stamp.head::<OrderCancel>();
        emit(
            OrderCancel {
                head,
                reference: order.reference.into(),
                shares: cancelled.into(),
            }
            .as_bytes(),
        );
    }

    fn delete(&mut self, stamp: Stamp, emit: impl FnOnce(&[u8])) {
        let Some(order) = self.withdraw(stamp.symbol) else {
            return;
        };
        let head = stamp.head::<OrderDelete>();
        emit(
            OrderDelete {
                head,
                reference: order.reference.into(),
            }
            .as_bytes(),
        );
    }

    fn replace(&mut self, stamp: Stamp, emit: impl FnOnce(&[u8])) {
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
    fn withdraw(&mut self, symbol: u16) -> Option<Order> {
        let slot = if self.dice.chance(1, 2) {
            let side = self.pressed(symbol);
            self.market.front(symbol, side)
        } else {
            self.market.any(symbol, &mut self.dice)
        };
        self.market.remove(slot?)
    }

    fn front(&mut self, symbol: u16, side: Side) -> Option<(usize, Order)> {
        let slot = self.market.front(symbol, side)?;
        Some((slot, *self.market.order(slot)?))
    }

    fn trade(&mut self, stamp: Stamp, emit: impl FnOnce(&[u8])) {
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

    fn imbalance(&mut self, stamp: Stamp, emit: impl FnOnce(&[u8])) {
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

    fn position(&mut self, stamp: Stamp, emit: impl FnOnce(&[u8])) {
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
struct Stamp {
    symbol: u16,
    timestamp: Nanos,
}

impl Stamp {
    fn head<M: WireMessage>(self) -> Head {
        Head::of::<M>(self.symbol + 1, 0, self.timestamp)
    }
}

const fn price4(cents: u32) -> Price4 {
    Price4(cents * 100)
}
