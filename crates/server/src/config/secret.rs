//! Secrets in the configuration: always a reference, never a value (A03).

use super::context::{Context, whole};
use super::diagnostic::codes;
use super::nearest::nearest;
use super::section::{Kind, Parse};
use super::tree::{Node, Table, Value};
use std::path::PathBuf;

/// Where a secret is. The value is fetched when it is needed, by the vault or from the named place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// `$secret{alias}`: sealed in `[secrets]` of the same file.
    Vault(String),
    /// `$env{VAR}`: an environment variable, which was set when the file was read.
    Env(String),
    /// `$file{path}`: the content of a file without its last newline.
    File(PathBuf),
}

impl Parse for SecretRef {
    const KIND: Kind = Kind::Secret;
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let node = cx.follow(node)?;
        let Value::Text(text) = &node.value else {
            // A number is a secret in plain text too: it is not repeated.
            plain_secret(cx, &node, None);
            return None;
        };
        let text = text.trim();
        if let Some(result) = reference(text, &node, cx) {
            return result;
        }
        if text.starts_with("${") || text.starts_with("$sys{") {
            cx.refuse_form(node.at, text, "is a property of WSO2's Java process");
            return None;
        }
        plain_secret(cx, &node, Some(text));
        None
    }
}

/// The reference that the whole text is, with its target checked; the outer `None` = it is none.
fn reference(text: &str, node: &Node, cx: &mut Context<'_>) -> Option<Option<SecretRef>> {
    if let Some(alias) = whole(text, "$secret{") {
        return Some(known_alias(alias, node, cx).then(|| SecretRef::Vault(alias.to_owned())));
    }
    if let Some(name) = whole(text, "$env{") {
        if cx.has_variable(name) {
            return Some(Some(SecretRef::Env(name.to_owned())));
        }
        cx.fault(
            node.at,
            codes::ENVIRONMENT,
            "environment variable not set",
            &format!("$env{{{name}}} has no value in the environment of this process"),
            &format!("set {name} before the start, or use $file{{path}}"),
        );
        return Some(None);
    }
    whole(text, "$file{").filter(|path| !path.is_empty()).map(|path| Some(SecretRef::File(PathBuf::from(path))))
}

fn known_alias(alias: &str, node: &Node, cx: &mut Context<'_>) -> bool {
    let secrets = match cx.root().find("secrets") {
        Some(Node { value: Value::Table(table), .. }) => table,
        _ => &Table { entries: Vec::new() },
    };
    if secrets.get(alias).is_some() {
        return true;
    }
    let near = nearest(alias, secrets.entries.iter().map(|entry| entry.key.as_str()));
    let fix = near.map_or_else(
        || format!("run `portcullis vault encrypt --alias {alias}`, which reads the value and seals it"),
        |near| format!("write $secret{{{near}}}"),
    );
    cx.fault(node.at, codes::REFERENCE, "no such secret", &format!("[secrets] has no alias {alias}"), &fix);
    false
}

/// Text, or where it is secretly: for user names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextSource {
    /// Written in the file.
    Plain(String),
    /// To be fetched like a secret.
    Secret(SecretRef),
}

impl Parse for TextSource {
    const KIND: Kind = Kind::TextOrSecret;
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let followed = cx.follow(node)?;
        if let Value::Text(text) = &followed.value
            && (whole(text, "$secret{").is_some() || whole(text, "$file{").is_some())
        {
            return SecretRef::parse(&followed, cx).map(Self::Secret);
        }
        String::parse(&followed, cx).map(Self::Plain)
    }
}

/// Passwords that are printed in manuals; more are refused by the password policy when an account is made.
const KNOWN_PASSWORDS: [&str; 12] = [
    "admin",
    "wso2carbon",
    "admin123",
    "password",
    "changeme",
    "changeit",
    "wso2",
    "secret",
    "root",
    "123456",
    "apimadmin",
    "wso2123",
];

/// Whether a password is publicly known as a default (A18).
#[must_use]
pub fn is_known_password(password: &str) -> bool {
    KNOWN_PASSWORDS.iter().any(|known| known.eq_ignore_ascii_case(password))
}

