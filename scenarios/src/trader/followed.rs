//! The symbols that the threshold strategy follows, and what is known of each; see [`super::Strategy::Threshold`].

use super::{SymbolChoice, TraderError, config};
use crate::feed::itch::{Price4, Stock};

/// What is known of a symbol followed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// The pass that all this was learnt in; what belongs to an earlier one is as good as forgotten.
    generation: u32,
    pub(super) name: Stock,
    pub(super) bid_anchor: Option<Price4>,
    pub(super) ask_anchor: Option<Price4>,
    pub(super) last_trade: Option<Price4>,
}

impl Known {
    /// Of no pass.
    const NOTHING: Self =
        Self { generation: 0, name: Stock(*b"        "), bid_anchor: None, ask_anchor: None, last_trade: None };
}

/// Which symbols: what was configured, and what was learnt.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// Every one.
    All,
    /// Named; its locate is not known yet.
    Named(Stock),
    /// By locate; its name is not known yet.
    Numbered(u16),
    /// The one that was configured, by now known both ways.
    Known(u16),
}

/// The symbols followed. Each message costs one look into a table, whose memory is taken and touched beforehand.
#[derive(Debug)]
pub(super) struct Followed {
    choice: Target,
    target: Target,
    generation: u32,
    /// By locate where all are followed, else of the one symbol.
    table: Box<[Known]>,
}

impl Followed {
    pub(super) fn new(symbol: &SymbolChoice) -> Result<Self, TraderError> {
        let (choice, places) = match symbol {
            SymbolChoice::All => (Target::All, 1 << 16),
            SymbolChoice::Name(name) => (Target::Named(config::stock(name)?), 1),
            SymbolChoice::Locate(locate) => (Target::Numbered(*locate), 1),
        };
        // The first generation is written, not only left at zero, so that no page is met for the first time in the
        // timed loop.
        let table = vec![Known { generation: 1, ..Known::NOTHING }; places].into();
        Ok(Self { choice, target: choice, generation: 2, table })
    }

    /// As at the start of a pass: what was learnt is forgotten too, so that all passes are alike. Takes the same time
    /// however many symbols there are.
    pub(super) fn reset(&mut self) {
        self.target = self.choice;
        if let Some(next) = self.generation.checked_add(1) {
            self.generation = next;
        } else {
            // After four billion passes the stamps start over.
            self.table.fill(Known::NOTHING);
            self.generation = 1;
        }
    }

    /// A message has named the stock of a locate.
    #[inline]
    pub(super) fn learn(&mut self, locate: u16, stock: Stock) {
        match self.target {
            Target::Known(_) => {}
            Target::All => self.keep(usize::from(locate), stock),
            Target::Named(name) if name == stock => {
                self.target = Target::Known(locate);
                self.keep(0, stock);
            }
            Target::Numbered(number) if number == locate => {
                self.target = Target::Known(locate);
                self.keep(0, stock);
            }
            Target::Named(_) | Target::Numbered(_) => {}
        }
    }

    /// The first name of a pass stays.
    #[inline]
    fn keep(&mut self, place: usize, name: Stock) {
        if let Some(known) = self.table.get_mut(place).filter(|known| known.generation != self.generation) {
            *known = Known { generation: self.generation, name, ..Known::NOTHING };
        }
    }

    /// What is known of a symbol; `None` if it is not followed, or not known yet.
    #[inline]
    pub(super) fn get(&mut self, locate: u16) -> Option<&mut Known> {
        let place = match self.target {
            Target::All => usize::from(locate),
            Target::Known(known) if known == locate => 0,
            Target::Known(_) | Target::Named(_) | Target::Numbered(_) => return None,
        };
        self.table.get_mut(place).filter(|known| known.generation == self.generation)
    }

    /// A symbol has traded.
    #[inline]
    pub(super) fn traded(&mut self, locate: u16, price: Price4) {
        if let Some(known) = self.get(locate) {
            known.last_trade = Some(price);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Stock = Stock(*b"A       ");
    const B: Stock = Stock(*b"B       ");

    fn name(followed: &mut Followed, locate: u16) -> Option<Stock> {
        followed.get(locate).map(|known| known.name)
    }

    #[test]
    fn with_all_each_locate_has_its_first_name_and_its_own_last_trade() {
        let mut all = Followed::new(&SymbolChoice::All).unwrap();
        all.traded(0, Price4(1));
        all.learn(0, A);
        all.learn(u16::MAX, B);
        all.learn(0, B);
        assert_eq!((name(&mut all, 0), name(&mut all, u16::MAX), name(&mut all, 1)), (Some(A), Some(B), None));
        assert_eq!(all.get(0).unwrap().last_trade, None, "traded before it was known");
        all.traded(0, Price4(7));
        assert_eq!(all.get(0).unwrap().last_trade, Some(Price4(7)));
        assert_eq!(all.get(u16::MAX).unwrap().last_trade, None);
    }

    #[test]
    fn one_symbol_is_known_by_the_first_locate_that_has_its_name() {
        let mut one = Followed::new(&SymbolChoice::Name("A".into())).unwrap();
        one.learn(7, B);
        assert_eq!(name(&mut one, 7), None);
        one.learn(8, A);
        one.learn(9, A);
        assert_eq!((name(&mut one, 7), name(&mut one, 8), name(&mut one, 9)), (None, Some(A), None));
    }

    #[test]
    fn a_reset_forgets_everything_also_when_the_stamps_start_over() {
        for choice in [SymbolChoice::All, SymbolChoice::Name("A".into()), SymbolChoice::Locate(3)] {
            for generation in [2, u32::MAX] {
                let mut followed = Followed::new(&choice).unwrap();
                followed.generation = generation;
                for _ in 0..3 {
                    assert_eq!(name(&mut followed, 3), None);
                    followed.learn(3, A);
                    followed.traded(3, Price4(1));
                    assert_eq!(name(&mut followed, 3), Some(A));
                    followed.reset();
                    followed.learn(3, A);
                    assert_eq!(followed.get(3).unwrap().last_trade, None);
                    followed.reset();
                }
            }
        }
    }
}
