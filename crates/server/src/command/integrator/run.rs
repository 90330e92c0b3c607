//! `portcullis integrator run`: artifacts of a developer's folder, served on this machine.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use integrator::{DeployReport, Deployment, Integrator, SecretSource, Settings, Tree, World};
use model::{EgressRules, Secret};
use synapse::artifact::{Mapping, Proxy};
use tokio::sync::{Notify, watch};

use super::deploy::line;
use crate::environment::variable;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::installation::world;
use crate::logs::{self, Sink, Style};
use crate::serve::{Signals, integrator_runtime};
use crate::terminal::Terminal;

/// There is no vault without a home directory: a developer's secrets come from variables such as `SECRET_db_password`.
struct Variables;

impl SecretSource for Variables {
    fn secret(&self, alias: &str) -> Option<Secret<String>> {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        variable(&format!("SECRET_{}", alias.chars().map(plain).collect::<String>())).map(Secret::new)
    }
}

pub(super) fn run(path: &Path, port: u16, terminal: Terminal) -> Outcome {
    let path = path.canonicalize().map_err(|e| Failure::io(path, "read", &e))?;
    let (clock, rng) = world();
    let style = Style::Human { colour: terminal.has_colour() };
    let _logs = logs::start(Sink::Standard, style, "info", Arc::clone(&clock), Arc::clone(&rng))?;
    let runtime = integrator_runtime()?;
    runtime.block_on(async {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let listener = tokio::net::TcpListener::bind(address).await.map_err(|e| {
            let what = format!("{address} cannot be used");
            Failure::new(Exit::Occupied, "NET001", what, e.to_string(), "choose another with --port")
        })?;
        let address = listener.local_addr().unwrap_or(address);
        let mut settings = Settings::new(Tree::Folder(path.clone()));
        settings.http_port = Some(address.port());
        let folder = if path.is_file() { path.parent().unwrap_or(&path).to_owned() } else { path.clone() };
        settings.file_directories = vec![folder];
        let signals = Signals::listen()?;
        let integrator = Integrator::new(settings, developers_world(clock, rng).await?);
        let report = integrator.start().await;
        tell(&report, terminal);
        terminal.raw(&served(&integrator.current(), address));
        let shown = Arc::downgrade(&integrator);
        integrator.watch(move |report| {
            tell(report, terminal);
            if let Some(integrator) = shown.upgrade() {
                terminal.raw(&served(&integrator.current(), address));
            }
        });
        let (stop, stopped) = watch::channel(false);
        let own = Arc::clone(&integrator);
        let serving = tokio::spawn(async move { own.serve(listener, None, stopped).await });
        signals.until_told_to_stop(&Arc::new(Notify::new())).await;
        stop.send_replace(true);
        let _ = serving.await;
        integrator.stop().await;
        Ok(())
    })
}

/// Backends of a developer are on this machine or in the network around it.
async fn developers_world(clock: Arc<dyn model::Clock>, rng: Arc<dyn model::Rng>) -> Outcome<World> {
    let near = ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
    let tls = tokio::task::spawn_blocking(|| gateway::upstream_tls(Vec::new())).await;
    let tls = tls.map_err(|e| Failure::internal(format!("the trust store was not read: {e}")))?;
    let tls = tls.map_err(|e| {
        let what = "outgoing connections cannot be verified";
        Failure::new(Exit::Vault, "TLS003", what, e.to_string(), "apt install ca-certificates")
    })?;
    Ok(World {
        clock,
        rng,
        secrets: Arc::new(Variables),
        environment: Arc::new(variable),
        egress: EgressRules::with_networks(near.iter().filter_map(|network| network.parse().ok())),
        tls,
        server_tls: None,
    })
}

/// What is refused, for people.
fn tell(report: &DeployReport, terminal: Terminal) {
    for refusal in &report.refused {
        let rest = if refusal.keeps_serving { "; the version before serves" } else { "" };
        terminal.say(&format!("refused {}{rest}", refusal.path.display()));
        refusal.faults.iter().for_each(|fault| terminal.say(&format!("  {}", line(fault))));
    }
}

/// What is served, with a line to try each.
fn served(deployment: &Deployment, address: SocketAddr) -> String {
    let mut out = format!("http://{address} serves:\n");
    for api in &deployment.configuration.apis {
        for resource in &api.resources {
            let path = match &resource.mapping {
                Mapping::Default => "/".to_owned(),
                Mapping::Url(mapping) => mapping.replace('*', ""),
                Mapping::Template(template) => template.source.clone(),
            };
            let method = resource.methods.first().map_or("GET", String::as_str);
            let body = if matches!(method, "POST" | "PUT" | "PATCH") { " --json '{}'" } else { "" };
            let flag = if method == "GET" { String::new() } else { format!(" -X {method}") };
            out.push_str(&format!(
                "  api    {}: curl -i{flag}{body} 'http://{address}{}{path}'\n",
                api.name, api.context
            ));
        }
    }
    let open = |proxy: &&Arc<Proxy>| proxy.closed.is_none() && proxy.start_on_load && proxy.listens_on("http");
    for proxy in deployment.configuration.proxies.values().filter(open) {
        out.push_str(&format!(
            "  proxy  {0}: curl -i -d '<a/>' -H 'Content-Type: text/xml' http://{address}/services/{0}\n",
            proxy.name
        ));
    }
    for service in deployment.of_kind("data-service") {
        out.push_str(&format!("  data   {0}: http://{address}/services/{0}\n", service.name));
    }
    for kind in ["task", "inboundEndpoint", "messageProcessor"] {
        for other in deployment.of_kind(kind) {
            out.push_str(&format!("  {kind} {}\n", other.name));
        }
    }
    out.trim_end().to_owned()
}
