//! The page: whole, self-contained, in order, and deaf to what labels try.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::sync::LazyLock;

use tickcert_results::{
    certificate::{Certificate, Handoff, MessageBytes, example},
    crews,
    hist::Histogram,
    report::render_html,
    time::Nanos,
};

/// Made once: they are many samples.
fn all() -> &'static [(&'static str, Certificate)] {
    static ALL: LazyLock<Vec<(&'static str, Certificate)>> = LazyLock::new(example::all);
    &ALL
}

const SIGNER: &str = "SHA256:5vH1TgXw3m8yq0c2e0pPjv1v5kq2w7mE3lq9H1mJ8zA";

fn page(certificate: &Certificate) -> String {
    render_html(certificate, Some(SIGNER))
}

/// The words of a page, without its marks.
fn words(html: &str) -> String {
    let body = html.split_once("<body>").unwrap().1;
    let mut out = String::new();
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                out.push(' ');
            }
            _ if !inside => out.push(c),
            _ => {}
        }
    }
    let out = out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn nothing_is_loaded_and_nothing_is_run() {
    for (name, certificate) in all() {
        let html = page(certificate);
        assert!(html.contains("default-src 'none'"), "{name}");
        for loads in ["<script", " src=", "url(", "@import", "<link", "<iframe", "<img", "http://", "https://"] {
            assert!(!html.contains(loads), "{name} holds {loads}");
        }
        for event in [" onload=", " onerror=", " onclick=", "javascript:"] {
            assert!(!html.contains(event), "{name} holds {event}");
        }
    }
}

#[test]
fn every_tag_that_is_opened_is_closed() {
    for (name, certificate) in all() {
        let html = page(certificate);
        let mut open: Vec<&str> = Vec::new();
        for tag in html.split('<').skip(1) {
            let tag = tag.split_once('>').unwrap_or_else(|| panic!("{name}: `{tag}` is not closed")).0;
            let word = tag.split_whitespace().next().unwrap();
            if let Some(closed) = word.strip_prefix('/') {
                assert_eq!(open.pop(), Some(closed), "{name}");
            } else if !matches!(word, "!DOCTYPE" | "meta" | "br") {
                open.push(word);
            }
        }
        assert!(open.is_empty(), "{name}: {open:?}");
    }
}

#[test]
fn a_label_that_tries_to_break_out_stays_a_label() {
    let html = page(&example::hostile());
    assert!(words(&html).contains("</style></svg><script>alert('x')</script>"));
    // The run's name stands in the style sheet too, inside of a string.
    let marks = |html: &str| {
        let style = html.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        style.chars().filter(|c| "{};\"\\<".contains(*c)).collect::<String>()
    };
    assert_eq!(marks(&html), marks(&page(&example::one_lane())));
    assert!(!html.contains('\u{202e}') && !html.contains('\u{7}'));
}

#[test]
fn verdict_and_reasons_come_first_and_the_rest_in_its_order() {
    let mut certificate = example::not_certifiable();
    certificate.reasons.truncate(1);
    let text = words(&page(&certificate));
    let parts = [
        "not certifiable",
        certificate.reasons[0].as_str(),
        "Requirements",
        "Latency by lane",
        "Highest rate without loss",
        "Latency by percentile",
        "Share of orders above a latency",
        "Repetitions Filled",
        "Over time",
        "Stages from the tick to its order",
        "Every attempt is kept",
        "Environment",
        "Settings that spoil measurements",
        "Clocks and the tool's own cost",
        "Noise",
        "Tape Source",
        "What did not run, and what it needs",
        "How to verify it",
        "Words t2t_due",
    ];
    let mut from = 0;
    for part in parts {
        let at = text[from..].find(part).unwrap_or_else(|| panic!("{part} is missing or out of order"));
        from += at + part.len();
    }
}

#[test]
fn everything_that_did_not_run_is_there_with_what_it_needs() {
    for (name, certificate) in all() {
        let text = words(&page(certificate));
        for n in &certificate.not_run {
            let needs: String = n.needs.split_whitespace().take(4).collect::<Vec<_>>().join(" ");
            let needs: String = needs.chars().filter(|c| !c.is_control() && *c != '\u{202e}').collect();
            assert!(text.contains(needs.trim_end_matches('\u{fffe}')), "{name}: {needs}");
        }
    }
}

