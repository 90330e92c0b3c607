//! Facts that the database says.

use std::collections::BTreeMap;

use guidelines::{Accounts, Administrator, AuditTrail, DatabaseFacts, Observed, Posture, RoleRights};
use model::Timestamp;
use store::repository::audit;
use store::{Database, Row, StoreError, UnitOfWork};

/// Most records of the audit log whose chain is followed.
const MAX_RECORDS: u64 = 1_000_000;

/// Records of the audit log that are read at a time.
const PAGE: i64 = 1000;

/// Adds what the database says to a posture.
pub(crate) async fn add(posture: &mut Posture, database: &Database, now: Timestamp) -> Result<(), StoreError> {
    let mut work = database.read().await?;
    posture.database = rights(database, &mut work).await;
    posture.api_contexts = contexts(&mut work).await;
    posture.accounts = accounts(&mut work).await.map_or_else(|e| unknown(&e), Observed::Known);
    posture.audit_trail = trail(&mut work).await.map_or_else(|e| unknown(&e), Observed::Known);
    if let Some(cleanup) = posture.cleanup.known_mut() {
        let every = i64::try_from(cleanup.every_seconds).unwrap_or(i64::MAX / 4000);
        let before = now.millis().saturating_sub(every.saturating_mul(2000));
        cleanup.overdue_rows = overdue(&mut work, before).await.ok();
    }
    work.cancel().await
}

fn unknown<T>(error: &StoreError) -> Observed<T> {
    Observed::unknown(error.to_string(), "a database that answers")
}

/// Rights of our own role; there are none in the embedded database.
pub(super) async fn rights(database: &Database, work: &mut UnitOfWork) -> Observed<DatabaseFacts> {
    if !database.is_postgres() {
        return Observed::Absent("the embedded database has no roles".to_owned());
    }
    role(work).await.map_or_else(|e| unknown(&e), |role| Observed::Known(DatabaseFacts { role }))
}

async fn role(work: &mut UnitOfWork) -> Result<RoleRights, StoreError> {
    let row = work
        .find(
            "SELECT r.rolname::text AS name, r.rolsuper::int::bigint AS superuser, \
             r.rolcreatedb::int::bigint AS create_database, r.rolcreaterole::int::bigint AS create_role, \
             r.rolreplication::int::bigint AS replication, r.rolbypassrls::int::bigint AS bypass, \
             has_schema_privilege(current_user, current_schema(), 'CREATE')::int::bigint AS create_in_schema, \
             (pg_has_role(current_user, 'pg_read_server_files', 'MEMBER') \
             OR pg_has_role(current_user, 'pg_write_server_files', 'MEMBER') \
             OR pg_has_role(current_user, 'pg_execute_server_program', 'MEMBER'))::int::bigint AS server_files, \
             (SELECT COUNT(*) FROM pg_tables t WHERE t.schemaname = current_schema() AND t.tableowner = r.rolname) \
             AS owned FROM pg_roles r WHERE r.rolname = current_user",
            [],
        )
        .await?;
    let row = row.ok_or_else(|| StoreError::Inconsistent {
        column: "pg_roles".to_owned(),
        reason: "the database does not know our own role".to_owned(),
    })?;
    let holds = |column: &str| row.int(column).map(|value| value > 0);
    let superuser = holds("superuser")?;
    Ok(RoleRights {
        name: row.text("name")?,
        superuser,
        create_database: holds("create_database")?,
        create_role: holds("create_role")?,
        create_in_schema: holds("create_in_schema")?,
        owns_tables: holds("owned")?,
        // A superuser is a member of everything; that is said once.
        replication: holds("replication")? && !superuser,
        bypass_row_security: holds("bypass")? && !superuser,
        server_files: holds("server_files")? && !superuser,
    })
}

/// Contexts of every API, with the API's name.
pub(super) async fn contexts(work: &mut UnitOfWork) -> Observed<Vec<(String, String)>> {
    let rows = work.query("SELECT context, name FROM api ORDER BY context", []).await;
    let read = |row: &Row| Ok((row.text("context")?, format!("API {}", row.text("name")?)));
    let read = rows.and_then(|rows| rows.iter().map(read).collect::<Result<Vec<_>, StoreError>>());
    read.map_or_else(|e| unknown(&e), Observed::Known)
}

