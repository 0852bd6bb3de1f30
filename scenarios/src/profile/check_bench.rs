//! The part of a profile that says what the wire is made of.

use toml::Spanned;

use super::{Deferral, InterfacePair, ProfileError, TraderHost, check::Document, raw::RawBench};

/// Bytes of the longest name that the kernel gives an interface (`IFNAMSIZ` in `linux/if.h`, less the final zero).
const LONGEST_NAME: usize = 15;

impl Document<'_> {
    pub(super) fn interfaces(&self, raw: &RawBench) -> Result<Option<InterfacePair>, ProfileError> {
        let (exchange, trader) = match (&raw.exchange_interface, &raw.trader_interface) {
            // Who names a host may name the interfaces on the command line.
            (None, None) => return Ok(None),
            (Some(exchange), Some(trader)) => (exchange, trader),
            (Some(one), None) => return Err(self.one_interface(one, "trader_interface")),
            (None, Some(one)) => return Err(self.one_interface(one, "exchange_interface")),
        };
        let names = (self.interface(exchange)?, self.interface(trader)?);
        if names.0 == names.1 && raw.trader_host.is_none() {
            let what = format!("interface `{}` for both ends of the wire", names.1);
            let remedy = "name two that are cabled to each other, or leave both out for a virtual wire";
            return Err(self.error(trader, what, remedy));
        }
        Ok(Some(InterfacePair { exchange: names.0, trader: names.1 }))
    }

    /// Who it is that is asked for over ssh; the program and the options mean nothing without.
    pub(super) fn trader_host(&self, raw: &RawBench) -> Result<Option<TraderHost>, ProfileError> {
        let needs_host = "add `trader_host = \"root@…\"`, or leave it out";
        let Some(host) = &raw.trader_host else {
            if let Some(program) = &raw.trader_program {
                return Err(self.error(program, "`trader_program` is for a trader on another host", needs_host));
            }
            return match &raw.ssh_options {
                Some(options) => Err(self.error(options, "`ssh_options` are for a trader on another host", needs_host)),
                None => Ok(None),
            };
        };
        let name = host.get_ref();
        if name.is_empty() || name.starts_with('-') || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let remedy = "write it as ssh takes it: `root@server2`, or an alias of your ssh configuration";
            return Err(self.error(host, format!("`{name}` is no host"), remedy));
        }
        if let Some(empty) = raw.trader_program.as_ref().filter(|p| p.get_ref().is_empty()) {
            return Err(self.error(empty, "a program without a name", "write its path on the trader's host"));
        }
        let options = raw.ssh_options.iter().flat_map(|options| options.get_ref());
        Ok(Some(TraderHost {
            host: name.clone(),
            program: raw.trader_program.as_ref().map(|p| p.get_ref().clone()),
            ssh_options: options.map(|o| o.get_ref().clone()).collect(),
        }))
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
