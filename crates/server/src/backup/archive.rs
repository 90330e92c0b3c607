//! The format of a backup: a line of JSON, then lines of sealed text.
//!
//! Each sealed line is an envelope of the vault over a part of a gzip stream. Its context names the hash of the first line
//! and the number of the part, the last part says that it is the last: parts cannot be changed, swapped, left out, cut off or
//! taken from another backup. The gzip stream holds entries: length of the name, name, mode, length, content; numbers are
//! big-endian. The first line holds the keyring, which the master key unlocks; the master key is not inside.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use model::{Rng, Secret};
use serde::{Deserialize, Serialize};
use vault::Keyring;

use crate::failure::{Failure, Outcome};

use super::damaged;

/// Name of the format; a change makes another one beside it.
pub(super) const FORMAT: &str = "portcullis-backup-1";

/// Plain bytes of a part.
const PART: usize = 512 * 1024;

/// Longest line that is read: a part in base64 and its frame.
const MAX_LINE: u64 = 1024 * 1024;

/// Longest name of an entry in bytes.
const MAX_NAME: usize = 1024;

/// What a backup says of itself, readable by everybody who has the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    /// [`FORMAT`].
    pub(super) format: String,
    /// Random, so that no two first lines are alike.
    pub(super) id: String,
    /// When it was begun, RFC 3339.
    pub(crate) created: String,
    /// The same in milliseconds since 1970.
    pub(crate) created_ms: i64,
    /// `sqlite` or `postgresql`.
    pub(crate) database: String,
    /// Version of the schema.
    pub(crate) schema: i64,
    /// Version of the program.
    pub(crate) program: String,
    /// The keyring file, sealed under the master key.
    pub(super) keyring: String,
}

/// Reads the first line of a file.
pub(super) fn header_of(path: &Path) -> Outcome<Header> {
    Ok(open(path)?.0)
}

fn open(path: &Path) -> Outcome<(Header, Vec<u8>, BufReader<File>)> {
    let file = File::open(path).map_err(|e| Failure::io(path, "open", &e))?;
    let mut reader = BufReader::new(file);
    let line = line(&mut reader).map_err(|e| Failure::io(path, "read", &e))?;
    let header: Header = serde_json::from_slice(&line).map_err(|_| damaged(path, "its first line is not ours"))?;
    if header.format != FORMAT {
        return Err(damaged(path, format!("its format is {}, and this program reads {FORMAT}", header.format)));
    }
    Ok((header, line, reader))
}

/// A line without its end, at most [`MAX_LINE`] long; empty at the end of the file.
fn line(reader: &mut BufReader<File>) -> std::io::Result<Vec<u8>> {
    let mut line = Vec::new();
    reader.take(MAX_LINE).read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if !line.is_empty() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "the file ends in the middle of a line"));
    }
    Ok(line)
}

fn context(first_line: &[u8], part: u64, last: bool) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, first_line);
    let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("backup/{hash}/{part}{}", if last { "/last" } else { "" })
}

/// Writes a backup.
pub(super) struct Writer<'a> {
    stream: GzEncoder<Sealer<'a>>,
}

impl<'a> Writer<'a> {
    /// Begins with the first line.
    pub(super) fn begin(
        mut file: File,
        header: &Header,
        keyring: &'a Keyring,
        rng: &'a dyn Rng,
    ) -> std::io::Result<Self> {
        let first_line = serde_json::to_vec(header)?;
        file.write_all(&first_line)?;
        file.write_all(b"\n")?;
        let sealer = Sealer { file, first_line, keyring, rng, part: 0, plain: Vec::with_capacity(PART) };
        Ok(Self { stream: GzEncoder::new(sealer, Compression::fast()) })
    }

    /// Adds an entry whose length is known.
    pub(super) fn entry(&mut self, name: &str, mode: u32, length: u64, content: &mut dyn Read) -> std::io::Result<()> {
        let name_length = u32::try_from(name.len()).unwrap_or(u32::MAX);
        self.stream.write_all(&name_length.to_be_bytes())?;
        self.stream.write_all(name.as_bytes())?;
        self.stream.write_all(&mode.to_be_bytes())?;
        self.stream.write_all(&length.to_be_bytes())?;
        let copied = std::io::copy(&mut content.take(length), &mut self.stream)?;
        if copied < length {
            return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, format!("{name} became shorter")));
        }
        Ok(())
    }

    /// Seals the rest; the file is on the disk when this returns.
    pub(super) fn finish(self) -> std::io::Result<()> {
        let mut sealer = self.stream.finish()?;
        sealer.seal(true)?;
        sealer.file.sync_all()
    }
}

struct Sealer<'a> {
    file: File,
    first_line: Vec<u8>,
    keyring: &'a Keyring,
    rng: &'a dyn Rng,
    part: u64,
    plain: Vec<u8>,
}