/// Refuses a secret that is written in the file. The value is never repeated.
pub(super) fn plain_secret(cx: &mut Context<'_>, node: &Node, value: Option<&str>) {
    let alias = alias_for(&cx.path);
    if cx.path == "super_admin.password" && value.is_some_and(is_known_password) {
        cx.fault(
            node.at,
            codes::KNOWN_PASSWORD,
            "publicly known password",
            "this password is printed in manuals, whoever reads them is administrator",
            "remove it: the first start prints a one-time set-up link; for a headless set-up use $secret{admin_password}",
        );
        return;
    }
    cx.fault(
        node.at,
        codes::PLAIN_SECRET,
        "plain-text secret",
        "everyone who can read the file, a backup or a log of it has the secret",
        &format!(
            "write \"$secret{{{alias}}}\" here, then run `portcullis vault encrypt --alias {alias}`, which reads the value \
             and seals it"
        ),
    );
}

/// A name for the secret of a path: `database.apim_db.password` gives `apim_db_password`.
pub(super) fn alias_for(path: &str) -> String {
    let mut parts: Vec<&str> = path.rsplit('.').take(2).collect();
    parts.reverse();
    parts
        .join("_")
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' })
        .collect()
}

/// Whether a key of a section that Portcullis does not use holds a secret, judged by its name.
pub(super) fn sounds_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let last = key.rsplit('.').next().unwrap_or_default();
    let endings = [
        "password",
        "passwd",
        "_pass",
        "secret",
        "private_key",
        "api_token",
        "auth_token",
        "access_key",
        "apikey",
        "api_key",
        "secret_key",
        "moesifkey",
        "credential",
        "storepass",
        "keypass",
    ];
    last == "token" || endings.iter().any(|ending| last.ends_with(ending))
}

/// Whether a text has a password inside: `scheme://user:password@host`, or a parameter of a database URL.
pub(super) fn carries_secret(text: &str) -> bool {
    let authority = text.split_once("://").map(|(_, rest)| rest.split(['/', '?']).next().unwrap_or_default());
    let user = authority.and_then(|authority| authority.rsplit_once('@')).map(|(user, _)| user);
    let password = user.and_then(|user| user.split_once(':')).map(|(_, password)| password);
    let parameter = text.split(['?', '&', ';']).skip(1).find_map(|pair| pair.strip_prefix("password="));
    password.or(parameter).is_some_and(|password| !is_reference(password))
}

/// Whether a text is no secret itself: empty, or a reference of any form, WSO2's Java properties included.
pub(super) fn is_reference(text: &str) -> bool {
    let text = text.trim();
    text.is_empty()
        || (text.ends_with('}')
            && ["$secret{", "$env{", "$file{", "$ref{", "$sys{", "${"].iter().any(|opening| text.starts_with(opening)))
}

/// Reads `[secrets]`: alias to sealed text. A value in brackets or in plain text was not sealed yet and is refused.
pub(super) fn sealed(cx: &mut Context<'_>) -> std::collections::BTreeMap<String, String> {
    let mut sealed = std::collections::BTreeMap::new();
    let Some(node) = cx.root().find("secrets") else { return sealed };
    "secrets".clone_into(&mut cx.path);
    let Value::Table(table) = &node.value else {
        cx.wrong_type(node, "a section");
        return sealed;
    };
    for entry in &table.entries {
        cx.path = format!("secrets.{}", entry.key);
        match &entry.node.value {
            Value::Text(text) if text.starts_with("{v") && text.ends_with('}') => {
                sealed.insert(entry.key.clone(), text.clone());
            }
            Value::Text(_) => cx.fault(
                entry.node.at,
                codes::PLAIN_SECRET,
                "secret not sealed yet",
                "everyone who can read the file, a backup or a log of it has the secret",
                "run `portcullis vault encrypt`, which seals every value of [secrets] in place",
            ),
            _ => cx.wrong_type(&entry.node, "a sealed text, or \"[value]\" before it is sealed"),
        }
    }
    sealed
}
