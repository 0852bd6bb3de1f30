//! How the kernel writes the speed and the width of a link (`pci_speed_string` and `current_link_width_show` of its source).

/// `16.0 GT/s PCIe` and, of older kernels, `8 GT/s`; nothing for `Unknown` and a speed that can't be.
pub(super) fn gigatransfers(text: &str) -> Option<f64> {
    let (number, rest) = text.trim().split_once(' ')?;
    let speed: f64 = number.parse().ok()?;
    (rest.starts_with("GT/s") && speed.is_finite() && speed > 0.0).then_some(speed)
}

/// Lanes; nothing for 0 (a link that is down, or none) and 255 (not known).
pub(super) fn lanes(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|lanes| (1..=32).contains(lanes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn speeds_of_old_and_new_kernels_are_read_and_unknown_ones_are_none() {
        for (text, speed) in [("16.0 GT/s PCIe", 16.0), ("2.5 GT/s PCIe", 2.5), ("8 GT/s", 8.0)] {
            assert!(gigatransfers(text).is_some_and(|s| (s - speed).abs() < 1e-9), "{text}");
        }
        for text in ["Unknown", "Unknown speed", "", "NaN GT/s", "inf GT/s", "-8 GT/s", "8 MHz"] {
            assert_eq!(gigatransfers(text), None, "{text}");
        }
    }

    #[test]
    fn no_lanes_and_more_than_there_can_be_are_none() {
        assert_eq!((lanes("16"), lanes("1")), (Some(16), Some(1)));
        assert_eq!((lanes("0"), lanes("255"), lanes("x16")), (None, None, None));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".*|[0-9.e]{1,8} GT/s") {
            let _ = lanes(&text);
            prop_assert!(gigatransfers(&text).is_none_or(f64::is_finite));
        }
    }
}
