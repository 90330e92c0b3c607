//! The one way out: a client that resolves once, checks every address, connects to it, and follows nothing
//! (guideline A23).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use model::EgressRules;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Why a call did not succeed. The texts never repeat what the other side said.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// Not an absolute `http` or `https` URL with a host and without user information.
    #[error("{0} is not an http or https URL")]
    Url(String),
    /// The address is on a denied network.
    #[error("{0} is on a network that this server may not call (A23); add it to [egress] allow to permit it")]
    Denied(String),
    /// It cannot be reached in time.
    #[error("{0} cannot be reached")]
    Unreachable(String),
    /// The TLS handshake failed: wrong name, unknown authority, expired.
    #[error("the certificate of {0} was not accepted: {1}")]
    Tls(String, String),
    /// The answer was too large, too slow or not HTTP.
    #[error("the answer of {0} could not be used")]
    Answer(String),
}

/// An answer, read whole under the cap.
#[derive(Debug)]
pub struct EgressAnswer {
    /// Status.
    pub status: StatusCode,
    /// Content type, when there is one.
    pub content_type: Option<String>,
    /// Body.
    pub body: Bytes,
}

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct Egress {
    rules: Arc<EgressRules>,
    tls: Arc<rustls::ClientConfig>,
    timeout: Duration,
    answer_limit: usize,
    own: Vec<OwnListener>,
}

/// A listener of this server, by the name and port that it is announced with.
#[derive(Clone)]
pub struct OwnListener {
    /// Host name in URLs.
    pub host: String,
    /// Port in URLs.
    pub port: u16,
    /// Where it listens.
    pub address: SocketAddr,
    /// Trusts the authority of its certificate.
    pub tls: Arc<rustls::ClientConfig>,
}

impl Egress {
    /// A client under these rules. 10 s for a call, 10 MiB for an answer.
    pub fn new(rules: EgressRules, tls: Arc<rustls::ClientConfig>) -> Self {
        Self {
            rules: Arc::new(rules),
            tls,
            timeout: Duration::from_secs(10),
            answer_limit: 10 * 1024 * 1024,
            own: Vec::new(),
        }
    }

    /// The same client that also reaches a listener of this server, whatever the rules say of its address: calls of its
    /// name and port go there, without a resolver. Its certificate is checked against the name as any other.
    #[must_use]
    pub fn with_own(mut self, listener: OwnListener) -> Self {
        self.own.push(listener);
        self
    }

    fn own(&self, target: &EgressTarget) -> Option<&OwnListener> {
        self.own.iter().find(|own| own.port == target.port && own.host.eq_ignore_ascii_case(&target.host))
    }

    /// The rules.
    pub fn rules(&self) -> &EgressRules {
        &self.rules
    }

    /// Fetches a URL. Redirects are answers like any other and are not followed.
    ///
    /// # Errors
    /// As [`EgressError`] says.
    pub async fn get(&self, url: &str) -> Result<EgressAnswer, EgressError> {
        self.send(Method::GET, url, None).await
    }

    /// Posts a form to a token endpoint, with the client's credentials (RFC 6749 section 2.3.1).
    ///
    /// # Errors
    /// As [`EgressError`] says.
    pub async fn post_form(&self, url: &str, authorization: &str, form: Bytes) -> Result<EgressAnswer, EgressError> {
        let target = EgressTarget::parse(url)?;
        let kind = ("application/x-www-form-urlencoded", Some(authorization));
        tokio::time::timeout(self.timeout, self.exchange(Method::POST, &target, Some(form), kind))
            .await
            .unwrap_or_else(|_| Err(EgressError::Unreachable(target.origin())))
    }

    /// Sends a request with an optional JSON body.
    ///
    /// # Errors
    /// As [`EgressError`] says.
    pub async fn send(&self, method: Method, url: &str, body: Option<Bytes>) -> Result<EgressAnswer, EgressError> {
        let target = EgressTarget::parse(url)?;
        tokio::time::timeout(self.timeout, self.exchange(method, &target, body, ("application/json", None)))
            .await
            .unwrap_or_else(|_| Err(EgressError::Unreachable(target.origin())))
    }

