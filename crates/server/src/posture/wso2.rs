//! The home directory of a WSO2 product, read without running it.
//!
//! Everything here may be missing, unreadable, malformed, huge or hostile: each fault becomes a fact about that file.

mod connections;
mod files;
mod keystores;
pub(super) mod literals;
mod log4j;
mod scripts;
mod settings;
mod transports;
mod xml;

use std::path::{Path, PathBuf};

use guidelines::{
    Accounts, CallbackPattern, Cleanup, Observed, Posture, SecretFacts, Tokens, Wso2Home, Wso2Product, Wso2User,
};
use model::{Secret, Timestamp};

pub(crate) use settings::Settings;

use crate::config::is_known_password;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

/// Where things lie in a home.
pub(crate) struct Layout {
    /// The home directory.
    pub(crate) root: PathBuf,
    /// Which product.
    pub(crate) product: Wso2Product,
    /// Directory of `deployment.toml`.
    pub(crate) conf: PathBuf,
}

impl Layout {
    /// Tells the product by its directories.
    pub(crate) fn of(root: &Path) -> Outcome<Self> {
        if !root.is_dir() {
            let what = format!("{} is not a directory", root.display());
            return Err(Failure::new(
                Exit::NotFound,
                "AUD001",
                what,
                "",
                "name the home directory of the WSO2 product",
            ));
        }
        let (deep, flat) = (root.join("repository/conf"), root.join("conf"));
        let integrator = root.join("bin/micro-integrator.sh").exists() || (!deep.is_dir() && flat.is_dir());
        if !deep.is_dir() && !flat.is_dir() {
            let what = format!("{} is not the home of a WSO2 product", root.display());
            let why = "it has neither repository/conf nor conf";
            return Err(Failure::new(
                Exit::NotFound,
                "AUD002",
                what,
                why,
                "name the directory that has bin/ and repository/",
            ));
        }
        let product = if integrator { Wso2Product::MicroIntegrator } else { Wso2Product::ApiManager };
        let conf = if flat.is_dir() && (integrator || !deep.is_dir()) { flat } else { deep };
        Ok(Self { root: root.to_owned(), product, conf })
    }

