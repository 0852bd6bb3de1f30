//! Every complaint, word for word: they are the part of a profile that a user reads.

use std::path::PathBuf;

use proptest::prelude::*;
use tickcert_results::{
    judge::Metric,
    time::{Nanos, PerSecond},
};

use super::*;
use crate::{handoff::MessageSize, load::Arrival};

/// The smallest profile; [`with`] changes a line of it.
pub(super) const SMALL: &str = r#"profile = 1
name = "small"
description = "The fewest lines"
[run]
lanes = ["kernel-udp"]
repetitions = 5
[[load]]
mode = "constant"
rate = "20000 packets/s"
[[requirement]]
id = "lost"
metric = "orders.lost"
limit = "== 0"
"#;

/// [`SMALL`] with `old` replaced by `new`.
fn with(old: &str, new: &str) -> String {
    assert!(SMALL.contains(old), "the test means to change `{old}`");
    SMALL.replace(old, new)
}

fn complaint(text: &str) -> String {
    Profile::from_text("my.toml", text).unwrap_err().to_string()
}

#[test]
fn an_attribution_that_there_is_none_of_is_refused_with_those_that_there_are() {
    let text = SMALL.replace("[run]", "[run]\nattribution = \"all\"");
    let said = complaint(&text);
    assert!(said.contains("no attribution `all`") && said.contains("\"calls\""), "{said}");
}

#[test]
fn the_smallest_profile_has_every_default_that_the_manual_states() {
    let p = Profile::from_text("my.toml", SMALL).unwrap();
    assert_eq!((p.run.retries, p.run.staged_repetitions, p.run.seed), (0, 1, 1));
    assert_eq!((p.run.orders_late_after, p.run.stall), (Nanos::MILLI * 10, Nanos::MILLI * 200));
    assert_eq!((p.run.placement, &p.interfaces), (None, &None));
    assert_eq!(p.run.attribution, Attribution::Events);
    assert_eq!(p.tape, TapeSpec::Generator { seed: 7, symbols: 40, messages: 100_000 });
    let (symbol, threshold_e4, quantity) = (SymbolChoice::MostActive, 100, 100);
    assert_eq!(p.strategy, StrategySpec::Threshold { symbol, threshold_e4, quantity });
    assert_eq!(p.risk, RiskSpec::default());
    let arrival = Arrival::Constant { rate: PerSecond(20_000.0) };
    let window = Window { orders: 10_000, max_duration: Nanos::SECOND * 10 };
    assert_eq!(p.loads, [LoadSpec { arrival, window }]);
    assert_eq!(p.noise, NoiseSpec { duration: Nanos::SECOND, threshold: Nanos::MICRO });
    assert!(p.warnings.is_empty());
}

#[test]
fn the_built_in_profiles_load_by_name_and_are_called_by_it() {
    for &name in BUILTIN_NAMES {
        let p = Profile::load(name).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(p.name, name);
        assert_eq!(p.warnings, Vec::<String>::new());
    }
}

#[test]
fn the_profile_ci_sets_no_limit_to_latency_and_outlasts_a_stall_of_200_ms() {
    let p = Profile::load("ci").unwrap();
    assert!(!p.requirements.iter().any(|r| matches!(r.metric, Metric::Latency(..))));
    assert_eq!(p.run.stall, Nanos::MILLI * 200);
    assert_eq!(p.run.orders_late_after, Nanos::SECOND);
    assert_eq!(p.run.retries, 3);
}

/// [`SMALL`] with this line after its lanes.
fn with_optional(line: &str) -> String {
    with("repetitions = 5", &format!("optional_lanes = {line}\nrepetitions = 5"))
}

#[test]
fn optional_lanes_are_run_after_the_others_and_may_have_requirements() {
    let text = with_optional("[\"shm\", \"io-uring\"]") + "lanes = [\"shm\"]\n";
    let p = Profile::from_text("my.toml", &text).unwrap();
    assert_eq!(p.check_lanes(&["io-uring", "kernel-udp", "shm"]).unwrap(), ["kernel-udp", "shm", "io-uring"]);
    let unknown = p.check_lanes(&["kernel-udp", "shm"]).unwrap_err().to_string();
    assert!(unknown.starts_with("my.toml:6:26: unknown lane `io-uring`"), "{unknown}");
}

#[test]
fn an_optional_lane_that_must_run_anyway_or_all_of_them_is_answered_with_what_to_write() {
    assert_eq!(
        complaint(&with_optional("[\"kernel-udp\"]")),
        "my.toml:6:19: lane `kernel-udp` stands here twice\n  6 | optional_lanes = [\"kernel-udp\"]\n  leave one out"
    );
    assert!(complaint(&with_optional("[\"all\"]")).contains("name those that may be missing one by one"));
    let all = with_optional("[\"shm\"]").replace("lanes = [\"kernel-udp\"]", "lanes = [\"all\"]");
    assert!(complaint(&all).contains("`shm` is among all lanes, which must run\n"), "{}", complaint(&all));
}

