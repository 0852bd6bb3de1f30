//! Signatures that stock `ssh-keygen` accepts, and folders that are refused when a byte of them changed.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;
use tickcert_results::{
    certificate::{Certificate, FileDigest, example},
    sign::{
        PublicKey, SignError, SigningKey, Trust, VerifyError, VerifyReport, allowed_signers_line,
        parse_allowed_signers, sign, verify, verify_dir,
    },
};

/// A signed certificate with two files of samples, and the key's list of allowed signers.
struct Signed {
    dir: TempDir,
    key: SigningKey,
}

impl Signed {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("samples")).unwrap();
        let mut certificate = example::nothing_ran();
        for name in ["samples/a.parquet", "samples/b.parquet", "junit.xml"] {
            fs::write(dir.path().join(name), name.repeat(100)).unwrap();
            certificate
                .files
                .push(FileDigest::of(dir.path(), name).unwrap());
        }
        let key = SigningKey::load_or_create(&dir.path().join("keys/key")).unwrap();
        let signed = Self { dir, key };
        signed.sign(&certificate);
        let line = allowed_signers_line(signed.key.public()).unwrap();
        fs::write(signed.path("allowed_signers"), line).unwrap();
        signed
    }

    fn sign(&self, certificate: &Certificate) {
        let json = serde_json::to_vec_pretty(certificate).unwrap();
        fs::write(self.path("certificate.json"), &json).unwrap();
        fs::write(
            self.path("certificate.json.sig"),
            sign(&json, &self.key).unwrap(),
        )
        .unwrap();
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn verify(&self) -> Result<VerifyReport, VerifyError> {
        let allowed = parse_allowed_signers(&self.path("allowed_signers")).unwrap();
        verify_dir(self.dir.path(), Some(&allowed))
    }

    /// The checks that failed, as `what: detail`.
    fn refused(&self) -> Vec<String> {
        match self.verify() {
            Err(VerifyError::Refused { report }) => {
                let failed = report.checks.iter().filter(|c| !c.ok);
                failed
                    .map(|c| format!("{}: {}", c.what, c.detail))
                    .collect()
            }
            other => panic!("{other:?}"),
        }
    }

    /// Whether stock ssh-keygen accepts it; `None` where there is none.
    fn ssh_keygen_accepts(&self) -> Option<bool> {
        let stdin = File::open(self.path("certificate.json")).unwrap();
        let status = Command::new("ssh-keygen")
            .args(["-Y", "verify", "-I", "tickcert", "-n", "tickcert", "-f"])
            .arg(self.path("allowed_signers"))
            .arg("-s")
            .arg(self.path("certificate.json.sig"))
            .stdin(stdin)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match status {
            Ok(status) => Some(status.success()),
            Err(e) => {
                println!("SKIPPED: ssh-keygen can't be run ({e})");
                None
            }
        }
    }
}

fn flip_a_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    // Letters stay letters, so that it is still JSON or armour and only the signature can tell.
    bytes[middle] = if bytes[middle] == b'a' { b'b' } else { b'a' };
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_signed_folder_is_accepted_here_and_by_stock_ssh_keygen() {
    let signed = Signed::new();
    let report = signed.verify().unwrap();
    assert_eq!(report.trust, Trust::AllowedSigner);
    assert_eq!(report.signer, signed.key.fingerprint());
    assert_eq!(report.checks.len(), 5);
    assert_ne!(signed.ssh_keygen_accepts(), Some(false));
}

#[test]
fn one_changed_byte_of_the_certificate_makes_both_refuse() {
    let signed = Signed::new();
    flip_a_byte(&signed.path("certificate.json"));
    let error = signed.verify().unwrap_err();
    assert!(
        matches!(
            error,
            VerifyError::Signature {
                source: SignError::Mismatch { .. },
                ..
            }
        ),
        "{error}"
    );
    assert_ne!(signed.ssh_keygen_accepts(), Some(true));
}

