//! `portcullis audit`: gathers a posture, judges it, writes a report. It changes nothing of what it looks at; a report of
//! an installation is kept below `audit/` of its home.

mod accept;
pub(crate) mod history;
mod signature;

use std::path::Path;

use guidelines::{Format, Posture, Report, ReportInput, Subject};
use model::{Secret, Timestamp};
use serde_json::json;

use crate::cli::{AuditArguments, AuditCommand, AuditFormat};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::installation::{load_config, read_secret_file, world};
use crate::posture;
use crate::terminal::Terminal;

pub(super) fn run(home: &Home, arguments: AuditArguments, terminal: Terminal) -> Outcome {
    match arguments.command {
        None => audit(home, &arguments, terminal),
        Some(AuditCommand::Diff { before, after }) => history::diff(home, before.zip(after), terminal),
        Some(AuditCommand::History) => history::list(home, terminal),
        Some(AuditCommand::Waive(accepted)) => accept::waive(home, &accepted, terminal),
        Some(AuditCommand::Attest(accepted)) => accept::attest(home, &accepted, terminal),
        Some(AuditCommand::Verify { file, signature, jwks }) => {
            signature::verify(home, &file, signature.as_deref(), jwks.as_deref(), terminal)
        }
    }
}

fn audit(home: &Home, arguments: &AuditArguments, terminal: Terminal) -> Outcome {
    let (clock, rng) = world();
    known_ids(&arguments.only)?;
    let report = match &arguments.wso2_home {
        Some(directory) => wso2_report(directory, arguments, clock.now())?,
        None => own_report(home, &arguments.only, arguments.files_only, clock.now())?,
    };
    if arguments.wso2_home.is_none() && arguments.only.is_empty() {
        history::keep(home, &report, rng.as_ref())?;
    }
    let format = match arguments.format {
        AuditFormat::Text => Format::Text,
        AuditFormat::Json => Format::Json,
        AuditFormat::Sarif => Format::Sarif,
        AuditFormat::Junit => Format::Junit,
        AuditFormat::Html => Format::Html,
        AuditFormat::Oscal => Format::Oscal,
    };
    let text = guidelines::render(&report, format, rng.as_ref());
    match &arguments.out {
        None => terminal.raw(text.trim_end()),
        Some(path) => {
            std::fs::write(path, &text).map_err(|e| Failure::io(path, "write", &e))?;
            let signed = home.is_initialised() && signature::write(home, path, text.as_bytes(), &report).is_ok();
            let place = path.display().to_string();
            let data = json!({ "file": place, "signed": signed, "score": report.score, "counts": report.counts });
            terminal.result(&data, || {
                let with = if signed { format!(", signature in {place}.jws") } else { ", not signed".to_owned() };
                format!(
                    "{place}: score {} of 100, {} fail ({} must){with}",
                    report.score, report.counts.fails, report.counts.must_fails
                )
            });
        }
    }
    outcome(&report, arguments.strict)
}

/// An id that is neither guideline nor check would make an empty report that looks like a good one.
fn known_ids(only: &[String]) -> Outcome {
    let known =
        |id: &String| guidelines::guideline(id).is_some() || guidelines::CHECKS.iter().any(|check| check.meta.id == id);
    match only.iter().find(|id| !known(id)) {
        None => Ok(()),
        Some(id) => Err(Failure::usage(
            format!("{id:?} is neither a guideline nor a check"),
            "as in --only A08 or --only A08.1",
        )),
    }
}

/// The exit code of an audit: guidelines that fail are refusals.
fn outcome(report: &Report, strict: bool) -> Outcome {
    let failing = if strict { report.counts.fails } else { report.counts.must_fails };
    if failing == 0 {
        return Ok(());
    }
    let what = match failing {
        1 => "one check fails".to_owned(),
        count => format!("{count} checks fail"),
    };
    Err(Failure::new(Exit::Refused, "AUD003", what, "", "each finding in the report says what to do"))
}

