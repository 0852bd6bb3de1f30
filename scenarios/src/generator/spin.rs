//! The start of the day: session events, then every symbol's directory entry and trading state.

use tickcert_results::time::Nanos;
use zerocopy::IntoBytes;

use crate::feed::itch::{Head, Stock, StockDirectory, SystemEvent, TradingAction};

/// A made-up symbol: `TC` and four letters that count.
pub(super) fn stock(symbol: u16) -> Stock {
    let mut name = *b"TCAAAA  ";
    let mut rest = symbol;
    for letter in name.iter_mut().skip(2).take(4).rev() {
        let step = (rest % 26) as u8;
        *letter += step;
        rest /= 26;
    }
    Stock(name)
}

/// A system event with the given code.
pub(super) fn system_event(code: u8, timestamp: Nanos) -> SystemEvent {
    SystemEvent { head: Head::of::<SystemEvent>(0, 0, timestamp), event: code }
}

/// A symbol's directory entry: a common share of the first tier, in round lots of 100.
pub(super) fn directory(symbol: u16, timestamp: Nanos) -> StockDirectory {
    StockDirectory {
        head: Head::of::<StockDirectory>(symbol + 1, 0, timestamp),
        stock: stock(symbol),
        market_category: b'Q',
        financial_status: b'N',
        round_lot: 100.into(),
        round_lots_only: b'N',
        issue_classification: b'C',
        issue_sub_type: *b"Z ",
        authenticity: b'P',
        short_sale_threshold: b'N',
        ipo_flag: b'N',
        luld_tier: b'1',
        etp_flag: b'N',
        etp_leverage: 0.into(),
        inverse: b'N',
    }
}

/// A symbol is trading.
pub(super) fn trading(symbol: u16, timestamp: Nanos) -> TradingAction {
    TradingAction {
        head: Head::of::<TradingAction>(symbol + 1, 0, timestamp),
        stock: stock(symbol),
        state: b'T',
        reserved: b' ',
        reason: *b"    ",
    }
}

/// Every message of the spin in order, handed over with `emit`.
pub(super) fn spin(symbols: u16, timestamp: Nanos, mut emit: impl FnMut(&[u8])) {
    emit(system_event(b'O', timestamp).as_bytes());
    emit(system_event(b'S', timestamp).as_bytes());
    for symbol in 0..symbols {
        emit(directory(symbol, timestamp).as_bytes());
    }
    for symbol in 0..symbols {
        emit(trading(symbol, timestamp).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_count_in_letters() {
        assert_eq!(stock(0).to_string(), "TCAAAA");
        assert_eq!(stock(27).to_string(), "TCAABB");
        assert_eq!(stock(65_534).to_string(), "TCDSYO");
    }
}
