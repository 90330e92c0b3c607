//! `portcullis update`

use std::path::PathBuf;
use std::time::Duration;

use semver::Version;
use serde_json::json;

use crate::advisories;
use crate::cli::{UpdateArguments, UpdateCommand};
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::installation::load_config;
use crate::terminal::Terminal;
use crate::update::{Exchange, Health, Record, Verified, roll_back};

pub(super) async fn run(home: &Home, command: UpdateCommand, terminal: Terminal) -> Outcome {
    let config = load_config(home, None)?.config;
    match command {
        UpdateCommand::Check { repository } => {
            check(home, &Verified::open(home, &config, repository.as_deref()).await?, terminal).await
        }
        UpdateCommand::Apply { repository, how } => {
            apply(home, &Verified::open(home, &config, repository.as_deref()).await?, &how, terminal).await
        }
        UpdateCommand::Rollback { how } => rollback(home, &how, terminal).await,
    }
}

fn present() -> Outcome<Version> {
    Version::parse(env!("CARGO_PKG_VERSION")).map_err(|e| Failure::internal(e.to_string()))
}

/// The program to exchange.
fn program(how: &UpdateArguments) -> Outcome<PathBuf> {
    match &how.program {
        Some(path) => Ok(path.clone()),
        None => std::env::current_exe().map_err(|e| Failure::internal(format!("this program has no path: {e}"))),
    }
}

async fn check(home: &Home, verified: &Verified, terminal: Terminal) -> Outcome {
    let present = present()?;
    let listed = verified.advisories().await?;
    let newest = verified.newest(&present);
    let about = verified.about();
    let known = advisories::known(home).unwrap_or_default();
    let data = json!({
        "present": present.to_string(),
        "newest": newest.as_ref().map(|release| release.version.to_string()),
        "advisories_updated": listed,
        "advisories": known.iter().map(|(id, part)| json!({ "id": id, "part": part })).collect::<Vec<_>>(),
        "root": about.root, "timestamp": about.timestamp, "expires": about.expires,
    });
    terminal.result(&data, || {
        let mut lines = vec![match &newest {
            Some(release) => format!(
                "Version {} is there ({} MiB); this is {present}. Install it: {}",
                release.version,
                release.size.div_ceil(1 << 20),
                home.command("update apply")
            ),
            None => format!("There is no newer version than {present}."),
        }];
        lines.extend(known.iter().map(|(id, part)| format!("{id} concerns {part}.")));
        lines.push(match (listed, known.is_empty()) {
            (true, true) => "The list of advisories is up to date; none concerns this program.".to_owned(),
            (true, false) => "The list of advisories is up to date.".to_owned(),
            (false, _) => "The repository has no list of advisories.".to_owned(),
        });
        lines.push(format!(
            "The metadata is signed (root {}, timestamp {}) and holds until {}.",
            about.root, about.timestamp, about.expires
        ));
        lines.join("\n")
    });
    Ok(())
}

async fn apply(home: &Home, verified: &Verified, how: &UpdateArguments, terminal: Terminal) -> Outcome {
    let present = present()?;
    let Some(release) = verified.newest(&present) else {
        let data = json!({ "present": present.to_string(), "installed": null });
        terminal.result(&data, || format!("There is no newer version than {present}."));
        return Ok(());
    };
    let program = program(how)?;
    let exchange = Exchange::begin(home, &program)?;
    let record = exchange.install(verified, &release, &present).await?;
    drop(exchange);
    if let Some(command) = &how.restart {
        let wait = Duration::from_secs(how.wait);
        if let Err(failure) = Health::of(&record.program, home).restart(command, wait).await {
            return Err(taken_back(home, &record, command, wait, failure).await);
        }
    }
    let data = json!({ "installed": record.present.version, "previous": record.previous.version,
        "program": record.program, "sha256": record.present.sha256, "restarted": how.restart.is_some() });
    terminal.result(&data, || {
        let next = match how.restart {
            Some(_) => "It serves.".to_owned(),
            None => "Restart the service; the running process is still the old program.".to_owned(),
        };
        format!(
            "{} is version {} now. {next}\nBack to {}: {}",
            record.program.display(),
            record.present.version,
            record.previous.version,
            home.command("update rollback")
        )
    });
    Ok(())
}

/// The new program did not serve: the old one is put back and restarted, and both outcomes are told.
async fn taken_back(home: &Home, record: &Record, command: &str, wait: Duration, mut failure: Failure) -> Failure {
    let back = match roll_back(home, &record.program) {
        Ok(_) => Health::of(&record.program, home).restart(command, wait).await,
        Err(failure) => Err(failure),
    };
    match back {
        Ok(()) => {
            for report in &mut failure.reports {
                report.fix = format!("version {} was put back and serves; look into its log", record.previous.version);
            }
            failure
        }
        Err(second) => {
            failure.reports.extend(second.reports);
            failure
        }
    }
}

async fn rollback(home: &Home, how: &UpdateArguments, terminal: Terminal) -> Outcome {
    let record = roll_back(home, &program(how)?)?;
    if let Some(command) = &how.restart {
        Health::of(&record.program, home).restart(command, Duration::from_secs(how.wait)).await?;
    }
    let data = json!({ "installed": record.previous.version, "taken_back": record.present.version,
        "program": record.program, "restarted": how.restart.is_some() });
    terminal.result(&data, || {
        let next = if how.restart.is_some() { "It serves." } else { "Restart the service." };
        format!("{} is version {} again. {next}", record.program.display(), record.previous.version)
    });
    Ok(())
}
