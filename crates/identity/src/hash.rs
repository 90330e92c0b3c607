//! SHA-256 of secrets that are random enough to need no slow hash, and comparison in constant time.

use aws_lc_rs::digest::{SHA256, digest};
use model::{Rng, Secret};
use subtle::ConstantTimeEq;

/// 43 characters of 6 bits: 258 random bits.
const TOKEN_CHARS: usize = 43;

/// SHA-256.
pub(crate) fn sha256(value: &str) -> Vec<u8> {
    digest(&SHA256, value.as_bytes()).as_ref().to_vec()
}

/// Whether two hashes are equal, in a time that does not depend on where they differ.
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// A new secret with more than 256 random bits, URL-safe.
pub(crate) fn new_secret(rng: &dyn Rng) -> Secret<String> {
    Secret::new(rng.token(TOKEN_CHARS))
}
