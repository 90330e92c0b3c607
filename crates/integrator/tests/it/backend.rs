//! A backend of raw sockets that behaves as its path says, well or badly.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Default)]
pub(crate) struct Backend {
    pub(crate) port: u16,
    /// Calls by path, and connections under `connections`.
    counts: Arc<Mutex<HashMap<String, usize>>>,
}

impl Backend {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let backend = Self { port: listener.local_addr().unwrap().port(), counts: Arc::default() };
        let own = backend.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                own.count("connections");
                tokio::spawn(own.clone().connection(stream));
            }
        });
        backend
    }

    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    pub(crate) fn calls(&self, path: &str) -> usize {
        self.counts.lock().unwrap().get(path).copied().unwrap_or(0)
    }

    /// What was called, for the message of a test that fails.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.counts.lock().unwrap().keys().filter(|path| path.contains("cache")).cloned().collect()
    }

    fn count(&self, path: &str) -> usize {
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry(path.to_owned()).or_default();
        *count += 1;
        *count
    }

    async fn connection(self, mut stream: TcpStream) {
        while let Some(request) = read(&mut stream).await {
            let path = request.target.split('?').next().unwrap().to_owned();
            let count = self.count(&path);
            if self.answer(&mut stream, &request, &path, count).await.is_none() {
                return;
            }
        }
    }

    /// None ends the connection.
    async fn answer(&self, stream: &mut TcpStream, request: &Request, path: &str, count: usize) -> Option<()> {
        let mut parts = path.trim_start_matches('/').split('/');
        let (kind, argument) = (parts.next()?, parts.next().unwrap_or_default());
        let number = argument.parse::<u64>().unwrap_or(0);
        let json = "application/json";
        match kind {
            "mirror" => write(stream, 200, &request.content_type, &request.body).await,
            "status" => write(stream, number, json, format!("{{\"s\":{number}}}").as_bytes()).await,
            "slow" => {
                tokio::time::sleep(Duration::from_millis(number)).await;
                write(stream, 200, json, b"{\"slow\":true}").await
            }
            "close" => None,
            "garbage" => {
                stream.write_all(b"NOT HTTP AT ALL\r\n\r\n").await.ok()?;
                None
            }
            "half" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789").await.ok()?;
                None
            }
            "big" => write(stream, 200, "text/plain", &vec![b'x'; usize::try_from(number).unwrap()]).await,
            "gzip" => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
                encoder
                    .write_all(format!("{{\"z\":\"{}\"}}", "a".repeat(usize::try_from(number).unwrap())).as_bytes())
                    .unwrap();
                let body = encoder.finish().unwrap();
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: {json}\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                stream.write_all(head.as_bytes()).await.ok()?;
                stream.write_all(&body).await.ok()
            }
            "chunked" => {
                let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\
                              4\r\n{\"a\"\r\n3\r\n:1}\r\n0\r\n\r\n";
                stream.write_all(answer.as_bytes()).await.ok()
            }
            "once" => {
                write(stream, 200, json, b"{\"once\":1}").await?;
                None
            }
            "xml" => write(stream, 200, "application/xml", b"<r><a>1</a><a>2</a></r>").await,
            "text" => write(stream, 200, "text/plain", b"plain words").await,
            "count" => write(stream, 200, json, format!("{{\"n\":{count}}}").as_bytes()).await,
            "fault" => {
                let body = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><s:Fault>\
                            <faultcode>s:Server</faultcode><faultstring>broken</faultstring></s:Fault></s:Body></s:Envelope>";
                write(stream, 500, "text/xml", body.as_bytes()).await
            }
            "named" => write(stream, 200, json, format!("{{\"by\":\"{argument}\"}}").as_bytes()).await,
            "flaky" => match count {
                1 => None,
                _ => write(stream, 200, json, b"{\"flaky\":true}").await,
            },
            "cookies" => {
                let answer =
                    "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Own: y\r\nContent-Length: 0\r\n\r\n";
                stream.write_all(answer.as_bytes()).await.ok()
            }
            "nothing" => stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.ok(),
            _ => {
                let body = serde_json::json!({
                    "method": request.method,
                    "target": request.target,
                    "headers": request.headers.iter().cloned().collect::<HashMap<String, String>>(),
                    "body": String::from_utf8_lossy(&request.body),
                });
                write(stream, 200, json, body.to_string().as_bytes()).await
            }
        }
    }
}

struct Request {
    method: String,
    target: String,
    content_type: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let of = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let length: usize = of("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    let content_type = of("content-type").unwrap_or_default();
    Some(Request { method, target, content_type, headers, body })
}

async fn write(stream: &mut TcpStream, status: u64, content_type: &str, body: &[u8]) -> Option<()> {
    let kind = if content_type.is_empty() { String::new() } else { format!("Content-Type: {content_type}\r\n") };
    let head = format!("HTTP/1.1 {status} Any\r\n{kind}Content-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body).await.ok()
}

/// A port on which nothing listens.
pub(crate) async fn dead() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}