#[test]
fn the_profile_colo_asks_for_hardware_evidence_bare_metal_quiet_cores_and_limits() {
    let p = Profile::load("colo").unwrap();
    let has = |metric: &str, limit: &str| {
        p.requirements.iter().any(|r| r.metric.to_string() == metric && r.limit.text.starts_with(limit))
    };
    assert!(has("evidence", ">= nic") && has("host.virtualised", "== no") && has("noise.largest_gap", "<="));
    assert!(has("t2t_wire.p50", "<=") && has("t2t_wire.p99", "<=") && has("t2t_wire.p99_9", "<="));
    // Its rate, by the processor's clock, could never be of that class.
    let of_evidence = p.requirements.iter().find(|r| r.metric == Metric::Evidence).unwrap();
    assert!(!of_evidence.loads.is_empty() && !of_evidence.loads.iter().any(|l| l.starts_with("sweep")));
}

#[test]
fn a_strategy_may_follow_all_symbols_and_only_small_letters_mean_them() {
    let symbol = |symbol: &str| {
        let text = with("[[load]]", &format!("[strategy]\nsymbol = \"{symbol}\"\n[[load]]"));
        match Profile::from_text("my.toml", &text).unwrap().strategy {
            StrategySpec::Threshold { symbol, .. } => symbol,
            StrategySpec::FirstByte { .. } => panic!("no symbol"),
        }
    };
    assert_eq!(symbol("all"), SymbolChoice::All);
    assert_eq!(symbol("ALL"), SymbolChoice::Named("ALL".into()));
    assert_eq!(symbol("most-active"), SymbolChoice::MostActive);
}

/// [`SMALL`] with a table `[bench]` of these lines.
fn with_bench(lines: &str) -> String {
    with("[[load]]", &format!("[bench]\n{lines}\n[[load]]"))
}

#[test]
fn a_profile_may_name_two_interfaces_for_the_wire() {
    let p =
        Profile::from_text("my.toml", &with_bench("exchange_interface = \"eth2\"\ntrader_interface = \"enp1s0f1np1\""));
    let pair = InterfacePair { exchange: "eth2".into(), trader: "enp1s0f1np1".into() };
    assert_eq!(p.unwrap().interfaces, Some(pair));
}

#[test]
fn all_that_is_received_goes_to_a_queue_if_the_profile_names_one() {
    assert_eq!(Profile::from_text("my.toml", SMALL).unwrap().queue, None);
    assert_eq!(Profile::from_text("my.toml", &with_bench("queue = 2")).unwrap().queue, Some(2));
    let negative = complaint(&with_bench("queue = -1"));
    assert!(negative.contains("queue"), "{negative}");
}

#[test]
fn interrupts_are_put_off_only_with_both_keys_and_with_a_unit() {
    let p = Profile::from_text("my.toml", &with_bench("napi_defer_hard_irqs = 2\ngro_flush_timeout = \"20 us\""));
    let both = Deferral { napi_defer_hard_irqs: 2, gro_flush_timeout: Nanos::MICRO * 20 };
    assert_eq!(p.unwrap().deferral, Some(both));
    assert_eq!(Profile::from_text("my.toml", SMALL).unwrap().deferral, None);
    assert!(complaint(&with_bench("napi_defer_hard_irqs = 2")).contains("add `gro_flush_timeout = \"20 us\"`"));
    assert!(complaint(&with_bench("gro_flush_timeout = \"20 us\"")).contains("add `napi_defer_hard_irqs = 2`"));
    let bare = complaint(&with_bench("napi_defer_hard_irqs = 2\ngro_flush_timeout = 20"));
    assert!(bare.contains("`20` has no unit"), "{bare}");
    let zero = complaint(&with_bench("napi_defer_hard_irqs = 0\ngro_flush_timeout = \"20 us\""));
    assert!(zero.contains("`napi_defer_hard_irqs` is 0"), "{zero}");
}

#[test]
fn a_profile_may_name_the_traders_host_and_then_both_interfaces_and_cores_may_be_called_the_same() {
    let bench = "trader_host = \"root@server2\"\ntrader_program = \"/opt/tickcert\"\nssh_options = [\"Port=2222\"]\n\
                 exchange_interface = \"eth2\"\ntrader_interface = \"eth2\"";
    let text = with_bench(bench).replace("[run]\n", "[run]\nplacement = { exchange_core = 3, trader_core = 3 }\n");
    let p = Profile::from_text("my.toml", &text).unwrap();
    let wanted = TraderHost {
        host: "root@server2".into(),
        program: Some("/opt/tickcert".into()),
        ssh_options: vec!["Port=2222".into()],
    };
    assert_eq!(p.trader_host, Some(wanted));
    assert_eq!(p.interfaces.unwrap().exchange, "eth2");
    assert_eq!(p.run.placement.unwrap().trader_core, 3);
}

#[test]
fn a_host_that_is_none_and_what_is_for_a_host_without_one_are_answered_with_what_to_write() {
    for name in ["", "-oProxyCommand=x", "a b"] {
        assert!(complaint(&with_bench(&format!("trader_host = \"{name}\""))).contains("is no host"), "{name}");
    }
    for alone in ["trader_program = \"x\"", "ssh_options = [\"Port=1\"]"] {
        assert!(complaint(&with_bench(alone)).contains("add `trader_host = "), "{alone}");
    }
    let unnamed = complaint(&with_bench("trader_host = \"a\"\ntrader_program = \"\""));
    assert!(unnamed.contains("a program without a name"), "{unnamed}");
}

