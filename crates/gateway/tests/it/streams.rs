//! HTTP/2 to upstreams, and gRPC from end to end.

use crate::platform::*;
use crate::tls::{Pair, client, pair};
use bytes::Bytes;
use gateway::Listener;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use model::snapshot::*;
use rustls::pki_types::ServerName;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

type Answer = http_body_util::combinators::BoxBody<Bytes, Infallible>;

struct Streams {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

/// An upstream that speaks HTTP/2 with prior knowledge. `/echo` gives the request back with its fields as trailers; `/close`
/// ends the connection after its answer.
fn streams() -> Streams {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&connections);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let service = hyper::service::service_fn(serve);
                let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(serving);
            }
        });
    });
    Streams { address, connections }
}

async fn serve(request: Request<Incoming>) -> Result<Response<Answer>, Infallible> {
    let (parts, body) = request.into_parts();
    if parts.uri.path().ends_with("/refused") {
        let mut response = Response::new(Full::new(Bytes::new()).boxed());
        response.headers_mut().insert("grpc-status", HeaderValue::from_static("5"));
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        return Ok(response);
    }
    if parts.uri.path().ends_with("/never") {
        std::future::pending::<()>().await;
    }
    let Ok(whole) = body.collect().await else {
        return Ok(Response::new(Full::new(Bytes::new()).boxed()));
    };
    let sent = whole.trailers().and_then(|t| t.get("x-client-trailer")).cloned();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    trailers.insert("x-heard", sent.unwrap_or(HeaderValue::from_static("nothing")));
    trailers.insert("x-te", parts.headers.get("te").cloned().unwrap_or(HeaderValue::from_static("none")));
    trailers.insert("x-path", HeaderValue::from_str(parts.uri.path()).unwrap());
    let data = whole.to_bytes();
    let frames = [Ok(Frame::data(data)), Ok(Frame::trailers(trailers))];
    let mut response = Response::new(BodyExt::boxed(StreamBody::new(futures_util::stream::iter(frames))));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    Ok(response)
}

fn grpc_stack(pair: &Pair, upstream: SocketAddr) -> Stack {
    let (server, address) = (Arc::clone(&pair.server), "127.0.0.1:0".parse().unwrap());
    Stack::with(
        upstream,
        |s| {
            s.listeners = vec![Listener { address, tls: Some(server) }];
            s.workers = 1;
        },
        |s| {
            edit(s, |api| {
                api.resources =
                    vec![resource("POST", "/echo"), resource("POST", "/refused"), resource("POST", "/never")];
                api.production.as_mut().unwrap().timeout_ms = 1000;
            });
        },
    )
}

