//! Sockets: bound before anything else is done, served at the end.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use axum::Router;
use axum::response::IntoResponse as _;
use control::Control;
use http::{HeaderValue, StatusCode, header};
use identity::Identity;
use portal::Portal;
use tokio::sync::watch;
use tokio::task::JoinSet;
use web::{Access, Authenticator, CertificateTrust, ListenerLimits, Operation, RestError, RouteTable, TlsSource};

use super::status::{self, Status};
use crate::config::{Config, Listeners};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, Report};
use crate::home::{Home, HomeLock};

/// What the management listeners serve.
pub(super) struct Site {
    pub(super) identity: Arc<Identity>,
    pub(super) control: Arc<Control>,
    pub(super) portal: Arc<Portal>,
    pub(super) status: Arc<Status>,
}

/// Bound, not yet served.
pub(super) struct Sockets {
    console: TcpListener,
    status: Option<TcpListener>,
    /// Of the integrator, served by its own runtime: with TLS, without, and its management API.
    pub(super) integrator: [Option<TcpListener>; 3],
    local: UnixListener,
    home: Home,
}

impl Sockets {
    /// Binds every management socket, and finds out whether the gateway's ports are free.
    ///
    /// # Errors
    /// [`Exit::Occupied`] naming every port that is in use.
    pub(super) fn bind(home: &Home, lock: &HomeLock, config: &Config) -> Outcome<Self> {
        let mut faults = Vec::new();
        let listeners = &config.listeners;
        let console = bind("console", listeners.console, &mut faults);
        let status = listeners.status.map(|address| bind("status", address, &mut faults));
        // The gateway binds one socket per worker to a port, which a second process of this user could join: so the
        // port is tried here in a way that nobody can share, and given back.
        let integrator = bind_integrator(listeners, &mut faults);
        for (name, address) in [("gateway", listeners.gateway_https), ("plain gateway", listeners.gateway_http)] {
            if let Some(address) = address {
                drop(bind(name, address, &mut faults));
            }
        }
        if !faults.is_empty() {
            return Err(Failure { exit: Exit::Occupied, reports: faults });
        }
        let console = console.ok_or_else(|| Failure::internal("the console has no socket"))?;
        let local = home.bind_socket(lock)?;
        Ok(Self { console, status: status.flatten(), integrator, local, home: home.clone() })
    }

    /// Serves them until `stopped` turns true.
    pub(super) fn serve(
        self,
        site: &Site,
        tls: Arc<rustls::ServerConfig>,
        clients: Option<(Arc<rustls::ServerConfig>, CertificateTrust)>,
        config: &Config,
        stopped: &watch::Receiver<bool>,
        tasks: &mut JoinSet<()>,
    ) -> Outcome {
        let source: TlsSource = Arc::new(move || Arc::clone(&tls));
        let limits = ListenerLimits::default();
        let server = config.listeners.server_header.as_ref().and_then(|text| HeaderValue::from_str(text.as_str()).ok());
        let management = with_server_header(management(site), server.clone());
        let authenticator: Arc<dyn Authenticator> = Arc::clone(&site.identity) as Arc<dyn Authenticator>;
        let wrap = |e: std::io::Error| Failure::internal(format!("a socket cannot be served: {e}"));
        let console = tokio::net::TcpListener::from_std(self.console).map_err(wrap)?;
        let (console_tls, trust): (TlsSource, CertificateTrust) = match clients {
            Some((tls, trust)) => (Arc::new(move || Arc::clone(&tls)), trust),
            None => (Arc::clone(&source), Arc::new(|_| false)),
        };
        let served =
            web::serve_tls_with_clients(console, console_tls, trust, management.clone(), limits, stopped.clone());
        tasks.spawn(served);
        if let Some(listener) = self.status {
            let listener = tokio::net::TcpListener::from_std(listener).map_err(wrap)?;
            let router = status::routes().into_router(Arc::clone(&site.status), authenticator);
            let router = with_server_header(with_fallbacks(router), server);
            tasks.spawn(web::serve_tls(listener, source, router, limits, stopped.clone()));
        }
        let local = tokio::net::UnixListener::from_std(self.local).map_err(wrap)?;
        let (path, stopped) = (self.home.socket(), stopped.clone());
        let owner = rustix::process::geteuid().as_raw();
        tasks.spawn(async move { web::serve_unix(local, owner, &path, management, limits, stopped).await });
        Ok(())
    }
}