#[test]
fn one_interface_alone_the_same_twice_and_what_is_no_name_are_answered_with_what_to_write() {
    assert_eq!(
        complaint(&with_bench("exchange_interface = \"eth2\"")),
        "my.toml:8:22: a wire has two ends, and one is named\n  \
         8 | exchange_interface = \"eth2\"\n  \
         add `trader_interface = \"…\"`, or leave both out for a virtual wire"
    );
    assert!(complaint(&with_bench("trader_interface = \"eth2\"")).contains("add `exchange_interface ="));
    assert_eq!(
        complaint(&with_bench("exchange_interface = \"eth2\"\ntrader_interface = \"eth2\"")),
        "my.toml:9:20: interface `eth2` for both ends of the wire\n  \
         9 | trader_interface = \"eth2\"\n  \
         name two that are cabled to each other, or leave both out for a virtual wire"
    );
    for name in ["", "a-name-of-16-byte", "eth 2", "../eth2", ".."] {
        let text = complaint(&with_bench(&format!("exchange_interface = \"{name}\"\ntrader_interface = \"eth3\"")));
        assert!(text.contains("is no name of an interface") && text.contains("at most 15 bytes"), "{text}");
    }
    assert!(complaint(&with_bench("interface = \"eth2\"")).contains("exchange_interface, trader_interface"));
}

/// [`SMALL`] with a table `[sweep]` of these lines.
fn with_sweep(lines: &str) -> String {
    with("[[load]]", &format!("[sweep]\n{lines}\n[[load]]"))
}

#[test]
fn a_sweep_has_the_defaults_that_the_manual_states_and_takes_what_is_written() {
    assert_eq!(Profile::from_text("my.toml", SMALL).unwrap().sweep, None);
    let window = Window { orders: 10_000, max_duration: Nanos::SECOND * 10 };
    let usual = SweepSpec {
        shares: vec![0.1, 0.5, 0.9],
        idle: PerSecond(1_000.0),
        resolution: 0.05,
        trial: Nanos::SECOND,
        window,
    };
    assert_eq!(Profile::from_text("my.toml", &with_sweep("")).unwrap().sweep, Some(usual));
    let lines = "shares = [\"25 %\", \"99.5 %\"]\nidle = \"10 packets/s\"\nresolution = \"2 %\"\ntrial = \"200 ms\"\norders = 7";
    let own = SweepSpec {
        shares: vec![0.25, 0.995],
        idle: PerSecond(10.0),
        resolution: 0.02,
        trial: Nanos::MILLI * 200,
        window: Window { orders: 7, ..window },
    };
    let names: Vec<String> = own.points().map(|p| p.to_string()).collect();
    assert_eq!(names, ["sweep 25 %", "sweep 99.5 %", "sweep idle"]);
    assert_eq!(Profile::from_text("my.toml", &with_sweep(lines)).unwrap().sweep, Some(own));
}

#[test]
fn a_sweep_that_makes_no_sense_is_answered_with_what_to_write() {
    assert_eq!(
        complaint(&with_sweep("shares = [\"10 %\", 50]")),
        "my.toml:8:19: `50` has no unit\n  8 | shares = [\"10 %\", 50]\n  \
         a number of % is wanted here; write for example: shares = [\"10 %\", \"50 %\"]"
    );
    for (lines, part) in [
        ("shares = []", "my.toml:8:10: a sweep without a share\n"),
        ("shares = [\"0 %\"]", "a sweep has no \"0 %\"\n"),
        ("shares = [\"101 %\"]", "above 0 % and up to 100 %"),
        ("shares = [\"10 %\", \"10 %\"]", "\"10 %\" stands here twice\n"),
        ("resolution = \"0.5 %\"", "write 1 % to 50 %"),
        ("resolution = 5", "`5` has no unit"),
        ("trial = \"1 ms\"", "a trial of 1.00 ms is too short"),
        ("idle = 100", "rate is in packets/s; write for example: idle = \"100 packets/s\""),
        ("share = 1", "unknown key `share`; did you mean `shares`?"),
    ] {
        let text = complaint(&with_sweep(lines));
        assert!(text.contains(part), "{text}");
    }
}

/// [`SMALL`] with a table `[hand_off]` of these lines.
fn with_handoff(lines: &str) -> String {
    with("[[load]]", &format!("[hand_off]\n{lines}\n[[load]]"))
}