    /// A path as the operator knows it: relative to the home.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

/// Reads a home. `guesses` are passwords that may open its key stores.
pub(crate) fn collect(root: &Path, guesses: &[Secret<String>], now: Timestamp) -> Outcome<Posture> {
    let layout = Layout::of(root)?;
    let mut home = Wso2Home { product: layout.product, ..Wso2Home::default() };
    let settings = Settings::read(&layout, &mut home.unreadable);
    home.config_place.clone_from(&settings.place);
    let mut secrets = settings.secrets();
    let mut accounts = accounts(&settings);
    let logs = log4j::read(&layout, &mut home);
    scripts::read(&layout, &mut home, &mut secrets);
    xml::read(&layout, &mut home, &mut secrets, &mut accounts);
    files::describe(&layout, &mut home, &mut secrets);
    home.users = users(&settings);
    home.callbacks = callbacks(&settings);
    home.service_accounts = service_accounts(&settings);
    let endpoints = transports::tls(&settings);
    let listeners = transports::listeners(&settings);
    let posture = Posture {
        taken_at: now.millis(),
        is_wso2: true,
        listeners: Observed::Known(listeners),
        keystores: Observed::Known(keystores::read(&layout, &settings, guesses, now)),
        secrets: Observed::Known(secrets),
        files: Observed::Known(files::modes(&layout)),
        connections: Observed::Known(connections::read(&settings)),
        database: Observed::unknown("a home does not show the rights of its database role", "a look into the database"),
        cleanup: cleanup(&settings),
        tls: Observed::Known(endpoints),
        accounts: Observed::Known(accounts),
        logs,
        tokens: tokens(&settings),
        api_contexts: Observed::Known(xml::contexts(&layout)),
        program: Observed::Absent("the home of a WSO2 product".to_owned()),
        process: Observed::Absent("the home of a WSO2 product".to_owned()),
        wso2: Observed::Known(Wso2Home { settings: settings.entries, ..home }),
        ..Posture::default()
    };
    Ok(posture)
}

/// Accounts in the configuration whose passwords everybody knows.
fn accounts(settings: &Settings) -> Accounts {
    let mut known = Vec::new();
    for (key, setting) in &settings.entries {
        let value = setting.value.text();
        // A password that follows the administrator's is changed with it.
        let account =
            Settings::is_password(key) && !settings.follows_administrator(key) && !Settings::has_own_rule(key);
        if account && !Settings::is_reference(&value) && is_known_password(value.trim()) {
            known.push((setting.place.clone(), key.clone()));
        }
    }
    if !settings.entries.contains_key("super_admin.password") {
        known.push((settings.place.clone(), "super_admin.password (left out, so admin)".to_owned()));
    }
    let pattern = ["user_store.properties.PasswordJavaRegEx", "user_store.password_java_regex"]
        .iter()
        .find_map(|key| settings.entries.get(*key))
        .map_or_else(|| "^[\\S]{5,30}$".to_owned(), |setting| setting.value.text());
    let least = pattern.rsplit_once('{').and_then(|(_, rest)| rest.split([',', '}']).next()?.trim().parse().ok());
    Accounts { known_credentials: known, min_password: least.unwrap_or(0), ..Accounts::default() }
}

fn users(settings: &Settings) -> Vec<Wso2User> {
    let mut users = Vec::new();
    for index in 0..1000 {
        let key = |name: &str| {
            [format!("internal_apis.users.{index}.user.{name}"), format!("internal_apis.users.{index}.{name}")]
        };
        let find = |name: &str| key(name).into_iter().find_map(|key| settings.entries.get(&key));
        let Some(name) = find("name").or_else(|| find("username")) else { break };
        let admin = find("is_admin").is_some_and(|setting| setting.value.is_true());
        users.push(Wso2User { name: name.value.text(), admin, place: name.place.clone() });
    }
    users
}

fn callbacks(settings: &Settings) -> Vec<CallbackPattern> {
    if settings.product != Wso2Product::ApiManager {
        return Vec::new();
    }
    let off = |key: &str| settings.entries.get(key).is_some_and(|setting| setting.value.text() == "false");
    let parts = [
        ("recovery", !off("identity_mgt.recovery.notification.password.enable_recovery")),
        ("user_self_registration", !off("identity_mgt.user_self_registration.allow_self_registration")),
        (
            "lite_user_registration",
            settings.entries.keys().any(|key| key.starts_with("identity_mgt.lite_user_registration.")),
        ),
    ];
    let pattern = |(part, in_use): (&str, bool)| {
        let key = format!("identity_mgt.{part}.callback_url");
        let setting = settings.entries.get(&key);
        CallbackPattern {
            place: setting.map_or_else(|| settings.place.clone(), |setting| setting.place.clone()),
            pattern: setting.map(|setting| setting.value.text()),
            in_use,
            key,
        }
    };
    parts.into_iter().map(pattern).collect()
}

/// Accounts that the parts of API Manager use among themselves. Left out, they are the super administrator's.
fn service_accounts(settings: &Settings) -> Vec<(String, String, bool)> {
    if settings.product != Wso2Product::ApiManager {
        return Vec::new();
    }
    let administrator = settings.text_or("super_admin.username", "admin");
    let mut keys: Vec<String> =
        ["apim.key_manager.username", "apim.throttling.username", "apim.event_hub.username"].map(str::to_owned).into();
    keys.extend((0..100).map(|index| format!("apim.gateway.environment.{index}.username")).take_while(|key| {
        let prefix = key.trim_end_matches("username");
        settings.entries.keys().any(|known| known.starts_with(prefix))
    }));
    let account = |key: String| {
        let setting = settings.entries.get(&key);
        let shared = setting.is_none_or(|setting| {
            let value = setting.value.text();
            value == administrator || value.contains("admin.username") || value.contains("super_admin.username")
        });
        let place = setting.map_or_else(|| settings.place.clone(), |setting| setting.place.clone());
        (key, place, shared)
    };
    keys.into_iter().map(account).collect()
}

fn cleanup(settings: &Settings) -> Observed<Cleanup> {
    if settings.product != Wso2Product::ApiManager {
        return Observed::Absent("Micro Integrator keeps no sessions".to_owned());
    }
    let key = |name: &str| format!("session_data.cleanup.{name}");
    let every = settings.text_or(&key("clean_expired_session_data_every"), "1d");
    let chunk = settings.text_or(&key("clean_expired_session_data_in_chunks_of"), "8192");
    Observed::Known(Cleanup {
        enabled: settings.text_or(&key("enable_expired_data_cleanup"), "true") == "true",
        every_seconds: seconds(&every).unwrap_or(u64::MAX),
        chunk: chunk.trim().parse().unwrap_or(u64::MAX),
        place: settings.place_of(&key("clean_expired_session_data_in_chunks_of")),
        overdue_rows: None,
    })
}

/// WSO2's time spans: `15m`, `1d`; a bare number is minutes.
fn seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = digits.trim().parse().ok()?;
    let unit = match text.get(digits.len()..)?.trim() {
        "s" => 1,
        "" | "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    number.checked_mul(unit)
}

fn tokens(settings: &Settings) -> Observed<Tokens> {
    if settings.product != Wso2Product::ApiManager {
        return Observed::Absent("Micro Integrator issues no OAuth tokens".to_owned());
    }
    let number = |key: &str, default: u64| settings.text_or(key, "").trim().parse().unwrap_or(default);
    let is = |key: &str, default: &str| settings.text_or(key, default) == "true";
    Observed::Known(Tokens {
        place: settings.place.clone(),
        password_grant: is("oauth.grant_type.password.enable", "true"),
        application_seconds: number("oauth.token_validation.app_access_token_validity", 3600),
        user_seconds: number("oauth.token_validation.user_access_token_validity", 3600),
        refresh_seconds: number("oauth.token_validation.refresh_token_validity", 86_400),
        forwarded: is("apim.oauth_config.enable_outbound_auth_header", "false"),
        cors_origins: settings
            .text_or("apim.cors.allow_origins", "*")
            .split(',')
            .map(|o| o.trim().to_owned())
            .collect(),
        cors_credentials: is("apim.cors.allow_credentials", "false"),
        anonymous_portal: is("apim.devportal.enable_anonymous_mode", "true"),
    })
}

/// Reads text, or notes why not.
fn text(layout: &Layout, path: &Path, unreadable: &mut Vec<(String, String)>) -> Option<String> {
    match super::home::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(error) => {
                unreadable.push((layout.shown(path), "has bytes that are not UTF-8".to_owned()));
                Some(String::from_utf8_lossy(error.as_bytes()).into_owned())
            }
        },
        Err(why) => {
            unreadable.push((layout.shown(path), why));
            None
        }
    }
}

/// Secrets that were found so far, in one list.
fn plain(secrets: &mut SecretFacts, place: String, key: impl Into<String>) {
    secrets.plain.push(guidelines::PlainSecret::new(place, key));
}

#[cfg(test)]
mod tests;
