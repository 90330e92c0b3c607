//! Restarting and reconfiguring the server under test while the runner runs.
//!
//! The task that started the runner owns the server. The runner calls this program again, as `conformance-control`, which
//! hands the request over on a UNIX socket in the scratch home and reports the outcome.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread::Scope;

use anyhow::{Context as _, Result, bail};

use crate::portcullis::{Home, Server};

const OK: &str = "ok";
/// Ends the listening thread.
const END: &str = "end";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Socket of the task that owns the server.
    #[arg(long)]
    socket: PathBuf,
    #[command(subcommand)]
    request: Request,
}

#[derive(Debug, clap::Subcommand)]
enum Request {
    /// End the server and start it again.
    Restart,
    /// Restart with this fragment of a deployment.toml over the configuration, or with `none`, or with a
    /// workflow-extensions.xml beside it.
    Overlay { file: String },
}

/// Hands one request to the owner of the server.
pub(crate) fn run(options: &Options) -> Result<()> {
    let request = match &options.request {
        Request::Restart => "restart".to_owned(),
        Request::Overlay { file } => format!("overlay {file}"),
    };
    let mut stream = UnixStream::connect(&options.socket)
        .with_context(|| format!("no conformance run listens on {}", options.socket.display()))?;
    writeln!(stream, "{request}")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.trim() {
        OK => Ok(()),
        problem => bail!("{request}: {problem}"),
    }
}

/// Tells the listening thread to end.
pub(super) fn end(socket: &Path) {
    if let Ok(mut stream) = UnixStream::connect(socket) {
        // The thread ends with the process at the latest.
        let _sent = writeln!(stream, "{END}");
    }
}

/// The server under test with what is needed to start it again.
pub(super) struct Controlled<'a> {
    pub(super) home: &'a Home,
    pub(super) server: Mutex<Option<Server>>,
    pub(super) overlay: Mutex<Option<PathBuf>>,
}

impl Controlled<'_> {
    /// Answers requests, one at a time, until [`end`]; returns the socket.
    pub(super) fn listen<'scope, 'env>(&'env self, scope: &'scope Scope<'scope, 'env>) -> Result<PathBuf> {
        let socket = self.home.path().join("conformance.sock");
        let listener = UnixListener::bind(&socket).with_context(|| format!("cannot listen on {}", socket.display()))?;
        scope.spawn(move || {
            for stream in listener.incoming().flatten() {
                if self.answer(stream).is_ok_and(|last| last) {
                    break;
                }
            }
        });
        Ok(socket)
    }

    fn answer(&self, mut stream: UnixStream) -> Result<bool> {
        let mut line = String::new();
        BufReader::new(stream.try_clone()?).read_line(&mut line)?;
        let request = line.trim();
        if request == END {
            return Ok(true);
        }
        match self.obey(request) {
            Ok(()) => writeln!(stream, "{OK}")?,
            Err(problem) => writeln!(stream, "{problem:#}")?,
        }
        Ok(false)
    }

    fn obey(&self, request: &str) -> Result<()> {
        match request.split_once(' ') {
            None if request == "restart" => self.restart(),
            Some(("overlay", "none")) => self.replace(None),
            Some(("overlay", file)) if file.ends_with(".toml") => self.replace(Some(PathBuf::from(file))),
            Some(("overlay", file)) if file.ends_with(".xml") => self.approve(Path::new(file)),
            Some(("overlay", file)) => {
                bail!("{file} is neither a deployment.toml fragment nor a workflow-extensions.xml")
            }
            _ => bail!("`{request}` is neither `restart` nor `overlay FILE`"),
        }
    }

    /// A fragment that the server refuses fails its own scenarios only: they run against the server without it, and
    /// the other blocks of the run follow.
    fn replace(&self, overlay: Option<PathBuf>) -> Result<()> {
        let overlay = overlay.map(|file| self.with_secrets_in_files(&file)).transpose()?;
        *self.overlay.lock().unwrap_or_else(PoisonError::into_inner) = overlay;
        self.restart().or_else(|refusal| {
            *self.overlay.lock().unwrap_or_else(PoisonError::into_inner) = None;
            eprintln!("the server does not take this fragment, its scenarios run without it: {refusal:#}");
            self.restart()
        })
    }

    /// WSO2 keeps which requests wait for an administrator in its registry; here a setting names the file. It is added to
    /// what is laid over the configuration already, until the next fragment.
    fn approve(&self, extensions: &Path) -> Result<()> {
        let name = "workflow-extensions.xml";
        fs::copy(extensions, self.home.path().join(name))
            .with_context(|| format!("cannot copy {}", extensions.display()))?;
        let former = self.overlay.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = former.map(fs::read_to_string).transpose()?.unwrap_or_default();
        if text.contains("[apim.workflow]") {
            return self.restart();
        }
        // As in WSO2, whose specifications let the administrator decide what the administrator asked for.
        let more = format!("\n[apim.workflow]\nextensions = \"{name}\"\ndecide_own_requests = true\n");
        let overlay = self.home.path().join("approvals.toml");
        fs::write(&overlay, text + &more)?;
        *self.overlay.lock().unwrap_or_else(PoisonError::into_inner) = Some(overlay);
        self.restart()
    }

    /// The specifications' fragments hold passwords and tokens in clear, which the server always refuses (guideline
    /// A03). Each moves into a file of the scratch home, and the fragment refers to it.
    fn with_secrets_in_files(&self, fragment: &Path) -> Result<PathBuf> {
        let text = fs::read_to_string(fragment).with_context(|| format!("cannot read {}", fragment.display()))?;
        let mut rewritten = String::new();
        for (number, line) in text.lines().enumerate() {
            match plain_secret(line) {
                Some((start, secret)) => {
                    let file = self.home.path().join(format!("fragment-secret-{number}"));
                    let mut options = fs::OpenOptions::new();
                    options.write(true).create(true).truncate(true).mode(0o600);
                    options.open(&file)?.write_all(secret.as_bytes())?;
                    rewritten.push_str(&format!("{start}\"$file{{{}}}\"", file.display()));
                }
                None => rewritten.push_str(line),
            }
            rewritten.push('\n');
        }
        let copy = self.home.path().join("fragment.toml");
        fs::write(&copy, rewritten)?;
        Ok(copy)
    }

    fn restart(&self) -> Result<()> {
        let overlay = self.overlay.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = server.take() {
            running.stop()?;
        }
        *server = Some(self.home.serve(overlay.as_deref())?);
        Ok(())
    }
}

