//! The gateway as a stranger meets it, and requests that the control plane makes for somebody.

use std::io::Read as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use guidelines::{Attempt, Observed};

use super::Site;
use crate::client::{Client, Payload};
use crate::config::Config;
use crate::home::Home;

/// Paths of consoles and administrative services, with spellings that have fooled routers.
const PATHS: &[&str] = &[
    "/carbon/admin/login.jsp",
    "/carbon",
    "/services/UserAdmin",
    "/services",
    "/api/am/publisher/v4/apis",
    "/api/am/admin/v4/settings",
    "/management/login",
    "/publisher",
    "/devportal",
    "/admin",
    "/oauth2/introspect",
    "/scim2/Users",
    "/metrics",
    "/CARBON/admin",
    "//services/UserAdmin",
    "/./services/UserAdmin",
    "/x/../services/UserAdmin",
    "/%73ervices/UserAdmin",
    "/services;x=1/UserAdmin",
    "/services%2fUserAdmin",
    "/services/UserAdmin%00",
    "/services\\UserAdmin",
];

/// A path that no API has.
const UNKNOWN: &str = "/a-path-that-nobody-has-made";

/// Whether the gateway tells administrative paths from others.
pub(super) fn admin_paths(site: &Site) -> Observed<Vec<Attempt>> {
    let Some(door) = &site.gateway else { return Observed::Absent("the gateway's TLS listener is off".to_owned()) };
    let unknown = match door.get(UNKNOWN, "") {
        Ok(answer) => answer,
        Err(why) => return Observed::unknown(format!("{}: {why}", door.place()), "a listener that answers"),
    };
    let mut attempts = Vec::new();
    for path in PATHS {
        match door.get(path, "") {
            // 400: the path itself is refused before anything is looked up.
            Ok(answer) => attempts.push(Attempt {
                what: format!("GET {path}"),
                place: door.place(),
                refused: answer.status == unknown.status || matches!(answer.status, None | Some(400)),
                observed: format!("{:?}, an unknown path gets {:?}", answer.status, unknown.status),
            }),
            Err(why) => return Observed::unknown(format!("{}: {why}", door.place()), "a listener that answers"),
        }
    }
    Observed::Known(attempts)
}

/// Asks the control plane to fetch from a port of this machine that only we know; nothing may arrive there.
pub(super) async fn inward(home: &Home, config: &Config) -> Observed<Vec<Attempt>> {
    if !config.exposed() {
        return Observed::Absent("every listener is on this machine, so its upstreams may be too".to_owned());
    }
    match try_inward(home).await {
        Ok(attempts) => Observed::Known(attempts),
        Err(why) => Observed::unknown(why, "the user of the server"),
    }
}

async fn try_inward(home: &Home) -> Result<Vec<Attempt>, String> {
    let (canary, reached) = canary()?;
    let client = Client::local(home);
    let mut attempts = Vec::new();
    for address in
        [format!("127.0.0.1:{canary}"), format!("[::ffff:127.0.0.1]:{canary}"), format!("localhost:{canary}")]
    {
        for (what, request) in [
            ("an OpenAPI file", "/api/am/publisher/v4/apis/validate-openapi"),
            ("an endpoint", "/api/am/publisher/v4/apis/validate-endpoint"),
        ] {
            reached.store(false, Ordering::SeqCst);
            let url = format!("http://{address}/openapi.json");
            let answer = if request.ends_with("endpoint") {
                let encoded: String = crate::client::escape(&url);
                client.post(&format!("{request}?endpointUrl={encoded}"), Payload::form(&[])).await
            } else {
                client.post(request, Payload::multipart(&[("url", None, url.as_bytes())])).await
            };
            let status = answer.map(|reply| reply.status.as_u16()).map_err(|failure| failure.to_string())?;
            let arrived = reached.load(Ordering::SeqCst);
            attempts.push(Attempt {
                what: format!("{what} at {url}"),
                place: "control plane".to_owned(),
                refused: !arrived,
                observed: format!(
                    "answered {status}; {}",
                    if arrived { "a connection arrived" } else { "nothing arrived" }
                ),
            });
        }
    }
    Ok(attempts)
}

/// A port on loopback that notes whether anybody came. Its thread ends with the process of the audit.
fn canary() -> Result<(u16, Arc<AtomicBool>), String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let reached = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&reached);
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            noted.store(true, Ordering::SeqCst);
            let _ = socket.set_read_timeout(Some(super::PATIENCE));
            let _ = socket.read(&mut [0; 1024]);
        }
    });
    Ok((port, reached))
}
