//! Operation policies: the shipped catalogue, and the policies a tenant or an API adds.

use model::snapshot::PolicyUse;
use model::{ApiDocument, ApiId};
use policy::CATALOG;
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::artifact::{self, ArtifactRow};
use store::repository::operation_policy::{self, OperationPolicyRow};
use uuid::Uuid;

use super::load::load;
use super::rules::policy_uses;
use crate::service::hex;
use crate::{Actor, Change, Control, ControlError, FaultKind};

/// Most policies of a tenant or of one API.
const MAX_POLICIES: usize = 500;
/// Name of the artifact that holds the template.
pub(crate) const TEMPLATE: &str = "synapse";

impl Control {
    /// The policies for all APIs: the catalogue, then the tenant's own.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn common_policies(&self, actor: &Actor) -> Result<Vec<Value>, ControlError> {
        let mut work = self.read().await?;
        let mut list = shipped();
        for row in operation_policy::list(&mut work, actor.tenant(), "").await? {
            list.push(object(&row)?);
        }
        Ok(list)
    }

    /// The policies an API may use: its own, then the common ones.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn api_policies(&self, actor: &Actor, id: ApiId) -> Result<Vec<Value>, ControlError> {
        let mut work = self.read().await?;
        load(&mut work, actor, id).await?;
        let rows = operation_policy::list(&mut work, actor.tenant(), &id.to_string()).await?;
        let mut list: Vec<Value> = rows.iter().map(object).collect::<Result<_, _>>()?;
        drop(work);
        list.extend(self.common_policies(actor).await?);
        Ok(list)
    }

    /// One policy; `api` is `None` for a common one.
    ///
    /// # Errors
    /// 404.
    pub async fn operation_policy(&self, actor: &Actor, api: Option<ApiId>, id: &str) -> Result<Value, ControlError> {
        if let Some(found) = shipped().into_iter().find(|p| p.get("id").and_then(Value::as_str) == Some(id)) {
            return Ok(found);
        }
        let mut work = self.read().await?;
        if let Some(api) = api {
            load(&mut work, actor, api).await?;
        }
        object(&find(&mut work, actor, api, id).await?)
    }

    /// Adds a policy from its specification (YAML or JSON) and its template.
    ///
    /// # Errors
    /// 400 for a wrong specification; 409 when name and version exist; 404 for an unknown API.
    pub async fn create_operation_policy(
        &self,
        actor: &Actor,
        api: Option<ApiId>,
        specification: &[u8],
        template: &[u8],
    ) -> Result<Value, ControlError> {
        let body = parse_specification(specification)?;
        let text = |field: &str| body.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (name, version) = (text("name"), text("version"));
        let mut work = self.begin().await?;
        if let Some(id) = api {
            load(&mut work, actor, id).await?;
        }
        let owner = api.map(|id| id.to_string()).unwrap_or_default();
        let rows = operation_policy::list(&mut work, actor.tenant(), &owner).await?;
        let in_catalogue = shipped().iter().any(|p| p.get("name").and_then(Value::as_str) == Some(name.as_str()));
        if in_catalogue || rows.iter().any(|r| r.name == name && r.version == version) {
            return Err(ControlError::new(
                FaultKind::Conflict,
                902_041,
                "Operation policy already exists",
                format!("A policy named {name} with version {version} exists already"),
            ));
        }
        if rows.len() >= MAX_POLICIES {
            return Err(ControlError::conflict(format!("At most {MAX_POLICIES} policies are kept here.")));
        }
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &[specification, template].concat());
        let mut body = body;
        if let Value::Object(fields) = &mut body {
            // WSO2's field for telling whether two copies are the same; the name is history, the hash is SHA-256.
            fields.insert("md5".to_owned(), hex(digest.as_ref()).into());
            fields.insert("isAPISpecific".to_owned(), api.is_some().into());
        }
        let row = OperationPolicyRow {
            id: self.uuid().to_string(),
            tenant: actor.tenant(),
            api: owner,
            name,
            version,
            body: body.to_string(),
        };
        operation_policy::insert(&mut work, &row).await?;
        let file =
            ArtifactRow { name: TEMPLATE.to_owned(), media_type: "text/plain".to_owned(), bytes: template.to_vec() };
        artifact::put(&mut work, &row.id, &file).await?;
        let target = format!("operation-policy/{}", row.id);
        self.commit(work, actor, Change::managed("publisher.operation-policies.create", &target)).await?;
        object(&row)
    }

    /// Without it the APIs that use it could not be compiled any more.
    async fn refuse_used(
        &self,
        work: &mut UnitOfWork,
        actor: &Actor,
        row: &OperationPolicyRow,
    ) -> Result<(), ControlError> {
        let quoted = Value::from(row.name.as_str()).to_string();
        let users = store::repository::api::others_with_text(work, actor.tenant(), "", &quoted).await?;
        for (name, stored) in users {
            let document: ApiDocument = serde_json::from_str(&stored).unwrap_or_default();
            let flows = document.operations().iter().map(|o| o.get("operationPolicies"));
            let uses = flows.chain(std::iter::once(document.get("apiPolicies"))).flat_map(|flows| {
                ["request", "response", "fault"].into_iter().flat_map(move |flow| policy_uses(flows, flow))
            });
            let same = |u: PolicyUse| u.name == row.name && (u.version.is_empty() || u.version == row.version);
            if uses.into_iter().any(same) {
                return Err(ControlError::conflict(format!(
                    "The policy {} {} is used by the API {name}. Take it off there first, deployed revisions included.",
                    row.name, row.version
                )));
            }
        }
        Ok(())
    }

    /// Removes a policy that was added; shipped ones stay.
    ///
    /// # Errors
    /// 409 while an API uses it; 404; 403 for a shipped one.
    pub async fn delete_operation_policy(
        &self,
        actor: &Actor,
        api: Option<ApiId>,
        id: &str,
    ) -> Result<(), ControlError> {
        if shipped().iter().any(|p| p.get("id").and_then(Value::as_str) == Some(id)) {
            return Err(ControlError::forbidden("A shipped policy cannot be removed."));
        }
        let mut work = self.begin().await?;
        if let Some(api) = api {
            load(&mut work, actor, api).await?;
        }
        let row = find(&mut work, actor, api, id).await?;
        self.refuse_used(&mut work, actor, &row).await?;
        operation_policy::delete(&mut work, actor.tenant(), id).await?;
        let target = format!("operation-policy/{id}");
        self.commit(work, actor, Change::managed("publisher.operation-policies.delete", &target)).await
    }

    /// Specification and template of a policy that was added, by name and version.
    ///
    /// # Errors
    /// 404.
    pub async fn operation_policy_files(
        &self,
        actor: &Actor,
        name: &str,
        version: &str,
    ) -> Result<(Value, Vec<u8>), ControlError> {
        let mut work = self.read().await?;
        let rows = operation_policy::list(&mut work, actor.tenant(), "").await?;
        let Some(row) = rows.into_iter().find(|r| r.name == name && r.version == version) else {
            return Err(ControlError::not_found(format!("There is no policy {name} {version} that can be exported.")));
        };
        let template = artifact::find(&mut work, &row.id, TEMPLATE).await?.map(|f| f.bytes).unwrap_or_default();
        let mut body = object(&row)?;
        if let Value::Object(fields) = &mut body {
            for field in ["id", "md5", "isAPISpecific"] {
                fields.shift_remove(field);
            }
        }
        Ok((body, template))
    }
}

