//! What the next message says: type by the mix, symbol by activity, price and order by the state of its book.

mod messages;
mod pricing;

use tickcert_results::time::Nanos;

use super::dice::{Dice, Weighted};
use super::market::Market;
use super::mix::{Kind, Mix, Sizes};
use messages::Stamp;
use pricing::{FAIR_FROM, FAIR_TO};

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
            activity: Weighted::new((1..=u32::from(symbols)).map(|rank| 1.0 / f64::from(rank).sqrt())),
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
        let kind = self.kinds.get(self.mix.draw(&mut self.dice)).copied().unwrap_or(Kind::Add);
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
        symbols.find(|&symbol| self.market.live_of(symbol) > 0).unwrap_or(0)
    }
}