#[test]
fn every_attempt_is_shown_and_an_invalid_one_with_its_reason() {
    let certificate = example::two_lanes();
    let html = page(&certificate);
    assert!(words(&html).contains("Invalid: 2 orders were lost of 20000; the digest of the orders differs"));
    let attempts: usize = certificate.cells.iter().map(|c| c.repetitions.len()).sum();
    let rows = words(&html).matches("✓ yes").count()
        + words(&html).matches("✕ no").count()
        + words(&html).matches("stages only").count();
    assert_eq!(rows, attempts);
}

#[test]
fn how_many_repetitions_were_planned_stands_beside_how_many_are_valid() {
    let text = words(&page(&example::interrupted()));
    assert!(text.contains("2 of 5 planned are valid , 1 of 1 planned for the stages are valid"));
    let mut certificate = example::one_lane();
    certificate.cells[0].planned = None;
    assert!(words(&page(&certificate)).contains("How many were planned is not recorded"));
}

#[test]
fn classes_of_evidence_and_ways_for_orders_never_share_a_table() {
    let certificate = example::twelve_lanes();
    let html = page(&certificate);
    let tables = html.split("<table class=\"quantiles\">").skip(1).map(|t| t.split_once("</table>").unwrap().0);
    let mut places = vec![0; certificate.cells.len()];
    for table in tables {
        let mut kinds = Vec::new();
        for (at, cell) in certificate.cells.iter().enumerate() {
            if table.contains(&format!("href=\"#cell-{at}\"")) {
                places[at] += 1;
                kinds.push((cell.evidence, cell.order_channel));
            }
        }
        kinds.dedup();
        assert_eq!(kinds.len(), 1, "{kinds:?}");
    }
    assert!(places.iter().all(|n| *n == 1), "every lane stands in one table: {places:?}");
}

#[test]
fn the_highest_rates_stand_with_what_failed_what_limits_them_and_every_trial() {
    let mut certificate = example::two_lanes();
    certificate.rates[1].highest_pps = None;
    certificate.rates[1].why = "no rate held, they say".to_owned();
    let text = words(&page(&certificate)).replace('\u{202f}', " ");
    let rates = text.split_once("Highest rate without loss").unwrap().1.split_once("Every attempt is kept").unwrap().0;
    let search = &certificate.rates[0];
    for part in
        ["kernel-udp", "sought within 5.00 %", "1.00", &search.limited_by.to_string(), &search.why, " ✓✓ · ", " ✕✕"]
    {
        assert!(rates.contains(part), "{part} is missing in {rates}");
    }
    assert!(rates.contains("none") && rates.contains("no rate held, they say"), "{rates}");
    certificate.rates.clear();
    assert!(!page(&certificate).contains("Highest rate without loss"));
}

#[test]
fn queues_between_threads_stand_with_their_room_and_the_bytes_that_messages_took() {
    let with = |capacity, message_bytes, took| {
        let mut certificate = example::two_lanes();
        let mut cell = certificate.cells[0].clone();
        let name = "rtrb".to_owned();
        cell.handoff = Handoff::Queue { name, capacity, message_bytes, decide_core: 2, send_core: 3 };
        cell.repetitions.iter_mut().for_each(|r| r.message_bytes = took);
        certificate.cells.insert(0, cell);
        certificate.crews = crews::comparisons(&certificate, 1);
        words(&page(&certificate)).replace('\u{202f}', " ")
    };
    let took = |to_decide, to_send| Some(MessageBytes { to_decide, to_send });
    for (text, wanted) in [
        (with(Some(4096), Some(64), took(64, 64)), "rtrb, room for 4 096, messages of 64 bytes"),
        (
            with(None, Some(64), took(104, 80)),
            "rtrb, without bounds, messages of 104 bytes to decide and 80 to send (64 asked for)",
        ),
        (with(Some(64), Some(256), None), "rtrb, room for 64, messages of 256 bytes asked for"),
        (with(Some(64), None, None), "rtrb, room for 64, messages of a size that was not recorded"),
    ] {
        // Of the lane, and beside one thread.
        assert!(text.contains(&format!("three threads ({wanted}, to cores 2 and 3)")), "{wanted}");
        let (_, beside) = text.split_once("One thread or three").unwrap();
        assert!(beside.contains(wanted), "{wanted}");
    }
}