async fn find(
    work: &mut UnitOfWork,
    actor: &Actor,
    api: Option<ApiId>,
    id: &str,
) -> Result<OperationPolicyRow, ControlError> {
    let owner = api.map(|id| id.to_string()).unwrap_or_default();
    operation_policy::find(work, actor.tenant(), &owner, id).await?.ok_or_else(|| {
        ControlError::new(
            FaultKind::NotFound,
            902_032,
            "Operation Policy Not Found",
            format!("Requested operation policy with id '{id}' not found"),
        )
    })
}

fn object(row: &OperationPolicyRow) -> Result<Value, ControlError> {
    let mut body: Value = serde_json::from_str(&row.body)
        .map_err(|e| ControlError::internal(format!("the stored policy {} is damaged: {e}", row.id)))?;
    if let Value::Object(fields) = &mut body {
        fields.insert("id".to_owned(), row.id.clone().into());
    }
    Ok(body)
}

/// The catalogue as the Publisher API shows it. Ids are derived from names, so they are the same on every server.
fn shipped() -> Vec<Value> {
    CATALOG
        .iter()
        .filter_map(|policy| {
            let metadata = policy.metadata();
            let mut value = serde_json::to_value(metadata).ok()?;
            let fields = value.as_object_mut()?;
            fields.shift_remove("versions");
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, metadata.name.as_bytes());
            let id = uuid::Builder::from_custom_bytes(digest.as_ref().first_chunk().copied()?).into_uuid();
            fields.insert("id".to_owned(), Uuid::to_string(&id).into());
            fields.insert("version".to_owned(), metadata.versions.last().copied().unwrap_or("v1").into());
            fields.insert("isAPISpecific".to_owned(), false.into());
            fields.insert("md5".to_owned(), hex(digest.as_ref()).into());
            Some(value)
        })
        .collect()
}

