//! The part of a profile that says what the wire is made of.

use toml::Spanned;

use super::{Deferral, InterfacePair, ProfileError, check::Document, raw::RawBench};

/// Bytes of the longest name that the kernel gives an interface (`IFNAMSIZ` in `linux/if.h`, less the final zero).
const LONGEST_NAME: usize = 15;

impl Document<'_> {
    pub(super) fn interfaces(&self, raw: &RawBench) -> Result<Option<InterfacePair>, ProfileError> {
        let (exchange, trader) = match (&raw.exchange_interface, &raw.trader_interface) {
            (None, None) => return Ok(None),
            (Some(exchange), Some(trader)) => (exchange, trader),
            (Some(one), None) => return Err(self.one_interface(one, "trader_interface")),
            (None, Some(one)) => return Err(self.one_interface(one, "exchange_interface")),
        };
        let names = (self.interface(exchange)?, self.interface(trader)?);
        if names.0 == names.1 {
            let what = format!("interface `{}` for both ends of the wire", names.1);
            let remedy = "name two that are cabled to each other, or leave both out for a virtual wire";
            return Err(self.error(trader, what, remedy));
        }
        Ok(Some(InterfacePair { exchange: names.0, trader: names.1 }))
    }

    /// Either alone does nothing.
    pub(super) fn deferral(&self, raw: &RawBench) -> Result<Option<Deferral>, ProfileError> {
        let (defer, timeout) = match (&raw.napi_defer_hard_irqs, &raw.gro_flush_timeout) {
            (None, None) => return Ok(None),
            (Some(defer), Some(timeout)) => (defer, timeout),
            (Some(one), None) => {
                let remedy = "add `gro_flush_timeout = \"20 us\"`, or leave both out";
                return Err(self.error(one, "`napi_defer_hard_irqs` does nothing without `gro_flush_timeout`", remedy));
            }
            (None, Some(one)) => {
                let remedy = "add `napi_defer_hard_irqs = 2`, or leave both out";
                return Err(self.error(one, "`gro_flush_timeout` does nothing without `napi_defer_hard_irqs`", remedy));
            }
        };
        let napi_defer_hard_irqs = self.at_least_one("napi_defer_hard_irqs", Some(defer), 1)?;
        Ok(Some(Deferral { napi_defer_hard_irqs, gro_flush_timeout: self.duration(timeout)? }))
    }

    fn one_interface(&self, given: &Spanned<String>, missing: &str) -> ProfileError {
        let remedy = format!("add `{missing} = \"…\"`, or leave both out for a virtual wire");
        self.error(given, "a wire has two ends, and one is named", remedy)
    }

    fn interface(&self, name: &Spanned<String>) -> Result<String, ProfileError> {
        let text = name.get_ref();
        let fits = (1..=LONGEST_NAME).contains(&text.len()) && text != "." && text != "..";
        if !fits || text.contains(|c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control()) {
            let remedy = format!("write the name as `ip link` shows it; it has at most {LONGEST_NAME} bytes");
            return Err(self.error(name, format!("`{text}` is no name of an interface"), remedy));
        }
        Ok(text.clone())
    }
}
