//! A setting as it was found, and what a script can do about it.

use tickcert_results::certificate::{Setting, Topic};

use super::{
    mounts::Mount,
    remedy::{Remedy, Step},
};

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

/// What a missing file means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// The kernel lacks the disturbance altogether.
    Right,
    /// Somebody else (a hypervisor, the firmware) decides and can't be asked.
    Wrong,
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
    /// `absent` says what a missing value means, unless the file system that it is read from is `hidden`.
    pub(super) fn one_of(
        self,
        value: Option<String>,
        wanted: &[&str],
        absent: Absent,
        hidden: Option<Mount>,
    ) -> Finding {
        let all = wanted.join(" or ");
        match (value, hidden) {
            (Some(value), _) => {
                let ok = wanted.contains(&value.as_str());
                self.judged(value, &all, ok)
            }
            (None, Some(mount)) => self.untold(mount, &all),
            (None, None) => self.judged(ABSENT.to_owned(), &all, absent == Absent::Right),
        }
    }

    /// It can't be read, since its file system is hidden: it may be right or wrong, and nothing can be set.
    pub(super) fn untold(self, mount: Mount, wanted: &str) -> Finding {
        Self { remedy: mount.remedy(), ..self }.judged(UNTOLD.to_owned(), wanted, false)
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