/// The rules of accounts, as built.
pub(super) fn rules() -> Accounts {
    let settings = identity::IdentitySettings::new(String::new(), String::new());
    Accounts {
        lock_after: Some(settings.lock_threshold),
        min_password: u32::try_from(identity::MIN_PASSWORD_CHARS).unwrap_or(u32::MAX),
        // Well-known passwords are refused always; a list of breached ones is consulted beside them where there is one.
        breach_list: true,
        ..Accounts::default()
    }
}

async fn accounts(work: &mut UnitOfWork) -> Result<Accounts, StoreError> {
    let total = work.find("SELECT COUNT(*) AS total FROM user_account", []).await?;
    let total = total.map_or(Ok(0), |row| row.int("total"))?;
    let rows = work
        .query(
            "SELECT u.id AS id, u.name AS name, t.domain AS domain, r.name AS role, \
             (SELECT COUNT(*) FROM second_factor f WHERE f.tenant_id = u.tenant_id AND f.user_id = u.id) AS factors \
             FROM user_account u JOIN tenant t ON t.id = u.tenant_id \
             JOIN role_member m ON m.user_id = u.id JOIN role r ON r.id = m.role_id \
             WHERE u.locked = 0 AND EXISTS (SELECT 1 FROM role_member a JOIN role ar ON ar.id = a.role_id \
             WHERE a.user_id = u.id AND ar.name = 'admin') ORDER BY u.name, r.name",
            [],
        )
        .await?;
    let mut administrators: BTreeMap<String, Administrator> = BTreeMap::new();
    for row in &rows {
        let (name, domain, role) = (row.text("name")?, row.text("domain")?, row.text("role")?);
        let full = if domain == "carbon.super" { name } else { format!("{name}@{domain}") };
        let administrator = administrators.entry(row.text("id")?).or_default();
        administrator.name = full;
        administrator.second_factor = Some(row.int("factors")? > 0);
        if role != "admin" {
            administrator.other_roles.push(role);
        }
    }
    Ok(Accounts {
        set_up_pending: administrators.is_empty(),
        total: u64::try_from(total).unwrap_or(0),
        administrators: administrators.into_values().collect(),
        ..rules()
    })
}

/// Follows the chain of the audit log from its first record.
async fn trail(work: &mut UnitOfWork) -> Result<AuditTrail, StoreError> {
    let mut found = AuditTrail::default();
    let (mut sequence, mut hash) = (0_i64, String::new());
    loop {
        let page = audit::after(work, sequence, PAGE).await?;
        for record in &page {
            let follows = record.sequence == sequence.saturating_add(1) && record.previous_hash == hash;
            if !follows || audit::hash_of(record) != record.hash {
                found.broken_at = Some(record.sequence.to_string());
                return Ok(found);
            }
            sequence = record.sequence;
            hash.clone_from(&record.hash);
            found.records = found.records.saturating_add(1);
        }
        if page.is_empty() || found.records >= MAX_RECORDS {
            break;
        }
    }
    // Records cut off at the end leave the head behind.
    let head = work.find("SELECT sequence, hash FROM audit_head WHERE id = 1", []).await?;
    let whole = found.records >= MAX_RECORDS
        || head.is_none_or(|row| row.int("sequence").ok() == Some(sequence) && row.text("hash").ok() == Some(hash));
    if !whole {
        found.broken_at = Some(format!("after {sequence}, the last one"));
    }
    Ok(found)
}

/// Rows that should have been removed before a time.
async fn overdue(work: &mut UnitOfWork, before: i64) -> Result<u64, StoreError> {
    let before = Timestamp::from_millis(before);
    let row = work
        .find(
            "SELECT (SELECT COUNT(*) FROM revoked_token WHERE expires_at < $1) \
             + (SELECT COUNT(*) FROM sign_in_step WHERE expires_at < $1) \
             + (SELECT COUNT(*) FROM authorization_code WHERE expires_at < $1) AS overdue",
            [before.into()],
        )
        .await?;
    let rows = row.map_or(Ok(0), |row| row.int("overdue"))?;
    Ok(u64::try_from(rows).unwrap_or(0))
}
