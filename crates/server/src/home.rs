//! The home directory of an installation: what lies where, with which permissions, and who holds it.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

/// Name of the configuration file in a home directory.
pub(crate) const CONFIG_FILE: &str = "deployment.toml";

/// The home directory when none is named.
pub(crate) const DEFAULT_HOME: &str = "portcullis-home";

/// Longest path of a UNIX socket that the kernel takes, without the final NUL.
const SOCKET_PATH_MAX: usize = 107;

/// A home directory.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    root: PathBuf,
}

impl Home {
    /// Names a directory; nothing is touched.
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A command with what it needs to find this home: nothing for the default one.
    pub(crate) fn command(&self, command: &str) -> String {
        if self.root == Path::new(DEFAULT_HOME) {
            format!("portcullis {command}")
        } else {
            format!("portcullis {command} --home {}", self.root.display())
        }
    }

    /// `deployment.toml`.
    pub(crate) fn config_file(&self) -> PathBuf {
        self.root.join(CONFIG_FILE)
    }

    /// Keys and certificates, mode 0700.
    pub(crate) fn security(&self) -> PathBuf {
        self.root.join("security")
    }

    /// The generated certificate authority.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.security().join("ca.pem")
    }

    /// The embedded database.
    pub(crate) fn database_file(&self) -> PathBuf {
        self.root.join("data").join("portcullis.db")
    }

    /// Log files.
    pub(crate) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// The socket that the command line talks to.
    pub(crate) fn socket(&self) -> PathBuf {
        self.root.join("run").join("portcullis.sock")
    }

    fn lock_file(&self) -> PathBuf {
        self.root.join("run").join("portcullis.pid")
    }

    /// Whether somebody ran `init` here.
    pub(crate) fn is_initialised(&self) -> bool {
        self.config_file().is_file()
    }

    /// An error that says how to make a home, unless there is one.
    pub(crate) fn require_initialised(&self) -> Outcome {
        if self.is_initialised() {
            return Ok(());
        }
        Err(Failure::new(
            Exit::NotFound,
            "HOME001",
            format!("there is no installation in {}", self.root.display()),
            format!("{} does not exist", self.config_file().display()),
            self.command("init"),
        ))
    }

    /// Creates what is missing of the directories. Existing ones keep their contents.
    pub(crate) fn prepare(&self) -> Outcome {
        if !self.root.exists() {
            let made = DirBuilder::new().recursive(true).mode(0o750).create(&self.root);
            made.map_err(|e| Failure::io(&self.root, "create", &e))?;
        }
        for directory in ["security", "data", "run", "logs", "audit"] {
            let path = self.root.join(directory);
            let mode = if directory == "logs" { 0o750 } else { 0o700 };
            match DirBuilder::new().mode(mode).create(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && path.is_dir() => {}
                made => made.map_err(|e| Failure::io(&path, "create", &e))?,
            }
        }
        Ok(())
    }

    /// Takes the home for this process; held until the value is dropped, also when the process is killed.
    ///
    /// # Errors
    /// [`Exit::Occupied`] naming the process that holds it.
    pub(crate) fn lock(&self) -> Outcome<HomeLock> {
        let path = self.lock_file();
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = opened.map_err(|e| Failure::io(&path, "open", &e))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            let holder = holder.trim();
            return Err(Failure::new(
                Exit::Occupied,
                "HOME002",
                format!("{} is in use by process {holder}", self.root.display()),
                "one installation is served by one process at a time",
                format!("stop it first: kill {holder}"),
            ));
        }
        // An orderly stop removes the socket; one that lies here with nobody behind it was left by a process that died.
        let mut before = String::new();
        let _ = (&mut file).take(20).read_to_string(&mut before);
        let died = self.socket().exists().then(|| before.trim().parse().unwrap_or(0));
        let written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(|e| Failure::io(&path, "write", &e))?;
        Ok(HomeLock { _file: file, died })
    }

    /// Binds the control socket, replacing one that a dead process left behind. Only with the lock held.
    pub(crate) fn bind_socket(&self, _held: &HomeLock) -> Outcome<std::os::unix::net::UnixListener> {
        let path = self.socket();
        if path.as_os_str().len() > SOCKET_PATH_MAX {
            return Err(Failure::new(
                Exit::Io,
                "HOME003",
                format!("the path of the socket is too long: {}", path.display()),
                format!("the system takes at most {SOCKET_PATH_MAX} bytes"),
                "use a home directory with a shorter path",
            ));
        }
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::io(&path, "replace", &error));
            }
            _ => {}
        }
        let bound = std::os::unix::net::UnixListener::bind(&path);
        let listener = bound.map_err(|e| Failure::io(&path, "bind", &e))?;
        // The directory has mode 0700, so nobody could connect between bind and chmod either.
        let set = std::fs::set_permissions(&path, Permissions::from_mode(0o600));
        set.and_then(|()| listener.set_nonblocking(true)).map_err(|e| Failure::io(&path, "prepare", &e))?;
        Ok(listener)
    }

    /// Removes the socket on an orderly stop.
    pub(crate) fn remove_socket(&self) {
        let _ = std::fs::remove_file(self.socket());
    }

    /// Whether a process serves this home right now.
    pub(crate) fn is_served(&self) -> bool {
        std::os::unix::net::UnixStream::connect(self.socket()).is_ok()
    }
}

/// The home is ours as long as this lives.
#[derive(Debug)]
pub(crate) struct HomeLock {
    _file: File,
    died: Option<u32>,
}

impl HomeLock {
    /// The process that served this home before and did not stop by itself; 0 when its id is not known.
    pub(crate) const fn died(&self) -> Option<u32> {
        self.died
    }
}

#[cfg(test)]
mod tests {
    use super::Home;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_second_holder_is_told_who_holds_it() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::new(directory.path().join("h"));
        home.prepare().unwrap();
        let held = home.lock().unwrap();
        let refused = home.lock().unwrap_err();
        assert_eq!(refused.exit.code(), 6);
        assert!(refused.to_string().contains(&std::process::id().to_string()), "{refused}");
        drop(held);
        assert!(home.lock().is_ok());
    }

    #[test]
    fn directories_and_socket_are_private() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::new(directory.path().join("h"));
        home.prepare().unwrap();
        home.prepare().unwrap();
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&home.security()), 0o700);
        assert_eq!(mode(home.socket().parent().unwrap()), 0o700);
        let lock = home.lock().unwrap();
        assert!(!home.is_served());
        let first = home.bind_socket(&lock).unwrap();
        assert_eq!(mode(&home.socket()), 0o600);
        assert!(home.is_served());
        drop(first);
        // A socket that a killed process left behind is replaced.
        assert!(home.bind_socket(&lock).is_ok());
    }

    #[test]
    fn a_socket_path_that_is_too_long_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::new(directory.path().join("x".repeat(100)));
        home.prepare().unwrap();
        let lock = home.lock().unwrap();
        assert!(home.bind_socket(&lock).unwrap_err().to_string().contains("too long"));
    }
}
