//! `portcullis quickstart`: from an empty directory to a secured API call, by the same REST calls a user would make.

mod backend;
mod measure;
mod steps;
mod transcript;

use std::net::SocketAddr;

use serde_json::json;

use crate::client::{Client, trust};
use crate::failure::{Failure, Outcome};
use crate::first_boot::{console_url, gateway_url};
use crate::home::Home;
use crate::serve::{LogPlace, Server, Signals, confine, runtime};
use crate::terminal::Terminal;
use transcript::Transcript;

/// Port of the sample backend before `[server] offset`.
const BACKEND_PORT: u16 = 9290;

/// Runs the walk; then serves on, or ends when `exit` says so.
pub(crate) fn run(home: &Home, exit: bool, terminal: Terminal) -> Outcome {
    let fresh = !home.is_initialised();
    confine::make(home)?;
    // So that the commands shown can be repeated as they are. Locked in, the process cannot write there any more.
    let definition = home.root().join("pizza-menu.yaml");
    std::fs::write(&definition, steps::DEFINITION).map_err(|e| Failure::io(&definition, "write", &e))?;
    let confinement = confine::enter(home, None, &[BACKEND_PORT])?;
    crate::host::note(home, &confinement);
    runtime()?.block_on(async {
        let server = Server::start(home, None, LogPlace::HomeFile, terminal).await?;
        let walked = walk(home, &server, fresh, terminal).await;
        let backend = match walked {
            Ok(backend) => backend,
            Err(failure) => {
                server.stop().await;
                return Err(failure);
            }
        };
        if !exit {
            let signals = Signals::listen()?;
            terminal.say("Serving. Stop with Ctrl-C; start again with `portcullis serve` or `portcullis quickstart`.");
            signals.until_told_to_stop(server.reload()).await;
        }
        backend.stop().await;
        server.stop().await;
        Ok(())
    })
}

async fn walk(home: &Home, server: &Server, fresh: bool, terminal: Terminal) -> Outcome<backend::Backend> {
    let config = server.config();
    let port = BACKEND_PORT.checked_add(config.server.offset).ok_or_else(|| {
        Failure::usage("[server] offset leaves no port for the sample backend", "use a smaller offset")
    })?;
    let backend = backend::Backend::start(port).await?;
    let ca_file = home.ca_file();
    let ca = std::fs::read_to_string(&ca_file).map_err(|e| Failure::io(&ca_file, "read", &e))?;
    let tls = trust(Some(&ca), Vec::new())?;
    let gateway_address = config.listeners.gateway_https.ok_or_else(|| {
        Failure::usage("the gateway's TLS listener is switched off", "enable [transport.passthru_https.listener]")
    })?;
    let host = config.server.hostname.as_str();
    let console =
        Client::tls(host, config.listeners.console.port(), tls.clone()).at(reachable(config.listeners.console));
    let gateway = Client::tls(host, gateway_address.port(), tls).at(reachable(gateway_address));
    let mut transcript = Transcript::new(terminal);
    transcript.note(&format!("{} {}", if fresh { "Initialised" } else { "Resumed" }, home.root().display()));
    let definition = home.root().join("pizza-menu.yaml");
    let walk = steps::Walk {
        local: Client::local(home),
        console,
        gateway,
        places: steps::Places {
            console: console_url(config),
            gateway: gateway_url(config),
            backend: format!("http://127.0.0.1:{port}"),
            socket: home.socket().display().to_string(),
            ca: ca_file.display().to_string(),
            definition: definition.display().to_string(),
        },
    };
    let latency = walk.run(&mut transcript).await?;
    let link = server.set_up_link();
    let mut ending = vec![
        format!("console   {}", walk.places.console),
        format!("gateway   {}/pizza/1.0.0", walk.places.gateway),
        format!("backend   {}", walk.places.backend),
    ];
    if let Some(status) = config.listeners.status {
        ending.push(format!("status    https://{status}/readyz"));
    }
    ending.push(format!("logs      {}", home.logs().display()));
    ending.push(match &link {
        Some(link) => format!("\nChoose the first administrator within 24 hours; the link works once:\n  {link}"),
        None if server.is_set_up_pending() => {
            format!("\nThe set-up link was printed before. Lost? {}", home.command("setup-link"))
        }
        None => String::new(),
    });
    transcript.end(
        &ending.join("\n"),
        &json!({
            "home": home.root().display().to_string(), "console": walk.places.console, "gateway": walk.places.gateway,
            "backend": walk.places.backend, "set_up_link": link, "latency": latency,
        }),
    );
    Ok(backend)
}

/// Where a listener is reached from this machine: a listener on every address is on loopback too.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
        std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}
