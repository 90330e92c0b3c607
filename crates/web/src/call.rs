//! A management request as handlers see it: head parsed, body read under a cap.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri, header};
use model::TenantDomain;
use serde::de::DeserializeOwned;

use crate::RestError;

/// The tenant that the path names with `/t/<domain>`.
#[derive(Clone, Debug)]
pub struct RequestedTenant(pub TenantDomain);

/// The process at the other end of the UNIX socket; its owner is the owner of this server.
#[derive(Clone, Copy, Debug)]
pub struct LocalPeer {
    /// User id.
    pub uid: u32,
    /// Process id, when the system tells.
    pub pid: Option<i32>,
}

/// The address of the peer of a TCP connection.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub SocketAddr);

/// The certificate that the peer of a TLS connection proved to hold.
#[derive(Clone, Debug)]
pub struct PeerCertificate {
    /// The certificate, DER.
    pub der: Arc<[u8]>,
    /// Whether an authority that the listener trusts stands for it.
    pub trusted: bool,
}

/// One request.
pub struct Call {
    /// Method.
    pub method: Method,
    /// Path and query as received, after the tenant prefix was taken off.
    pub uri: Uri,
    /// Headers.
    pub headers: HeaderMap,
    /// The tenant that the path names, if it does.
    pub requested_tenant: Option<TenantDomain>,
    /// Peer address; absent on the UNIX socket.
    pub peer: Option<SocketAddr>,
    /// The certificate of the peer, if it has one (RFC 8705).
    pub peer_certificate: Option<PeerCertificate>,
    /// The whole body, at most the operation's cap.
    pub body: Bytes,
    pub(crate) path: BTreeMap<String, String>,
    pub(crate) query: Vec<(String, String)>,
}

/// One file of a multipart form.
#[derive(Clone, Debug)]
pub struct FilePart {
    /// The file name the caller gave; never used as a path.
    pub file_name: String,
    /// The bytes.
    pub bytes: Bytes,
}

/// A multipart form: text fields and files by name.
#[derive(Debug, Default)]
pub struct FormParts {
    /// Parts without a file name.
    pub texts: BTreeMap<String, String>,
    /// Parts with one.
    pub files: BTreeMap<String, FilePart>,
}

impl FormParts {
    /// A part as text, whether it was sent as a field or as a file.
    pub fn text(&self, name: &str) -> Option<String> {
        self.texts
            .get(name)
            .cloned()
            .or_else(|| self.files.get(name).and_then(|f| String::from_utf8(f.bytes.to_vec()).ok()))
    }
}

impl Call {
    /// A parameter of the path template.
    ///
    /// # Errors
    /// 404 when the route has no such parameter, which a test of the route table would show.
    pub fn path(&self, name: &str) -> Result<&str, RestError> {
        self.path.get(name).map(String::as_str).ok_or_else(|| RestError::not_found("The path is not complete."))
    }

    /// A path parameter parsed into an id or number.
    ///
    /// # Errors
    /// 404 when it is not of that form: such a thing cannot exist.
    pub fn path_id<T: std::str::FromStr>(&self, name: &str) -> Result<T, RestError> {
        let text = self.path(name)?;
        text.parse().map_err(|_| RestError::not_found(format!("There is nothing with the id {text:?}.")))
    }

    /// The first query parameter of this name.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// A query parameter parsed, or the default when absent.
    ///
    /// # Errors
    /// 400 naming the parameter.
    pub fn query_or<T: std::str::FromStr>(&self, name: &str, default: T) -> Result<T, RestError> {
        match self.query(name) {
            None | Some("") => Ok(default),
            Some(text) => text.parse().map_err(|_| {
                RestError::bad_request(format!("The query parameter {name} has the wrong form: {text:?}."))
            }),
        }
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// 400 naming line, column and reason.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, RestError> {
        serde_json::from_slice(&self.body)
            .map_err(|e| RestError::bad_request(format!("The body is not the JSON this operation takes: {e}.")))
    }

    /// The body as an `application/x-www-form-urlencoded` form, in order; repeated names stay repeated.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The body as a multipart form.
    ///
    /// # Errors
    /// 400 when it is not one.
    pub async fn multipart(&self) -> Result<FormParts, RestError> {
        let wrong = |e: String| RestError::bad_request(format!("The body is not a multipart form: {e}."));
        let mut request = Request::new(Body::from(self.body.clone()));
        if let Some(kind) = self.headers.get(header::CONTENT_TYPE) {
            request.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
        }
        // The body was read under the operation's own cap; the extractor's 2 MiB are less than a definition may have.
        DefaultBodyLimit::disable().apply(&mut request);
        let mut multipart = Multipart::from_request(request, &()).await.map_err(|e| wrong(e.to_string()))?;
        let mut form = FormParts::default();
        while let Some(part) = multipart.next_field().await.map_err(|e| wrong(e.body_text()))? {
            let name = part.name().unwrap_or_default().to_owned();
            match part.file_name().map(str::to_owned) {
                Some(file_name) => {
                    let bytes = part.bytes().await.map_err(|e| wrong(e.body_text()))?;
                    form.files.insert(name, FilePart { file_name, bytes });
                }
                None => {
                    form.texts.insert(name, part.text().await.map_err(|e| wrong(e.body_text()))?);
                }
            }
        }
        Ok(form)
    }
}
