use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use model::{Clock, Rng, Timestamp};
use tracing_subscriber::layer::SubscriberExt as _;

use super::layer::{RecordLayer, Style};
use super::rotate::{RotatingFile, Rotation};
use super::writer::{self, Sink};

struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

struct Fixed;

impl Rng for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

fn clock() -> Arc<Hand> {
    Arc::new(Hand(AtomicI64::new(1_795_288_511_042)))
}

fn rotation(directory: &Path, size: u64, keep: usize) -> Rotation {
    Rotation { path: directory.join("server.log"), size, interval: Duration::from_secs(3600), keep }
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Logs what an attacker sends and gives the text of the file.
fn logged(style: Style, log: impl FnOnce()) -> String {
    let directory = tempfile::tempdir().unwrap();
    let sink = Sink::File(rotation(directory.path(), 1 << 20, 3));
    let guard = writer::start(sink, clock()).unwrap();
    let layer = RecordLayer::new(style, guard.queue(), clock(), Arc::new(Fixed));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
    drop(guard);
    std::fs::read_to_string(directory.path().join("server.log")).unwrap()
}

const FORGED: &str =
    "alice\n2026-11-21T19:15:11.042Z INFO admin signed in\r\u{1b}[2K\u{85}\u{2028}\u{202e}x\"}\\\u{7f}";

#[test]
fn forged_lines_stay_one_record_in_both_formats() {
    for style in [Style::Json, Style::Human { colour: false }] {
        let text = logged(style, || tracing::warn!(user = FORGED, "sign-in failed for {FORGED}"));
        assert_eq!(text.matches('\n').count(), 1, "{text:?}");
        assert!(text.ends_with('\n'));
        let body = text.trim_end_matches('\n');
        assert!(!body.chars().any(|c| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c)), "{text:?}");
    }
}

#[test]
fn json_records_parse_and_give_the_text_back() {
    let text = logged(Style::Json, || tracing::warn!(user = FORGED, "sign-in failed"));
    let record: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(record["fields"]["user"], FORGED);
    assert_eq!(record["message"], "sign-in failed");
    assert_eq!(record["level"], "WARN");
    assert_eq!(record["tenant"], "-1234");
    assert_eq!(record["time"], "2026-11-21T19:15:11.042Z");
    let id: uuid::Uuid = record["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(id.get_version_num(), 7);
}

#[test]
fn the_tenant_comes_from_the_span_or_the_event() {
    let text = logged(Style::Json, || {
        let span = tracing::info_span!("request", tenant = 7, path = "/x");
        let _inside = span.enter();
        tracing::info!("from the span");
        tracing::info!(tenant = 8, "from the event");
    });
    let tenants: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["tenant"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(tenants, ["7", "8"]);
    assert!(text.contains("\"path\":\"/x\""));
}

#[test]
fn files_rotate_by_size_and_the_oldest_go() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let mut file = RotatingFile::open(rotation(directory.path(), 100, 2), clock.clone()).unwrap();
    for round in 0..6_i64 {
        clock.0.fetch_add(60_000, Ordering::Relaxed);
        file.write(format!("{round}{}\n", "x".repeat(80)).as_bytes()).unwrap();
        file.finish();
    }
    let names = names(directory.path());
    assert_eq!(names.len(), 3, "{names:?}");
    // The file that ended last stays plain until it is a minute old.
    assert_eq!(names.iter().filter(|n| n.ends_with(".log.gz")).count(), 1, "{names:?}");
    let older = names.iter().find(|n| n.ends_with(".log.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(directory.path().join(older)).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    assert!(text.starts_with('3'), "{text}");
    assert!(std::fs::read_to_string(directory.path().join("server.log")).unwrap().starts_with('5'));
}

#[test]
fn files_rotate_by_time_and_continue_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    RotatingFile::open(rotation(directory.path(), 1000, 5), clock.clone()).unwrap().write(b"one\n").unwrap();
    let mut file = RotatingFile::open(rotation(directory.path(), 1000, 5), clock.clone()).unwrap();
    file.write(b"two\n").unwrap();
    assert_eq!(std::fs::read(directory.path().join("server.log")).unwrap(), b"one\ntwo\n");
    clock.0.fetch_add(3_600_000, Ordering::Relaxed);
    file.write(b"three\n").unwrap();
    file.finish();
    assert_eq!(std::fs::read(directory.path().join("server.log")).unwrap(), b"three\n");
    assert_eq!(names(directory.path()).len(), 2);
}

#[test]
fn log_files_are_not_for_everybody() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let _file = RotatingFile::open(rotation(directory.path(), 1000, 5), clock()).unwrap();
    let mode = std::fs::metadata(directory.path().join("server.log")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode & 0o137, 0, "{mode:o}");
}

#[test]
fn a_full_disk_drops_and_counts_and_does_not_block() {
    // /dev/full answers every write with "no space left on device".
    if !Path::new("/dev/full").exists() {
        println!("skipped: no /dev/full");
        return;
    }
    let sink = Sink::File(Rotation {
        path: "/dev/full".into(),
        size: u64::MAX,
        interval: Duration::from_secs(u64::from(u32::MAX)),
        keep: 1,
    });
    let guard = writer::start(sink, clock()).unwrap();
    let counters = guard.counters();
    for _ in 0..20_000 {
        guard.queue().push("record\n".into());
    }
    drop(guard);
    assert_eq!(counters.dropped.load(Ordering::Relaxed), 20_000);
    assert_eq!(counters.written.load(Ordering::Relaxed), 0);
}
