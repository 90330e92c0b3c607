//! The UNIX socket: only the server's own user, and it acts as the operator.

use crate::routes::router;
use std::os::unix::fs::MetadataExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use web::{ListenerLimits, serve_unix};

async fn ask(owner_offset: u32) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("portcullis.sock");
    let owner = std::fs::metadata(directory.path()).unwrap().uid() + owner_offset;
    let listener = UnixListener::bind(&path).unwrap();
    let (stop, stopped) = watch::channel(false);
    let socket = path.clone();
    let server = tokio::spawn(async move {
        serve_unix(listener, owner, &socket, router(), ListenerLimits::default(), stopped).await;
    });
    let mut stream = UnixStream::connect(&path).await.unwrap();
    let _ = stream.write_all(b"GET /things/7 HTTP/1.1\r\nhost: local\r\nconnection: close\r\n\r\n").await;
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    stop.send(true).unwrap();
    server.await.unwrap();
    answer
}

#[tokio::test]
async fn the_owner_is_let_in_without_a_token() {
    let answer = ask(0).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("cache-control: no-store"), "{answer}");
    assert!(!answer.to_ascii_lowercase().contains("server:"), "{answer}");
}

#[tokio::test]
async fn another_user_gets_nothing() {
    assert_eq!(ask(1).await, "");
}
