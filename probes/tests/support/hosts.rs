//! The hosts of the trees, with what is measured on in each.
#![allow(dead_code, reason = "each test program uses a part of it")]

use tickcert_probes::audit::{End, Finding, Scope, findings};
use tickcert_results::certificate::Setting;

use crate::tree::tree;

pub(crate) fn scope(exchange: (u32, &str), trader: (u32, &str)) -> Scope {
    let end = |name: &str, (core, interface): (u32, &str)| End {
        name: name.to_owned(),
        core,
        interface: Some(interface.to_owned()),
        memory: None,
    };
    Scope { ends: vec![end("exchange", exchange), end("trader", trader)], ..Scope::default() }
}

pub(crate) fn find<'a>(found: &'a [Finding], name: &str) -> &'a Setting {
    let named = found.iter().find(|f| f.setting.name == name);
    &named.unwrap_or_else(|| panic!("no {name} among {:?}", wrong(found))).setting
}

pub(crate) fn wrong(found: &[Finding]) -> Vec<&str> {
    found.iter().filter(|f| !f.setting.ok).map(|f| f.setting.name.as_str()).collect()
}

pub(crate) fn intel() -> Vec<Finding> {
    findings(tree("intel-e810").path(), &scope((2, "eth2"), (20, "eth3")))
}

pub(crate) fn epyc() -> Vec<Finding> {
    let (exchange, trader) = ((8, "enp193s0f0np0"), (9, "enp193s0f1np0"));
    findings(tree("epyc-connectx").path(), &scope(exchange, trader))
}

pub(crate) fn x2522() -> Vec<Finding> {
    findings(tree("x2522").path(), &scope((6, "eth4"), (7, "eth5")))
}