#[test]
fn a_comparison_of_hand_offs_has_the_defaults_that_the_manual_states_and_takes_what_is_written() {
    let of = |text: &str| Profile::from_text("my.toml", text).unwrap().hand_off;
    assert_eq!(of(SMALL), None);
    assert_eq!(of(&with_handoff("")), Some(HandoffSpec::default()));
    let lines = "queues = [\"mutex\", \"rtrb\", \"mutex\"]\nrate = \"2000 packets/s\"\nburst = 3\nduration = \"200 ms\"\nrepetitions = 7\n\
                 capacity = 64\nmessage_bytes = 256\nproducers = 2\nshare_cores = true\npreempt = \"1 ms\"\npreempt_every = \"5 ms\"";
    let own = HandoffSpec {
        handoffs: crate::handoff::resolve(&["mutex".into(), "rtrb".into()]).unwrap(),
        rate: PerSecond(2_000.0),
        burst: 3,
        duration: Nanos::MILLI * 200,
        repetitions: 7,
        capacity: 64,
        message_size: MessageSize::Bytes256,
        producers: 2,
        share_cores: true,
        preempt: Some(Nanos::MILLI),
        preempt_every: Nanos::MILLI * 5,
    };
    assert_eq!(of(&with_handoff(lines)), Some(own));
}

