//! Compressed bodies: mediators work on what is inside.

use std::io::Read as _;

use bytes::Bytes;
use synapse::Headers;

/// Why a body cannot be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodingError {
    /// It is not what the header says.
    #[error("the body is not in the content coding that it names")]
    Broken,
    /// Too large unpacked.
    #[error("the body is too large unpacked")]
    TooLarge,
    /// The coding is not known.
    #[error("the content coding is not known; gzip, deflate and identity are")]
    Unknown,
}

/// Unpacks a body by its header `Content-Encoding`, which is removed.
pub(crate) fn unpack(headers: &mut Headers, body: Bytes, limit: usize) -> Result<Bytes, CodingError> {
    let Some(coding) = headers.get("Content-Encoding") else { return Ok(body) };
    let coding = coding.trim().to_ascii_lowercase();
    if body.is_empty() || coding == "identity" {
        headers.remove("Content-Encoding");
        return Ok(body);
    }
    let cap = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut out = Vec::new();
    let read = match coding.as_str() {
        "gzip" | "x-gzip" => flate2::read::MultiGzDecoder::new(body.as_ref()).take(cap).read_to_end(&mut out),
        "deflate" => flate2::read::ZlibDecoder::new(body.as_ref()).take(cap).read_to_end(&mut out),
        _ => return Err(CodingError::Unknown),
    };
    read.map_err(|_| CodingError::Broken)?;
    if out.len() > limit {
        return Err(CodingError::TooLarge);
    }
    headers.remove("Content-Encoding");
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{CodingError, unpack};
    use synapse::Headers;

    fn packed(size: usize) -> bytes::Bytes {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![b'a'; size]).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn a_bomb_ends_at_the_cap() {
        let mut headers = Headers::new();
        headers.set("Content-Encoding", "gzip");
        assert_eq!(unpack(&mut headers.clone(), packed(10 << 20), 1 << 20), Err(CodingError::TooLarge));
        assert_eq!(unpack(&mut headers, packed(1000), 1 << 20).unwrap().len(), 1000);
        assert!(headers.get("Content-Encoding").is_none());
        headers.set("Content-Encoding", "br");
        assert_eq!(unpack(&mut headers.clone(), packed(1000), 1 << 20), Err(CodingError::Unknown));
        headers.set("Content-Encoding", "gzip");
        assert_eq!(unpack(&mut headers, bytes::Bytes::from_static(b"nope"), 1 << 20), Err(CodingError::Broken));
    }
}
