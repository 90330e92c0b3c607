//! Restarting and reconfiguring the server under test while the runner runs.
//!
//! The task that started the runner owns the server. The runner calls this program again, as `conformance-control`, which
//! hands the request over on a UNIX socket in the scratch home and reports the outcome.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
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
    /// Restart with this fragment of a deployment.toml over the configuration, or with `none`.
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
            Some(("overlay", file)) => bail!("{file} is not a deployment.toml fragment; Portcullis reads nothing else"),
            _ => bail!("`{request}` is neither `restart` nor `overlay FILE`"),
        }
    }

    /// A fragment that the server refuses is an error of this request only: the server runs on without it.
    fn replace(&self, overlay: Option<PathBuf>) -> Result<()> {
        *self.overlay.lock().unwrap_or_else(PoisonError::into_inner) = overlay;
        self.restart().inspect_err(|_| {
            *self.overlay.lock().unwrap_or_else(PoisonError::into_inner) = None;
            if let Err(problem) = self.restart() {
                eprintln!("the server does not start again: {problem:#}");
            }
        })
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
            ("overlay workflow-extensions.xml", "fragment"),
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
    fn a_request_without_a_listener_names_the_socket() {
        let options = Options { socket: PathBuf::from("/nonexistent/control.sock"), request: Request::Restart };
        assert!(format!("{:#}", run(&options).unwrap_err()).contains("/nonexistent/control.sock"));
    }
}
