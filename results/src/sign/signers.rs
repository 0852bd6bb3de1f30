//! Lists of allowed signers, in the format of `ssh-keygen -Y` (ALLOWED SIGNERS in ssh-keygen(1)).

use std::path::{Path, PathBuf};

use ssh_key::PublicKey;
use thiserror::Error;

use super::{IDENTITY, NAMESPACE};

/// Why a list of allowed signers can't be used.
#[derive(Debug, Error)]
pub enum SignersError {
    /// The file can't be read.
    #[error("{}: can't be read ({source})", path.display())]
    Io {
        /// The list.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// A line is not of the format.
    #[error(
        "{}:{line}: {what}. A line is `NAME [namespaces=\"tickcert\"] ssh-ed25519 AAAA…`; \
         for other options use `ssh-keygen -Y verify`",
        path.display()
    )]
    Line {
        /// The list.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// Nothing in it can have signed a certificate.
    #[error("{}: names no ed25519 key for the namespace {NAMESPACE}", path.display())]
    Empty {
        /// The list.
        path: PathBuf,
    },
}

/// The line of an `allowed_signers` file that lets `key` sign certificates and nothing else, with its line end.
///
/// # Errors
/// When the key can't be written down, which an ed25519 key gives no cause for.
pub fn allowed_signers_line(key: &PublicKey) -> Result<String, ssh_key::Error> {
    let bare = PublicKey::new(key.key_data().clone(), "");
    Ok(format!("{IDENTITY} namespaces=\"{NAMESPACE}\" {}\n", bare.to_openssh()?.trim_end()))
}

/// Reads a list of allowed signers. Keys for other namespaces, and of kinds that don't sign certificates, are left out;
/// an option that would narrow a key's use in a way not known here (validity times, authorities) is an error, so that
/// nobody is let in who should not be.
///
/// # Errors
/// See [`SignersError`].
pub fn parse_allowed_signers(path: &Path) -> Result<Vec<PublicKey>, SignersError> {
    let text = std::fs::read_to_string(path).map_err(|source| SignersError::Io { path: path.to_path_buf(), source })?;
    let mut keys = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match parse_line(line) {
            Ok(Some(key)) => keys.push(key),
            Ok(None) => {}
            Err(what) => {
                return Err(SignersError::Line { path: path.to_path_buf(), line: at + 1, what });
            }
        }
    }
    if keys.is_empty() {
        return Err(SignersError::Empty { path: path.to_path_buf() });
    }
    Ok(keys)
}

/// `principals [options] keytype base64 [comment]`; `None` for a key that can't have signed a certificate.
fn parse_line(line: &str) -> Result<Option<PublicKey>, String> {
    let (_, rest) = line.split_once(char::is_whitespace).ok_or("no key after the name")?;
    let mut rest = rest.trim_start();
    let mut ours = true;
    if let Some(after) = rest.strip_prefix("namespaces=\"") {
        let (list, tail) = after.split_once('"').ok_or("a quote is not closed")?;
        ours = list.split(',').any(|n| n.trim() == NAMESPACE || n.trim() == "*");
        if !tail.starts_with(char::is_whitespace) {
            return Err("more than one option".to_owned());
        }
        rest = tail.trim_start();
    }
    let kind = rest.split_whitespace().next().unwrap_or_default();
    if !(kind.starts_with("ssh-") || kind.starts_with("ecdsa-") || kind.starts_with("sk-")) {
        return Err(format!("`{kind}` is neither a kind of key nor a known option"));
    }
    if kind != "ssh-ed25519" || !ours {
        return Ok(None);
    }
    let key = PublicKey::from_openssh(rest).map_err(|e| format!("the key can't be read ({e})"))?;
    // The library passes over a wrong length inside the key, which `ssh-keygen` does not.
    let written = PublicKey::new(key.key_data().clone(), "").to_openssh().unwrap_or_default();
    if rest.split_whitespace().nth(1) != written.split_whitespace().nth(1) {
        return Err("the key is damaged".to_owned());
    }
    Ok(Some(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::SigningKey;

    fn list(text: &str) -> Result<Vec<PublicKey>, SignersError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("allowed_signers");
        std::fs::write(&path, text).unwrap();
        parse_allowed_signers(&path)
    }

    fn line() -> String {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::load_or_create(&folder.path().join("key")).unwrap();
        allowed_signers_line(key.public()).unwrap()
    }

    #[test]
    fn the_line_written_is_the_line_read() {
        let text = format!("# who may sign\n\n{}", line());
        assert_eq!(list(&text).unwrap().len(), 1);
    }

    #[test]
    fn a_key_with_a_wrong_length_inside_is_refused_as_damaged() {
        let text = line();
        let spoilt = text.replacen("AAAAI", "AA+AI", 1);
        assert_ne!(spoilt, text);
        assert!(list(&spoilt).unwrap_err().to_string().contains("damaged"));
    }

    #[test]
    fn a_key_for_another_namespace_is_no_signer() {
        let text = line().replace("namespaces=\"tickcert\"", "namespaces=\"git\"");
        assert!(matches!(list(&text), Err(SignersError::Empty { .. })));
    }

    #[test]
    fn an_option_that_is_not_understood_lets_nobody_in() {
        let text = line().replace("namespaces=", "valid-before=\"20200101\",namespaces=");
        let error = list(&text).unwrap_err().to_string();
        assert!(error.contains(":1:") && error.contains("valid-before"), "{error}");
        let text = line().replace("\"tickcert\"", "\"tickcert\",cert-authority");
        assert!(matches!(list(&text), Err(SignersError::Line { line: 1, .. })));
    }
}