#[test]
fn hand_offs_stand_in_a_picture_and_a_table_with_conditions_ratios_and_what_does_not_count() {
    let certificate = example::handed_off();
    let html = page(&certificate);
    let text = words(&html).replace('\u{202f}', " ");
    let part = text.split_once("Hand-off: the queue").unwrap().1.split_once("Every attempt is kept").unwrap().0;
    for wanted in [
        "decoded on core 2 and decided on core 3",
        "constant 100000 packets/s, messages of 64 bytes, room for 1 024",
        "taken away for 1.00 ms every 20.0 ms by a thread of real-time priority",
        "against those of rtrb",
        "tick due until taken out",
        "put in until taken out",
        "tick sent to order",
        "tick sent after it was due",
        "counter was -12 to 9 ns ahead",
        "tick due to order",
        "mutex 5: 12 messages found the queue full and were dropped",
        "took 500 µs or longer",
        "rtrb 15 250",
        "mutex 12 200",
        "needs 80 000 more",
    ] {
        assert!(part.contains(wanted), "{wanted} is missing in {part}");
    }
    assert!(html.contains("aria-label=\"Hand-offs: median, 99 %, 99.9 % and largest of tick due until taken out\""));
    assert!(!words(&page(&example::two_lanes())).contains("Hand-off: the queue"));
}

#[test]
fn a_banner_says_that_emulated_numbers_certify_no_hardware() {
    let certificate = example::two_lanes();
    let text = words(&page(&certificate));
    let wanted = "emulated a virtual wire or a virtual machine: good for regression, certifies no hardware";
    // At the head, over the tables of lanes and of rates, over each lane's pictures, over the repetitions.
    assert_eq!(text.matches(wanted).count(), 4 + certificate.cells.len());
}

#[test]
fn a_quantile_without_samples_enough_is_never_shown_as_a_number() {
    let certificate = example::twelve_lanes();
    assert!(certificate.cells[0].latency_ns.t2t_due.p99_99.is_none());
    assert!(
        words(&page(&certificate)).contains("needs 80\u{202f}000 more")
            || words(&page(&certificate)).contains("needs 80 000 more")
    );
}

#[test]
fn the_tools_own_overhead_stands_beside_the_cost_of_a_stamp_or_is_said_to_be_missing() {
    let mut certificate = example::two_lanes();
    let text = words(&page(&certificate));
    assert!(text.contains("Floor lane") && text.contains("p50 118 ns"), "{text}");
    certificate.probes.floor = None;
    assert!(words(&page(&certificate)).contains("Floor lane not measured"));
}

