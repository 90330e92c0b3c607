//! Certificates of upstream servers that a tenant registers: kept, searched, and matched with the APIs they concern.

use model::ApiId;
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::api;
use store::repository::certificate::{self, CertificateRow};
use vault::{CertificatePurpose, CertificateRule, check_certificate};

use super::load::{may_access, parse};
use crate::service::hex;
use crate::{Actor, Change, Control, ControlError, FaultKind};

/// The kind of upstream certificates in the table.
const KIND: &str = "ENDPOINT";
/// Most certificates of a tenant.
const MAX_CERTIFICATES: usize = 1000;

impl Control {
    /// The registered certificates; by alias, by endpoint, or all.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn endpoint_certificates(
        &self,
        actor: &Actor,
        alias: &str,
        endpoint: &str,
    ) -> Result<Vec<Value>, ControlError> {
        let mut work = self.read().await?;
        let rows = all(&mut work, actor).await?;
        let wanted = rows
            .iter()
            .filter(|row| (alias.is_empty() || row.alias == alias) && (endpoint.is_empty() || row.subject == endpoint));
        Ok(wanted.map(|row| json!({"alias": row.alias, "endpoint": row.subject})).collect())
    }

    /// What a certificate says: subject, version, validity.
    ///
    /// # Errors
    /// 404.
    pub async fn endpoint_certificate(&self, actor: &Actor, alias: &str) -> Result<Value, ControlError> {
        let mut work = self.read().await?;
        let row = find(&mut work, actor, alias).await?;
        serde_json::from_str(&row.detail)
            .map_err(|e| ControlError::internal(format!("what is kept of the certificate {alias} is damaged: {e}")))
    }

    /// A certificate as it was uploaded.
    ///
    /// # Errors
    /// 404.
    pub(crate) async fn endpoint_certificate_file(&self, actor: &Actor, alias: &str) -> Result<Vec<u8>, ControlError> {
        let mut work = self.read().await?;
        Ok(find(&mut work, actor, alias).await?.bytes)
    }

    /// Registers a certificate (PEM or DER) for an upstream address.
    ///
    /// # Errors
    /// 400 for an expired, weak or broken certificate and wrong fields; 409 when the alias is taken.
    pub async fn add_endpoint_certificate(
        &self,
        actor: &Actor,
        alias: &str,
        endpoint: &str,
        bytes: &[u8],
    ) -> Result<Value, ControlError> {
        let mut faults = crate::document::Faults::default();
        if alias.is_empty() || alias.len() > 128 || alias.chars().any(|c| c.is_control() || "/\\".contains(c)) {
            faults.field("alias", "it has 1 to 128 characters without slashes");
        }
        let is_url = endpoint.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some());
        if !is_url || endpoint.len() > 1000 {
            faults.field("endpoint", "it is the URL of the upstream server");
        }
        faults.into_result()?;
        let mut work = self.begin().await?;
        let rows = all(&mut work, actor).await?;
        if rows.iter().any(|row| row.alias == alias) {
            let text = format!("The alias {alias} is in use. Choose another one, or replace that certificate.");
            return Err(ControlError::new(FaultKind::Conflict, 900_420, "Alias already exists", text));
        }
        if rows.len() >= MAX_CERTIFICATES {
            return Err(ControlError::conflict(format!("A tenant has at most {MAX_CERTIFICATES} certificates.")));
        }
        let row = CertificateRow {
            tenant: actor.tenant(),
            alias: alias.to_owned(),
            api: String::new(),
            kind: KIND.to_owned(),
            subject: endpoint.to_owned(),
            detail: self.checked(bytes)?.to_string(),
            bytes: bytes.to_vec(),
        };
        certificate::insert(&mut work, &row).await?;
        let target = format!("endpoint-certificate/{alias}");
        self.commit(work, actor, Change::managed("publisher.endpoint-certificates.create", &target)).await?;
        Ok(json!({"alias": alias, "endpoint": endpoint}))
    }

    /// Replaces a certificate; alias and endpoint stay.
    ///
    /// # Errors
    /// 400 for an expired, weak or broken certificate; 404.
    pub(crate) async fn replace_endpoint_certificate(
        &self,
        actor: &Actor,
        alias: &str,
        bytes: &[u8],
    ) -> Result<Value, ControlError> {
        let mut work = self.begin().await?;
        let mut row = find(&mut work, actor, alias).await?;
        row.detail = self.checked(bytes)?.to_string();
        row.bytes = bytes.to_vec();
        certificate::delete(&mut work, actor.tenant(), KIND, "", alias).await?;
        certificate::insert(&mut work, &row).await?;
        let target = format!("endpoint-certificate/{alias}");
        self.commit(work, actor, Change::managed("publisher.endpoint-certificates.update", &target)).await?;
        Ok(json!({"alias": alias, "endpoint": row.subject}))
    }

    /// Removes a certificate.
    ///
    /// # Errors
    /// 404.
    pub async fn delete_endpoint_certificate(&self, actor: &Actor, alias: &str) -> Result<(), ControlError> {
        let mut work = self.begin().await?;
        if !certificate::delete(&mut work, actor.tenant(), KIND, "", alias).await? {
            return Err(unknown(alias));
        }
        let target = format!("endpoint-certificate/{alias}");
        self.commit(work, actor, Change::managed("publisher.endpoint-certificates.delete", &target)).await
    }

    /// The APIs, of those the actor may see, that have an endpoint at the certificate's address; none for an unknown
    /// alias.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) async fn endpoint_certificate_usage(
        &self,
        actor: &Actor,
        alias: &str,
    ) -> Result<Vec<Value>, ControlError> {
        let mut work = self.read().await?;
        let rows = all(&mut work, actor).await?;
        let Some(row) = rows.into_iter().find(|row| row.alias == alias) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for api in api::list(&mut work, actor.tenant()).await? {
            let document = parse(&api)?;
            let config = document.get("endpointConfig").cloned().unwrap_or_default();
            if may_access(actor, &api, &document)
                && crate::document::endpoint_urls(&config).any(|u| at(u, &row.subject))
            {
                found.push(json!({
                    "id": ApiId::to_string(&api.id),
                    "name": api.name,
                    "version": api.version,
                    "context": api.context,
                    "provider": api.provider,
                }));
            }
        }
        Ok(found)
    }

    /// What is kept of a certificate that may be used.
    pub(super) fn checked(&self, bytes: &[u8]) -> Result<Value, ControlError> {
        let refused = |reason: String| {
            ControlError::new(FaultKind::Invalid, 900_421, "Error while processing the certificate", reason)
        };
        let chain = vault::keystore::read_certificates(bytes).map_err(|e| refused(e.to_string()))?;
        if let Some(fault) = check_certificate(&chain, None, self.now(), CertificatePurpose::TrustAnchor).first() {
            return Err(match fault.rule {
                CertificateRule::Expired => {
                    ControlError::new(FaultKind::Invalid, 900_422, "Certificate Expired", fault.to_string())
                }
                _ => refused(fault.to_string()),
            });
        }
        let first = chain.first().ok_or_else(|| refused("the file holds no certificate".to_owned()))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(first).map_err(|e| refused(e.to_string()))?;
        let at = |time: x509_parser::time::ASN1Time| model::Timestamp::from_seconds(time.timestamp()).rfc3339();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, first);
        Ok(json!({
            "status": "Active",
            "validity": {"from": at(parsed.validity().not_before), "to": at(parsed.validity().not_after)},
            "version": parsed.version().0.saturating_add(1).to_string(),
            "subject": parsed.subject().to_string(),
            "fingerprint": hex(digest.as_ref()),
        }))
    }
}

/// Whether a URL is the certificate's address or lies below it.
fn at(url: &str, address: &str) -> bool {
    let rest = url.strip_prefix(address.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

async fn all(work: &mut UnitOfWork, actor: &Actor) -> Result<Vec<CertificateRow>, ControlError> {
    let mut rows = certificate::list(work, actor.tenant(), "").await?;
    rows.retain(|row| row.kind == KIND);
    Ok(rows)
}

async fn find(work: &mut UnitOfWork, actor: &Actor, alias: &str) -> Result<CertificateRow, ControlError> {
    all(work, actor).await?.into_iter().find(|row| row.alias == alias).ok_or_else(|| unknown(alias))
}

fn unknown(alias: &str) -> ControlError {
    let text = format!("There is no certificate with the alias {alias:?}.");
    ControlError::new(FaultKind::NotFound, 900_423, "Certificate Not Found", text)
}
