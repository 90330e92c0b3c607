//! `portcullis vault`

use std::path::Path;

use model::Secret;
use serde_json::json;

use toml_edit::DocumentMut;
use vault::secrets::{AliasState, encrypt_file_text, list_aliases, rotate_file_text};
use vault::{KeyMaterial, MasterKeySource};

use super::block_on;
use super::password::read_secret;
use crate::cli::VaultCommand;
use crate::config::{Config, VaultKey};
use crate::environment::variable;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, Report};
use crate::home::Home;
use crate::installation::{
    DatabaseRole, Secrets, finish_master_change, key_directory, key_failure, keyring_failure, load_config,
    master_key_file, next_master_key, open_database, open_keys, world,
};
use crate::reseal::{self, Resealed};
use crate::terminal::{Terminal, table};

pub(super) fn run(home: &Home, command: VaultCommand, terminal: Terminal) -> Outcome {
    home.require_initialised()?;
    match command {
        VaultCommand::Encrypt { alias, value_file } => encrypt(home, alias.as_deref(), value_file.as_deref(), terminal),
        VaultCommand::Rotate { master: false, .. } => rotate(home, terminal),
        VaultCommand::Reseal => reseal(home, terminal),
        VaultCommand::Rotate { master: true, value_file } => rotate_master(home, value_file.as_deref(), terminal),
        VaultCommand::List => list(home, terminal),
    }
}

fn encrypt(home: &Home, alias: Option<&str>, file: Option<&Path>, terminal: Terminal) -> Outcome {
    let mut text = read(home)?;
    if let Some(alias) = alias {
        let value = read_secret(&format!("Value of {alias} (not shown): "), file, false, terminal)?;
        text = with_alias(&text, alias, &value)?;
    }
    let (_, rng) = world();
    let keyring = open_vault(home, &text)?.keyring;
    let sealed = encrypt_file_text(&text, &keyring, rng.as_ref()).map_err(|e| secrets_failure(&e))?;
    if !sealed.changed.is_empty() {
        write(home, &sealed.text)?;
    }
    report("sealed", &sealed.changed, terminal);
    Ok(())
}

fn rotate(home: &Home, terminal: Terminal) -> Outcome {
    let text = read(home)?;
    let (clock, rng) = world();
    let directory = key_directory(home, &vault_config(&text)?)?;
    let keyring = directory.open_keyring().map_err(|e| keyring_failure(&e))?;
    // A file that cannot be sealed again must not leave a new key behind: tried under the present key first.
    rotate_file_text(&text, &keyring, rng.as_ref()).map_err(|e| secrets_failure(&e))?;
    // The keyring goes first: it opens both old and new texts, so a crash in between loses nothing.
    let rotated = directory.rotate_keyring(clock.as_ref(), rng.as_ref()).map_err(|e| key_failure(&e))?;
    let sealed = rotate_file_text(&text, &rotated, rng.as_ref()).map_err(|e| secrets_failure(&e))?;
    write(home, &sealed.text)?;
    let version = rotated.current().version();
    // Its passphrase is not in the memory of a server, so it would not find the new key.
    if home.is_served() && matches!(vault_config(&text)?.vault, VaultKey::Passphrase(_)) {
        let next = format!("restart the server, then: {}", home.command("vault reseal"));
        let data = json!({ "key_version": version, "sealed": sealed.changed, "rows": 0, "next": next });
        terminal.result(&data, || {
            format!(
                "The vault key has version {version} now; {} secrets of deployment.toml are sealed under it. The database needs \
                 the older ones still: {next}",
                sealed.changed.len()
            )
        });
        return Ok(());
    }
    let stored = block_on(reseal_stored(home)).map_err(|mut failure| {
        let what = format!("the vault key has version {version} now, but the database still needs older ones");
        let fix = home.command("vault reseal");
        failure.reports.push(Report { code: "VLT010", what, why: String::new(), fix });
        failure
    })?;
    let data =
        json!({ "key_version": version, "sealed": sealed.changed, "rows": stored.exchanged, "left": stored.left });
    terminal.result(&data, || {
        let head = format!(
            "The vault key has version {version} now; {} secrets of deployment.toml and {} rows of the database are sealed \
             under it.",
            sealed.changed.len(),
            stored.exchanged
        );
        with_left(head, &stored)
    });
    Ok(())
}

