//! Gathers the facts that guideline checks look at, and refuses the start when a condition does not hold.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use guidelines::{
    Administrators, CertificateFacts, CertificateFault, DatabaseFacts, Finding, ListenerFacts, Posture, PrivateFile,
    RoleRights, evaluate,
};
use identity::Identity;
use model::Timestamp;
use store::Database;
use vault::tls::ServerIdentity;
use vault::{CertificatePurpose, check_certificate};

use crate::config::{self, Config};
use crate::failure::{Failure, Outcome};
use crate::first_boot;
use crate::home::Home;

/// Reads the state of an installation that is about to serve.
pub(crate) async fn collect(
    home: &Home,
    config: &Config,
    server_identity: &ServerIdentity,
    database: &Database,
    identity: &Identity,
    now: Timestamp,
) -> Outcome<Posture> {
    let current = server_identity.current();
    let faults = check_certificate(current.chain(), None, now, CertificatePurpose::Identity);
    let certificate = CertificateFacts {
        place: "the TLS certificate".to_owned(),
        faults: faults
            .into_iter()
            .map(|f| CertificateFault { observed: f.observed, fix: f.rule.fix().to_owned() })
            .collect(),
    };
    let pending = identity.needs_setup().await.map_err(|e| first_boot::failure(&e))?;
    Ok(Posture {
        uid: rustix::process::geteuid().as_raw(),
        listeners: listeners(config),
        certificates: vec![certificate],
        private_files: private_files(home)?,
        // The parser refuses them with line and column, so a configuration that was read has none.
        plain_secrets: Vec::new(),
        database: database_facts(config, database).await?,
        administrators: Administrators {
            set_up_pending: pending && config.first_admin.is_none(),
            known_credentials: false,
        },
    })
}

/// Refuses the start when a `must` does not hold; logs the rest.
pub(crate) fn enforce(posture: &Posture) -> Outcome {
    let (refusing, other): (Vec<Finding>, Vec<Finding>) =
        evaluate(posture).into_iter().partition(|f| f.refuses_start(posture.exposed()));
    for finding in &other {
        tracing::warn!(check = finding.check.id, observed = %finding.observed, fix = %finding.fix, "guideline finding");
    }
    if refusing.is_empty() { Ok(()) } else { Err(Failure::guidelines(&refusing)) }
}

fn listeners(config: &Config) -> Vec<ListenerFacts> {
    let all = &config.listeners;
    let facts = [
        ("management", "transport.https", Some(all.console), true),
        ("gateway", "transport.passthru_https.listener", all.gateway_https, true),
        ("plain gateway", "transport.passthru_http.listener", all.gateway_http, false),
        ("status", "status", all.status, true),
    ];
    facts
        .into_iter()
        .filter_map(|(name, section, address, tls)| Some(ListenerFacts { name, section, address: address?, tls }))
        .collect()
}

/// Every file below `security/` but the certificates, which everybody may read.
fn private_files(home: &Home) -> Outcome<Vec<PrivateFile>> {
    let directory = home.security();
    let failed = |e: &std::io::Error| Failure::io(&directory, "read", e);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&directory).map_err(|e| failed(&e))? {
        let entry = entry.map_err(|e| failed(&e))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let metadata = entry.metadata().map_err(|e| failed(&e))?;
        let holds_key = !matches!(name.as_str(), "ca.pem" | "tls.pem" | "lock") && !name.starts_with('.');
        if metadata.is_file() && holds_key {
            found.push(PrivateFile {
                path: entry.path().display().to_string(),
                mode: metadata.permissions().mode(),
                owner: metadata.uid(),
            });
        }
    }
    Ok(found)
}

async fn database_facts(config: &Config, database: &Database) -> Outcome<DatabaseFacts> {
    let config::Database::Postgres(postgres) = &config.database else { return Ok(DatabaseFacts::Embedded) };
    let (host, local) = match &postgres.host {
        config::PostgresHost::Socket(directory, _) => (directory.display().to_string(), true),
        config::PostgresHost::Tcp(host, _) => (host.to_string(), postgres.tls == config::PostgresTls::Local),
    };
    let verified_tls = matches!(postgres.tls, config::PostgresTls::VerifyFull { .. });
    let mut work = database.read().await?;
    let row = work
        .find(
            "SELECT r.rolname::text AS name, r.rolsuper::int::bigint AS superuser, \
             r.rolcreatedb::int::bigint AS create_database, r.rolcreaterole::int::bigint AS create_role, \
             has_schema_privilege(current_user, current_schema(), 'CREATE')::int::bigint AS create_in_schema, \
             (SELECT COUNT(*) FROM pg_tables t WHERE t.schemaname = current_schema() AND t.tableowner = r.rolname) \
             AS owned FROM pg_roles r WHERE r.rolname = current_user",
            [],
        )
        .await?;
    work.cancel().await?;
    let row = row.ok_or_else(|| Failure::internal("the database does not know our own role"))?;
    let holds = |column: &str| row.int(column).map(|value| value > 0);
    let role = RoleRights {
        name: row.text("name")?,
        superuser: holds("superuser")?,
        create_database: holds("create_database")?,
        create_role: holds("create_role")?,
        create_in_schema: holds("create_in_schema")?,
        owns_tables: holds("owned")?,
    };
    Ok(DatabaseFacts::Server { host, local, verified_tls, role })
}