/// A line that sets a secret to a literal: what stands before the literal, and the literal.
fn plain_secret(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    let name = key.trim().trim_matches(['"', '\'']).rsplit('.').next()?.to_ascii_lowercase();
    let is_secret = ["password", "token", "secret"].iter().any(|word| name.ends_with(word));
    let quote = value.trim_start().chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let literal = value.trim().trim_matches(quote);
    let start = line.get(..key.len() + 1)?;
    (is_secret && !literal.starts_with('$') && !literal.is_empty()).then_some((start, literal))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A home whose program starts nothing, so that every start fails.
    fn controlled(home: &Home) -> Controlled<'_> {
        Controlled { home, server: Mutex::new(None), overlay: Mutex::new(None) }
    }

    #[test]
    fn only_known_requests_reach_the_server() {
        let home = Home::new(Path::new("/nonexistent/portcullis")).unwrap();
        let controlled = controlled(&home);
        for (request, problem) in [
            ("explode", "neither"),
            ("overlay settings.json", "fragment"),
            ("overlay /nonexistent/workflow-extensions.xml", "cannot copy"),
            ("", "neither"),
            ("restart", "cannot run"),
        ] {
            let text = format!("{:#}", controlled.obey(request).unwrap_err());
            assert!(text.contains(problem), "{request}: {text}");
        }
    }

    #[test]
    fn a_refused_overlay_is_forgotten() {
        let home = Home::new(Path::new("/nonexistent/portcullis")).unwrap();
        let controlled = controlled(&home);
        assert!(controlled.obey("overlay bad.toml").is_err());
        assert_eq!(*controlled.overlay.lock().unwrap(), None);
    }

    #[test]
    fn secrets_of_a_fragment_move_into_files() {
        let home = Home::new(Path::new("/nonexistent/portcullis")).unwrap();
        let fragment = home.path().join("in.toml");
        fs::write(
            &fragment,
            "[a]\napi_token = \"clear\"\npassword = \"$env{X}\"\nname = \"kept\"\ntoken_url = \"kept\"\n",
        )
        .unwrap();
        let rewritten = fs::read_to_string(controlled(&home).with_secrets_in_files(&fragment).unwrap()).unwrap();
        let file = home.path().join("fragment-secret-1");
        assert_eq!(fs::read_to_string(&file).unwrap(), "clear");
        let expected = format!(
            "[a]\napi_token =\"$file{{{}}}\"\npassword = \"$env{{X}}\"\nname = \"kept\"\ntoken_url = \"kept\"\n",
            file.display()
        );
        assert_eq!(rewritten, expected);
    }

    #[test]
    fn a_request_without_a_listener_names_the_socket() {
        let options = Options { socket: PathBuf::from("/nonexistent/control.sock"), request: Request::Restart };
        assert!(format!("{:#}", run(&options).unwrap_err()).contains("/nonexistent/control.sock"));
    }
}