/// Reads a specification: the header `type`, `version`, and `data`; or the data alone.
fn parse_specification(bytes: &[u8]) -> Result<Value, ControlError> {
    let value = crate::definition::text::parse(bytes)
        .map_err(|fault| ControlError::invalid(format!("The policy specification cannot be read: {fault}.")))?;
    let data = value.get("data").cloned().unwrap_or(value);
    let mut faults = crate::document::Faults::default();
    let text = |field: &str| data.get(field).and_then(Value::as_str).unwrap_or_default();
    let word =
        |t: &str| !t.is_empty() && t.len() <= 128 && t.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if !word(text("name")) {
        faults.field("name", "it has 1 to 128 letters, digits, '.', '-' or '_'");
    }
    if !data.get("category").is_some_and(Value::is_string) {
        faults.field("category", "it is missing");
    }
    let flows = data.get("applicableFlows").and_then(Value::as_array);
    let known = |v: &Value| matches!(v.as_str(), Some("request" | "response" | "fault"));
    if !flows.is_some_and(|f| !f.is_empty() && f.iter().all(known)) {
        faults.field("applicableFlows", "it lists request, response or fault");
    }
    for field in ["supportedGateways", "supportedApiTypes"] {
        if data.get(field).and_then(Value::as_array).is_none_or(Vec::is_empty) {
            faults.field(field, "it is a list with at least one entry");
        }
    }
    let attributes = data.get("policyAttributes").and_then(Value::as_array);
    for attribute in attributes.into_iter().flatten() {
        if !attribute.get("name").is_some_and(Value::is_string) {
            faults.field("policyAttributes", "every attribute needs a name");
        }
    }
    faults.into_result()?;
    let version = if text("version").is_empty() { "v1" } else { text("version") };
    let list = |field: &str| data.get(field).cloned().unwrap_or_else(|| json!([]));
    let display = if text("displayName").is_empty() { text("name") } else { text("displayName") };
    Ok(json!({
        "category": text("category"),
        "name": text("name"),
        "version": version,
        "displayName": display,
        "description": text("description"),
        "applicableFlows": list("applicableFlows"),
        "supportedGateways": list("supportedGateways"),
        "supportedApiTypes": list("supportedApiTypes"),
        "policyAttributes": list("policyAttributes"),
    }))
}
