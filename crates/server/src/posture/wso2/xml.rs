//! Generated and hand-written XML of a WSO2 home.

use std::path::Path;

use guidelines::{Accounts, SecretFacts, WebApplication, Wso2Home};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::super::home::{entries, read as read_bytes};
use super::{Layout, Settings, plain, text};

/// Most events of one file.
const MAX_EVENTS: usize = 500_000;

/// Files that carry passwords where a version of the product still reads or writes them.
const FILES: [&str; 12] = [
    "carbon.xml",
    "user-mgt.xml",
    "datasources/master-datasources.xml",
    "datasources/metrics-datasources.xml",
    "axis2/axis2.xml",
    "axis2/axis2_client.xml",
    "tomcat/catalina-server.xml",
    "api-manager.xml",
    "identity/identity.xml",
    "registry.xml",
    "jndi.properties.xml",
    "event-broker.xml",
];

/// Reads the XML of a home.
pub(super) fn read(layout: &Layout, home: &mut Wso2Home, secrets: &mut SecretFacts, accounts: &mut Accounts) {
    for name in FILES {
        let path = layout.conf.join(name);
        if !path.exists() {
            continue;
        }
        let Some(xml) = text(layout, &path, &mut home.unreadable) else { continue };
        secrets.searched += 1;
        let place = layout.shown(&path);
        let outcome = passwords(&xml, &mut |key, line, value| {
            let place = format!("{place}:{line}");
            if name == "user-mgt.xml" && key.ends_with("Password") && value == "admin" {
                accounts.known_credentials.push((place.clone(), "super_admin.password (user-mgt.xml)".to_owned()));
            }
            plain(secrets, place, key);
        });
        if let Err(why) = outcome {
            home.unreadable.push((place, why));
        }
    }
    let context = layout.conf.join("tomcat/context.xml");
    if let Ok(bytes) = read_bytes(&context) {
        let length = session_id_length(&String::from_utf8_lossy(&bytes));
        home.session_id_bytes = Some((length, layout.shown(&context)));
    }
    webapps(layout, home);
}

/// Calls back for every password in plain text: its name, line and value.
fn passwords(xml: &str, found: &mut dyn FnMut(&str, usize, &str)) -> Result<(), String> {
    let mut reader = Reader::from_str(xml);
    let mut current: Option<String> = None;
    for _ in 0..MAX_EVENTS {
        let position = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        // Counted only for what is found: a long file would take its square otherwise.
        let line = || xml.as_bytes().iter().take(position).filter(|byte| **byte == b'\n').count() + 1;
        match reader.read_event().map_err(|e| format!("is not XML: {e}"))? {
            Event::Eof => return Ok(()),
            Event::DocType(_) => return Err("has a document type, which is not read".to_owned()),
            Event::Start(element) => current = password_element(&element, found, &line),
            Event::Empty(element) => {
                password_element(&element, found, &line);
            }
            Event::Text(value) => {
                let value = value.trim().to_owned();
                if let Some(name) = current.as_deref().filter(|_| !value.is_empty() && !is_reference(&value)) {
                    found(name, line(), &value);
                }
            }
            Event::End(_) => current = None,
            _ => {}
        }
    }
    Err("is too long to be read to its end".to_owned())
}

/// The name of an element whose text is a password; password attributes are reported at once. An element with an alias
/// of the secure vault is sealed.
fn password_element(
    element: &BytesStart<'_>,
    found: &mut dyn FnMut(&str, usize, &str),
    line: &dyn Fn() -> usize,
) -> Option<String> {
    let own = element.local_name().as_ref().to_owned();
    let mut name = own.clone();
    let mut sealed = false;
    for attribute in element.attributes().flatten() {
        let key = attribute.key.local_name().as_ref().to_owned();
        let value = attribute.value.clone().into_owned();
        match key.as_str() {
            "secretAlias" => sealed = true,
            "name" => name = value,
            "keystorePass" | "truststorePass" | "certificateKeystorePassword" | "password"
                if !value.is_empty() && !is_reference(&value) =>
            {
                found(&key, line(), &value);
            }
            _ => {}
        }
    }
    let is =
        |text: &str| Settings::is_password(&text.to_ascii_lowercase()) && !text.to_ascii_lowercase().contains("regex");
    (!sealed && (is(&name) || is(&own))).then_some(name)
}

fn is_reference(value: &str) -> bool {
    Settings::is_reference(value) || value.starts_with("secretAlias:") || matches!(value, "true" | "false")
}

/// `sessionIdLength` of the session manager; Tomcat's default is 16 bytes.
fn session_id_length(xml: &str) -> u64 {
    let lower = xml.to_ascii_lowercase();
    let value =
        lower.split("sessionidlength").nth(1).and_then(|rest| rest.split(['"', '\'']).nth(1)?.trim().parse().ok());
    value.unwrap_or(16)
}

fn webapps(layout: &Layout, home: &mut Wso2Home) {
    let directory = layout.root.join("repository/deployment/server/webapps");
    let Ok(listed) = std::fs::read_dir(&directory) else { return };
    let mut folders: Vec<_> = listed.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    for folder in folders {
        let path = folder.join("WEB-INF/web.xml");
        let Ok(bytes) = read_bytes(&path) else { continue };
        let xml = String::from_utf8_lossy(&bytes);
        home.webapps.push(WebApplication {
            place: layout.shown(&path),
            cache_filter: xml.contains("CachePreventionFilter"),
            header_filter: xml.contains("HttpHeaderSecurityFilter"),
        });
    }
}

/// Contexts of deployed Synapse APIs, with their files.
pub(super) fn contexts(layout: &Layout) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["repository/deployment/server/synapse-configs/default/api", "synapse-configs/default/api"] {
        for entry in entries(&layout.root.join(folder)) {
            let path = entry.path();
            let xml = Some(&path)
                .filter(|path| path.extension().is_some_and(|end| end == "xml"))
                .map(|path| read_bytes(path));
            if let Some(Ok(bytes)) = xml {
                found.extend(context(&bytes).map(|context| (context, layout.shown(Path::new(&path)))));
            }
        }
    }
    found
}

/// The `context` of the root element.
fn context(xml: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(xml);
    let mut reader = Reader::from_str(&text);
    for _ in 0..1000 {
        match reader.read_event().ok()? {
            Event::Start(element) | Event::Empty(element) => {
                let mut attributes = element.attributes().flatten();
                let context = attributes.find(|attribute| attribute.key.as_ref() == "context")?;
                return Some(context.value.into_owned());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
    None
}