impl Sealer<'_> {
    fn seal(&mut self, last: bool) -> std::io::Result<()> {
        let context = context(&self.first_line, self.part, last);
        let sealed = self.keyring.seal(&self.plain, &context, self.rng).map_err(std::io::Error::other)?;
        self.plain.clear();
        self.part += 1;
        writeln!(self.file, "{sealed}")
    }
}

impl Write for Sealer<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.plain.len() >= PART {
            self.seal(false)?;
        }
        let room = PART.saturating_sub(self.plain.len()).min(bytes.len());
        self.plain.extend_from_slice(bytes.get(..room).unwrap_or_default());
        Ok(room)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An entry that is read: its name is checked, its content comes from the reader.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) mode: u32,
    pub(super) length: u64,
}

/// Reads a backup.
pub(super) struct Reader<'a> {
    stream: GzDecoder<Opener<'a>>,
}

/// A backup whose first line is read; the keyring in it unlocks the rest.
pub(super) struct Locked {
    pub(super) header: Header,
    first_line: Vec<u8>,
    file: BufReader<File>,
}

impl Locked {
    pub(super) fn open(path: &Path) -> Outcome<Self> {
        let (header, first_line, file) = open(path)?;
        Ok(Self { header, first_line, file })
    }

    pub(super) fn unlock(self, keyring: &Keyring) -> Reader<'_> {
        let opener = Opener {
            file: self.file,
            first_line: self.first_line,
            keyring,
            part: 0,
            plain: Secret::new(Vec::new()),
            at: 0,
            ended: false,
        };
        Reader { stream: GzDecoder::new(opener) }
    }
}

impl Reader<'_> {
    /// The next entry; its content must be read before the one after it.
    pub(super) fn next(&mut self) -> std::io::Result<Option<Entry>> {
        let mut length = [0; 4];
        match self.stream.read(&mut length)? {
            0 => {
                // The end of the stream must be the end of the backup too.
                return if self.stream.get_mut().drained()? { Ok(None) } else { Err(cut()) };
            }
            got => self.stream.read_exact(length.get_mut(got..).unwrap_or_default())?,
        }
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > MAX_NAME {
            return Err(invalid("the name of an entry is too long"));
        }
        let mut name = vec![0; length];
        self.stream.read_exact(&mut name)?;
        let name = String::from_utf8(name).map_err(|_| invalid("the name of an entry is not text"))?;
        let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\0');
        if !name.split('/').all(plain) {
            return Err(invalid("the name of an entry leads out of the backup"));
        }
        let (mut mode, mut size) = ([0; 4], [0; 8]);
        self.stream.read_exact(&mut mode)?;
        self.stream.read_exact(&mut size)?;
        Ok(Some(Entry { name, mode: u32::from_be_bytes(mode), length: u64::from_be_bytes(size) }))
    }

    /// Copies the content of the entry that was read last.
    pub(super) fn copy(&mut self, entry: &Entry, to: &mut dyn Write) -> std::io::Result<()> {
        let copied = std::io::copy(&mut self.stream.by_ref().take(entry.length), &mut { to })?;
        if copied < entry.length { Err(cut()) } else { Ok(()) }
    }
}

fn invalid(why: &'static str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, why)
}

fn cut() -> std::io::Error {
    invalid("it was cut off")
}

struct Opener<'a> {
    file: BufReader<File>,
    first_line: Vec<u8>,
    keyring: &'a Keyring,
    part: u64,
    plain: Secret<Vec<u8>>,
    at: usize,
    ended: bool,
}

impl Opener<'_> {
    /// Opens the next part; false after the last.
    fn advance(&mut self) -> std::io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let sealed = line(&mut self.file)?;
        let sealed = std::str::from_utf8(&sealed).map_err(|_| invalid("a part is not text"))?;
        if sealed.is_empty() {
            return Err(cut());
        }
        let open = |last: bool| self.keyring.open(sealed, &context(&self.first_line, self.part, last));
        let (plain, last) = match open(false) {
            Ok(plain) => (plain, false),
            Err(vault::OpenError::WrongContext { .. }) => match open(true) {
                Ok(plain) => (plain, true),
                Err(_) => return Err(invalid("a part is out of its place, or of another backup")),
            },
            Err(error) => return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, error)),
        };
        (self.plain, self.at, self.ended) = (plain, 0, last);
        self.part += 1;
        Ok(true)
    }

    /// Whether nothing is left: the last part was read, and the file ends with it.
    fn drained(&mut self) -> std::io::Result<bool> {
        while self.at >= self.plain.expose().len() && self.advance()? {}
        Ok(self.ended && self.at >= self.plain.expose().len() && line(&mut self.file)?.is_empty())
    }
}

impl Read for Opener<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.at >= self.plain.expose().len() {
            if !self.advance()? {
                return Ok(0);
            }
        }
        let mut rest = self.plain.expose().get(self.at..).unwrap_or_default();
        let count = rest.read(buffer)?;
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
