//! Files of the installation: lines that a client forged, and secrets that can be read.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use guidelines::{Attempt, Observed};
use model::{Rng, Secret};

use super::Site;

/// Most bytes of one file that are searched, from its end.
const CAP: u64 = 16 << 20;

/// Shortest secret that is searched for: shorter ones are found by chance.
const SHORTEST: usize = 8;

/// How long to wait until a line has been written.
const WAIT: Duration = Duration::from_secs(2);

/// Sends what would be a line of its own if it were copied, and looks at what the logs made of it.
pub(super) fn log_forging(site: &Site) -> Observed<Vec<Attempt>> {
    let rng: &dyn Rng = &vault::SystemRng;
    let mark = rng.token(16);
    let forged = format!("forged-{mark}");
    let payloads = [
        ("a line end in the path", format!("/x%0d%0a{forged}")),
        ("a bare line feed in the path", format!("/x%0a{forged}")),
        ("a Unicode line separator", format!("/x%e2%80%a8{forged}")),
        ("an escape sequence", format!("/x%1b[2J{forged}")),
        ("the end of a JSON text", format!("/x%22%7d%0a{forged}")),
    ];
    for door in site.doors() {
        for (_, path) in &payloads {
            let agent = format!("User-Agent: x\\n{forged}\t\u{2028}{forged}\r\nX-Forwarded-For: {forged}%0a\r\n");
            let _ = door.get(path, &agent);
        }
    }
    let logs = logs(site);
    if logs.is_empty() {
        let why = "the logs go to the standard error stream, which another program keeps";
        return Observed::unknown(why, "file = \"logs/server.log\" in [logging], or a look at the journal");
    }
    let begun = Instant::now();
    let lines = loop {
        let lines: Vec<Vec<u8>> = logs.iter().flat_map(|path| lines_with(path, &mark)).collect();
        if !lines.is_empty() || begun.elapsed() > WAIT {
            break lines;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    };
    if lines.is_empty() {
        return Observed::unknown("no log holds the requests of the probe", "a log that records requests");
    }
    let attempts = payloads.iter().map(|(what, _)| {
        // A whole record is one line of JSON; a line that begins with what was sent was forged.
        let broken = lines.iter().find(|line| line.starts_with(forged.as_bytes()) || !is_clean(line));
        Attempt {
            what: (*what).to_owned(),
            place: "logs".to_owned(),
            refused: broken.is_none(),
            observed: broken.map_or_else(|| "escaped".to_owned(), |_| "copied as it was sent".to_owned()),
        }
    });
    Observed::Known(attempts.collect())
}

/// No control character and no line separator.
fn is_clean(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    !text.trim_end_matches('\n').chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{85}'))
}

/// The log files that are written now.
fn logs(site: &Site) -> Vec<PathBuf> {
    let mut paths = ["access.log", "api.log", "server.log"].map(|name| site.home.logs().join(name)).to_vec();
    paths.extend(site.config.logging.file.iter().map(|file| site.home.root().join(file)));
    paths.sort();
    paths.dedup();
    paths.retain(|path| path.is_file());
    paths
}

fn lines_with(path: &Path, mark: &str) -> Vec<Vec<u8>> {
    let Ok(file) = tail(path) else { return Vec::new() };
    let lines = BufReader::new(file).split(b'\n').map_while(Result::ok);
    lines.filter(|line| contains(line, mark.as_bytes())).take(1000).collect()
}

/// The end of a file, up to [`CAP`].
fn tail(path: &Path) -> std::io::Result<std::io::Take<File>> {
    use std::io::{Seek as _, SeekFrom};
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(CAP)))?;
    Ok(file.take(CAP))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && bytes.windows(part.len()).any(|window| window == part)
}

/// Searches logs, data and the environment and arguments of the serving process for every secret that the vault knows.
pub(super) fn secrets(site: &Site) -> Observed<Vec<Attempt>> {
    let secrets = match known_secrets(site) {
        Ok(secrets) => secrets,
        Err(why) => return Observed::unknown(why, "the user of the server"),
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in [site.home.logs(), site.home.root().join("data"), site.home.root().join("run")] {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
        paths.extend(entries.map(|entry| entry.path()).filter(|path| path.is_file()));
    }
    if let Some(pid) = crate::host::serving(&site.home) {
        paths.push(PathBuf::from(format!("/proc/{pid}/cmdline")));
    }
    let mut attempts = Vec::new();
    for path in paths {
        let mut bytes = Vec::new();
        // A socket or a file that went away holds nothing to search.
        if tail(&path).and_then(|mut file| file.read_to_end(&mut bytes)).is_err() {
            continue;
        }
        let found = secrets.iter().find(|(_, secret)| contains(&bytes, secret.expose()));
        attempts.push(Attempt {
            what: format!("{} secrets in {}", secrets.len(), path.display()),
            place: path.display().to_string(),
            refused: found.is_none(),
            observed: found.map_or_else(|| "none".to_owned(), |(name, _)| format!("the value of {name} is readable")),
        });
    }
    Observed::Known(attempts)
}

/// A secret with the name that a report may print.
type NamedSecret = (String, Secret<Vec<u8>>);

/// Names and values: what `[secrets]` seals, and the keys of the installation.
fn known_secrets(site: &Site) -> Result<Vec<NamedSecret>, String> {
    let resolver = crate::posture::resolver(&site.home, &site.config).ok_or("the vault cannot be opened")?;
    let mut all = Vec::new();
    for alias in site.config.secrets.keys() {
        let place = crate::config::SecretRef::Vault(alias.clone());
        if let Ok(value) = resolver.resolve(&place) {
            all.push((alias.clone(), Secret::new(value.expose().clone().into_bytes())));
        }
    }
    for name in ["master.key", "signing-key.pem", "tls-key.pem", "ca-key.pem"] {
        let Ok(text) = vault::read_private(&site.home.security().join(name), 64 * 1024) else { continue };
        let whole = String::from_utf8_lossy(text.expose()).into_owned();
        // The longest line of a key file is key material, not its frame.
        let line = whole.lines().filter(|line| !line.starts_with(['#', '-'])).max_by_key(|line| line.len());
        all.extend(line.map(|line| (name.to_owned(), Secret::new(line.as_bytes().to_vec()))));
    }
    all.retain(|(_, value)| value.expose().len() >= SHORTEST);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::{contains, is_clean};

    #[test]
    fn control_characters_make_a_line_unclean() {
        assert!(is_clean(br#"{"path":"/x%0a"}"#));
        for dirty in ["a\rb", "a\u{1b}[2J", "a\u{2028}b", "a\u{85}b"] {
            assert!(!is_clean(dirty.as_bytes()), "{dirty:?}");
        }
    }

    #[test]
    fn an_empty_secret_is_found_nowhere() {
        assert!(!contains(b"abc", b""));
        assert!(contains(b"abc", b"bc"));
    }
}
