//! JWT, JWS and JWK with closed algorithm enums. Pure.
//!
//! A verifier is built from (issuer, key, **one** algorithm): the header of a token can choose a key by its id, never an
//! algorithm. `none` and the HMAC family are not in [`Algorithm`], so no header can ask for them. Depends on no crate of
//! the workspace; the current time is an argument (seconds since the Unix epoch).
//!
//! To add an algorithm: a variant of [`Algorithm`], its key form in `key.rs`, attack tests in `tests.rs`.

mod algorithm;
mod claims;
mod dpop;
#[cfg(test)]
mod fuzz;
mod key;
mod object;
mod sign;
mod verify;

pub use algorithm::Algorithm;
pub use claims::Claims;
pub use dpop::{DPOP_LIFETIME, DpopError, DpopExpectation, DpopProof, same_target, verify_dpop};
pub use key::{KeyError, VerifyingKey, thumbprint};
pub use object::parse as parse_object;
pub use sign::{SigningKey, jwks};
pub use verify::{
    MAX_KEY_ID_BYTES, MAX_TOKEN_BYTES, TokenError, TokenKind, Verifier, claimed_issuer, verify_any, verify_as,
};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