#[test]
fn a_comparison_of_hand_offs_that_makes_no_sense_is_answered_with_what_to_write() {
    for (lines, part) in [
        ("queues = [\"rtbr\"]", "my.toml:8:11: unknown hand-off `rtbr`; did you mean `rtrb`?\n"),
        ("queues = []", "my.toml:8:10: a comparison without a hand-off\n"),
        ("capacity = 100", "write a power of two from 2 to 1048576"),
        ("message_bytes = 65", "write 64, 256 or 1024"),
        ("repetitions = 0", "write a number from 1 to 100"),
        ("producers = 65", "write a number from 1 to 64"),
        ("preempt = \"2 s\"", "write at most 100.00 ms"),
        ("preempt = 1", "`1` has no unit"),
        ("preempt = \"0 ms\"", "my.toml:8:11: a duration of zero"),
        ("preempt = \"1 ms\"\npreempt_every = \"0 ms\"", "my.toml:9:17: a duration of zero"),
        ("preempt = \"1 ms\"\npreempt_every = \"100 us\"", "leave it a tenth of the time"),
        ("rate = \"1000000 packets/s\"\nduration = \"9 s\"", "write no more than 8000000 a repetition"),
        ("queue = 1", "unknown key `queue`; did you mean `queues`?"),
    ] {
        let text = complaint(&with_handoff(lines));
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_requirement_may_be_about_a_sweep_or_the_rate_found_where_there_is_a_sweep() {
    let highest = |text: &str| {
        text.replace("\"orders.lost\"\nlimit = \"== 0\"", "\"rate.highest\"\nlimit = \">= 100000 packets/s\"")
    };
    let missing = complaint(&highest(SMALL));
    assert!(missing.contains("my.toml:12:10: `rate.highest` without a table `[sweep]`"), "{missing}");
    assert!(Profile::from_text("my.toml", &highest(&with_sweep(""))).is_ok());
    let loads = |list: &str| format!("{}loads = [{list}]\n", with_sweep(""));
    for list in ["\"sweep\"", "\"sweep 90 %\", \"constant\"", "\"sweep idle\""] {
        assert!(Profile::from_text("my.toml", &loads(list)).is_ok(), "{list}");
    }
    let stray = complaint(&loads("\"sweep 95 %\""));
    assert!(stray.contains("a requirement about load `sweep 95 %`") && stray.contains("sweep 90 %"), "{stray}");
    let both = complaint(&highest(&loads("\"sweep\"")));
    assert!(both.contains("is about a lane, whatever the load"), "{both}");
}

#[test]
fn another_text_has_another_digest() {
    let a = Profile::from_text("a.toml", SMALL).unwrap();
    let b = Profile::from_text("b.toml", &with("= 5", "= 6")).unwrap();
    assert_ne!(a.sha256, b.sha256);
}

#[test]
fn an_unknown_key_is_answered_with_the_nearest() {
    assert_eq!(
        complaint(&with("repetitions", "repetition")),
        "my.toml:6:1: unknown key `repetition`; did you mean `repetitions`?\n  \
         6 | repetition = 5\n  \
         keys that may stand here: lanes, optional_lanes, repetitions, retries, staged_repetitions, floor, machine, attribution, seed, orders_late_after, stall, placement, placements, handoffs, queue_capacity, queue_message_bytes"
    );
}

#[test]
fn an_unknown_table_is_answered_with_the_nearest() {
    let text = complaint(&with("[[requirement]]", "[[requirements]]"));
    assert!(text.starts_with("my.toml:10:3: unknown key `requirements`; did you mean `requirement`?\n"), "{text}");
}

#[test]
fn a_duration_without_unit_is_shown_with_one() {
    assert_eq!(
        complaint(&with("repetitions = 5", "stall = 200 # as long as the host sleeps")),
        "my.toml:6:9: `200` has no unit\n  6 | stall = 200 # as long as the host sleeps\n  \
         a duration needs one of ns, us, ms, s, min; write for example: stall = \"200 ms\""
    );
    assert_eq!(
        complaint(&with("repetitions = 5", "stall = \"200\"")),
        "my.toml:6:9: `200` has no unit\n  6 | stall = \"200\"\n  \
         a duration needs one of ns, us, ms, s, min; write for example: stall = \"200 ms\""
    );
}

#[test]
fn a_rate_without_unit_is_shown_with_one() {
    assert_eq!(
        complaint(&with("\"20000 packets/s\"", "20000")),
        "my.toml:9:8: `20000` has no unit\n  9 | rate = 20000\n  \
         a rate is in packets/s; write for example: rate = \"20000 packets/s\""
    );
}

#[test]
fn a_speed_without_unit_is_shown_with_one() {
    let text = with("mode = \"constant\"\nrate = \"20000 packets/s\"", "mode = \"tape\"\nspeed = 2");
    assert_eq!(
        complaint(&text),
        "my.toml:9:9: `2` has no unit\n  9 | speed = 2\n  \
         a speed is a multiple of the tape's own, written with x (2x is twice as fast); write for example: speed = \"2x\""
    );
}

#[test]
fn a_limit_without_unit_is_shown_with_one() {
    assert_eq!(
        complaint(&with("metric = \"orders.lost\"\nlimit = \"== 0\"", "metric = \"t2t_due.p99\"\nlimit = \"<= 12\"")),
        "my.toml:13:9: the limit `<= 12` has no unit\n  13 | limit = \"<= 12\"\n  write: limit = \"<= 12 us\""
    );
}

#[test]
fn a_limit_that_is_a_bare_number_is_shown_as_it_could_be() {
    assert_eq!(
        complaint(&with("limit = \"== 0\"", "limit = 0")),
        "my.toml:13:9: `0` is no limit for `orders.lost`\n  13 | limit = 0\n  write for example: limit = \"== 0\""
    );
}

#[test]
fn a_unit_that_is_none_is_named() {
    let text = complaint(&with("repetitions = 5", "stall = \"200 msec\""));
    assert!(text.starts_with("my.toml:6:9: `msec` is no unit of a duration\n"), "{text}");
}

#[test]
fn an_unknown_metric_is_answered_with_the_nearest() {
    let text = complaint(&with("orders.lost", "orders.losst"));
    assert_eq!(
        text,
        "my.toml:12:10: unknown metric `orders.losst`\n  12 | metric = \"orders.losst\"\n  did you mean `orders.lost`?"
    );
}

#[test]
fn an_unknown_mode_of_load_is_answered_with_the_nearest() {
    assert_eq!(
        complaint(&with("\"constant\"", "\"constnat\"")),
        "my.toml:8:8: no mode of load `constnat`; did you mean `constant`?\n  8 | mode = \"constnat\"\n  \
         there are: tape, constant, poisson, bursts, cold"
    );
}

#[test]
fn a_key_that_the_mode_would_ignore_is_refused() {
    let text = complaint(&with("mode = \"constant\"", "mode = \"constant\"\nburst = 4"));
    assert!(text.starts_with("my.toml:9:9: a `constant` load has no `burst`\n"), "{text}");
}

#[test]
fn a_load_that_lacks_its_rate_is_told_how_to_write_it() {
    let text = complaint(&with("rate = \"20000 packets/s\"\n", ""));
    assert_eq!(
        text,
        "my.toml:8:8: a `constant` load needs `rate`\n  8 | mode = \"constant\"\n  \
         add for example: rate = \"20000 packets/s\""
    );
}

#[test]
fn memory_is_bound_to_the_nodes_that_a_placement_names_and_to_none_otherwise() {
    let of = |more: &str| {
        let placement = format!("placement = {{ exchange_core = 0, trader_core = 1{more} }}");
        Profile::from_text("test", &with("repetitions = 5", &placement)).unwrap().run.memory_nodes()
    };
    assert_eq!(of(""), (None, None));
    assert_eq!(of(", trader_memory = 1"), (None, Some(1)));
    assert_eq!(of(", exchange_memory = 1, trader_memory = 0"), (Some(1), Some(0)));
}

#[test]
fn the_same_core_for_both_endpoints_is_refused() {
    let text = complaint(&with("repetitions = 5", "placement = { exchange_core = 1, trader_core = 1 }"));
    assert!(text.starts_with("my.toml:6:13: core 1 for both endpoints"), "{text}");
}

#[test]
fn nothing_to_run_and_nothing_to_require_are_refused() {
    let no_lane = complaint(&with("[\"kernel-udp\"]", "[]"));
    assert!(no_lane.starts_with("my.toml:5:9: no lane\n"), "{no_lane}");
    let no_repetition = complaint(&with("= 5", "= 0"));
    assert!(no_repetition.starts_with("my.toml:6:15: `repetitions` is 0\n"), "{no_repetition}");
    let (head, requirement) = SMALL.split_once("[[requirement]]").unwrap();
    let no_requirement = complaint(head);
    assert!(no_requirement.contains("no requirement"), "{no_requirement}");
    let (head, _) = head.split_once("[[load]]").unwrap();
    let no_load = complaint(&format!("{head}[[requirement]]{requirement}"));
    assert!(no_load.contains("no load"), "{no_load}");
}

#[test]
fn a_requirement_about_what_does_not_run_is_refused() {
    let lane = complaint(&with("limit = \"== 0\"", "limit = \"== 0\"\nlanes = [\"kernel-tcp\"]"));
    assert!(lane.starts_with("my.toml:14:10: a requirement about lane `kernel-tcp`"), "{lane}");
    let load = complaint(&with("limit = \"== 0\"", "limit = \"== 0\"\nloads = [\"bursts\"]"));
    assert!(load.starts_with("my.toml:14:10: a requirement about load `bursts`"), "{load}");
}

#[test]
fn fewer_than_five_repetitions_are_allowed_with_a_warning() {
    let p = Profile::from_text("my.toml", &with("= 5", "= 3")).unwrap();
    assert_eq!(p.warnings.len(), 1);
    assert!(p.warnings[0].starts_with("repetitions = 3: a 95 % interval needs at least 5"), "{:?}", p.warnings);
}

#[test]
fn an_unknown_lane_is_found_where_it_stands() {
    let p = Profile::from_text("my.toml", &with("kernel-udp", "kernel-upd")).unwrap();
    assert_eq!(
        p.check_lanes(&["kernel-udp", "kernel-tcp"]).unwrap_err().to_string(),
        "my.toml:5:10: unknown lane `kernel-upd`; did you mean `kernel-udp`?\n  5 | lanes = [\"kernel-upd\"]\n  \
         lanes of this build: kernel-udp, kernel-tcp; or `all`"
    );
}

#[test]
fn all_means_every_lane_of_the_build() {
    let p = Profile::from_text("my.toml", &with("kernel-udp", "all")).unwrap();
    assert_eq!(p.run.lanes, LaneSelection::All);
    assert_eq!(p.check_lanes(&["a", "b"]).unwrap(), ["a", "b"]);
}

#[test]
fn a_name_that_is_no_profile_is_answered_with_those_that_are() {
    assert_eq!(
        Profile::load("cola").unwrap_err().to_string(),
        "no profile `cola`; did you mean `colo`?; built-in ones: ci, colo, matrix, threads. A path (./cola.toml) loads a file"
    );
}

#[test]
fn a_file_that_is_not_there_is_named_and_the_cause_is_kept() {
    let e = Profile::load("/no/such/profile.toml").unwrap_err();
    assert!(e.to_string().starts_with("/no/such/profile.toml: can't read the profile"), "{e}");
    assert!(std::error::Error::source(&e).is_some());
}

#[test]
fn a_tape_file_is_looked_for_beside_the_profile() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, with("[[load]]", "[tape]\nfile = \"ticks.gz\"\n[[load]]")).unwrap();
    let p = Profile::load(path.to_str().unwrap()).unwrap();
    assert_eq!(p.tape, TapeSpec::File { path: folder.path().join("ticks.gz") });
    let absolute = with("[[load]]", "[tape]\nfile = \"/data/ticks\"\n[[load]]");
    std::fs::write(&path, absolute).unwrap();
    let p = Profile::load(path.to_str().unwrap()).unwrap();
    assert_eq!(p.tape, TapeSpec::File { path: PathBuf::from("/data/ticks") });
}