/// One gRPC call over HTTP/2: status, fields, body, trailers.
async fn call<B>(address: SocketAddr, pair: &Pair, request: Request<B>) -> (StatusCode, HeaderMap, Bytes, HeaderMap)
where
    B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
{
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(client(&pair.root, &[b"h2"]));
    let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    let (mut send, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let response = send.send_request(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let whole = body.collect().await.unwrap();
    let trailers = whole.trailers().cloned().unwrap_or_default();
    (parts.status, parts.headers, whole.to_bytes(), trailers)
}

fn grpc(path: &str, token: &str) -> http::request::Builder {
    Request::post(format!("https://localhost/pizza/1.0.0{path}"))
        .header("content-type", "application/grpc+proto")
        .header("te", "trailers")
        .header("authorization", token)
}

fn with_trailers(data: &'static [u8]) -> impl Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-client-trailer", HeaderValue::from_static("from the client"));
    let frames = [Ok(Frame::data(Bytes::from_static(data))), Ok(Frame::trailers(trailers))];
    StreamBody::new(futures_util::stream::iter(frames))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn grpc_passes_with_its_trailers_in_both_directions() {
    let (pair, upstream) = (pair(), streams());
    let stack = grpc_stack(&pair, upstream.address);
    let token = bearer().1;
    block_on(async {
        for _ in 0..5 {
            let request = grpc("/echo", &token).body(with_trailers(b"\0\0\0\0\x02hi")).unwrap();
            let (status, headers, body, trailers) = call(stack.address(), &pair, request).await;
            assert_eq!((status, &body[..]), (StatusCode::OK, &b"\0\0\0\0\x02hi"[..]));
            assert_eq!(headers["content-type"], "application/grpc");
            assert_eq!(
                (&trailers["grpc-status"], &trailers["x-heard"]),
                (&"0".parse().unwrap(), &"from the client".parse().unwrap())
            );
            assert_eq!(
                (&trailers["x-te"], &trailers["x-path"]),
                (&"trailers".parse().unwrap(), &"/base/echo".parse().unwrap())
            );
        }
        let request = grpc("/refused", &token).body(with_trailers(b"")).unwrap();
        let (_, headers, _, _) = call(stack.address(), &pair, request).await;
        assert_eq!(headers["grpc-status"], "5", "an answer of trailers alone");
    });
    assert_eq!(upstream.connections.load(Ordering::SeqCst), 1, "one connection carries all calls");
}

#[test]
fn refusals_are_written_for_grpc_clients() {
    let (pair, upstream) = (pair(), streams());
    let mut stack = grpc_stack(&pair, upstream.address);
    let good = bearer().1;
    let ask = |stack: &Stack, path: &str, token: &str| {
        block_on(async {
            let request = grpc(path, token).body(with_trailers(b"x")).unwrap();
            let (status, headers, body, _) = call(stack.address(), &pair, request).await;
            assert_eq!((status, body.len()), (StatusCode::OK, 0));
            assert_eq!(headers["content-type"], "application/grpc");
            let message = headers["grpc-message"].to_str().unwrap().to_owned();
            (headers["grpc-status"].to_str().unwrap().to_owned(), message)
        })
    };
    let (status, message) = ask(&stack, "/echo", "Bearer nonsense");
    assert_eq!((status.as_str(), message.starts_with("900901")), ("16", true), "{message}");
    assert_eq!(ask(&stack, "/none", &good).0, "12");
    assert_eq!(ask(&stack, "/never", &good).0, "4", "the deadline of the endpoint");
    stack.publish(|s| {
        s.limits.push(limit(LimitLevel::Subscription, "One", 1));
        s.subscriptions[0].plan = "One".into();
    });
    ask_once(&stack, &pair, &good);
    assert_eq!(ask(&stack, "/echo", &good).0, "8");
    stack.publish(|s| edit(s, |api| api.production.as_mut().unwrap().targets = vec!["http://127.0.0.1:1".into()]));
    stack.clock.advance(61);
    assert_eq!(ask(&stack, "/echo", &bearer().1).0, "14");
}

fn ask_once(stack: &Stack, pair: &Pair, token: &str) {
    block_on(async {
        let request = grpc("/echo", token).body(with_trailers(b"x")).unwrap();
        assert_eq!(call(stack.address(), pair, request).await.3["grpc-status"], "0");
    });
}

#[test]
fn an_endpoint_may_ask_for_http2() {
    let upstream = streams();
    let traffic = Traffic { protocol: UpstreamProtocol::Http2, ..Traffic::default() };
    let stack = Stack::with(
        upstream.address,
        |s| s.workers = 1,
        |s| edit(s, |api| api.production.as_mut().unwrap().traffic = Some(Box::new(traffic))),
    );
    for size in [0, 10, 100_000, 3_000_000] {
        let body = vec![b'x'; size];
        let reply = stack.call("POST", "/pizza/1.0.0/order", &[("Authorization", &bearer().1)], &body);
        assert_eq!((reply.status, reply.body.len()), (200, size));
    }
    assert_eq!(upstream.connections.load(Ordering::SeqCst), 1);
    let replies: Vec<u16> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| stack.get("/pizza/1.0.0/menu", &[("Authorization", &bearer().1)]).status))
            .collect();
        calls.into_iter().map(|c| c.join().unwrap()).collect()
    });
    assert_eq!(replies, [200; 20]);
    assert_eq!(upstream.connections.load(Ordering::SeqCst), 1, "shared by calls at the same time");
}

#[test]
fn an_upstream_that_does_not_speak_http2_is_told_apart() {
    let upstream = Upstream::echo();
    let traffic = Traffic { protocol: UpstreamProtocol::Http2, ..Traffic::default() };
    let stack = Stack::with(
        upstream.address,
        |_| (),
        |s| edit(s, |api| api.production.as_mut().unwrap().traffic = Some(Box::new(traffic))),
    );
    let reply = stack.get("/pizza/1.0.0/menu", &[("Authorization", &bearer().1)]);
    assert!(matches!(reply.status, 502 | 504), "{}", reply.status);
}

#[test]
fn an_upstream_that_restarts_costs_nobody_a_call() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Each connection ends with GOAWAY after one call.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let done = Arc::new(tokio::sync::Notify::new());
                    let told = Arc::clone(&done);
                    let service = hyper::service::service_fn(move |request| {
                        told.notify_one();
                        serve(request)
                    });
                    let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service);
                    let mut serving = std::pin::pin!(serving);
                    tokio::select! {
                        _ = serving.as_mut() => return,
                        () = done.notified() => serving.as_mut().graceful_shutdown(),
                    }
                    let _ended = tokio::time::timeout(Duration::from_secs(5), serving).await;
                });
            }
        });
    });
    let traffic = Traffic { protocol: UpstreamProtocol::Http2, ..Traffic::default() };
    let stack = Stack::with(
        address,
        |s| s.workers = 1,
        |s| edit(s, |api| api.production.as_mut().unwrap().traffic = Some(Box::new(traffic))),
    );
    for n in 0..20 {
        let reply = stack.get("/pizza/1.0.0/menu", &[("Authorization", &bearer().1)]);
        assert_eq!(reply.status, 200, "call {n}");
    }
}
