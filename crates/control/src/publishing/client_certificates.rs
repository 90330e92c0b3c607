//! Certificates of clients that an API accepts (WSO2: client certificates of mutual TLS), each with a plan.
//!
//! A change is served at once: taking a certificate away closes the API to its holder without a new revision.

use model::snapshot::{ClientCertificate, KeyType};
use model::{ApiDocument, ApiId, TenantId, Timestamp};
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::certificate::{self, CertificateRow};

use super::load::{load, parse};
use crate::{Actor, Change, Control, ControlError, FaultKind};

/// Most certificates of one API.
const MAX_CERTIFICATES: usize = 500;

/// `PRODUCTION` or `SANDBOX`, as the table has it.
fn kind(key_type: &str) -> Result<&'static str, ControlError> {
    match key_type {
        "" | "PRODUCTION" => Ok("PRODUCTION"),
        "SANDBOX" => Ok("SANDBOX"),
        _ => Err(ControlError::invalid("keyType: PRODUCTION or SANDBOX.")),
    }
}

fn shown(row: &CertificateRow) -> Value {
    json!({"alias": row.alias, "apiId": row.api, "tier": row.subject, "keyType": row.kind})
}

fn unknown(alias: &str) -> ControlError {
    let text = format!("The API has no client certificate with the alias {alias:?}.");
    ControlError::new(FaultKind::NotFound, 900_423, "Certificate Not Found", text)
}

/// The certificates that the gateway accepts for an API with mutual TLS.
pub(crate) async fn served(
    work: &mut UnitOfWork,
    tenant: TenantId,
    id: ApiId,
) -> Result<Vec<ClientCertificate>, ControlError> {
    let mut found = Vec::new();
    for row in certificate::list(work, tenant, &id.to_string()).await? {
        let damaged = |reason: String| {
            ControlError::internal(format!(
                "the stored client certificate {} of API {id} is damaged: {reason}",
                row.alias
            ))
        };
        let chain = vault::keystore::read_certificates(&row.bytes).map_err(|e| damaged(e.to_string()))?;
        let der = chain.first().ok_or_else(|| damaged("it is empty".to_owned()))?.to_vec();
        let (_, parsed) = x509_parser::parse_x509_certificate(&der).map_err(|e| damaged(e.to_string()))?;
        let at = |time: x509_parser::time::ASN1Time| Timestamp::from_seconds(time.timestamp());
        let (not_before, not_after) = (at(parsed.validity().not_before), at(parsed.validity().not_after));
        let key_type = if row.kind == "SANDBOX" { KeyType::Sandbox } else { KeyType::Production };
        found.push(ClientCertificate { alias: row.alias, der, tier: row.subject, key_type, not_before, not_after });
    }
    Ok(found)
}

