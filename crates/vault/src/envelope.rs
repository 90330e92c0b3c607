//! The sealed text: `{v1:<key id>:<payload>}`, AES-256-GCM.
//!
//! The payload is base64url without padding of nonce (12 bytes), context mark (4 bytes), ciphertext, tag (16 bytes).
//! The authenticated data is `portcullis-seal-v1`, the key id and the context, so a sealed value cannot be moved to
//! another alias or row, nor be relabelled with another key. The context mark is the start of a hash of the context,
//! which is no secret; it lets us say "moved" instead of "damaged".
//!
//! The format is permanent: a change makes `{v2:..}` beside it, and the vectors in the tests must open for ever.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Rng, Secret};
use zeroize::Zeroize;

/// The longest plaintext that can be sealed: one mebibyte.
pub const MAX_PLAINTEXT: usize = 1 << 20;

const MARK_LEN: usize = 4;
const TAG_LEN: usize = 16;
/// Base64 of the longest payload, plus room for the frame.
const MAX_ENVELOPE: usize = MAX_PLAINTEXT / 3 * 4 + 256;

/// How every text that was sealed under a key begins.
pub(crate) fn beginning(key_id: &str) -> String {
    format!("{{v1:{key_id}:")
}

/// Why a value could not be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The value is longer than [`MAX_PLAINTEXT`].
    #[error(
        "the value has {length} bytes; at most {MAX_PLAINTEXT} can be sealed. Fix: keep large data in a file and seal only its key"
    )]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The cipher refused, which it does for no input we know of.
    #[error("the cipher refused to seal the value")]
    Cipher,
}

/// Why a sealed value could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The text does not have the form `{v1:<key id>:<payload>}`.
    #[error("this is not a sealed value. Fix: write the secret as \"[value]\" and run: portcullis vault encrypt")]
    NotSealed,
    /// A newer Portcullis sealed it.
    #[error(
        "the value is sealed in format '{format}', which this version does not know. Fix: use the Portcullis version that sealed it, or a newer one"
    )]
    UnknownFormat {
        /// The format label found.
        format: String,
    },
    /// The keyring has no key with this id.
    #[error(
        "the value is sealed under key {key_id}, which is not in this keyring (it holds {known}). \
         Fix: restore the keyring of the installation that sealed it, or enter the secret again as \"[value]\" and run: portcullis vault encrypt"
    )]
    UnknownKey {
        /// The key id in the sealed value.
        key_id: String,
        /// The key ids at hand.
        known: String,
    },
    /// It was sealed for another alias or row.
    #[error(
        "the value was sealed for another name than '{context}'; sealed values cannot be moved or renamed. \
         Fix: enter the secret again under this name as \"[value]\" and run: portcullis vault encrypt"
    )]
    WrongContext {
        /// The context it was opened for.
        context: String,
    },
    /// The right key and name, yet the content does not authenticate: it was altered or cut.
    #[error(
        "the sealed value is damaged: it was changed or cut after sealing. Fix: restore it from a backup, or enter the secret again as \"[value]\" and run: portcullis vault encrypt"
    )]
    Damaged,
}

/// The parts of a sealed text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Envelope<'a> {
    pub(crate) key_id: &'a str,
    payload: &'a str,
}

impl<'a> Envelope<'a> {
    /// Splits a sealed text; checks the frame, not the content.
    pub(crate) fn parse(text: &'a str) -> Result<Self, OpenError> {
        let inner = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).ok_or(OpenError::NotSealed)?;
        let (format, rest) = inner.split_once(':').ok_or(OpenError::NotSealed)?;
        if text.len() > MAX_ENVELOPE || !is_format(format) {
            return Err(OpenError::NotSealed);
        }
        if format != "v1" {
            return Err(OpenError::UnknownFormat { format: format.to_owned() });
        }
        let (key_id, payload) = rest.split_once(':').ok_or(OpenError::Damaged)?;
        let clean = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if key_id.is_empty() || key_id.len() > 40 || !key_id.chars().all(clean) || !payload.chars().all(clean) {
            return Err(OpenError::Damaged);
        }
        Ok(Self { key_id, payload })
    }
}

fn is_format(text: &str) -> bool {
    let digits = text.strip_prefix('v').unwrap_or_default();
    !digits.is_empty() && digits.len() < 4 && digits.bytes().all(|b| b.is_ascii_digit())
}

/// True for a text in the frame of a sealed value of any format, whether or not it can be opened.
pub fn is_sealed(text: &str) -> bool {
    !matches!(Envelope::parse(text), Err(OpenError::NotSealed))
}

fn mark(context: &str) -> [u8; MARK_LEN] {
    let hash = digest(&SHA256, format!("portcullis-seal-context\0{context}").as_bytes());
    hash.as_ref().first_chunk().copied().unwrap_or_default()
}

fn authenticated(key_id: &str, context: &str) -> Vec<u8> {
    // NUL cannot occur in a key id, so the three parts cannot run into each other.
    format!("portcullis-seal-v1\0{key_id}\0{context}").into_bytes()
}

fn cipher(key: &Secret<[u8; 32]>) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key.expose()).ok().map(LessSafeKey::new)
}

/// Seals under one key.
pub(crate) fn seal(
    key: &Secret<[u8; 32]>,
    key_id: &str,
    plain: &[u8],
    context: &str,
    rng: &dyn Rng,
) -> Result<String, SealError> {
    if plain.len() > MAX_PLAINTEXT {
        return Err(SealError::TooLong { length: plain.len() });
    }
    let mut nonce = [0; NONCE_LEN];
    rng.fill(&mut nonce);
    let mut payload = Vec::with_capacity(NONCE_LEN + MARK_LEN + plain.len() + TAG_LEN);
    payload.extend_from_slice(&nonce);
    payload.extend_from_slice(&mark(context));
    payload.extend_from_slice(plain);
    let aad = Aad::from(authenticated(key_id, context));
    let in_out = payload.get_mut(NONCE_LEN + MARK_LEN..).ok_or(SealError::Cipher)?;
    let tag = cipher(key)
        .ok_or(SealError::Cipher)?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, in_out)
        .map_err(|_| SealError::Cipher)?;
    payload.extend_from_slice(tag.as_ref());
    Ok(format!("{{v1:{key_id}:{}}}", URL_SAFE_NO_PAD.encode(&payload)))
}

/// Opens under one key; the caller has found it by [`Envelope::key_id`].
pub(crate) fn open(
    key: &Secret<[u8; 32]>,
    envelope: &Envelope<'_>,
    context: &str,
) -> Result<Secret<Vec<u8>>, OpenError> {
    let mut payload = URL_SAFE_NO_PAD.decode(envelope.payload).map_err(|_| OpenError::Damaged)?;
    let (nonce, rest) = payload.split_first_chunk_mut::<NONCE_LEN>().ok_or(OpenError::Damaged)?;
    let (found, in_out) = rest.split_first_chunk_mut::<MARK_LEN>().ok_or(OpenError::Damaged)?;
    let moved = *found != mark(context);
    let opened = cipher(key).and_then(|c| {
        let aad = Aad::from(authenticated(envelope.key_id, context));
        c.open_in_place(Nonce::assume_unique_for_key(*nonce), aad, in_out).ok().map(|p| Secret::new(p.to_vec()))
    });
    payload.zeroize();
    match opened {
        Some(plain) if !moved => Ok(plain),
        _ if moved => Err(OpenError::WrongContext { context: context.to_owned() }),
        _ => Err(OpenError::Damaged),
    }
}

#[cfg(test)]
mod tests;
