//! Verification of a whole certificate folder: the signature, then every file that the signed text names.

use std::{
    collections::BTreeSet,
    fmt,
    fs::{self, File},
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Fingerprint, PublicKey, SignError, verify};
use crate::{
    certificate::{Certificate, FileDigest, SCHEMA},
    verdict::Verdict,
};

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    /// What was looked at: `signature`, `schema`, or a file's path.
    pub what: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// In words.
    pub detail: String,
}

/// What the signature is worth to the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The key is on the reader's list of allowed signers.
    AllowedSigner,
    /// No list was given: the bytes are those that were signed, by whoever holds the key.
    UnknownSigner,
}

/// A certificate folder and what was checked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// The folder.
    pub dir: PathBuf,
    /// Fingerprint of the key that signed.
    pub signer: Fingerprint,
    /// Whether that key is known to the reader.
    pub trust: Trust,
    /// The run.
    pub run_id: String,
    /// The verdict that is signed.
    pub verdict: Verdict,
    /// Each check, in order.
    pub checks: Vec<Check>,
}

impl VerifyReport {
    /// Whether every check came out well.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.checks.iter().all(|c| c.ok)
    }

    /// Who signed, and what that is worth.
    #[must_use]
    pub fn signed_by(&self) -> String {
        match self.trust {
            Trust::AllowedSigner => format!("signed by key {} (an allowed signer)", self.signer),
            Trust::UnknownSigner => {
                format!("signed by key {} (not in your allowed signers; pass --signers FILE)", self.signer)
            }
        }
    }
}

/// A line for each check, who signed last.
impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            writeln!(f, "{} {}: {}", if check.ok { "ok    " } else { "FAILED" }, check.what, check.detail)?;
        }
        f.write_str(&self.signed_by())
    }
}

/// Why a folder is not accepted.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// A file that must be there can't be read.
    #[error("{}: can't be read ({source}). Point `tickcert verify` at the folder that `certify --out` wrote", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The signature does not fit, or not the right key made it.
    #[error("{}: {source}", path.display())]
    Signature {
        /// The certificate.
        path: PathBuf,
        /// Why.
        source: SignError,
    },
    /// Signed, but not a certificate that this version understands.
    #[error("{}: {what}", path.display())]
    Schema {
        /// The certificate.
        path: PathBuf,
        /// What it is instead, and what to do.
        what: String,
    },
    /// The certificate is sound, but something beside it is not as it was signed.
    #[error("{} is not as it was signed:\n{report}", report.dir.display())]
    Refused {
        /// Every check, the failed ones too.
        report: Box<VerifyReport>,
    },
}

/// Verifies the folder `dir`: the signature over `certificate.json` (by one of `allowed`, where given), its schema, and
/// every file that it names by length and SHA-256; a file in `samples/` that it does not name is refused as well.
///
/// # Errors
/// See [`VerifyError`]; whatever is not exactly as it was signed is an error.
pub fn verify_dir(dir: &Path, allowed: Option<&[PublicKey]>) -> Result<VerifyReport, VerifyError> {
    let path = dir.join("certificate.json");
    let read = |path: &Path| fs::read(path).map_err(|source| VerifyError::Io { path: path.to_path_buf(), source });
    let bytes = read(&path)?;
    let signature = read(&dir.join("certificate.json.sig"))?;
    let signature = String::from_utf8_lossy(&signature);
    let signer =
        verify(&bytes, &signature, allowed).map_err(|source| VerifyError::Signature { path: path.clone(), source })?;
    let certificate = parse(&bytes).map_err(|what| VerifyError::Schema { path, what })?;

    let mut checks = vec![
        Check { what: "certificate.json".to_owned(), ok: true, detail: "the signature fits".to_owned() },
        Check { what: "schema".to_owned(), ok: true, detail: SCHEMA.to_owned() },
    ];
    checks.extend(certificate.files.iter().map(|f| check_file(dir, f)));
    checks.extend(strangers(dir, &certificate.files));
    let report = VerifyReport {
        dir: dir.to_path_buf(),
        signer,
        trust: if allowed.is_some() { Trust::AllowedSigner } else { Trust::UnknownSigner },
        run_id: certificate.run_id,
        verdict: certificate.verdict,
        checks,
    };
    if report.ok() { Ok(report) } else { Err(VerifyError::Refused { report: Box::new(report) }) }
}

