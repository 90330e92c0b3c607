//! Identity endpoints: who asks, with which grant, with which well-known password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use guidelines::{Attempt, Observed};

use super::{Site, denied};

/// Endpoints that must know who asks, with a request that would mean something.
const GUARDED: &[(&str, &str, &str)] = &[
    ("POST", "/oauth2/introspect", "token=audit"),
    ("POST", "/oauth2/revoke", "token=audit"),
    ("GET", "/oauth2/userinfo", ""),
    ("POST", "/client-registration/v0.17/register", "{"),
    ("GET", "/scim2/Users", ""),
    ("POST", "/oauth2/token", "grant_type=client_credentials"),
];

/// Anonymous requests.
pub(super) fn anonymous(site: &Site) -> Observed<Vec<Attempt>> {
    let mut attempts = Vec::new();
    for (method, path, body) in GUARDED {
        let answer = if *method == "GET" { site.console.get(path, "") } else { site.console.form(path, "", body) };
        match answer {
            Ok(answer) => {
                let mut attempt = denied(format!("{method} {path}"), site.console.place(), answer.status);
                // RFC 6749 section 5.2 lets a server say 400 where no client was named at all.
                attempt.refused |= answer.status == Some(400) && answer.body.contains("invalid_");
                attempts.push(attempt);
            }
            Err(why) => {
                return Observed::unknown(format!("{}: {why}", site.console.place()), "a listener that answers");
            }
        }
    }
    Observed::Known(attempts)
}

/// Whether the discovery document offers the password grant.
pub(super) fn password_grant(site: &Site) -> Observed<Vec<Attempt>> {
    const PATH: &str = "/.well-known/openid-configuration";
    let found = site.console.get(PATH, "").map(|answer| (answer.status, answer.body));
    let read = found.map(|(status, body)| (status, serde_json::from_str::<serde_json::Value>(&body)));
    let Ok((Some(200), Ok(document))) = read else {
        return Observed::unknown(
            format!("{PATH} cannot be read at {}", site.console.place()),
            "a listener that answers",
        );
    };
    let Some(grants) = document.get("grant_types_supported").and_then(|grants| grants.as_array()) else {
        return Observed::unknown(format!("{PATH} does not list grants"), String::new());
    };
    let offered = grants.iter().any(|grant| grant == "password");
    Observed::Known(vec![Attempt {
        what: "the password grant".to_owned(),
        place: site.console.place(),
        refused: !offered,
        observed: if offered { "offered" } else { "not offered" }.to_owned(),
    }])
}

/// Well-known names and passwords at the door of the REST interface. One attempt for each name, so that no account is
/// locked by being audited.
pub(super) fn default_credentials(site: &Site) -> Observed<Vec<Attempt>> {
    let mut attempts = Vec::new();
    for (name, password) in
        [("admin", "admin"), ("wso2carbon", "wso2carbon"), ("user", "password"), ("apim_admin", "admin")]
    {
        let header = format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{name}:{password}")));
        match site.console.get("/api/am/publisher/v4/apis", &header) {
            Ok(answer) => {
                attempts.push(denied(
                    format!("sign-in as {name} with the password of the manual"),
                    site.console.place(),
                    answer.status,
                ));
            }
            Err(why) => {
                return Observed::unknown(format!("{}: {why}", site.console.place()), "a listener that answers");
            }
        }
    }
    Observed::Known(attempts)
}
