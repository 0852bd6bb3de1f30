//! A setting as it was found, and what a script can do about it.

use tickcert_results::certificate::{Setting, Topic};

use super::remedy::{Remedy, Step};

/// Text of a value that the kernel doesn't offer.
pub(super) const ABSENT: &str = "absent";

/// Text of a value that is hidden from this process: it may be right or wrong.
pub(super) const UNTOLD: &str = "can't be told";

/// A setting, and how to set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// As the certificate holds it.
    pub setting: Setting,
    /// What a script does to set it, in this order; none where it takes a person, a reboot, or nothing at all.
    pub steps: Vec<Step>,
    /// Parameters for the kernel's command line; often empty.
    pub boot: String,
}

/// What is the same whatever is found.
pub(super) struct Ask<'a> {
    pub(super) topic: Topic,
    pub(super) name: &'a str,
    pub(super) why: &'a str,
    pub(super) remedy: Remedy,
}

impl Ask<'_> {
    /// It must have one of several values, the first of which is the one to ask for.
    ///
    /// `absent_is_ok` says what a missing file means: that the kernel lacks the disturbance altogether, or that somebody
    /// else (a hypervisor, the firmware) decides and can't be asked.
    pub(super) fn one_of(self, value: Option<String>, wanted: &[&str], absent_is_ok: bool) -> Finding {
        let ok = value.as_deref().map_or(absent_is_ok, |v| wanted.contains(&v));
        self.judged(value.unwrap_or_else(|| ABSENT.to_owned()), &wanted.join(" or "), ok)
    }

    /// Whoever asks has judged.
    pub(super) fn judged(self, value: String, wanted: &str, ok: bool) -> Finding {
        let Remedy { text, steps, boot, survives_reboot, lasting } = self.remedy;
        let setting = Setting {
            name: printable(self.name.to_owned()),
            value: printable(value),
            wanted: wanted.to_owned(),
            ok,
            why: self.why.to_owned(),
            fix: printable(text),
            topic: Some(self.topic),
            survives_reboot,
            lasting: printable(lasting),
        };
        Finding { setting, steps, boot }
    }
}

/// On one line, and without what a terminal would take for a command: firmware and drivers write what they like.
fn printable(text: String) -> String {
    if text.contains(char::is_control) { text.replace(char::is_control, " ") } else { text }
}
