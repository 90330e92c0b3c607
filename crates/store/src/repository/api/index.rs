//! The index of APIs: what they are searched by, kept beside them.
//!
//! Fields are those of WSO2's search syntax, in lower case (`name`, `tag`, `property:team`); fields that begin with `=` hold
//! values as they were written and are for the program: `=tag`, `=category`, `=scope`, `=frozen-scope`, `=limit`. `access` and
//! `audience` hold who may see an API that not everybody sees.

use std::collections::BTreeMap;

use model::{ApiDocument, ApiId, TenantId};
use serde_json::{Value, json};

use super::{ApiRow, read};
use crate::{StoreError, UnitOfWork};

/// Form of the index that this program writes; a row with a smaller one is read again.
const FORM: i64 = 1;
/// Most values of one field of one API.
const MOST: usize = 2000;
/// Most characters of a value; further ones are not found.
const LONGEST: usize = 20_000;

/// Field and values of an index.
type Facets = BTreeMap<String, Vec<String>>;

/// Writes the index of an API that was written.
pub(super) async fn write(work: &mut UnitOfWork, row: &ApiRow) -> Result<(), StoreError> {
    let document: ApiDocument = serde_json::from_str(&row.document)
        .map_err(|e| StoreError::Inconsistent { column: "document".into(), reason: e.to_string() })?;
    let restricted = document.text("accessControl") == "RESTRICTED";
    let visible = match document.visibility() {
        "PRIVATE" => 1_i64,
        "RESTRICTED" => 2,
        _ => 0,
    };
    let path = model::versioned_context(&row.context, &row.version).to_lowercase();
    work.execute(
        "UPDATE api SET restricted = $2, visible = $3, path_key = $4, indexed = $5 WHERE id = $1",
        [row.id.into(), restricted.into(), visible.into(), path.into(), FORM.into()],
    )
    .await?;
    // What revisions hold stays: they do not change with the API.
    work.execute("DELETE FROM api_facet WHERE api_id = $1 AND field <> '=frozen-scope'", [row.id.into()]).await?;
    insert(work, row.tenant, row.id, &facets(row, &document)).await
}

async fn insert(work: &mut UnitOfWork, tenant: TenantId, api: ApiId, facets: &Facets) -> Result<(), StoreError> {
    let entries: Vec<Value> = facets
        .iter()
        .flat_map(|(field, values)| values.iter().enumerate().map(move |(n, value)| json!([field, n, value])))
        .collect();
    let sql = if work.is_postgres() {
        "INSERT INTO api_facet (tenant_id, field, api_id, position, value) \
         SELECT $1, e ->> 0, $2, CAST(e ->> 1 AS BIGINT), e ->> 2 FROM jsonb_array_elements(CAST($3 AS jsonb)) AS t(e) \
         ON CONFLICT DO NOTHING"
    } else {
        "INSERT INTO api_facet (tenant_id, field, api_id, position, value) \
         SELECT $1, json_extract(value, '$[0]'), $2, json_extract(value, '$[1]'), json_extract(value, '$[2]') \
         FROM json_each($3) WHERE true ON CONFLICT DO NOTHING"
    };
    work.execute(sql, [tenant.into(), api.into(), Value::from(entries).to_string().into()]).await?;
    Ok(())
}

/// What an API is found by.
fn facets(row: &ApiRow, document: &ApiDocument) -> Facets {
    let mut all = Facets::new();
    let mut exact = |field: &str, values: Vec<&str>| {
        let list = all.entry(field.to_owned()).or_default();
        for value in values {
            // PostgreSQL has no text with a zero in it.
            let value: String = value.chars().filter(|c| *c != '\0').take(LONGEST).collect();
            if list.len() < MOST && !value.is_empty() {
                list.push(value);
            }
        }
    };
    let lower = |values: Vec<&str>| values.into_iter().map(str::to_lowercase).collect::<Vec<_>>();
    let operations = |field: &str| document.operations().iter().filter_map(|o| o.get(field)?.as_str()).collect();
    for (field, values) in [
        ("name", vec![row.name.as_str()]),
        ("version", vec![row.version.as_str()]),
        ("context", vec![row.context.as_str()]),
        ("provider", vec![row.provider.as_str()]),
        ("status", vec![row.lifecycle.as_str()]),
        ("type", vec![row.kind.as_str()]),
        ("description", vec![document.text("description")]),
        ("tag", document.texts("tags")),
        ("api-category", document.texts("categories")),
        ("vendor", vec![document.text("gatewayVendor")]),
        ("subcontext", operations("target")),
    ] {
        exact(field, lower(values).iter().map(String::as_str).collect());
    }
    for entry in document.items("additionalProperties") {
        let text = |f: &str| entry.get(f).and_then(Value::as_str).unwrap_or_default();
        exact(
            &format!("property:{}", text("name").to_lowercase()).replace('\0', ""),
            vec![&text("value").to_lowercase()],
        );
    }
    exact("=tag", document.texts("tags"));
    exact("=category", document.texts("categories"));
    exact("=scope", scopes(document));
    exact("=limit", vec![document.text("apiThrottlingPolicy")]);
    exact("=limit", operations("throttlingPolicy"));
    let roles =
        |field: &str| document.texts(field).into_iter().map(|role| format!("role:{}", role.to_ascii_lowercase()));
    if document.text("accessControl") == "RESTRICTED" {
        let mut who: Vec<String> = roles("accessControlRoles").collect();
        who.push(format!("user:{}", row.provider));
        exact("access", who.iter().map(String::as_str).collect());
    }
    let who: Vec<String> = match (document.visibility(), document.text("subscriptionAvailability")) {
        ("PRIVATE", _) => Vec::new(),
        ("RESTRICTED", _) => roles("visibleRoles").collect(),
        (_, "ALL_TENANTS") => vec!["tenant:".to_owned()],
        (_, "SPECIFIC_TENANTS") => document
            .texts("subscriptionAvailableTenants")
            .into_iter()
            .map(|domain| format!("tenant:{domain}"))
            .collect(),
        _ => Vec::new(),
    };
    exact("audience", who.iter().map(String::as_str).collect());
    all
}