/// The version first, so that a certificate of a later one is called that and not malformed.
fn parse(bytes: &[u8]) -> Result<Certificate, String> {
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|e| format!("not JSON ({e})"))?;
    match value.get("schema").and_then(serde_json::Value::as_str) {
        Some(SCHEMA) => {}
        Some(other) => {
            return Err(format!(
                "its schema is `{other}`, this tickcert knows `{SCHEMA}`: use the tickcert that made it"
            ));
        }
        None => return Err("it has no `schema`: it is not a certificate".to_owned()),
    }
    serde_json::from_slice(bytes).map_err(|e| format!("not a certificate of {SCHEMA} ({e})"))
}

fn check_file(dir: &Path, wanted: &FileDigest) -> Check {
    let check = |ok, detail: String| Check { what: wanted.path.clone(), ok, detail };
    let relative = Path::new(&wanted.path);
    if relative.components().any(|c| !matches!(c, Component::Normal(_))) || wanted.path.is_empty() {
        return check(false, "its path leads out of the folder".to_owned());
    }
    let path = dir.join(relative);
    match fs::symlink_metadata(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return check(false, "missing".to_owned()),
        Err(e) => return check(false, format!("can't be read ({e})")),
        Ok(meta) if !meta.is_file() => return check(false, "not a regular file".to_owned()),
        Ok(meta) if meta.len() != wanted.bytes => {
            return check(false, format!("changed: {} bytes, signed were {}", meta.len(), wanted.bytes));
        }
        Ok(_) => {}
    }
    match sha256_of_file(&path) {
        Ok(found) if found.eq_ignore_ascii_case(&wanted.sha256) => check(true, format!("SHA-256 {}", wanted.sha256)),
        Ok(found) => check(false, format!("changed: SHA-256 {found}, signed was {}", wanted.sha256)),
        Err(e) => check(false, format!("can't be read ({e})")),
    }
}

/// Files in `samples/` that the certificate does not name: somebody put them there.
fn strangers(dir: &Path, files: &[FileDigest]) -> Vec<Check> {
    let known: BTreeSet<PathBuf> = files.iter().map(|f| dir.join(&f.path)).collect();
    let mut found = Vec::new();
    let mut folders = vec![dir.join("samples")];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => {
                found.push(stranger(dir, &folder, format!("can't be read ({e})")));
                continue;
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|t| t.is_dir()) {
                folders.push(path);
            } else if !known.contains(&path) {
                found.push(stranger(dir, &path, "not part of what was signed".to_owned()));
            }
        }
    }
    found.sort_by(|a, b| a.what.cmp(&b.what));
    found
}

fn stranger(dir: &Path, path: &Path, detail: String) -> Check {
    let what = path.strip_prefix(dir).unwrap_or(path).display().to_string();
    Check { what, ok: false, detail }
}

/// SHA-256 of a file in hexadecimal, read in pieces.
pub(crate) fn sha256_of_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 256 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(format!("{:x}", hash.finalize())),
            n => hash.update(&piece[..n]),
        }
    }
}

impl FileDigest {
    /// The digest of `path` (relative) in the folder `dir`, as it lies there now.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn of(dir: &Path, path: &str) -> io::Result<Self> {
        let full = dir.join(path);
        let sha256 = sha256_of_file(&full)?;
        Ok(Self { path: path.to_owned(), sha256, bytes: fs::metadata(&full)?.len() })
    }
}