#[test]
fn one_changed_byte_of_the_signature_makes_both_refuse() {
    let signed = Signed::new();
    flip_a_byte(&signed.path("certificate.json.sig"));
    assert!(matches!(
        signed.verify().unwrap_err(),
        VerifyError::Signature { .. }
    ));
    assert_ne!(signed.ssh_keygen_accepts(), Some(true));
}

#[test]
fn every_byte_of_the_certificate_counts() {
    let signed = Signed::new();
    let bytes = fs::read(signed.path("certificate.json")).unwrap();
    let signature = fs::read_to_string(signed.path("certificate.json.sig")).unwrap();
    assert!(verify(&bytes, &signature, None).is_ok());
    for at in (0..bytes.len()).step_by(23) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(verify(&changed, &signature, None).is_err(), "byte {at}");
    }
}

#[test]
fn a_stranger_s_signature_is_sound_but_not_allowed() {
    let (signed, stranger) = (Signed::new(), Signed::new());
    let allowed: Vec<PublicKey> = vec![stranger.key.public().clone()];
    let error = verify_dir(signed.dir.path(), Some(&allowed)).unwrap_err();
    assert!(
        matches!(
            error,
            VerifyError::Signature {
                source: SignError::NotAllowed { .. },
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn without_a_list_of_signers_nobody_is_said_to_be_trusted() {
    let signed = Signed::new();
    let report = verify_dir(signed.dir.path(), None).unwrap();
    assert_eq!(report.trust, Trust::UnknownSigner);
    assert!(
        report
            .to_string()
            .contains("not in your allowed signers; pass --signers FILE")
    );
}

#[test]
fn a_changed_file_a_missing_one_and_one_too_many_are_each_named() {
    let signed = Signed::new();
    flip_a_byte(&signed.path("samples/a.parquet"));
    fs::remove_file(signed.path("samples/b.parquet")).unwrap();
    fs::write(signed.path("samples/c.parquet"), "more").unwrap();
    fs::write(signed.path("junit.xml"), "shorter").unwrap();
    let failed = signed.refused();
    assert_eq!(failed.len(), 4, "{failed:?}");
    assert!(failed[0].starts_with("samples/a.parquet: changed: SHA-256"));
    assert_eq!(failed[1], "samples/b.parquet: missing");
    assert!(failed[2].starts_with("junit.xml: changed: 7 bytes"));
    assert!(failed[3].starts_with("samples/c.parquet: not part"));
}

#[test]
fn a_path_that_leads_out_of_the_folder_is_refused_unread() {
    let signed = Signed::new();
    let mut certificate = example::nothing_ran();
    for path in ["../outside", "/etc/hostname", ""] {
        let (path, sha256) = (path.to_owned(), "0".repeat(64));
        certificate.files.push(FileDigest {
            path,
            sha256,
            bytes: 1,
        });
    }
    fs::remove_dir_all(signed.path("samples")).unwrap();
    signed.sign(&certificate);
    let failed = signed.refused();
    assert_eq!(failed.len(), 3);
    assert!(
        failed
            .iter()
            .all(|f| f.ends_with("leads out of the folder")),
        "{failed:?}"
    );
}

#[test]
fn a_certificate_of_a_later_schema_is_called_that() {
    let signed = Signed::new();
    let mut certificate = example::nothing_ran();
    certificate.schema = "tickcert/2".to_owned();
    signed.sign(&certificate);
    let error = signed.verify().unwrap_err().to_string();
    assert!(
        error.contains("`tickcert/2`") && error.contains("tickcert/1"),
        "{error}"
    );
}

#[test]
fn a_folder_without_signature_is_an_error_that_names_the_file() {
    let signed = Signed::new();
    fs::remove_file(signed.path("certificate.json.sig")).unwrap();
    let error = signed.verify().unwrap_err().to_string();
    assert!(error.contains("certificate.json.sig"), "{error}");
}
