//! The nearest thing that the user may have meant.

/// Stands for every lane of the build.
pub(super) const ALL_LANES: &str = "all";

/// A lane that this build doesn't have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}; {}", self.what(), self.remedy())]
pub struct UnknownLane {
    /// As asked for.
    pub lane: String,
    /// `; did you mean …?` or nothing.
    hint: String,
    /// Those that there are.
    known: String,
}

impl UnknownLane {
    pub(super) fn what(&self) -> String {
        format!("unknown lane `{}`{}", self.lane, self.hint)
    }

    pub(super) fn remedy(&self) -> String {
        format!("lanes of this build: {}; or `{ALL_LANES}`", self.known)
    }
}

/// The lanes meant by `names` (as given to `--lanes`), out of the `known` ones; `all` means each of them.
///
/// # Errors
/// [`UnknownLane`] for the first that is not known.
pub fn resolve_lanes(names: &[String], known: &[&str]) -> Result<Vec<String>, UnknownLane> {
    let mut lanes: Vec<String> = Vec::new();
    for name in names {
        if name == ALL_LANES {
            lanes.extend(known.iter().map(|&l| l.to_owned()));
        } else if known.contains(&name.as_str()) {
            lanes.push(name.clone());
        } else {
            let hint = did_you_mean(name, known);
            return Err(UnknownLane { lane: name.clone(), hint, known: known.join(", ") });
        }
    }
    let mut seen = std::collections::HashSet::new();
    lanes.retain(|lane| seen.insert(lane.clone()));
    Ok(lanes)
}

/// `; did you mean `…`?`, or nothing where no candidate is near.
pub(crate) fn did_you_mean(word: &str, candidates: &[&str]) -> String {
    nearest(word, candidates).map_or_else(String::new, |c| format!("; did you mean `{c}`?"))
}

/// The candidate with the fewest edits, if at most a third of the longer word (but always one edit) is edited.
pub(super) fn nearest<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
    candidates
        .iter()
        .map(|&c| (strsim::damerau_levenshtein(&word.to_lowercase(), c), c))
        .filter(|&(edits, c)| edits <= (word.chars().count().max(c.chars().count()) / 3).max(1))
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_letters_in_the_wrong_order_are_still_understood() {
        assert_eq!(nearest("kernel-upd", &["kernel-tcp", "kernel-udp"]), Some("kernel-udp"));
    }

    #[test]
    fn a_word_like_none_of_them_suggests_nothing() {
        assert_eq!(nearest("colour", &["rate", "mode", "burst"]), None);
    }

    #[test]
    fn all_means_each_lane_once() {
        let names = ["kernel-tcp".to_owned(), "all".to_owned()];
        assert_eq!(resolve_lanes(&names, &["kernel-udp", "kernel-tcp"]).unwrap(), ["kernel-tcp", "kernel-udp"]);
    }

    #[test]
    fn an_unknown_lane_is_named_with_the_nearest_and_all_that_there_are() {
        let e = resolve_lanes(&["kernel-upd".to_owned()], &["kernel-udp", "kernel-tcp"]).unwrap_err();
        assert_eq!(
            e.to_string(),
            "unknown lane `kernel-upd`; did you mean `kernel-udp`?; lanes of this build: kernel-udp, kernel-tcp; or `all`"
        );
    }
}