impl Control {
    /// The certificates of an API; of one kind (`PRODUCTION`, `SANDBOX`) or alias, or all.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn client_certificates(
        &self,
        actor: &Actor,
        id: ApiId,
        (key_type, alias): (&str, &str),
    ) -> Result<Vec<Value>, ControlError> {
        let mut work = self.read().await?;
        load(&mut work, actor, id).await?;
        let rows = certificate::list(&mut work, actor.tenant(), &id.to_string()).await?;
        let wanted = |row: &&CertificateRow| {
            (key_type.is_empty() || row.kind == key_type) && (alias.is_empty() || row.alias == alias)
        };
        Ok(rows.iter().filter(wanted).map(shown).collect())
    }

    /// What a certificate says, and the certificate as it was uploaded.
    ///
    /// # Errors
    /// 403, 404.
    pub(crate) async fn client_certificate(
        &self,
        actor: &Actor,
        id: ApiId,
        (key_type, alias): (&str, &str),
    ) -> Result<(Value, Vec<u8>), ControlError> {
        let mut work = self.read().await?;
        load(&mut work, actor, id).await?;
        let row = find(&mut work, actor, id, (key_type, alias)).await?;
        let detail = serde_json::from_str(&row.detail)
            .map_err(|e| ControlError::internal(format!("what is kept of the certificate {alias} is damaged: {e}")))?;
        Ok((detail, row.bytes))
    }

    /// Accepts a client by its certificate (PEM or DER).
    ///
    /// # Errors
    /// 400 for an expired, weak or broken certificate and a plan that the API does not have; 403, 404; 409 when the alias
    /// is taken.
    pub async fn add_client_certificate(
        &self,
        actor: &Actor,
        id: ApiId,
        (key_type, alias, tier): (&str, &str, &str),
        bytes: &[u8],
    ) -> Result<Value, ControlError> {
        let kind = kind(key_type)?;
        let mut work = self.begin().await?;
        let document = parse(&load(&mut work, actor, id).await?)?;
        let mut faults = crate::document::Faults::default();
        if alias.is_empty() || alias.len() > 128 || alias.chars().any(|c| c.is_control() || "/\\".contains(c)) {
            faults.field("alias", "it has 1 to 128 characters without slashes");
        }
        check_tier(&document, tier, &mut faults);
        faults.into_result()?;
        let rows = certificate::list(&mut work, actor.tenant(), &id.to_string()).await?;
        if rows.iter().any(|row| row.alias == alias) {
            let text = format!("The alias {alias} is in use. Choose another one, or replace that certificate.");
            return Err(ControlError::new(FaultKind::Conflict, 900_420, "Alias already exists", text));
        }
        if rows.len() >= MAX_CERTIFICATES {
            return Err(ControlError::conflict(format!("An API has at most {MAX_CERTIFICATES} client certificates.")));
        }
        let row = CertificateRow {
            tenant: actor.tenant(),
            alias: alias.to_owned(),
            api: id.to_string(),
            kind: kind.to_owned(),
            subject: tier.to_owned(),
            detail: self.checked(bytes)?.to_string(),
            bytes: bytes.to_vec(),
        };
        certificate::insert(&mut work, &row).await?;
        self.commit_certificates(work, actor, id, "publisher.client-certificates.create").await?;
        Ok(shown(&row))
    }

    /// Replaces a certificate, its plan, or both.
    ///
    /// # Errors
    /// As [`Control::add_client_certificate`]; 404 for an unknown alias.
    pub(crate) async fn replace_client_certificate(
        &self,
        actor: &Actor,
        id: ApiId,
        (key_type, alias, tier): (&str, &str, &str),
        bytes: Option<&[u8]>,
    ) -> Result<Value, ControlError> {
        let mut work = self.begin().await?;
        let document = parse(&load(&mut work, actor, id).await?)?;
        let mut row = find(&mut work, actor, id, (key_type, alias)).await?;
        if !tier.is_empty() {
            let mut faults = crate::document::Faults::default();
            check_tier(&document, tier, &mut faults);
            faults.into_result()?;
            tier.clone_into(&mut row.subject);
        }
        if let Some(bytes) = bytes {
            row.detail = self.checked(bytes)?.to_string();
            row.bytes = bytes.to_vec();
        }
        certificate::delete(&mut work, row.tenant, &row.kind, &row.api, alias).await?;
        certificate::insert(&mut work, &row).await?;
        self.commit_certificates(work, actor, id, "publisher.client-certificates.update").await?;
        Ok(shown(&row))
    }

    /// Takes a certificate away.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn delete_client_certificate(
        &self,
        actor: &Actor,
        id: ApiId,
        (key_type, alias): (&str, &str),
    ) -> Result<(), ControlError> {
        let mut work = self.begin().await?;
        load(&mut work, actor, id).await?;
        let row = find(&mut work, actor, id, (key_type, alias)).await?;
        certificate::delete(&mut work, row.tenant, &row.kind, &row.api, alias).await?;
        self.commit_certificates(work, actor, id, "publisher.client-certificates.delete").await
    }

    async fn commit_certificates(
        &self,
        work: UnitOfWork,
        actor: &Actor,
        id: ApiId,
        action: &'static str,
    ) -> Result<(), ControlError> {
        let target = format!("api/{id}");
        self.commit(work, actor, Change::of_api(action, &target, id)).await
    }
}

/// The plan of a client is one of the API's own.
fn check_tier(document: &ApiDocument, tier: &str, faults: &mut crate::document::Faults) {
    if !tier.is_empty() && tier != "Unlimited" && !document.texts("policies").contains(&tier) {
        faults.field("tier", "it is one of the API's business plans");
    }
}

async fn find(
    work: &mut UnitOfWork,
    actor: &Actor,
    id: ApiId,
    (key_type, alias): (&str, &str),
) -> Result<CertificateRow, ControlError> {
    let rows = certificate::list(work, actor.tenant(), &id.to_string()).await?;
    let found = rows.into_iter().find(|row| row.alias == alias && (key_type.is_empty() || row.kind == key_type));
    found.ok_or_else(|| unknown(alias))
}
