//! Secrets of APIs and key managers, sealed again under the vault's newest key while everything serves.

use model::{ApiDocument, ApiId};
use serde_json::Value;
use store::repository::sealed::SealedPlace;

use crate::Sealer;
use crate::document::move_secrets;

/// The text of a row with its secrets sealed under the newest key; `stale` says which sealed texts need it.
///
/// # Errors
/// Why it cannot be done, without a secret: the row is then as readable as before.
pub fn reseal(
    sealer: &dyn Sealer,
    place: SealedPlace,
    owner: &str,
    text: &str,
    stale: &dyn Fn(&str) -> bool,
) -> Result<String, String> {
    let damaged = |e: &dyn std::fmt::Display| format!("its object cannot be read: {e}");
    match place {
        SealedPlace::Api | SealedPlace::Revision => {
            let id: ApiId = owner.parse().map_err(|e| damaged(&e))?;
            let mut api: ApiDocument = serde_json::from_str(text).map_err(|e| damaged(&e))?;
            move_secrets(sealer, id, id, &mut api).map_err(|e| e.to_string())?;
            Ok(api.into_value().to_string())
        }
        SealedPlace::KeyManager => {
            let mut item: Value = serde_json::from_str(text).map_err(|e| damaged(&e))?;
            let properties = item.get_mut("additionalProperties").and_then(Value::as_object_mut);
            for (field, value) in properties.into_iter().flatten() {
                let Some(sealed) = value.as_str().filter(|text| stale(text)) else { continue };
                let context = format!("key-manager/{owner}/{field}");
                let plain = sealer.open(sealed, &context)?;
                *value = sealer.seal(plain.expose(), &context)?.into();
            }
            Ok(item.to_string())
        }
        SealedPlace::SigningKey | SealedPlace::SecondFactor => Err("these belong to the identity service".to_owned()),
    }
}
