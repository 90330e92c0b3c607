//! What the database holds under older keys of the vault, sealed again under the newest while servers serve.
//!
//! Row by row, each in a transaction of its own, and only where nobody changed the row meanwhile. Old keys stay in the keyring,
//! so an end in the middle leaves everything readable, and the next run goes on.

use std::sync::Arc;

use model::Rng;
use store::Database;
use store::repository::sealed::{self, SealedPlace, SealedRow};
use vault::Keyring;

use crate::failure::Outcome;
use crate::serve::sealer::VaultSealer;

/// What became of the rows.
#[derive(Debug, Default)]
pub(crate) struct Resealed {
    /// Rows that are sealed under the newest key now.
    pub(crate) exchanged: u64,
    /// Rows that still need an older key, with the reason.
    pub(crate) left: Vec<String>,
}

/// Seals everything again that an older key sealed.
pub(crate) async fn reseal(database: &Database, keyring: &Arc<Keyring>, rng: &Arc<dyn Rng>) -> Outcome<Resealed> {
    let sealer = VaultSealer::new(Arc::clone(keyring), Arc::clone(rng));
    let stale = |text: &str| keyring.is_stale(text);
    let again = |place: SealedPlace, row: &SealedRow| match identity::sealed_context(place, row) {
        Some(context) => match keyring.reseal(&row.text, &context, rng.as_ref()) {
            Ok(text) => Ok(text.unwrap_or_else(|| row.text.clone())),
            Err(reason) => Err(reason.to_string()),
        },
        None => control::reseal(&sealer, place, &row.owner, &row.text, &stale),
    };
    let mut found = Resealed::default();
    for place in SealedPlace::ALL {
        for mark in keyring.stale_beginnings() {
            let mut after = String::new();
            loop {
                let mut reading = database.read().await?;
                let rows = sealed::holding(&mut reading, place, &mark, &after).await?;
                reading.cancel().await?;
                let Some(last) = rows.last() else { break };
                after.clone_from(&last.key);
                for row in &rows {
                    match again(place, row) {
                        Ok(text) if text.contains(&mark) => {
                            let why = "it holds such a text where no secret belongs";
                            found.left.push(format!("{} {}: {why}", place.name(), row.key));
                        }
                        Ok(text) => {
                            let mut work = database.begin().await?;
                            let exchanged = sealed::exchange(&mut work, place, row, &text).await?;
                            work.save().await?;
                            if exchanged {
                                found.exchanged += 1;
                            } else {
                                found.left.push(format!("{} {}: it was changed just now", place.name(), row.key));
                            }
                        }
                        Err(reason) => found.left.push(format!("{} {}: {reason}", place.name(), row.key)),
                    }
                }
            }
        }
    }
    Ok(found)
}
