//! How the other host is reached, and what is wrong when it can't be.

use std::process::{Command, Stdio};

/// Where the trader's agent is to run, and how to get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// As ssh takes it: `root@server2`, or an alias of the user's ssh configuration.
    pub host: String,
    /// The `tickcert` there: a path, or a name in its PATH.
    pub program: String,
    /// Further options, as `ssh -o` takes them.
    pub options: Vec<String>,
    /// The ssh client.
    pub ssh: String,
}

/// What ssh is told unless the user's options say otherwise (of an option given twice it takes the first): never to ask, not
/// to wait forever for a host that is not there, and to notice one that has gone.
const OPTIONS: [&str; 4] = ["BatchMode=yes", "ConnectTimeout=10", "ServerAliveInterval=15", "ServerAliveCountMax=4"];

impl Destination {
    /// The command that starts the agent, with pipes to it.
    pub(super) fn command(&self) -> Command {
        let mut command = self.there(&["endpoint", "--agent"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What the program there prints, called with these words; it is given nothing to read.
    ///
    /// # Errors
    /// Why it can't be had, and what to do.
    pub(crate) fn ask(&self, words: &[&str], good: &[i32]) -> Result<Vec<u8>, String> {
        let asked = self.there(words).stdin(Stdio::null()).output();
        let output = asked.map_err(|e| format!("{} can't be started: {e} (is it installed?)", self.ssh))?;
        match output.status.code() {
            Some(code) if good.contains(&code) => Ok(output.stdout),
            code => Err(self.explain(code, &String::from_utf8_lossy(&output.stderr))),
        }
    }

    /// The program there, with these words.
    fn there(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.ssh);
        command.arg("-T");
        for option in self.options.iter().map(String::as_str).chain(OPTIONS) {
            command.args(["-o", option]);
        }
        let words: Vec<String> =
            std::iter::once(self.program.as_str()).chain(words.iter().copied()).map(quoted).collect();
        command.args(["--", &self.host]).arg(format!("exec {}", words.join(" ")));
        command
    }

    /// Why no agent answers, and what to do: from how ssh ended, and what was said on standard error.
    pub(super) fn explain(&self, status: Option<i32>, said: &str) -> String {
        let Self { host, program, .. } = self;
        let has = |text: &str| said.contains(text);
        let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("nothing was said");
        match status {
            Some(255) if has("Could not resolve hostname") => {
                format!("there is no host {host} ({last}): name it as `ssh {host}` would reach it")
            }
            Some(255) if has("Host key verification failed") || has("HOST IDENTIFICATION HAS CHANGED") => format!(
                "{host} is not known to ssh, or is another than it was ({last}): look at its key, and have ssh remember it with `ssh {host}`"
            ),
            Some(255) if has("Permission denied") || has("Too many authentication failures") => format!(
                "{host} refuses the login ({last}): it takes a key that needs no passphrase typed in (ssh-copy-id, ssh-agent), or --ssh-option IdentityFile=FILE"
            ),
            Some(255) => {
                format!("{host} can't be reached ({last}): `ssh {host} true` must work without asking anything")
            }
            Some(127) => format!(
                "there is no program {program} on {host}: copy this one there (`scp {} {host}:`), and name it with --trader-program or `trader_program`",
                this_program()
            ),
            Some(126) => format!(
                "{program} can't be run on {host} ({last}): it must be built for that machine, and be executable"
            ),
            Some(2) if has("--agent") || has("--end") || has("unrecognized subcommand") => {
                format!("the tickcert on {host} is an older one: {}", self.same_build())
            }
            status => {
                let how = status.map_or_else(|| "by a signal".to_owned(), |code| format!("with status {code}"));
                format!("{program} on {host} ended {how} before it was ready: {last}")
            }
        }
    }

    /// What to do about another build there.
    pub(crate) fn same_build(&self) -> String {
        let Self { host, program, .. } = self;
        format!(
            "both hosts need the same build; `scp {} {host}:{program}`, or name another with --trader-program",
            this_program()
        )
    }
}

fn this_program() -> String {
    std::env::current_exe().map_or_else(|_| "tickcert".to_owned(), |path| path.display().to_string())
}

/// For the shell that ssh hands the command to.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(program: &str) -> Destination {
        Destination {
            host: "root@server2".into(),
            program: program.into(),
            options: vec!["Port=2222".into()],
            ssh: "ssh".into(),
        }
    }

    #[test]
    fn ssh_never_asks_the_users_options_come_first_and_the_program_is_one_word_to_the_shell() {
        let command = destination("/opt/tick cert/it's").command();
        let arguments: Vec<_> = command.get_args().map(|a| a.to_string_lossy().into_owned()).collect();
        assert_eq!(arguments[..5], ["-T", "-o", "Port=2222", "-o", "BatchMode=yes"]);
        let end = &arguments[arguments.len() - 3..];
        assert_eq!(end, ["--", "root@server2", r"exec '/opt/tick cert/it'\''s' endpoint --agent"]);
    }

    #[test]
    fn each_way_to_fail_is_told_from_the_others_with_what_to_do() {
        for (status, said, parts) in [
            (255, "ssh: Could not resolve hostname server2: Name or service not known", ["no host", "name it"]),
            (255, "root@server2: Permission denied (publickey).", ["refuses the login", "IdentityFile"]),
            (255, "Host key verification failed.", ["not known to ssh", "`ssh root@server2`"]),
            (255, "ssh: connect to host server2 port 22: Connection refused", ["can't be reached", "refused"]),
            (127, "sh: 1: exec: tickcert: not found", ["no program tickcert", "scp"]),
            (126, "tickcert: Exec format error", ["can't be run", "Exec format"]),
            (2, "error: unexpected argument '--agent' found", ["older", "scp"]),
            (2, "error: unrecognized subcommand 'endpoint'", ["older", "the same build"]),
            (4, "error: /tmp is full", ["status 4", "/tmp is full"]),
        ] {
            let text = destination("tickcert").explain(Some(status), said);
            assert!(text.contains("root@server2") && parts.iter().all(|p| text.contains(p)), "{text}");
        }
    }
}