    /// Makes a call with headers of the caller's choice to an absolute URL, and gives the whole answer. `Host` is always
    /// the URL's; headers of the connection are left out.
    ///
    /// # Errors
    /// As [`EgressError`] says.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, EgressError> {
        let (mut parts, body) = request.into_parts();
        let target = EgressTarget::parse(&parts.uri.to_string())?;
        let wrong = || EgressError::Url(target.origin());
        parts.uri = target.path_and_query.parse().map_err(|_| wrong())?;
        for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE, header::TE, header::CONTENT_LENGTH]
        {
            parts.headers.remove(name);
        }
        parts.headers.insert(header::HOST, target.authority().parse().map_err(|_| wrong())?);
        let request = Request::from_parts(parts, Full::new(body));
        tokio::time::timeout(self.timeout, self.deliver(&target, request))
            .await
            .unwrap_or_else(|_| Err(EgressError::Unreachable(target.origin())))
    }

    async fn exchange(
        &self,
        method: Method,
        target: &EgressTarget,
        body: Option<Bytes>,
        (kind, authorization): (&str, Option<&str>),
    ) -> Result<EgressAnswer, EgressError> {
        let mut request = Request::builder();
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request
            .method(method)
            .uri(target.path_and_query.as_str())
            .header(header::HOST, target.authority())
            .header(header::ACCEPT, "*/*")
            .header(header::CONTENT_TYPE, kind)
            .body(Full::new(body.unwrap_or_default()))
            .map_err(|_| EgressError::Url(target.origin()))?;
        let (parts, body) = self.deliver(target, request).await?.into_parts();
        let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).map(str::to_owned);
        Ok(EgressAnswer { status: parts.status, content_type, body })
    }

    /// Connects to where the rules let it go, and exchanges one request for its answer.
    async fn deliver(
        &self,
        target: &EgressTarget,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, EgressError> {
        match self.connect(target).await? {
            EgressStream::Plain(stream) => self.converse(stream, request, target).await,
            EgressStream::Tls(stream) => self.converse(*stream, request, target).await,
        }
    }

    /// Opens a connection under the rules: for callers that keep connections, such as the integrator's pool. How long
    /// it may take is the caller's to bound.
    ///
    /// # Errors
    /// [`EgressError::Denied`], [`EgressError::Unreachable`], [`EgressError::Tls`].
    pub async fn connect(&self, target: &EgressTarget) -> Result<EgressStream, EgressError> {
        let (addresses, tls) = match self.own(target) {
            Some(own) => (vec![own.address], &own.tls),
            None => (self.resolve(target).await?, &self.tls),
        };
        let mut connected = Err(EgressError::Unreachable(target.origin()));
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    let _ = stream.set_nodelay(true);
                    connected = Ok(stream);
                    break;
                }
                Err(_) => continue,
            }
        }
        let stream = connected?;
        if !target.tls {
            return Ok(EgressStream::Plain(stream));
        }
        let host = target.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(|_| EgressError::Url(target.origin()))?;
        let stream = TlsConnector::from(Arc::clone(tls))
            .connect(name, stream)
            .await
            .map_err(|e| EgressError::Tls(target.origin(), e.to_string()))?;
        Ok(EgressStream::Tls(Box::new(stream)))
    }

    async fn converse<T>(
        &self,
        stream: T,
        request: Request<Full<Bytes>>,
        target: &EgressTarget,
    ) -> Result<Response<Bytes>, EgressError>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broken = || EgressError::Answer(target.origin());
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|_| broken())?;
        let driver = tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(|_| broken())?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, self.answer_limit).collect().await.map_err(|_| broken())?.to_bytes();
        driver.abort();
        Ok(Response::from_parts(parts, body))
    }

    /// Resolves once; every address must be allowed, and the call goes to one that was checked.
    async fn resolve(&self, target: &EgressTarget) -> Result<Vec<SocketAddr>, EgressError> {
        let host = target.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let found: Vec<SocketAddr> = tokio::net::lookup_host((host, target.port))
            .await
            .map_err(|_| EgressError::Unreachable(target.origin()))?
            .take(ADDRESSES)
            .collect();
        if found.iter().any(|a| !self.rules.allows(*a)) {
            return Err(EgressError::Denied(target.origin()));
        }
        if found.is_empty() { Err(EgressError::Unreachable(target.origin())) } else { Ok(found) }
    }
}

/// Addresses of one name that are tried.
const ADDRESSES: usize = 8;

/// An open connection to a target that the rules allow.
#[derive(Debug)]
pub enum EgressStream {
    /// Plain.
    Plain(TcpStream),
    /// TLS; the certificate is verified.
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

/// A parsed URL of the kind that may be called.
#[derive(Clone, Debug)]
pub struct EgressTarget {
    tls: bool,
    host: String,
    port: u16,
    path_and_query: String,
}

impl EgressTarget {
    /// Parses an absolute `http` or `https` URL with a host and without user information.
    ///
    /// # Errors
    /// [`EgressError::Url`].
    pub fn parse(url: &str) -> Result<Self, EgressError> {
        let wrong = || EgressError::Url(url.chars().take(200).collect());
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(wrong());
        }
        Ok(Self {
            tls,
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            path_and_query: uri.path_and_query().map_or_else(|| "/".to_owned(), |p| p.as_str().to_owned()),
        })
    }

    /// Path and query, as a request line has them.
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// Host and port.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Host, with the port unless it is the scheme's own: what the field `Host` says (RFC 9110 section 7.2).
    pub fn host_field(&self) -> String {
        let own = if self.tls { 443 } else { 80 };
        if self.port == own { self.host.clone() } else { self.authority() }
    }

    /// Scheme, host and port: what connections are kept by.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::EgressTarget as Target;

    #[test]
    fn urls_with_user_information_or_other_schemes_are_refused() {
        for bad in [
            "ftp://example.com/",
            "http://user@example.com/",
            "file:///etc/passwd",
            "/relative",
            "http://",
            "gopher://x",
        ] {
            assert!(Target::parse(bad).is_err(), "{bad}");
        }
        let target = Target::parse("https://example.com/a?b=c").map_err(|e| e.to_string()).unwrap();
        assert_eq!((target.port, target.path_and_query.as_str()), (443, "/a?b=c"));
    }
}
