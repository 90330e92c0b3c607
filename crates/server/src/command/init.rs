//! `portcullis init`

use std::path::Path;

use serde_json::json;

use crate::config::{HostName, default_file};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::first_boot::{self, FirstBoot};
use crate::home::Home;
use crate::installation::{DatabaseRole, Secrets, ensure_schema, load_config, open_database, open_keys, world};
use crate::serve::assemble_identity;
use crate::terminal::Terminal;

pub(super) fn run(home: &Home, terminal: Terminal) -> Outcome {
    let existed = home.is_initialised();
    let created = initialise(home)?;
    let boot = super::block_on(async {
        let (clock, rng) = world();
        let loaded = load_config(home, None)?;
        let keys = open_keys(home, &loaded.config, clock.as_ref(), rng.as_ref())?;
        let secrets = Secrets::new(home, &loaded.config, &keys);
        let database = open_database(home, &loaded.config, &secrets, DatabaseRole::Runtime).await?;
        ensure_schema(&database, clock.as_ref()).await?;
        let identity = assemble_identity(&loaded.config, &keys, database.clone(), (clock, rng), None)?;
        let identity = crate::serve::equip(identity, home, &loaded.config, &secrets)?;
        let boot = first_boot::prepare(&identity, &loaded.config, &secrets).await?;
        database.close().await;
        Ok((boot, loaded.config))
    });
    let (boot, config) = boot?;
    let link = boot.link(&config);
    let root = home.root().display();
    terminal.result(
        &json!({ "home": root.to_string(), "created": created, "set_up_link": link.as_deref() }),
        || {
            let mut text = match (existed, created.is_empty()) {
                (false, _) => format!("Portcullis is initialised in {root}."),
                (true, true) => format!("{root} is complete; nothing was changed."),
                (true, false) => format!("{root} was completed: {}.", created.join(", ")),
            };
            match (&boot, &link) {
                (_, Some(link)) => {
                    text.push_str(&format!(
                        "\n\nChoose the first administrator within 24 hours; the link works once, while the server runs:\n  {link}"
                    ));
                }
                (FirstBoot::LinkWaits, None) => {
                    let lost = home.command("setup-link");
                    text.push_str(&format!("\n\nThe set-up link was printed before. Lost? {lost}"));
                }
                _ => {}
            }
            text.push_str(&format!("\n\nNext: {}", home.command("serve")));
            text
        },
    );
    Ok(())
}

/// Makes directories, configuration and keys that are not there yet; answers what was made.
///
/// The configuration file comes last: a home without it is one that was never finished, and is completed.
pub(crate) fn initialise(home: &Home) -> Outcome<Vec<String>> {
    home.prepare()?;
    let mut created = Vec::new();
    let path = home.config_file();
    if !path.exists() {
        let hostname = HostName::read("localhost").ok_or_else(|| Failure::internal("localhost is no host name"))?;
        write_once(&path, default_file(&hostname).as_bytes())?;
        created.push(crate::home::CONFIG_FILE.to_owned());
    }
    let loaded = load_config(home, None)?;
    let (clock, rng) = world();
    let keys = open_keys(home, &loaded.config, clock.as_ref(), rng.as_ref())?;
    created.extend(keys.created.iter().map(|name| format!("security/{name}")));
    Ok(created)
}

/// Writes a file that must not be there, completely or not at all.
fn write_once(path: &Path, bytes: &[u8]) -> Outcome {
    vault::create_private(path, bytes)
        .map_err(|e| Failure::from_text(Exit::Io, "IO004", format!("cannot write {}", path.display()), &e.to_string()))
}
