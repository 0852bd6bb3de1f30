//! An exchange that never sends.

use tickcert::endpoint::control::{Command, Report, TrialSpec};
use tickcert_results::time::Nanos;
use tickcert_transports::api::Role;

use crate::support::{
    can_measure,
    endpoints::{Endpoint, Site},
};

#[test]
fn a_trader_that_hears_no_tick_for_as_long_as_it_was_told_gives_up_and_says_how_long() {
    if !can_measure() {
        return;
    }
    let site = Site::new();
    let mut trader = Endpoint::start(site.netns(Role::Trader), &[]);
    let spec = site.spec("kernel-udp", Role::Trader, 100);
    trader.tell(&Command::Open(Box::new(TrialSpec { silence: Nanos::MILLI * 250, ..spec })));
    assert!(matches!(trader.hear(), Some(Report::Ready)));
    trader.tell(&Command::Go);
    assert!(matches!(trader.hear(), Some(Report::Running)));
    let Some(Report::Traded(report)) = trader.hear() else { panic!("the trader has no report") };
    assert_eq!(report.broken.as_deref(), Some("no tick for 250.00 ms: did the exchange end early?"));
}