/// Names of the scopes that an API declares.
fn scopes(document: &ApiDocument) -> Vec<&str> {
    document.items("scopes").iter().filter_map(|entry| entry.get("scope")?.get("name")?.as_str()).collect()
}

/// Remembers which scopes a revision declares, for as long as its API is there.
///
/// # Errors
/// [`StoreError::Inconsistent`] when the document is no API object.
pub async fn freeze_scopes(
    work: &mut UnitOfWork,
    tenant: TenantId,
    api: ApiId,
    document: &str,
) -> Result<(), StoreError> {
    let document: ApiDocument = serde_json::from_str(document)
        .map_err(|e| StoreError::Inconsistent { column: "document".into(), reason: e.to_string() })?;
    let declared = scopes(&document);
    if declared.is_empty() {
        return Ok(());
    }
    let known = work
        .query(
            "SELECT position, value FROM api_facet WHERE tenant_id = $1 AND field = '=frozen-scope' AND api_id = $2 \
             ORDER BY position LIMIT 100000",
            [tenant.into(), api.into()],
        )
        .await?;
    let mut next = known.last().map_or(Ok(0), |row| row.int("position"))?;
    let mut names = Vec::new();
    for row in &known {
        names.push(row.text("value")?);
    }
    for scope in declared {
        if names.iter().any(|name| name == scope) {
            continue;
        }
        next = next.saturating_add(1);
        work.execute(
            "INSERT INTO api_facet (tenant_id, field, api_id, position, value) VALUES ($1, '=frozen-scope', $2, $3, $4)",
            [tenant.into(), api.into(), next.into(), scope.into()],
        )
        .await?;
        names.push(scope.to_owned());
    }
    Ok(())
}

/// Indexes APIs that an older program wrote, at most `limit`; how many there were. Called until it answers 0.
///
/// # Errors
/// [`StoreError::Inconsistent`] when a stored object is damaged.
pub async fn bring_up_to_date(work: &mut UnitOfWork, limit: i64) -> Result<usize, StoreError> {
    let rows = work
        .query("SELECT * FROM api WHERE indexed < $1 ORDER BY indexed LIMIT $2", [FORM.into(), limit.into()])
        .await?;
    for row in &rows {
        let api = read(row)?;
        write(work, &api).await?;
        for revision in
            work.query("SELECT document FROM revision WHERE api_id = $1 LIMIT 1000", [api.id.into()]).await?
        {
            freeze_scopes(work, api.tenant, api.id, &revision.text("document")?).await?;
        }
    }
    Ok(rows.len())
}

/// APIs of a tenant with a value in a field, as (id, name, version); at most 1000.
pub async fn with_facet(
    work: &mut UnitOfWork,
    tenant: TenantId,
    field: &'static str,
    value: &str,
) -> Result<Vec<(ApiId, String, String)>, StoreError> {
    work.query(
        "SELECT a.id AS id, a.name AS name, a.version AS version FROM api a WHERE a.tenant_id = $1 AND a.id IN \
         (SELECT api_id FROM api_facet WHERE tenant_id = $1 AND field = $2 AND value = $3) \
         ORDER BY a.created_at DESC, a.id LIMIT 1000",
        [tenant.into(), field.into(), value.into()],
    )
    .await?
    .iter()
    .map(|row| Ok((row.parse("id")?, row.text("name")?, row.text("version")?)))
    .collect()
}

/// How many APIs of a tenant have each value of a field; at most 10 000 values, in their order.
pub async fn facet_counts(
    work: &mut UnitOfWork,
    tenant: TenantId,
    field: &'static str,
) -> Result<BTreeMap<String, u64>, StoreError> {
    work.query(
        "SELECT value, COUNT(*) AS n FROM api_facet WHERE tenant_id = $1 AND field = $2 \
         GROUP BY value ORDER BY value LIMIT 10000",
        [tenant.into(), field.into()],
    )
    .await?
    .iter()
    .map(|row| Ok((row.text("value")?, u64::try_from(row.int("n")?).unwrap_or(0))))
    .collect()
}
