//! What a device could not take for lack of room, and which setting gives it more.

use super::shim_ffi::Counts;

/// In words; `None` where nothing was dropped.
pub(super) fn in_words(counts: &Counts) -> Option<String> {
    let of = |n: u64, what: &str| (n > 0).then(|| format!("{n} {what}"));
    let parts = [
        of(
            counts.missed,
            "frames found the device's ring full: more `descriptors` under [transport.dpdk], as far as the device has them, or a lower rate",
        ),
        of(counts.without_buffer, "times there was no buffer for a frame: more `buffers` under [transport.dpdk]"),
    ];
    let said: Vec<String> = parts.into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_dropped_comes_with_the_setting_that_gives_more_room() {
        assert_eq!(in_words(&Counts { send_errors: 3, receive_errors: 4, ..Counts::default() }), None);
        let text = in_words(&Counts { missed: 12, ..Counts::default() }).unwrap();
        assert!(
            text.starts_with("12 frames") && text.contains("`descriptors`") && !text.contains("`buffers`"),
            "{text}"
        );
        let text = in_words(&Counts { missed: 1, without_buffer: 5, ..Counts::default() }).unwrap();
        assert!(text.contains("; 5 times") && text.contains("`buffers`"), "{text}");
    }
}
