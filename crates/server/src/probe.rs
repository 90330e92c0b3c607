//! Probes: the running installation seen over sockets, as a scanner or an intruder would see it.
//!
//! Everything is bounded in time and number and meant to change nothing: requests that could do something if a guard were
//! missing carry ids that nobody has and bodies that nobody can read.

mod answers;
mod connection;
mod files;
mod gateway;
mod identity;
mod routes;
mod store;
mod tokens;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use guidelines::{Attempt, Observed, Posture};
use inspect::tls::{Target, survey};

use crate::config::Config;
use crate::failure::Outcome;
use crate::home::Home;
use crate::host;
use connection::Door;

/// How long each step of a connection may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The listeners of an installation, as they are reached from this machine.
struct Site {
    home: Home,
    config: Config,
    console: Door,
    gateway: Option<Door>,
    status: Option<Door>,
}

impl Site {
    fn of(home: &Home, config: &Config) -> Outcome<Self> {
        let ca = std::fs::read_to_string(home.ca_file()).ok();
        let trust = crate::client::trust(ca.as_deref(), crate::posture::served_authorities(home, config))?;
        let host = config.server.hostname.as_str();
        let door = |name: &'static str, address: SocketAddr| Door {
            name,
            address: reachable(address),
            host: host.to_owned(),
            trust: Arc::clone(&trust),
        };
        let listeners = &config.listeners;
        Ok(Self {
            home: home.clone(),
            config: config.clone(),
            console: door("management", listeners.console),
            gateway: listeners.gateway_https.map(|address| door("gateway", address)),
            status: listeners.status.map(|address| door("status", address)),
        })
    }

    /// Every listener that speaks TLS.
    fn doors(&self) -> impl Iterator<Item = &Door> {
        [Some(&self.console), self.gateway.as_ref(), self.status.as_ref()].into_iter().flatten()
    }
}

/// A listener on every address is on loopback too.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}

/// Fills the parts of the posture that are seen from outside. Blocks.
pub(crate) fn fill(posture: &mut Posture, home: &Home, config: &Config) {
    if host::serving(home).is_none() {
        absent(posture, home);
        return;
    }
    let site = match Site::of(home, config) {
        Ok(site) => site,
        Err(failure) => return tracing::warn!(reason = %failure, "nothing could be probed"),
    };
    let site = &site;
    let answering = site.console.request("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    if let Err(why) = answering {
        tracing::warn!(%why, "the management listener did not answer a probe");
    }
    std::thread::scope(|scope| {
        let tls = scope.spawn(|| tls(site));
        let exchanges = scope.spawn(|| answers::crawl(site));
        let routes = scope.spawn(|| routes::anonymous(site));
        let rest = scope.spawn(|| (tokens::forged(site), gateway::admin_paths(site)));
        posture.anonymous_identity = identity::anonymous(site);
        posture.password_grant = identity::password_grant(site);
        posture.default_credentials = identity::default_credentials(site);
        posture.log_forging = files::log_forging(site);
        posture.secret_scan = files::secrets(site);
        posture.wrong_peers = connection::wrong_peers();
        let broken = || "the probe ended before its time";
        posture.tls_probes = tls.join().unwrap_or_else(|_| Observed::unknown(broken(), String::new()));
        posture.exchanges = exchanges.join().unwrap_or_else(|_| Observed::unknown(broken(), String::new()));
        posture.anonymous_routes = routes.join().unwrap_or_else(|_| Observed::unknown(broken(), String::new()));
        if let Ok((forged, paths)) = rest.join() {
            posture.forged_tokens = forged;
            posture.admin_paths = paths;
        }
    });
}

/// Fills what needs a running runtime: the database, and requests that the server makes itself.
pub(crate) async fn fill_async(posture: &mut Posture, home: &Home, config: &Config) {
    posture.database_attempts = store::attempts(home, config).await;
    posture.inward_requests = match host::serving(home) {
        Some(_) => gateway::inward(home, config).await,
        None => Observed::unknown("the server does not run", home.command("serve")),
    };
}

fn absent(posture: &mut Posture, home: &Home) {
    fn gap<T>(home: &Home) -> Observed<T> {
        Observed::unknown("the server does not run", home.command("serve"))
    }
    posture.tls_probes = gap(home);
    posture.exchanges = gap(home);
    for part in [
        &mut posture.default_credentials,
        &mut posture.anonymous_routes,
        &mut posture.forged_tokens,
        &mut posture.log_forging,
        &mut posture.secret_scan,
        &mut posture.admin_paths,
        &mut posture.anonymous_identity,
        &mut posture.password_grant,
    ] {
        *part = gap(home);
    }
    posture.wrong_peers = connection::wrong_peers();
}

fn tls(site: &Site) -> Observed<Vec<guidelines::TlsProbe>> {
    let mut found = Vec::new();
    for door in site.doors() {
        let target = Target { address: door.address, name: door.host.clone(), timeout: PATIENCE };
        match survey(&target) {
            Ok(survey) => found.push(survey.fact(&door.place(), &door.host)),
            // One listener that was not seen makes the whole unknown: what was not seen does not pass.
            Err(error) => return Observed::unknown(format!("{}: {error}", door.place()), "a listener that answers"),
        }
    }
    Observed::Known(found)
}

/// An attempt, judged by its status: 401 and 403 refuse.
pub(super) fn denied(what: String, place: String, status: Option<u16>) -> Attempt {
    let observed = status.map_or_else(|| "closed without an answer".to_owned(), |status| status.to_string());
    Attempt { what, place, refused: matches!(status, None | Some(401 | 403)), observed }
}
