//! The parts of a profile that say what is sent and what is done with it.

use std::path::Path;

use tickcert_results::time::{Nanos, PerSecond};
use toml::Spanned;

use crate::{
    feed::{Excerpt, NoTimeOfDay, TimeOfDay},
    load::Arrival,
};

use super::{
    ProfileError,
    check::Document,
    locate::Place,
    raw::{RawLoad, RawRisk, RawStrategy, RawTape, Scalar},
    suggest,
    units::{Decimal, parse_packet_rate, parse_speed},
    window::{LoadSpec, Window},
    workload::{RiskSpec, StrategySpec, SymbolChoice, TapeSpec},
};

const MODES: &[&str] = &["tape", "constant", "poisson", "bursts", "cold"];
const STRATEGIES: &[&str] = &["threshold", "first-byte"];
const MOST_ACTIVE: &str = "most-active";
/// In small letters; Allstate is `ALL`.
const ALL_SYMBOLS: &str = "all";

/// Of the packets between two silences of a `cold` load, which are not measured.
const DEFAULT_RATE_BETWEEN: PerSecond = PerSecond(20_000.0);

impl Document<'_> {
    pub(super) fn loads(&self, raw: &[Spanned<RawLoad>], window: Window) -> Result<Vec<LoadSpec>, ProfileError> {
        if raw.is_empty() {
            let remedy = "add one: a line `[[load]]`, below it `mode = \"constant\"` and `rate = \"20000 packets/s\"`";
            return Err(self.at_end("no load", remedy));
        }
        raw.iter().map(|r| self.load(r, window)).collect()
    }

    fn load(&self, spanned: &Spanned<RawLoad>, window: Window) -> Result<LoadSpec, ProfileError> {
        let raw = spanned.get_ref();
        let mode = raw.mode.get_ref().as_str();
        let allowed: &[&str] = match mode {
            "tape" => &["speed"],
            "constant" | "poisson" => &["rate"],
            "bursts" => &["rate", "burst"],
            "cold" => &["gap", "rate"],
            _ => return Err(self.no_such("mode of load", &raw.mode, MODES)),
        };
        self.only_keys(mode, allowed, raw)?;
        let arrival = match mode {
            "tape" => Arrival::Tape { speed: raw.speed.as_ref().map_or(Ok(1.0), |s| self.speed(s))? },
            "constant" => Arrival::Constant { rate: self.rate(raw)? },
            "poisson" => Arrival::Poisson { rate: self.rate(raw)? },
            "bursts" => Arrival::Bursts { rate: self.rate(raw)?, burst: self.burst(raw)? },
            _ => Arrival::Cold { gap: self.gap(raw)?, rate: self.rate_or(raw, DEFAULT_RATE_BETWEEN)? },
        };
        let window = self.window(raw.orders.as_ref(), raw.max_duration.as_ref(), window)?;
        Ok(LoadSpec { arrival, window })
    }

    /// Refuses a key that this mode would ignore.
    fn only_keys(&self, mode: &str, allowed: &[&str], raw: &RawLoad) -> Result<(), ProfileError> {
        let given = [
            ("rate", raw.rate.as_ref().map(Spanned::span)),
            ("speed", raw.speed.as_ref().map(Spanned::span)),
            ("burst", raw.burst.as_ref().map(Spanned::span)),
            ("gap", raw.gap.as_ref().map(Spanned::span)),
        ];
        for (key, span) in given {
            if let (Some(span), false) = (span, allowed.contains(&key)) {
                let remedy = format!("leave it out; a load of this mode has: {}", allowed.join(", "));
                let what = format!("a `{mode}` load has no `{key}`");
                return Err(Place(span).error(self.file, self.text, what, remedy));
            }
        }
        Ok(())
    }

    fn rate(&self, raw: &RawLoad) -> Result<PerSecond, ProfileError> {
        let value = self.needed(&raw.mode, raw.rate.as_ref(), "rate = \"20000 packets/s\"")?;
        self.packet_rate(value)
    }

    fn rate_or(&self, raw: &RawLoad, default: PerSecond) -> Result<PerSecond, ProfileError> {
        raw.rate.as_ref().map_or(Ok(default), |value| self.packet_rate(value))
    }

    pub(super) fn packet_rate(&self, value: &Spanned<Scalar>) -> Result<PerSecond, ProfileError> {
        const NEEDS: &str = "a rate is in packets/s";
        let text = self.with_unit(value, "packets/s", NEEDS)?;
        parse_packet_rate(text).map_err(|e| self.unit_error(value, &e, "packets/s", NEEDS))
    }

    fn speed(&self, value: &Spanned<Scalar>) -> Result<f64, ProfileError> {
        const NEEDS: &str = "a speed is a multiple of the tape's own, written with x (2x is twice as fast)";
        // `2x` is written without a space, so the example is put together here.
        if let Scalar::Number(number) = value.get_ref() {
            let line = Place(value.span()).corrected_line(self.text, &format!("\"{number}x\""));
            return Err(self.error(
                value,
                format!("`{number}` has no unit"),
                format!("{NEEDS}; write for example: {line}"),
            ));
        }
        let text = self.with_unit(value, "x", NEEDS)?;
        parse_speed(text).map_err(|e| self.unit_error(value, &e, "x", NEEDS))
    }

    fn burst(&self, raw: &RawLoad) -> Result<u32, ProfileError> {
        let value = self.needed(&raw.mode, raw.burst.as_ref(), "burst = 16")?;
        self.at_least_one("burst", Some(value), 1)
    }

    fn gap(&self, raw: &RawLoad) -> Result<Nanos, ProfileError> {
        self.duration(self.needed(&raw.mode, raw.gap.as_ref(), "gap = \"100 ms\"")?)
    }

    fn needed<'v, T>(
        &self,
        mode: &Spanned<String>,
        value: Option<&'v Spanned<T>>,
        example: &str,
    ) -> Result<&'v Spanned<T>, ProfileError> {
        let key = example.split(' ').next().unwrap_or_default();
        value.ok_or_else(|| {
            self.error(
                mode,
                format!("a `{}` load needs `{key}`", mode.get_ref()),
                format!("add for example: {example}"),
            )
        })
    }

    pub(super) fn tape(&self, raw: &RawTape, folder: Option<&Path>) -> Result<TapeSpec, ProfileError> {
        let Some(file) = &raw.file else {
            return Ok(TapeSpec::Generator {
                seed: raw.seed.as_ref().map_or(7, |s| *s.get_ref()),
                symbols: self.at_least_one("symbols", raw.symbols.as_ref(), 40)?,
                messages: self.at_least_one("messages", raw.messages.as_ref(), 100_000)?,
            });
        };
        if raw.seed.is_some() || raw.symbols.is_some() || raw.messages.is_some() {
            let remedy = "keep `file`, or keep `seed`, `symbols` and `messages`";
            return Err(self.error(file, "a tape is read from a file or generated, not both", remedy));
        }
        let path = Path::new(file.get_ref());
        Ok(TapeSpec::File { path: folder.map_or_else(|| path.to_path_buf(), |folder| folder.join(path)) })
    }

    pub(super) fn excerpt(&self, raw: &RawTape) -> Result<Excerpt, ProfileError> {
        let from = raw.from.as_ref().map(|from| self.time_of_day(from)).transpose()?;
        let Some(until) = &raw.until else { return Ok(Excerpt::beginning(from)) };
        let end = self.time_of_day(until)?;
        Excerpt::new(from, Some(end)).map_err(|e| self.error(until, e, "write a later time here"))
    }

    fn time_of_day(&self, value: &Spanned<toml::Value>) -> Result<TimeOfDay, ProfileError> {
        let text = match value.get_ref() {
            toml::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        text.parse().map_err(|e: NoTimeOfDay| {
            let line = Place(value.span()).corrected_line(self.text, "\"09:30:00\"");
            self.error(value, e, format!("it is the time in the feed's own messages; write for example: {line}"))
        })
    }

    pub(super) fn strategy(&self, raw: &RawStrategy) -> Result<StrategySpec, ProfileError> {
        let quantity = self.at_least_one("quantity", raw.quantity.as_ref(), 100)?;
        match raw.kind.as_ref().map(|k| (k, k.get_ref().as_str())) {
            None | Some((_, "threshold")) => Ok(StrategySpec::Threshold {
                symbol: self.symbol(raw.symbol.as_ref())?,
                threshold_e4: raw.threshold.as_ref().map_or(Ok(100), |t| self.money(t))?,
                quantity,
            }),
            Some((kind, "first-byte")) => {
                let unused =
                    raw.symbol.is_some().then_some("symbol").or(raw.threshold.is_some().then_some("threshold"));
                unused.map_or(Ok(StrategySpec::FirstByte { quantity }), |key| {
                    let what = format!("a `first-byte` strategy keeps no book, so it has no `{key}`");
                    Err(self.error(kind, what, format!("leave `{key}` out")))
                })
            }
            Some((kind, _)) => Err(self.no_such("kind of strategy", kind, STRATEGIES)),
        }
    }

    fn symbol(&self, raw: Option<&Spanned<String>>) -> Result<SymbolChoice, ProfileError> {
        match raw {
            None => Ok(SymbolChoice::MostActive),
            Some(s) if s.get_ref() == MOST_ACTIVE => Ok(SymbolChoice::MostActive),
            Some(s) if s.get_ref() == ALL_SYMBOLS => Ok(SymbolChoice::All),
            Some(s) if (1..=8).contains(&s.get_ref().len()) && s.get_ref().bytes().all(|b| b.is_ascii_graphic()) => {
                Ok(SymbolChoice::Named(s.get_ref().clone()))
            }
            Some(s) => {
                let remedy = format!(
                    "write one to eight ASCII characters, as in \"AAPL\", or \"{MOST_ACTIVE}\", or \"{ALL_SYMBOLS}\""
                );
                Err(self.error(s, format!("`{}` is no symbol", s.get_ref()), remedy))
            }
        }
    }

    pub(super) fn risk(&self, raw: &RawRisk) -> Result<RiskSpec, ProfileError> {
        Ok(RiskSpec {
            max_quantity: raw.max_quantity,
            max_notional_e4: raw.max_notional.as_ref().map(|n| self.money(n)).transpose()?,
            max_orders_per_second: raw.max_rate.as_ref().map(|r| self.suffixed(r, "orders/s", 0)).transpose()?,
            price_collar_bps: raw.price_collar.as_ref().map(|c| self.suffixed(c, "%", 2)).transpose()?,
        })
    }

    /// An amount in the symbol's currency, in ten-thousandths.
    fn money(&self, value: &Spanned<Scalar>) -> Result<u64, ProfileError> {
        let Scalar::Text(text) = value.get_ref() else {
            let line = Place(value.span()).corrected_line(self.text, &format!("\"{}\"", self.at(value)));
            return Err(self.error(
                value,
                "a price is a string, so that no digit of it is lost",
                format!("write: {line}"),
            ));
        };
        Decimal::parse(text.trim()).and_then(|d| d.in_steps(4)).ok_or_else(|| {
            self.error(
                value,
                format!("`{text}` is no price"),
                "write a decimal with four places at most, as in \"0.01\"",
            )
        })
    }

    /// A number before `unit`, in steps of `10^-places`.
    pub(super) fn suffixed(&self, value: &Spanned<Scalar>, unit: &str, places: u32) -> Result<u32, ProfileError> {
        let needs = format!("a number of {unit} is wanted here");
        let text = self.with_unit(value, unit, &needs)?;
        let number = text.trim().strip_suffix(unit).map(str::trim_end);
        number.and_then(Decimal::parse).and_then(|d| d.in_steps(places)).and_then(|n| u32::try_from(n).ok()).ok_or_else(
            || {
                self.error(
                    value,
                    format!("`{text}` is not a number of {unit}"),
                    format!("write for example: \"5 {unit}\""),
                )
            },
        )
    }

    fn no_such(&self, kind: &str, value: &Spanned<String>, known: &[&str]) -> ProfileError {
        let hint = suggest::did_you_mean(value.get_ref(), known);
        self.error(value, format!("no {kind} `{}`{hint}", value.get_ref()), format!("there are: {}", known.join(", ")))
    }
}