#[test]
fn an_excerpt_is_read_as_text_or_as_tomls_own_time() {
    let written = |from: &str, until: &str| {
        let tape = format!("[tape]\nfile = \"ticks.gz\"\nfrom = {from}\nuntil = {until}\n[[load]]");
        Profile::from_text("my.toml", &with("[[load]]", &tape)).unwrap().excerpt.to_string()
    };
    assert_eq!(written("\"09:30\"", "\"09:35:00\""), "from 09:30:00 until 09:35:00");
    assert_eq!(written("09:30:00", "09:30:00.5"), "from 09:30:00 until 09:30:00.5");
    assert!(Profile::from_text("my.toml", SMALL).unwrap().excerpt.is_whole());
}

#[test]
fn what_is_wrong_with_an_excerpt_is_said_with_its_line_and_how_to_write_it() {
    let of = |lines: &str| complaint(&with("[[load]]", &format!("[tape]\nfile = \"t\"\n{lines}\n[[load]]")));
    for from in ["930", "\"9.30\"", "2019-01-30"] {
        let text = of(&format!("from = {from}"));
        assert!(text.starts_with("my.toml:9:8: `") && text.contains("is no time of day"), "{text}");
        assert!(text.contains("write for example: from = \"09:30:00\""), "{text}");
    }
    let text = of("from = \"09:30:00\"\nuntil = \"09:00:00\"");
    assert!(text.starts_with("my.toml:10:9: nothing is from 09:30:00 until 09:00:00"), "{text}");
    assert!(of("form = \"09:30:00\"").contains("did you mean `from`?"));
}

#[test]
fn an_excerpt_of_generated_ticks_is_refused_unless_a_file_is_given_after_all() {
    let p = Profile::from_text("my.toml", &with("[[load]]", "[tape]\nuntil = \"09:35:00\"\n[[load]]")).unwrap();
    assert_eq!(p.check_excerpt(true).map_err(|e| e.to_string()), Ok(()));
    let text = p.check_excerpt(false).unwrap_err().to_string();
    assert!(text.starts_with("my.toml:8:9: ") && text.contains("--ticks"), "{text}");
}

