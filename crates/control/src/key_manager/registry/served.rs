//! What the gateway must know of a registered key manager to judge its tokens, and the job that keeps it fresh.

use model::Timestamp;
use model::snapshot::{Introspection, TokenIssuer};
use serde_json::{Map, Value, json};
use store::repository::catalogue::{self, ItemKind, ItemRow};

use super::{KEYS, KEYS_UNTIL, is_protected, keys};
use crate::field::Field as _;
use crate::{Control, ControlError, Sealer};

/// Most patterns of one key manager.
const MAX_PATTERNS: usize = 20;

/// Whose tokens a stored key manager makes the gateway accept; `None` while it is off, or neither its keys are known nor a
/// place to ask.
pub(crate) fn issuer_of(row: &ItemRow, sealer: &dyn Sealer) -> Option<TokenIssuer> {
    let document = &row.document;
    let direct = matches!(document.at("tokenType").as_str(), None | Some("DIRECT" | "BOTH"));
    if !direct || !document.at("enabled").as_bool().unwrap_or(true) {
        return None;
    }
    let keys = document[KEYS].as_array().cloned().unwrap_or_default();
    let introspection = introspection(row, sealer);
    // Without a name tokens cannot be told to be its own, so none are accepted.
    let issuer = document.at("issuer").as_str().unwrap_or_default();
    if issuer.is_empty() || (keys.is_empty() && introspection.is_none()) {
        return None;
    }
    Some(TokenIssuer {
        tenant: row.tenant,
        name: row.name.clone(),
        issuer: issuer.to_owned(),
        keys,
        consumer_key_claim: document.at("consumerKeyClaim").as_str().map(str::to_owned),
        scopes_claim: document.at("scopesClaim").as_str().map(str::to_owned),
        keys_until: document.at(KEYS_UNTIL).as_i64().map(Timestamp::from_millis),
        introspection,
    })
}

/// Where a key manager is asked about tokens: its address, where nobody in between can change what it says, with the client
/// that the connector was given.
fn introspection(row: &ItemRow, sealer: &dyn Sealer) -> Option<Introspection> {
    let document = &row.document;
    let url = document.at("introspectionEndpoint").as_str().filter(|url| is_protected(url))?;
    let properties = document.at("additionalProperties");
    let pairs = [("client_id", "client_secret"), ("Username", "Password"), ("username", "password")];
    let (id, secret) = pairs.into_iter().find(|(id, _)| properties.at(id).as_str().is_some_and(|id| !id.is_empty()))?;
    let sealed = properties.at(secret).as_str()?;
    let opened = match sealer.open(sealed, &format!("key-manager/{}/{secret}", row.id)) {
        Ok(opened) => opened,
        Err(reason) => {
            tracing::warn!(key_manager = %row.name, %reason, "the secret that tokens are asked about with cannot be opened");
            return None;
        }
    };
    let rules = document.at("tokenValidation").as_array().map(Vec::as_slice).unwrap_or_default();
    let patterns = rules
        .iter()
        .filter(|rule| rule.at("enable").as_bool().unwrap_or(true))
        .filter(|rule| matches!(rule.at("type").as_str(), Some("REFERENCE" | "CUSTOM")))
        .filter_map(|rule| rule.at("value").as_str().filter(|pattern| !pattern.is_empty()).map(str::to_owned));
    Some(Introspection {
        url: url.to_owned(),
        client_id: properties.at(id).as_str().unwrap_or_default().to_owned(),
        client_secret: String::from_utf8(opened.expose().clone()).ok()?,
        patterns: patterns.take(MAX_PATTERNS).collect(),
        also_jwt: !document.at("enableSelfValidationJWT").as_bool().unwrap_or(true),
    })
}

/// Whether the keys of a key manager are fetched, and so can become stale.
fn fetches_keys(document: &Map<String, Value>) -> bool {
    document.get("certificates").is_some_and(|certificates| certificates.at("type") == "JWKS")
}

/// Until when keys count that were fetched now.
fn good_until(control: &Control) -> i64 {
    let limit = i64::try_from(control.settings().keys_stale_limit.as_millis()).unwrap_or(i64::MAX);
    control.now().millis().saturating_add(limit)
}

/// Puts keys into a document that were fetched for it now.
pub(super) fn insert_keys(control: &Control, document: &mut Map<String, Value>, keys: Value) {
    if fetches_keys(document) {
        document.insert(KEYS_UNTIL.into(), json!(good_until(control)));
    } else {
        document.remove(KEYS_UNTIL);
    }
    document.insert(KEYS.into(), keys);
}

impl Control {
    /// Fetches the public keys of all registered key managers again and publishes what has changed. For a job that runs
    /// every few minutes. A key manager that cannot be reached keeps the keys it had until they are too old to be relied on
    /// ([`crate::ControlSettings::keys_stale_limit`]): from then on the gateway refuses its tokens.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn refresh_issuers(&self) -> Result<(), ControlError> {
        let mut work = self.read().await?;
        let rows = catalogue::all(&mut work, ItemKind::KeyManager).await?;
        work.cancel().await?;
        let mut changed = false;
        for row in rows {
            let Some(object) = row.document.as_object() else { continue };
            let fetched = keys::of(self, object).await;
            let got = fetched.as_array().is_some_and(|keys| !keys.is_empty());
            if let Some(keys) = self.due(object, got.then_some(fetched)) {
                changed |= self.store_keys(&row, keys).await?;
            }
        }
        if changed { self.publish_changes().await } else { Ok(()) }
    }

    /// The keys to store; `None` when what is stored is as good. That they were seen again is written down a few times in
    /// the time they are good for, not with every look.
    fn due(&self, object: &Map<String, Value>, fetched: Option<Value>) -> Option<Value> {
        let until = object.get(KEYS_UNTIL).and_then(Value::as_i64);
        let Some(keys) = fetched else {
            // Of an older installation: from now on their time runs.
            let kept = object.get(KEYS).filter(|_| until.is_none() && fetches_keys(object));
            if let Some(name) = object.get("name").and_then(Value::as_str).filter(|_| fetches_keys(object)) {
                tracing::warn!(
                    key_manager = name,
                    "its keys could not be fetched again; the ones it had count until they are too old"
                );
            }
            return kept.cloned();
        };
        let limit = i64::try_from(self.settings().keys_stale_limit.as_millis()).unwrap_or(i64::MAX);
        let left = until.map(|until| until.saturating_sub(self.now().millis()));
        let fresh = !fetches_keys(object) || left.is_some_and(|left| left > limit / 4 * 3 && left <= limit);
        (object.get(KEYS) != Some(&keys) || !fresh).then_some(keys)
    }

    /// Stores keys that were fetched for a key manager as it was before. It may have been changed or removed meanwhile:
    /// only its keys are written, and only while it still names the place they come from. Returns whether they were.
    async fn store_keys(&self, fetched_for: &ItemRow, keys: Value) -> Result<bool, ControlError> {
        let mut work = self.begin().await?;
        let found = catalogue::find(&mut work, ItemKind::KeyManager, fetched_for.tenant, fetched_for.id).await?;
        let Some(mut row) = found else { return Ok(false) };
        if ["certificates", "issuer"].iter().any(|field| row.document.at(field) != fetched_for.document.at(field)) {
            return Ok(false);
        }
        let Some(object) = row.document.as_object_mut() else { return Ok(false) };
        insert_keys(self, object, keys);
        catalogue::update(&mut work, ItemKind::KeyManager, &row).await?;
        work.save().await?;
        Ok(true)
    }
}