fn reseal(home: &Home, terminal: Terminal) -> Outcome {
    let stored = block_on(reseal_stored(home))?;
    terminal.result(&json!({ "rows": stored.exchanged, "left": stored.left }), || {
        with_left(format!("{} rows of the database were sealed under the newest key.", stored.exchanged), &stored)
    });
    Ok(())
}

fn with_left(head: String, stored: &Resealed) -> String {
    let mut lines = vec![head];
    lines.extend(stored.left.iter().map(|row| format!("Still under an older key: {row}")));
    lines.join("\n")
}

/// Seals the rows of the database again. One that was never made has none.
async fn reseal_stored(home: &Home) -> Outcome<Resealed> {
    let (clock, rng) = world();
    let config = load_config(home, None)?.config;
    if let crate::config::Database::Sqlite { path } = &config.database
        && !path.as_ref().map_or_else(|| home.database_file(), |p| home.root().join(p)).exists()
    {
        return Ok(Resealed::default());
    }
    let keys = open_keys(home, &config, clock.as_ref(), rng.as_ref())?;
    let database = open_database(home, &config, &Secrets::new(home, &config, &keys), DatabaseRole::Runtime).await?;
    let current = database.schema_state(store::Migration::all()).await? == store::SchemaState::Current;
    let stored = if current { reseal::reseal(&database, &keys.keyring, &rng).await } else { Ok(Resealed::default()) };
    database.close().await;
    stored
}

/// Changes the key that locks the keyring. The keys inside and what they sealed stay as they are.
fn rotate_master(home: &Home, value_file: Option<&Path>, terminal: Terminal) -> Outcome {
    let config = vault_config(&read(home)?)?;
    let (_, rng) = world();
    let directory = key_directory(home, &config)?;
    let lock_with = |new: &MasterKeySource| directory.change_master_key(new, rng.as_ref()).map_err(|e| key_failure(&e));
    let given = || read_secret("New master key or passphrase (not shown): ", value_file, true, terminal);
    let next_step = match &config.vault {
        VaultKey::File(_) => {
            if value_file.is_some() {
                let what = "the new key is generated here, because [vault] key_source is \"file\"";
                return Err(Failure::usage(what, "leave --value-file out"));
            }
            let present = master_key_file(home, &config).unwrap_or_default();
            let next = next_master_key(&present);
            vault::create_private(&next, vault::generate_key_text(rng.as_ref()).expose().as_bytes()).map_err(|e| {
                if e.already_exists() {
                    let what = format!("{} is there already", next.display());
                    let why =
                        "another change of the master key is under way, or was interrupted before it did anything";
                    Failure::new(Exit::Vault, "VLT009", what, why, "if no other runs, delete that file and try again")
                } else {
                    Failure::from_error(Exit::Io, "IO003", "the new master key cannot be written", &e)
                }
            })?;
            // The new key is on the disk before the keyring needs it; a crash after this is finished by the next command.
            if let Err(failure) = lock_with(&MasterKeySource::File(next.clone())) {
                let _ = std::fs::remove_file(&next);
                return Err(failure);
            }
            finish_master_change(home, &present)?;
            format!("Back up {}: copies of the former key open only former copies of the keyring.", present.display())
        }
        VaultKey::Env(name) => {
            lock_with(&MasterKeySource::Value(given()?))?;
            format!("Put the new key into the environment variable {name} before the next start.")
        }
        VaultKey::Systemd(name) => {
            lock_with(&MasterKeySource::Value(given()?))?;
            format!("Put the new key into the systemd credential {name} before the next start.")
        }
        VaultKey::Passphrase(_) => {
            lock_with(&MasterKeySource::Passphrase(given()?))?;
            "Put the new passphrase where [vault] passphrase points to, before the next start.".to_owned()
        }
    };
    terminal.result(&json!({ "master": "changed", "next": next_step }), || {
        format!("The keyring is locked with a new master key; the sealed secrets stay as they are. {next_step}")
    });
    Ok(())
}