#[test]
fn what_the_host_is_made_of_stands_with_what_lies_between_its_parts() {
    let mut certificate = example::one_lane();
    let html = page(&certificate);
    let text = words(&html).replace('\u{202f}', " ");
    for wanted in [
        "2 sockets, 2 dies, 2 last-level caches, 32 cores (threads of the processor), 2 memory nodes",
        "Not for this process by itself cores 31",
        "0: level 3, 32 MiB 0 0-15 one each",
        "0000:31:00.0 network ens1f0 mlx5_core 0 0-15 16 GT/s x8 held back by its slot or its training 16 GT/s x16",
        "0000:5e:00.0 storage – nvme 0 0-15 16 GT/s x16 16 GT/s x16",
        "same last-level cache 239 31.9 ns (0 and 1)",
        "another socket 256 109 ns (0 and 16)",
        "0 0 1 2 MiB 128 MiB 147 ns 8.8 GB/s",
        "CLOCK_MONOTONIC_RAW 22.8 ns, median, on core 3",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert_eq!(html.matches("class=\"heat cores\"").count(), 32 * 31 / 2, "a field for each pair");
    let banner = "What the host is made of emulated a virtual wire or a virtual machine";
    assert!(!text.contains(banner));
    certificate.sut.host.virtualised = "kvm".to_owned();
    assert!(words(&page(&certificate)).contains(banner), "of a virtual machine it is said before any figure");
}

#[test]
fn an_unsigned_page_says_so() {
    let certificate = example::one_lane();
    assert!(words(&render_html(&certificate, None)).contains("Signed by not signed"));
    assert!(words(&page(&certificate)).contains(SIGNER));
}

#[test]
fn every_number_in_a_picture_is_one() {
    for (name, certificate) in all() {
        let html = page(certificate);
        for bad in ["NaN", "inf"] {
            let found = html.split("<svg").skip(1).any(|s| {
                let svg = s.split_once("</svg>").unwrap().0;
                svg.split('"')
                    .skip(1)
                    .step_by(2)
                    .any(|value| value.split([' ', 'L', 'M']).any(|v| v == bad || v == format!("-{bad}")))
            });
            assert!(!found, "{name} holds {bad}");
        }
    }
}

#[test]
fn what_the_departure_alone_would_have_hidden_is_said_of_the_lane_and_of_no_other() {
    let hidden = "t2t_sent alone would have hidden 100: its p99 is";
    let mut certificate = example::two_lanes();
    assert!(!words(&page(&certificate)).contains("would have hidden"));
    // A stalled exchange: 20 of 1,000 orders of each of the five repetitions were sent 5 ms late.
    let stalled = (0..1_000).map(|n| Nanos(if n < 20 { 5_000_000 } else { 9_000 }));
    let due = Histogram::of(stalled).unwrap().to_base64().unwrap();
    let cell = &mut certificate.cells[0];
    for repetition in cell.repetitions.iter_mut().filter(|r| r.counts_for_latency()) {
        repetition.histograms.t2t_due.clone_from(&due);
    }
    cell.latency_ns.t2t_due.p99 = Some(Nanos(5_000_000));
    assert_eq!(words(&page(&certificate)).matches(hidden).count(), 1);
}

#[test]
fn stamps_stand_with_their_ends_clocks_counts_spans_conversions_and_cost() {
    let certificate = example::stamped();
    let text = words(&page(&certificate)).replace('\u{202f}', " ");
    let stamps = text.split_once("Hardware stamps").unwrap().1.split_once("Every attempt is kept").unwrap().0;
    for part in [
        "The profile takes them where they can be had",
        "ens1f0 mlx5_core /dev/ptp0 both ways",
        "ptp4l: slave of b8cef6.fffe.1a2b3c",
        "+36.999999988 s ± 70 ns",
        "exchange, ticks sent",
        "trader, ticks received",
        "t2t_wire at the exchange's NIC, from the start of the tick's frame",
        "trader_wire_eot",
        "25 Gbit/s",
        "42 of headers",
        "One way may be off by 31 ns",
        "What stamping costs",
        "1.021 – 1.058",
        "needs 1 more repetition",
        "The times of this lane are by the processor's clock: in repetition 2 71.20 %",
        "One way is not reported: /dev/ptp1",
    ] {
        assert!(stamps.contains(part), "`{part}` is missing in: {stamps}");
    }
    assert!(!words(&page(&example::two_lanes())).contains("Hardware stamps"));
}

#[test]
fn a_coverage_that_lacks_one_frame_is_never_shown_as_whole() {
    let text = words(&page(&example::stamped())).replace('\u{202f}', " ");
    // 15 of 100,000 ticks and the staged repetition's.
    assert!(text.contains("exchange, ticks sent 99.985 %"), "{text}");
    assert!(text.contains("exchange, orders received 100 %"));
}

#[test]
fn a_matrix_of_placements_has_a_field_and_a_row_for_each_and_the_commands_of_the_one_to_choose() {
    let certificate = example::matrix();
    let html = page(&certificate);
    let matrix = &certificate.placements[0];
    assert_eq!(html.matches("class=\"heat\"").count(), 2 * matrix.rows.len(), "median and 99 % of each");
    assert_eq!(html.matches("class=\"chosen\"").count(), 1);
    let text = words(&html);
    for row in &matrix.rows {
        assert!(text.contains(&row.placement), "{}", row.placement);
    }
    let recommended = matrix.recommended.as_ref().unwrap();
    for line in recommended.commands.iter().chain(&recommended.profile) {
        assert!(text.contains(line.split_whitespace().collect::<Vec<_>>().join(" ").as_str()), "{line}");
    }
    let mut alike = certificate;
    let matrix = &mut alike.placements[0];
    (matrix.recommended, matrix.why) = (None, "they can't be told apart".to_owned());
    assert!(words(&page(&alike)).contains("None is recommended: they can't be told apart."));
}

#[test]
fn the_tail_of_a_cell_is_told_by_cause_with_what_each_does_to_it_and_its_slowest_ticks_are_drawn() {
    let mut seen = 0;
    for (name, certificate) in all() {
        let html = page(certificate);
        let text = words(&html);
        let tails: Vec<_> = certificate.cells.iter().filter_map(|cell| cell.tail.as_ref()).collect();
        let drawn: usize = tails.iter().map(|tail| tail.slowest.len()).sum();
        assert_eq!(html.matches("slow-tick").count() - style_rules(&html, "slow-tick"), drawn, "{name}");
        for tail in tails {
            assert!(text.contains("without it p99.9 is lower by p99.99 by"), "{name}");
            for row in &tail.causes {
                assert!(text.contains(&format!("{} {} ", row.cause, thousands(row.ticks))), "{name}: {}", row.cause);
            }
            seen += 1;
        }
    }
    assert!(seen > 0);
}

/// How often the style sheet names a class.
fn style_rules(html: &str, class: &str) -> usize {
    let (head, _) = html.split_once("<body>").unwrap();
    head.matches(class).count()
}

/// As the page writes counts.
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
