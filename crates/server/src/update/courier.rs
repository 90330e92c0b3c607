//! Files of a repository: from a folder, or over TLS.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use tough::{FilesystemTransport, Transport, TransportError, TransportErrorKind, TransportStream};
use url::Url;

use crate::client::Client;

/// Most bytes of one file.
const CAP: u64 = 1 << 30;

/// Bytes that are read at once.
const PART: usize = 64 << 10;

/// Fetches files. What comes over the network is put on the disk first: the disk holds a program better than memory does, and
/// `tough` judges it from there.
#[derive(Clone)]
pub(super) struct Courier {
    /// None for a folder.
    pub(super) tls: Option<Arc<rustls::ClientConfig>>,
    /// Directory for files that have no name.
    pub(super) scratch: PathBuf,
}

impl std::fmt::Debug for Courier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Courier").field("tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}

type Fetched<'a> = Pin<Box<dyn Future<Output = Result<TransportStream, TransportError>> + Send + 'a>>;

impl Transport for Courier {
    fn fetch<'own, 'result>(&'own self, url: Url) -> Fetched<'result>
    where
        'own: 'result,
        Self: 'result,
    {
        match &self.tls {
            None => FilesystemTransport.fetch(url),
            Some(tls) => Box::pin(async move {
                let other = |why: &dyn std::fmt::Display| {
                    TransportError::new_with_cause(TransportErrorKind::Other, url.as_str(), why.to_string())
                };
                let host = url.host_str().ok_or_else(|| other(&"it names no host"))?;
                let client = Client::tls(host, url.port().unwrap_or(443), Arc::clone(tls));
                let mut file = scratch_file(&self.scratch).map_err(|e| other(&e))?;
                let status = client.download(url.path(), &mut file, CAP).await.map_err(|e| other(&e))?;
                match status.as_u16() {
                    200 => {}
                    404 | 410 => return Err(TransportError::new(TransportErrorKind::FileNotFound, url.as_str())),
                    status => return Err(other(&format!("the answer has status {status}"))),
                }
                file.rewind().map_err(|e| other(&e))?;
                let parts = Parts { file, address: url.as_str().to_owned() };
                Ok(Box::pin(futures_util::stream::iter(parts)) as TransportStream)
            }),
        }
    }
}

/// A file without a name, which is gone when it is closed.
pub(super) fn scratch_file(folder: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = folder.join(format!(".download-{}", std::process::id()));
    // Left by a process that was killed between the two calls.
    let _ = std::fs::remove_file(&path);
    let file = std::fs::OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// A file in parts.
struct Parts {
    file: File,
    address: String,
}

impl Iterator for Parts {
    type Item = Result<Bytes, TransportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut part = Vec::with_capacity(PART);
        match (&mut self.file).take(PART as u64).read_to_end(&mut part) {
            Ok(0) => None,
            Ok(_) => Some(Ok(Bytes::from(part))),
            Err(e) => Some(Err(TransportError::new_with_cause(TransportErrorKind::Other, &self.address, e))),
        }
    }
}
