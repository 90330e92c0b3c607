//! What the vault sealed for this service, and under which context: for sealing it again under a newer key.

use store::repository::sealed::{SealedPlace, SealedRow};

use crate::{keys, second_factor};

/// The context that the text of a row was sealed for; `None` for what belongs to other services.
pub fn sealed_context(place: SealedPlace, row: &SealedRow) -> Option<String> {
    match place {
        SealedPlace::SigningKey => Some(keys::context(row.tenant, &row.key)),
        SealedPlace::SecondFactor => Some(second_factor::context(row.tenant, row.key.parse().ok()?)),
        SealedPlace::Api | SealedPlace::Revision | SealedPlace::KeyManager => None,
    }
}
