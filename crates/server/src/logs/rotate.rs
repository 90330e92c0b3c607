//! A log file that starts anew when it is large or old, and keeps the last ones compressed.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use model::{Clock, Timestamp};

/// When a log file ends, and how many are kept.
#[derive(Clone, Debug)]
pub(crate) struct Rotation {
    /// The file that is written.
    pub(crate) path: PathBuf,
    /// Largest size, bytes.
    pub(crate) size: u64,
    /// Longest time one file is written.
    pub(crate) interval: Duration,
    /// How many ended files are kept.
    pub(crate) keep: usize,
}

/// The file being written.
pub(super) struct RotatingFile {
    rotation: Rotation,
    clock: Arc<dyn Clock>,
    file: File,
    written: u64,
    opened: Timestamp,
    compressor: Option<JoinHandle<()>>,
}

impl RotatingFile {
    /// Continues an existing file or creates one with mode 0640.
    pub(super) fn open(rotation: Rotation, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let file = append(&rotation.path)?;
        let written = file.metadata()?.len();
        let opened = clock.now();
        Ok(Self { rotation, clock, file, written, opened, compressor: None })
    }

    /// Writes whole lines; starts a new file first when they would not fit or the time is over.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let length = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        let now = self.clock.now();
        let full = self.written > 0 && self.written.saturating_add(length) > self.rotation.size;
        let old = self.written > 0 && now.since(self.opened) >= self.rotation.interval;
        if full || old {
            self.rotate(now)?;
        }
        self.file.write_all(lines).inspect_err(|_| {
            // A part of a line may be on the disk: the next one starts on a line of its own.
            let _ = self.file.write_all(b"\n");
        })?;
        self.written = self.written.saturating_add(length);
        Ok(())
    }

    /// Makes what was written survive a power cut.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Waits for a compression that is under way.
    pub(super) fn finish(&mut self) {
        let _ = self.sync();
        if let Some(running) = self.compressor.take() {
            let _ = running.join();
        }
    }

    fn rotate(&mut self, now: Timestamp) -> io::Result<()> {
        self.file.sync_data()?;
        std::fs::rename(&self.rotation.path, self.ended_name(now))?;
        self.file = append(&self.rotation.path)?;
        (self.written, self.opened) = (0, now);
        sync_directory(&self.rotation.path)?;
        // One compression at a time; what is left over is compressed after the next rotation.
        if self.compressor.as_ref().is_none_or(JoinHandle::is_finished) {
            let rotation = self.rotation.clone();
            self.compressor =
                std::thread::Builder::new().name("log-compress".into()).spawn(move || tidy(&rotation, now)).ok();
        }
        Ok(())
    }

    /// `server.log` ended on 21 November 2026 is `server-20261121T191511042Z.log`; the names sort by time.
    fn ended_name(&self, now: Timestamp) -> PathBuf {
        let stamp = stamp(now);
        let mut path = named(&self.rotation.path, &stamp);
        let mut number = 1_u32;
        while path.exists() || gzip_name(&path).exists() {
            path = named(&self.rotation.path, &format!("{stamp}-{number:04}"));
            number = number.saturating_add(1);
        }
        path
    }
}

/// How long an ended file stays as it is. Under a load that fills a file in a second it is removed before it would be
/// worth compressing, which took 6 % of the time of a busy gateway.
const UNCOMPRESSED: Duration = Duration::from_secs(60);

/// Removes ended files beyond the number to keep and compresses those of some age. Faults leave the file as it is.
fn tidy(rotation: &Rotation, now: Timestamp) {
    let mut ended = ended_files(rotation);
    let surplus = ended.len().saturating_sub(rotation.keep);
    for path in ended.drain(..surplus) {
        let _ = std::fs::remove_file(path);
    }
    let age = i64::try_from(UNCOMPRESSED.as_millis()).unwrap_or(i64::MAX);
    let limit = named(&rotation.path, &stamp(Timestamp::from_millis(now.millis().saturating_sub(age))));
    for path in ended.iter().filter(|path| **path <= limit) {
        if path.extension().is_some_and(|e| e == "log") {
            let _ = compress(path);
        }
    }
}

/// Ended files of this log, oldest first.
fn ended_files(rotation: &Rotation) -> Vec<PathBuf> {
    let stem = rotation.path.file_stem().map(|s| format!("{}-2", s.to_string_lossy())).unwrap_or_default();
    let directory = rotation.path.parent().unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            name.starts_with(&stem) && (name.ends_with(".log") || name.ends_with(".log.gz"))
        })
        .collect();
    found.sort();
    found
}

fn compress(path: &Path) -> io::Result<()> {
    let target = gzip_name(path);
    let part = target.with_extension("part");
    let mut source = File::open(path)?;
    // Fast: at the default level a busy gateway spent 6 % of its time on compressing its access log.
    let mut encoder = GzEncoder::new(create(&part)?, Compression::fast());
    let copied = io::copy(&mut source, &mut encoder).and_then(|_| encoder.finish()).and_then(|file| file.sync_all());
    if let Err(error) = copied {
        let _ = std::fs::remove_file(&part);
        return Err(error);
    }
    std::fs::rename(&part, &target)?;
    sync_directory(&target)?;
    std::fs::remove_file(path)
}

/// A time as names of ended files carry it; sorts by time.
fn stamp(time: Timestamp) -> String {
    time.rfc3339().chars().filter(|c| c.is_ascii_alphanumeric()).collect()
}

fn named(path: &Path, stamp: &str) -> PathBuf {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!("{stem}-{stamp}.log"))
}

fn gzip_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".gz");
    PathBuf::from(name)
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(path)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