fn bind_integrator(listeners: &Listeners, faults: &mut Vec<Report>) -> [Option<TcpListener>; 3] {
    [
        ("integrator", listeners.integrator_https),
        ("plain integrator", listeners.integrator_http),
        ("integrator management", listeners.integrator_management),
    ]
    .map(|(name, address)| address.and_then(|address| bind(name, address, faults)))
}

fn bind(name: &'static str, address: SocketAddr, faults: &mut Vec<Report>) -> Option<TcpListener> {
    let bound = TcpListener::bind(address).and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
    match bound {
        Ok(listener) => Some(listener),
        Err(error) => {
            let fix = match error.kind() {
                std::io::ErrorKind::AddrInUse => {
                    "stop the other program (ss -ltnp), or shift every port: offset = 10 under [server] in deployment.toml"
                }
                std::io::ErrorKind::PermissionDenied => "use a port from 1024 up",
                std::io::ErrorKind::AddrNotAvailable => "bind to an address of this machine: ip addr",
                _ => "",
            };
            faults.push(Report {
                code: "NET001",
                what: format!("the {name} listener cannot use {address}"),
                why: error.to_string(),
                fix: fix.to_owned(),
            });
            None
        }
    }
}

/// Identity, API management and pages on one router.
fn management(site: &Site) -> Router {
    let authenticator: Arc<dyn Authenticator> = Arc::clone(&site.identity) as Arc<dyn Authenticator>;
    let (identity, control, portal) = management_tables();
    let identity = identity.into_router(Arc::clone(&site.identity), Arc::clone(&authenticator));
    let control = control.into_router(Arc::clone(&site.control), Arc::clone(&authenticator));
    let portal = portal.into_router(Arc::clone(&site.portal), authenticator);
    with_fallbacks(identity.merge(control).merge(portal))
}

/// What the management listener and the UNIX socket serve. A further table here is a compile error in [`management`] and
/// in [`operations`], so that none can be served without being listed and walked by the denial matrix.
fn management_tables() -> (RouteTable<Identity>, RouteTable<Control>, RouteTable<Portal>) {
    (Identity::routes(), control::api::routes(), portal::routes())
}

/// An operation of a listener.
pub(crate) struct ListedOperation {
    /// `console` or `status`.
    pub(crate) listener: &'static str,
    /// The operation.
    pub(crate) operation: Operation,
    /// Who may call it.
    pub(crate) access: Access,
}

/// Every operation of every listener but the gateway's, whose routes are the published APIs.
pub(crate) fn operations() -> Vec<ListedOperation> {
    fn of<S: Send + Sync + 'static>(listener: &'static str, table: &RouteTable<S>, list: &mut Vec<ListedOperation>) {
        let listed = table.operations().map(|(operation, access)| ListedOperation {
            listener,
            operation: *operation,
            access: *access,
        });
        list.extend(listed);
    }
    let mut list = Vec::new();
    let (identity, control, portal) = management_tables();
    of("console", &identity, &mut list);
    of("console", &control, &mut list);
    of("console", &portal, &mut list);
    of("status", &status::routes(), &mut list);
    list
}

fn with_fallbacks(router: Router) -> Router {
    router
        .fallback(|| async { RestError::not_found("There is nothing at this path.").into_response() })
        .method_not_allowed_fallback(|| async {
            let text = "This path has no such method.";
            RestError::new(StatusCode::METHOD_NOT_ALLOWED, 405, "Method Not Allowed", text).into_response()
        })
}

/// Adds the configured `Server` header; without one, no product is named (guideline A10).
fn with_server_header(router: Router, value: Option<HeaderValue>) -> Router {
    let Some(value) = value else { return router };
    router.layer(axum::middleware::map_response(move |mut response: axum::response::Response| {
        let value = value.clone();
        async move {
            response.headers_mut().insert(header::SERVER, value);
            response
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::bind;
    use std::net::TcpListener;

    #[test]
    fn a_port_in_use_is_named_with_the_way_out() {
        let holder = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut faults = Vec::new();
        assert!(bind("console", holder.local_addr().unwrap(), &mut faults).is_none());
        let fault = faults.first().unwrap();
        assert!(fault.what.contains("console") && fault.fix.contains("offset"), "{fault:?}");
    }
}
