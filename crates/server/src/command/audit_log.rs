//! `portcullis audit-log`: verify, export, tail.

use std::time::Duration;

use serde_json::{Value, json};
use store::Database;
use store::repository::audit::{self, AuditRecord};

use crate::cli::AuditLogCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::installation::{DatabaseRole, Secrets, load_config, open_database, open_keys, world};
use crate::serve::checkpoints;
use crate::serve::sealer::VaultSealer;
use crate::terminal::Terminal;

/// Records that are read at a time.
const PAGE: i64 = 500;
/// How often a log that is followed is looked at.
const LOOK: Duration = Duration::from_secs(1);

pub(super) async fn run(home: &Home, command: AuditLogCommand, terminal: Terminal) -> Outcome {
    home.require_initialised()?;
    let (clock, rng) = world();
    let loaded = load_config(home, None)?;
    let keys = open_keys(home, &loaded.config, clock.as_ref(), rng.as_ref())?;
    let secrets = Secrets::new(home, &loaded.config, &keys);
    let database = open_database(home, &loaded.config, &secrets, DatabaseRole::Runtime).await?;
    let outcome = match command {
        AuditLogCommand::Verify => {
            let sealer = VaultSealer::new(std::sync::Arc::clone(&keys.keyring), rng);
            verify(home, &database, &sealer, terminal).await
        }
        AuditLogCommand::Export { after } => export(&database, after, terminal).await.map(drop),
        AuditLogCommand::Tail { records, follow } => tail(&database, records, follow, terminal).await,
    };
    database.close().await;
    outcome
}

async fn verify(home: &Home, database: &Database, sealer: &VaultSealer, terminal: Terminal) -> Outcome {
    let kept = checkpoints::kept(home).map_err(|reason| {
        Failure::new(
            Exit::Io,
            "IO001",
            "the checkpoint of the audit log cannot be read",
            reason,
            "look at the file's owner and mode",
        )
    })?;
    let mut work = database.read().await?;
    let found = control::verify_audit_log(&mut work, sealer, kept.as_deref()).await?;
    work.cancel().await?;
    match found {
        Ok(chain) => {
            let sealed_at = chain.sealed_at.map(model::Timestamp::rfc3339);
            let data =
                json!({ "whole": true, "records": chain.records, "sealedTo": chain.sealed_to, "sealedAt": sealed_at });
            terminal.result(&data, || match sealed_at {
                Some(at) => format!(
                    "The audit log is whole: {} records; checkpoints vouch for it up to record {} ({at}).",
                    chain.records, chain.sealed_to
                ),
                None => format!("The audit log is whole: {} records. No checkpoint has been made yet.", chain.records),
            });
            Ok(())
        }
        Err(fault) => Err(Failure::new(
            Exit::Refused,
            "A21.4",
            format!("the audit log is not whole: {fault}"),
            "somebody changed the database, or put another one in its place, outside of Portcullis",
            "keep a copy of the database, and compare with a backup: portcullis backup list",
        )),
    }
}

fn line(record: &AuditRecord) -> Value {
    json!({
        "sequence": record.sequence, "id": record.id, "at": record.at.rfc3339(), "tenant": record.tenant.number(),
        "principal": record.principal, "action": record.action, "target": record.target,
        "previousHash": record.previous_hash, "hash": record.hash,
    })
}

/// Prints records after a number, one JSON object to a line; the number of the last.
async fn export(database: &Database, after: i64, terminal: Terminal) -> Outcome<i64> {
    let mut last = after;
    loop {
        let mut work = database.read().await?;
        let page = audit::after(&mut work, last, PAGE).await?;
        work.cancel().await?;
        let Some(end) = page.last() else { return Ok(last) };
        last = end.sequence;
        let lines: Vec<String> = page.iter().map(|record| line(record).to_string()).collect();
        terminal.raw(&lines.join("\n"));
    }
}

async fn tail(database: &Database, records: u32, follow: bool, terminal: Terminal) -> Outcome {
    let mut work = database.read().await?;
    let newest = audit::newest(&mut work).await?;
    work.cancel().await?;
    let mut last = export(database, newest.saturating_sub(i64::from(records)).max(0), terminal).await?;
    if !follow {
        return Ok(());
    }
    loop {
        tokio::time::sleep(LOOK).await;
        last = export(database, last, terminal).await?;
    }
}