fn wso2_report(directory: &Path, arguments: &AuditArguments, now: Timestamp) -> Outcome<Report> {
    let guesses: Vec<Secret<String>> =
        arguments.password_file.iter().map(|path| read_secret_file(path)).collect::<Outcome<_>>()?;
    let posture = posture::wso2::collect(directory, &guesses, now)?;
    let product = posture.wso2.known().map_or("WSO2", |home| home.product.name());
    let version = posture.wso2.known().and_then(|home| home.version.clone()).unwrap_or_default();
    let accepted = accept::read(&directory.join(accept::FILE))?;
    Ok(Report::new(
        &posture,
        ReportInput {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            subject: Subject {
                kind: "wso2",
                home: directory.display().to_string(),
                product: format!("WSO2 {product} {version}").trim().to_owned(),
            },
            waivers: accepted.waivers,
            attestations: accepted.attestations,
            only: arguments.only.clone(),
        },
    ))
}

/// Looks at an installation of ours. Starts a runtime of its own: call it from a thread that is in none.
pub(crate) fn own_report(home: &Home, only: &[String], files_only: bool, now: Timestamp) -> Outcome<Report> {
    let loaded = load_config(home, None)?;
    let mut posture = posture::collect_static(home, &loaded.config, &loaded.effective, now);
    // Only the audit looks: a newly published hole must not keep a server from coming back after a crash.
    if let Some(program) = posture.program.known_mut() {
        program.advisories = crate::advisories::known(home);
        program.advisories_age_days = crate::advisories::age_days(home, now);
    }
    if !files_only {
        super::block_on(look_further(home, &loaded.config, &mut posture, now))?;
    }
    let accepted = accept::read(&home.root().join(accept::FILE))?;
    Ok(Report::new(
        &posture,
        ReportInput {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            subject: Subject {
                kind: "portcullis",
                home: home.root().display().to_string(),
                product: format!("Portcullis {}", env!("CARGO_PKG_VERSION")),
            },
            waivers: accepted.waivers,
            attestations: accepted.attestations,
            only: only.to_vec(),
        },
    ))
}

/// What takes more than files: the database, the host, and the running system from outside.
async fn look_further(home: &Home, config: &crate::config::Config, posture: &mut Posture, now: Timestamp) -> Outcome {
    if let Err(failure) = look_into_database(home, config, posture, now).await {
        let why = failure.reports.first().map_or_else(String::new, |report| format!("{}: {}", report.what, report.why));
        posture.database = guidelines::Observed::unknown(why.clone(), "a database that answers");
        posture.accounts = guidelines::Observed::unknown(why.clone(), "a database that answers");
        posture.audit_trail = guidelines::Observed::unknown(why.clone(), "a database that answers");
        posture.api_contexts = guidelines::Observed::unknown(why, "a database that answers");
    }
    crate::host::fill(posture, home, config, now);
    crate::probe::fill(posture, home, config);
    crate::probe::fill_async(posture, home, config).await;
    Ok(())
}

async fn look_into_database(
    home: &Home,
    config: &crate::config::Config,
    posture: &mut Posture,
    now: Timestamp,
) -> Outcome {
    let database = match &config.database {
        crate::config::Database::Sqlite { path } => {
            let path = path.as_ref().map_or_else(|| home.database_file(), |path| home.root().join(path));
            store::Database::open_sqlite_read_only(&path, !home.is_served()).await?
        }
        crate::config::Database::Postgres(_) => {
            let locked = || {
                Failure::new(
                    Exit::Vault,
                    "VLT001",
                    "the vault cannot be opened",
                    "",
                    "run the audit as the service's user",
                )
            };
            let secrets = posture::resolver(home, config).ok_or_else(locked)?;
            crate::installation::open_database(home, config, &secrets, crate::installation::DatabaseRole::Runtime)
                .await?
        }
    };
    posture::add_store(posture, &database, now).await?;
    database.close().await;
    Ok(())
}