#[test]
fn risk_limits_are_read_with_their_units() {
    let risk = "[risk]\nmax_quantity = 500\nmax_notional = \"1000000\"\nmax_rate = \"1000 orders/s\"\nprice_collar = \"2.5 %\"\n[[load]]";
    let p = Profile::from_text("my.toml", &with("[[load]]", risk)).unwrap();
    let expected = RiskSpec {
        max_quantity: Some(500),
        max_notional_e4: Some(10_000_000_000),
        max_orders_per_second: Some(1_000),
        price_collar_bps: Some(250),
    };
    assert_eq!(p.risk, expected);
}

#[test]
fn a_number_of_the_wrong_kind_is_refused_in_plain_words() {
    let text = complaint(&with("repetitions = 5", "repetitions = -5"));
    assert!(text.contains("expected a whole number, 0 or more"), "{text}");
}

#[test]
fn broken_toml_is_located() {
    let text = complaint(&with("name = \"small\"", "name = \"small"));
    assert!(text.starts_with("my.toml:2:"), "{text}");
}

#[test]
fn a_profile_of_a_later_version_is_refused() {
    let text = complaint(&with("profile = 1", "profile = 2"));
    assert!(text.starts_with("my.toml:1:11: profile version 2 is not one that this tickcert reads\n"), "{text}");
}

#[test]
fn the_manual_has_every_key_and_every_metric() {
    let manual = include_str!("../../../docs/PROFILES.md");
    for table in [
        "",
        "[run]",
        "[run.placement]",
        "[window]",
        "[tape]",
        "[strategy]",
        "[risk]",
        "[noise]",
        "[stamps]",
        "[sweep]",
        "[[load]]",
        "[[requirement]]",
    ] {
        let text = format!("{table}\nno_such_key = 1\n");
        let keys = complaint(&text).rsplit_once("may stand here: ").map(|(_, keys)| keys.to_owned()).unwrap();
        for key in keys.split(", ") {
            assert!(manual.contains(&format!("`{key}`")), "docs/PROFILES.md lacks `{key}` of {table}");
        }
    }
}

