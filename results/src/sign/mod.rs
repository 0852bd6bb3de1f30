//! Signatures over a certificate, in OpenSSH's SSHSIG format, so that stock `ssh-keygen -Y verify` accepts them.
//!
//! A signature says who held the key, not that the numbers are true, and it says that much only to somebody who knows
//! the key: without a list of allowed signers [`verify`] shows no more than that the bytes are those that were signed.

mod folder;
mod key;
mod signers;

pub use folder::{Check, Trust, VerifyError, VerifyReport, verify_dir};
pub use key::{KeyError, SigningKey};
pub use signers::{SignersError, allowed_signers_line, parse_allowed_signers};
pub use ssh_key::{Fingerprint, PublicKey};

use ssh_key::{HashAlg, LineEnding, SshSig};
use thiserror::Error;

/// The namespace that signatures are bound to (`-n` of `ssh-keygen -Y`).
pub const NAMESPACE: &str = "tickcert";

/// The identity used in `allowed_signers` (`-I` of `ssh-keygen -Y`).
pub const IDENTITY: &str = "tickcert";

/// Why a signature could not be made or is not accepted.
#[derive(Debug, Error)]
pub enum SignError {
    /// The key could not sign.
    #[error("the key could not sign: {0}")]
    Signing(#[source] Box<ssh_key::Error>),
    /// Not an SSH signature at all.
    #[error("this is not an SSH signature ({0}): take certificate.json.sig from the same run")]
    Unreadable(#[source] Box<ssh_key::Error>),
    /// A signature of something else, or the bytes were changed since.
    #[error("the signature by {signer} does not fit: the file or the signature was changed after signing ({source})")]
    Mismatch {
        /// Fingerprint of the key that is named in the signature.
        signer: Fingerprint,
        /// What the library said.
        source: Box<ssh_key::Error>,
    },
    /// Sound, but by somebody who is not on the list.
    #[error("the signature is sound, but its key {signer} is not among the allowed signers")]
    NotAllowed {
        /// Fingerprint of the key that signed.
        signer: Fingerprint,
    },
}

/// Signs `bytes`; the armoured signature is what belongs into `certificate.json.sig`.
///
/// # Errors
/// When the library refuses, which an ed25519 key gives no cause for.
pub fn sign(bytes: &[u8], key: &SigningKey) -> Result<String, SignError> {
    let signature = key.private().sign(NAMESPACE, HashAlg::Sha512, bytes);
    signature.and_then(|s| s.to_pem(LineEnding::LF)).map_err(|e| SignError::Signing(Box::new(e)))
}

/// Checks that `signature` is one of `bytes` and, where `allowed` is given, that one of those keys made it.
///
/// With `None` the fingerprint that comes back is of whoever signed: compare it with one that you trust.
///
/// # Errors
/// See [`SignError`].
pub fn verify(bytes: &[u8], signature: &str, allowed: Option<&[PublicKey]>) -> Result<Fingerprint, SignError> {
    let signature = SshSig::from_pem(signature).map_err(|e| SignError::Unreadable(Box::new(e)))?;
    let key = PublicKey::new(signature.public_key().clone(), "");
    let signer = key.fingerprint(HashAlg::Sha256);
    key.verify(NAMESPACE, bytes, &signature).map_err(|e| SignError::Mismatch { signer, source: Box::new(e) })?;
    match allowed {
        Some(keys) if !keys.iter().any(|k| k.key_data() == key.key_data()) => Err(SignError::NotAllowed { signer }),
        _ => Ok(signer),
    }
}