fn list(home: &Home, terminal: Terminal) -> Outcome {
    let aliases = list_aliases(&read(home)?).map_err(|e| secrets_failure(&e))?;
    let state = |state: &AliasState| match state {
        AliasState::Plain => "plain text: run `portcullis vault encrypt`".to_owned(),
        AliasState::Sealed { .. } => "sealed".to_owned(),
        AliasState::Foreign => "not readable".to_owned(),
    };
    let rows: Vec<Vec<String>> =
        aliases.iter().map(|a| vec![a.alias.clone(), a.line.to_string(), state(&a.state)]).collect();
    let data: Vec<_> =
        aliases.iter().map(|a| json!({ "alias": a.alias, "line": a.line, "state": state(&a.state) })).collect();
    terminal.result(&json!(data), || table(&["alias", "line", "state"], &rows));
    Ok(())
}

/// Adds or replaces an alias as plain text in brackets; the caller seals it before anything is written.
fn with_alias(text: &str, alias: &str, value: &Secret<String>) -> Outcome<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if alias.is_empty() || alias.len() > 100 || !alias.chars().all(allowed) {
        return Err(Failure::usage(format!("{alias:?} is not an alias"), "use letters, digits, `_` and `-`"));
    }
    let mut document: DocumentMut = text.parse().map_err(not_toml)?;
    let section = document.entry("secrets").or_insert(toml_edit::Item::Table(toml_edit::Table::new()));
    let section = section.as_table_mut().ok_or_else(|| {
        Failure::new(Exit::Configuration, "CFG006", "[secrets] is not a section", "", "write [secrets] as a section")
    })?;
    section.insert(alias, toml_edit::value(format!("[{}]", value.expose())));
    Ok(document.to_string())
}

/// The part of the configuration that says where the vault's key is. The rest may be wrong: secrets are often sealed to
/// make it right.
fn vault_config(text: &str) -> Outcome<Config> {
    let whole: DocumentMut = text.parse().map_err(not_toml)?;
    let mut part = DocumentMut::new();
    for section in ["server", "vault"] {
        if let Some(item) = whole.get(section) {
            part.insert(section, item.clone());
        }
    }
    let texts = [(crate::home::CONFIG_FILE.to_owned(), part.to_string())];
    Ok(crate::config::load_texts(&texts, &variable).map_err(Failure::configuration)?.config)
}

/// The keyring of a home, made with the other keys when this is the first command run there.
fn open_vault(home: &Home, text: &str) -> Outcome<KeyMaterial> {
    home.prepare()?;
    let (clock, rng) = world();
    open_keys(home, &vault_config(text)?, clock.as_ref(), rng.as_ref())
}

fn not_toml(error: toml_edit::TomlError) -> Failure {
    Failure::new(
        Exit::Configuration,
        "CFG001",
        "deployment.toml is not TOML",
        error.to_string(),
        "portcullis config check",
    )
}

fn read(home: &Home) -> Outcome<String> {
    let path = home.config_file();
    std::fs::read_to_string(&path).map_err(|e| Failure::io(&path, "read", &e))
}

fn write(home: &Home, text: &str) -> Outcome {
    vault::replace_keeping_mode(&home.config_file(), text.as_bytes())
        .map_err(|e| Failure::from_text(Exit::Io, "IO003", "deployment.toml cannot be written", &e.to_string()))
}

fn secrets_failure(error: &vault::secrets::SecretsError) -> Failure {
    Failure::from_text(Exit::Vault, "VLT008", "[secrets] cannot be sealed; nothing was changed", &error.to_string())
}

fn report(verb: &str, aliases: &[String], terminal: Terminal) {
    terminal.result(&json!({ verb: aliases }), || match aliases {
        [] => "Every secret is sealed already.".to_owned(),
        aliases => format!("Sealed: {}.", aliases.join(", ")),
    });
}

#[cfg(test)]
mod tests {
    use super::with_alias;
    use model::Secret;

    #[test]
    fn an_alias_is_added_and_the_rest_of_the_file_stays() {
        let text = "# mine\n[server]\nhostname = \"a\" # why\n";
        let changed = with_alias(text, "db", &Secret::new("p\"w".into())).unwrap();
        assert!(changed.starts_with(text), "{changed}");
        assert!(changed.contains("[secrets]\ndb = "), "{changed}");
        assert!(with_alias(text, "a b", &Secret::new("x".into())).is_err());
        assert!(with_alias("secrets = 1", "a", &Secret::new("x".into())).is_err());
    }
}
