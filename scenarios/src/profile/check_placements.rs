//! The placements of a profile: one named by its cores, or a matrix named by words.

use tickcert_results::certificate::PLACEMENT_WORDS;
use toml::Spanned;

use super::{PlacementSelection, ProfileError, check::Document, raw::RawRun, suggest};

/// What asks for every placement that there is.
const ALL: &str = "all";

/// What is wrong with a name of placements.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no word for placements{meant}; those that there are: all, or of {}, some joined by `+`", PLACEMENT_WORDS.join(", "))]
pub struct UnknownPlacement {
    word: String,
    meant: String,
}

/// The placements that `names` ask for: `all`, or words joined by `+` that must all apply.
///
/// # Errors
/// [`UnknownPlacement`], with the nearest word that there is.
pub fn parse_placements(names: &[String]) -> Result<PlacementSelection, UnknownPlacement> {
    let words = || names.iter().flat_map(|name| name.split('+'));
    if names == [ALL] {
        return Ok(PlacementSelection::All);
    }
    match words().find(|word| !PLACEMENT_WORDS.contains(word)) {
        Some(word) => {
            Err(UnknownPlacement { word: word.to_owned(), meant: suggest::did_you_mean(word, &PLACEMENT_WORDS) })
        }
        None => Ok(PlacementSelection::Named(names.to_vec())),
    }
}

impl Document<'_> {
    /// `None` where the profile asks for no matrix.
    pub(super) fn placements(
        &self,
        raw: &RawRun,
        two_hosts: bool,
        sweep: bool,
    ) -> Result<Option<PlacementSelection>, ProfileError> {
        let Some(placements) = &raw.placements else { return Ok(None) };
        let refuse = |what: &str, remedy: &str| Err(self.error(placements, what, remedy));
        if placements.get_ref().is_empty() {
            return refuse("no placement", "write `placements = [\"all\"]`, or leave it out to have one chosen");
        }
        if raw.placement.is_some() {
            return refuse("`placement` names one placement, and `placements` several", "leave one of them out");
        }
        if two_hosts {
            return refuse("placements are those of one host, and the trader is on another", "leave one of them out");
        }
        if sweep {
            return refuse("a sweep is of one placement", "leave the table [sweep] out, or `placements`");
        }
        for name in placements.get_ref() {
            let one = std::slice::from_ref(name.get_ref());
            parse_placements(one).map_err(|e| self.error(name, e, "write it so, or `placements = [\"all\"]`"))?;
        }
        let names: Vec<String> = placements.get_ref().iter().map(|n: &Spanned<String>| n.get_ref().clone()).collect();
        let all = names.iter().any(|name| name == ALL);
        Ok(Some(if all { PlacementSelection::All } else { PlacementSelection::Named(names) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(names: &[&str]) -> Result<PlacementSelection, String> {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        parse_placements(&names).map_err(|e| e.to_string())
    }

    #[test]
    fn all_is_all_and_words_are_checked_one_by_one() {
        assert_eq!(parse(&["all"]), Ok(PlacementSelection::All));
        let named = PlacementSelection::Named(vec!["same-l3+mem-remote".to_owned(), "other-l3".to_owned()]);
        assert_eq!(parse(&["same-l3+mem-remote", "other-l3"]), Ok(named));
        let refused = parse(&["same-l3+mem-remot"]).unwrap_err();
        assert!(refused.contains("`mem-remot`") && refused.contains("mem-remote"), "{refused}");
        assert!(parse(&[""]).is_err());
    }
}
