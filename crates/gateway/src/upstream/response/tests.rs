use super::{Chunk, Chunks, Framing, Head, MAX_HEAD, Malformed, end_of_head, parse};
use http::Method;

fn read(head: &str) -> Result<Head, Malformed> {
    let end = end_of_head(head.as_bytes(), 0)?.ok_or(Malformed::Head)?;
    parse(&head.as_bytes()[..end], &Method::GET)
}

#[test]
fn framing_follows_rfc_9112() {
    for (fields, framing, keep_alive) in [
        ("Content-Length: 12\r\n", Framing::Length(12), true),
        ("Content-Length: 0\r\n", Framing::Length(0), true),
        ("content-length:\t7 \r\n", Framing::Length(7), true),
        ("Transfer-Encoding: Chunked\r\n", Framing::Chunked, true),
        ("Content-Length: 12\r\nConnection: keep-alive, Close\r\n", Framing::Length(12), false),
        ("Content-Length: 12\r\nConnection: close\r\n", Framing::Length(12), false),
        ("Content-Length: 12\r\nConnection: X\r\nConnection: CLOSE\r\n", Framing::Length(12), false),
        ("Content-Length: 12\r\nConnection: Keep-Alive\r\n", Framing::Length(12), true),
        ("", Framing::Close, false),
    ] {
        let head = read(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n")).unwrap();
        assert_eq!((head.framing, head.keep_alive), (framing, keep_alive), "{fields}");
    }
    let old = read("HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n").unwrap();
    assert_eq!((old.framing, old.keep_alive), (Framing::Length(1), false));
}

#[test]
fn some_answers_have_no_body_whatever_they_say() {
    for status in ["103 Early Hints", "204 No Content", "304 Not Modified"] {
        let head = read(&format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n")).unwrap();
        assert_eq!(head.framing, Framing::Length(0), "{status}");
        assert_eq!(head.headers.contains_key("content-length"), status.starts_with("304"), "{status}");
    }
    let head = parse(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", &Method::HEAD).unwrap();
    assert_eq!((head.framing, head.headers["content-length"].to_str().unwrap()), (Framing::Length(0), "5"));
}

#[test]
fn what_two_readers_may_read_differently_is_refused() {
    for fields in [
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 3\r\nContent-Length: 4\r\n",
        "Content-Length: 3\r\nContent-Length: 3\r\n",
        "Content-Length: 3, 3\r\n",
        "Content-Length: +3\r\n",
        "Content-Length: -3\r\n",
        "Content-Length: 0x3\r\n",
        "Content-Length: 3 3\r\n",
        "Content-Length: \r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    ] {
        assert_eq!(read(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n")).unwrap_err(), Malformed::Length, "{fields}");
    }
    assert_eq!(read("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap_err(), Malformed::Length);
}

#[test]
fn what_is_not_http_is_refused() {
    for head in [
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\n\n",
        "HTTP/1.1 200 OK\r\nA: b\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 OK\r\n A: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 600 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        "220 smtp.example.com ESMTP\r\n\r\n",
    ] {
        assert_eq!(read(head).unwrap_err(), Malformed::Head, "{head:?}");
    }
    assert_eq!(end_of_head(b"SSH-2.0", 0), Err(Malformed::Head), "known after seven bytes, not after a deadline");
}

#[test]
fn heads_are_bounded() {
    let endless = format!("HTTP/1.1 200 OK\r\nA: {}", "a".repeat(MAX_HEAD));
    assert_eq!(end_of_head(endless.as_bytes(), 0), Err(Malformed::TooLarge));
    assert_eq!(end_of_head(format!("{endless}\r\n\r\n").as_bytes(), 0), Err(Malformed::TooLarge));
    let fields = |count| format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(count));
    assert_eq!(read(&fields(128)).unwrap().headers.len(), 128);
    assert_eq!(read(&fields(129)).unwrap_err(), Malformed::TooLarge);
}

#[test]
fn a_head_may_come_byte_by_byte() {
    let head = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
    for end in 0..head.len() {
        assert_eq!(end_of_head(&head[..end], end.saturating_sub(1)), Ok(None));
    }
    assert_eq!(end_of_head(head, head.len() - 1), Ok(Some(head.len())));
}

#[test]
fn values_come_through_unchanged() {
    let head = read(
        "HTTP/1.1 418\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nEmpty:\r\nX:  \u{e9} \r\nContent-Length: 0\r\n\r\n",
    );
    let head = head.unwrap();
    assert_eq!(head.status.as_u16(), 418);
    let cookies: Vec<_> = head.headers.get_all("set-cookie").iter().map(|v| v.to_str().unwrap()).collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!((head.headers["empty"].as_bytes(), head.headers["x"].as_bytes()), (&b""[..], "\u{e9}".as_bytes()));
}

/// Decodes with pieces of a size; also returns what was left over.
fn decode(raw: &[u8], piece: usize) -> Result<(Vec<u8>, Vec<u8>), Malformed> {
    let (mut chunks, mut body, mut buffer, mut rest) = (Chunks::default(), Vec::new(), Vec::new(), raw);
    loop {
        match chunks.next(&buffer)? {
            Chunk::Data(n) => body.extend(buffer.drain(..n)),
            Chunk::Skip(0) => {
                if rest.is_empty() {
                    return Err(Malformed::Head); // Incomplete; no case below expects it.
                }
                let (now, later) = rest.split_at(piece.min(rest.len()));
                buffer.extend_from_slice(now);
                rest = later;
            }
            Chunk::Skip(n) => drop(buffer.drain(..n)),
            Chunk::End => {
                buffer.extend_from_slice(rest);
                return Ok((body, buffer));
            }
        }
    }
}

#[test]
fn chunks_decode_however_they_are_cut() {
    let raw = b"3\r\nabc\r\n00A;name=\"v\"\r\n0123456789\r\n0;x\r\nTrailer: dropped\r\nB: c\r\n\r\nHTTP/1.1";
    for piece in 1..=raw.len() {
        let (body, rest) = decode(raw, piece).unwrap();
        assert_eq!((&body[..], &rest[..]), (&b"abc0123456789"[..], &b"HTTP/1.1"[..]), "pieces of {piece}");
    }
}

#[test]
fn bad_chunks_are_refused() {
    for raw in [
        "\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "+3\r\nabc\r\n0\r\n\r\n",
        "-3\r\nabc\r\n0\r\n\r\n",
        " 3\r\nabc\r\n0\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3\rabc\r\n0\r\n\r\n",
        "3;a\nb\r\nabc\r\n0\r\n\r\n",
        "3;\0\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "3\r\nabc0\r\n\r\n",
        "10000000000000003\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\r\n0\r\nTrailer: a\nb\r\n\r\n",
        "3\r\nabc\r\n0\r\n\r\r\n",
        "g\r\n",
    ] {
        assert_eq!(decode(raw.as_bytes(), 1).unwrap_err(), Malformed::Chunk, "{raw:?}");
        assert_eq!(decode(raw.as_bytes(), raw.len()).unwrap_err(), Malformed::Chunk, "{raw:?}");
    }
    let endless = format!("3;{}", "e".repeat(20_000));
    assert_eq!(decode(endless.as_bytes(), 1000).unwrap_err(), Malformed::Chunk);
    let trailers = format!("0\r\n{}", "A: b\r\n".repeat(5_000));
    assert_eq!(decode(trailers.as_bytes(), 1000).unwrap_err(), Malformed::Chunk);
}
