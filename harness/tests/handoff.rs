//! `tickcert run hand-off` and `tickcert handoffs`: the real binary, on two cores of this host.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::thread;

    use serde_json::Value;

    use crate::support::Home;

    #[test]
    fn the_list_has_every_hand_off_with_what_there_is_to_say_of_it() {
        let listed = Home::new().run(&["handoffs", "--json"]).expect(0).json();
        let rows = listed.as_array().unwrap();
        let of = |name: &str| rows.iter().find(|row| row["name"] == name).unwrap();
        let held_up = |name: &str| of(name)["held_up"].as_str().unwrap();
        assert_eq!(["mutex", "rtrb", "mpsc"].map(held_up), ["everybody", "nobody", "taker"]);
        assert_eq!((&of("condvar")["sleeps"], &of("mpsc")["bounded"]), (&Value::Bool(true), &Value::Bool(false)));
        let text = Home::new().run(&["handoffs"]).expect(0).out;
        assert_eq!(text.lines().count(), rows.len());
    }

    #[test]
    fn hand_offs_are_compared_by_the_same_orders_and_all_that_was_asked_for_stands_in_the_result() {
        if thread::available_parallelism().map_or(1, usize::from) < 2 {
            println!("SKIPPED: a comparison of hand-offs needs two cores");
            return;
        }
        let home = Home::new();
        let short = ["--duration", "200ms", "--repetitions", "2", "--rate", "20000 packets/s", "--capacity", "32768"];
        let queues = ["run", "hand-off", "--queues", "inline,rtrb,condvar", "--message-bytes", "256", "--json"];
        let ended = home.run(&[&queues[..], &short].concat());
        let found = ended.json();
        let cells = found["cells"].as_array().unwrap();
        assert_eq!(
            cells.iter().map(|c| c["name"].as_str().unwrap()).collect::<Vec<_>>(),
            ["inline", "rtrb", "condvar"]
        );
        assert_eq!(
            (&found["message_bytes"], &found["capacity"], &found["producers"]),
            (&256.into(), &32_768.into(), &1.into())
        );
        let repetitions = || cells.iter().flat_map(|cell| cell["repetitions"].as_array().unwrap());
        assert_eq!(repetitions().count(), 6);
        for repetition in repetitions() {
            assert_eq!(repetition["orders_sha256"], repetition["expected_sha256"], "{repetition}");
            assert_eq!((&repetition["full"], &repetition["allocator_calls"]), (&0.into(), &0.into()), "{repetition}");
        }
        // Each round has all of them once.
        let mut positions: Vec<u64> = repetitions().map(|r| r["position"].as_u64().unwrap()).collect();
        positions.sort_unstable();
        assert_eq!(positions, [1, 2, 3, 4, 5, 6]);
        assert!(ended.err.contains("condvar, repetition 2: "), "each repetition is told: {}", ended.err);
        assert_eq!(home.temporary_files(), Vec::<String>::new());
    }
}