#[test]
fn the_profile_that_the_manual_shows_is_read_without_a_warning() {
    let manual = include_str!("../../../docs/PROFILES.md");
    let (_, example) = manual.split_once("```toml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let p = Profile::from_text("docs/PROFILES.md", example).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((p.name.as_str(), p.warnings.len(), p.requirements.len()), ("desk7", 0, 2));
}

#[test]
fn every_metric_in_the_manual_is_one() {
    let manual = include_str!("../../../docs/PROFILES.md");
    let (_, table) = manual.split_once("## Metrics").unwrap();
    let mut metrics = 0;
    for row in table.lines().skip_while(|l| !l.starts_with("|---")).skip(1).take_while(|l| l.starts_with('|')) {
        let [names, limits] = [1, 2].map(|column| row.split('|').nth(column).unwrap());
        let in_code = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        for name in in_code(names) {
            let metric = name.replace("<q>", "p99").replace("<stage>", "decode");
            for limit in in_code(limits) {
                tickcert_results::judge::Requirement::new("id", None, &metric, &limit, vec![], vec![])
                    .unwrap_or_else(|e| panic!("docs/PROFILES.md: {e}"));
                metrics += 1;
            }
        }
    }
    assert!(metrics >= 20, "only {metrics} metrics with a limit were found in the table");
}

proptest! {
    /// One line of a good profile is replaced by anything at all.
    #[test]
    fn no_text_makes_the_reader_panic(line in 0_usize..13, junk in "\\PC{0,60}") {
        let text: Vec<&str> = SMALL.lines().enumerate().map(|(i, l)| if i == line { junk.as_str() } else { l }).collect();
        let _ = Profile::from_text("my.toml", &text.join("\n")).map_err(|e| e.to_string());
    }
}

#[test]
fn a_transports_settings_are_kept_and_an_unknown_transport_is_answered_with_the_nearest() {
    let p = Profile::from_text("my.toml", &format!("{SMALL}[transport.kernel-upd]\nring = 256\n")).unwrap();
    assert_eq!(p.settings_of("kernel-upd")["ring"], 256);
    assert!(p.settings_of("kernel-udp").is_empty());
    let text = p.check_transports(&["kernel-udp"], |_, _| Ok(())).unwrap_err().to_string();
    assert!(text.starts_with("my.toml:14:") && text.contains("did you mean `kernel-udp`?"), "{text}");
}

#[test]
fn settings_that_the_transport_does_not_understand_are_refused_in_its_words() {
    let p = Profile::from_text("my.toml", &format!("{SMALL}[transport.kernel-udp]\nring = 256\n")).unwrap();
    let text = p
        .check_transports(&["kernel-udp"], |name, _| {
            Err(SettingRefused { what: format!("{name} has no ring"), remedy: None })
        })
        .unwrap_err();
    assert!(text.to_string().contains("kernel-udp has no ring"), "{text}");
}

#[test]
fn placements_are_all_or_named_by_words_and_stand_beside_no_other_choice_of_cores() {
    let placements = |list: &str| with("repetitions = 5", &format!("placements = [{list}]"));
    let read = |text: &str| Profile::from_text("my.toml", text).unwrap().run.placements;
    assert_eq!(read(SMALL), None);
    assert_eq!(read(&placements("\"all\"")), Some(PlacementSelection::All));
    let named = PlacementSelection::Named(vec!["same-l3+mem-remote".to_owned(), "other-l3".to_owned()]);
    assert_eq!(read(&placements("\"same-l3+mem-remote\", \"other-l3\"")), Some(named));
    let unknown = complaint(&placements("\"same-l4\""));
    assert!(
        unknown.contains("my.toml:6:15: `same-l4` is no word for placements; did you mean `same-l3`?"),
        "{unknown}"
    );
    for (text, said) in [
        (placements(""), "no placement"),
        (
            placements("\"all\"").replace("[run]\n", "[run]\nplacement = { exchange_core = 0, trader_core = 1 }\n"),
            "`placement` names one",
        ),
        (placements("\"all\"").replace("[[load]]", "[sweep]\n[[load]]"), "a sweep is of one placement"),
        (placements("\"all\"") + "[bench]\ntrader_host = \"root@b\"\n", "the trader is on another"),
    ] {
        let complaint = complaint(&text);
        assert!(complaint.contains(said), "{said} is missing in {complaint}");
    }
}

#[test]
fn the_traders_threads_are_one_unless_the_profile_names_queues_and_their_cores_are_apart() {
    let handoffs = |list: &str| with("repetitions = 5", &format!("handoffs = [{list}]"));
    let placed = |text: &str, more: &str| {
        let placement = format!("[run]\nplacement = {{ exchange_core = 0, trader_core = 1{more} }}\n");
        text.replace("[run]\n", &placement)
    };
    let read = |text: &str| Profile::from_text("my.toml", text).unwrap().run;
    assert_eq!(read(SMALL).handoffs, [Handoff::INLINE]);
    let both = crate::handoff::resolve(&["inline".into(), "rtrb".into()]).unwrap();
    assert_eq!(read(&handoffs("\"inline\", \"rtrb\", \"inline\"")).handoffs, both);
    let cores = |more: &str| read(&placed(SMALL, more)).placement.unwrap().thread_cores;
    assert_eq!((cores(""), cores(", decide_core = 2, send_core = 3")), (None, Some((2, 3))));
    let queue = handoffs("\"rtrb\"");
    let sized = read(&queue.replace("[run]\n", "[run]\nqueue_capacity = 64\nqueue_message_bytes = 256\n"));
    assert_eq!(sized.queue, QueueSize { capacity: 64, message_size: MessageSize::Bytes256 });
    assert_eq!(read(&queue).queue, QueueSize { capacity: 4096, message_size: MessageSize::Bytes64 });
    for (text, said) in [
        (handoffs(""), "handoffs = [\"all\"]"),
        (handoffs("\"rtbr\""), "did you mean `rtrb`?"),
        (queue.replace("[run]\n", "[run]\nplacements = [\"all\"]\n"), "not crossed with each other"),
        (queue.replace("[[load]]", "[sweep]\n[[load]]"), "a sweep is of a trader in one thread"),
        (
            queue.replace("[[requirement]]", "[[load]]\nmode = \"cold\"\ngap = \"1 ms\"\n[[requirement]]"),
            "leave the cold load out",
        ),
        (queue.replace("[run]\n", "[run]\nqueue_capacity = 100\n"), "write a power of two"),
        (queue.replace("[run]\n", "[run]\nqueue_message_bytes = 128\n"), "write 64, 256 or 1024"),
        (
            queue.replace("[run]\n", "[run]\nqueue_capacity = 524288\nqueue_message_bytes = 1024\n"),
            "write room for 262144 of this size at most",
        ),
        (queue + "[bench]\ntrader_host = \"root@b\"\n", "the trader is on another"),
        (placed(SMALL, ", decide_core = 2"), "`decide_core` and `send_core` go together"),
        (placed(SMALL, ", decide_core = 1, send_core = 2"), "core 1 for two threads"),
        (placed(SMALL, ", decide_core = 2, send_core = 2"), "core 2 for two threads"),
    ] {
        let complaint = complaint(&text);
        assert!(complaint.contains(said), "{said} is missing in {complaint}");
    }
}

#[test]
fn no_time_is_no_answer_to_how_long_a_core_is_taken_away_or_left_alone() {
    assert_eq!(parse_preempt("0ms"), Err(HandoffValueError::Nothing("0ms".to_owned())));
    assert_eq!(parse_pause("0 s"), Err(HandoffValueError::Nothing("0 s".to_owned())));
    let spec = |length: u64, every: u64| HandoffSpec {
        preempt: Some(Nanos(length)),
        preempt_every: Nanos(every),
        ..HandoffSpec::default()
    };
    assert_eq!(spec(9_000, 1_000).check(), Ok(()));
    assert!(matches!(spec(9_000, 999).check(), Err(HandoffValueError::Share { .. })));
}
