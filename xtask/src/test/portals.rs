//! The consoles in Chromium, as three people use them: set-up, Publisher, Developer Portal, Admin. Every page that is
//! visited is judged by `axe-core`, `html-validate` and the Nu Html Checker, must have the exact policy, and must ask no other origin; pictures
//! of it are kept in `target/screenshots`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::judges;
use crate::portcullis::Home;
use crate::process;
use crate::workspace;

use super::Steps;

/// Password of everybody in the story.
const PASSWORD: &str = "Story-of-three-people-5519";
/// Who is there beside the administrator, with their roles.
const PEOPLE: &[(&str, &[&str])] =
    &[("paula", &["Internal/creator", "Internal/publisher"]), ("carl", &["Internal/subscriber"])];

/// Runs the story against the given program.
pub(super) fn run(steps: &mut Steps, portcullis: &Path) {
    let mut judges = None;
    if !steps.run("judges of the consoles", || provide().map(|found| judges = Some(found))) {
        return;
    }
    let Some(judges) = judges else { return };
    steps.run("consoles in Chromium", || story(portcullis, &judges));
}

struct Judges {
    folder: PathBuf,
    python: PathBuf,
    chromium: PathBuf,
}

fn provide() -> Result<Judges> {
    let chromium = ["chromium", "chromium-browser", "google-chrome"].iter().find_map(|n| workspace::find_program(n));
    let chromium = chromium.context("the consoles are tried in Chromium: apt-get install chromium")?;
    let folder = judges::folder("portals")?;
    judges::npm(&folder, &["axe-core@4.14.1", "html-validate@10.9.0", "vnu-jar@26.9.27"])?;
    let java = workspace::find_program("java");
    java.context("the Nu Html Checker runs in Java: apt-get install openjdk-17-jre-headless")?;
    let python = judges::python(&folder, "playwright", &["playwright==1.65.2"])?;
    Ok(Judges { folder, python, chromium })
}

fn story(portcullis: &Path, judges: &Judges) -> Result<()> {
    let home = Home::new(portcullis)?;
    home.configure("[egress]\nallow = [\"127.0.0.0/8\", \"localhost\"]\n")?;
    let server = home.serve(None)?;
    let told = tell(&home, judges).with_context(|| format!("the server printed:\n{}", home.log_end()));
    server.stop()?;
    told
}

fn tell(home: &Home, judges: &Judges) -> Result<()> {
    let password = home.path().join("password");
    fs::write(&password, PASSWORD)?;
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600))?;
    let link = process::capture(&mut home.command(&["setup-link"]))?;
    let link = link.lines().find(|line| line.contains("/setup/")).context("no set-up link")?.trim().to_owned();
    let (backend, address) = backend(&judges.python)?;
    let screenshots = workspace::metadata()?.target_directory.join("screenshots");
    let mut run = Command::new(&judges.python);
    run.arg(judges::script("portals").join("story.py")).current_dir(&judges.folder);
    run.envs([("PORTCULLIS_SETUP_LINK", link.as_str()), ("PORTCULLIS_PASSWORD", PASSWORD)]);
    run.env("PORTCULLIS_BASE", format!("https://localhost:{}", home.console()));
    run.env("PORTCULLIS_GATEWAY", format!("https://localhost:{}", home.gateway()));
    run.env("PORTCULLIS_BACKEND", &address).env("PORTCULLIS_CHROMIUM", &judges.chromium);
    run.env("PORTCULLIS_SCREENSHOTS", &screenshots).env("PORTCULLIS_MODULES", judges.folder.join("node_modules"));
    run.env("PORTCULLIS_ROOTS", home.authority()).env("PORTCULLIS_JUDGES", judges::script(""));
    for (name, roles) in PEOPLE {
        let mut add = home.command(&["user", "add", name]);
        add.arg("--password-file").arg(&password);
        for role in *roles {
            add.args(["--role", role]);
        }
        process::run(&mut add)?;
    }
    let result = process::run(&mut run);
    drop(backend);
    result
}

/// The echo server of the journeys; it ends when the value is dropped.
struct Backend(Child);

impl Drop for Backend {
    fn drop(&mut self) {
        if let Err(problem) = process::stop(&mut self.0) {
            eprintln!("warning: {problem:#}");
        }
    }
}

fn backend(python: &Path) -> Result<(Backend, String)> {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let mut command = Command::new(python);
    command.arg(judges::script("upstream.py")).arg(free.port().to_string());
    let backend = Backend(command.stdin(Stdio::null()).spawn().context("cannot start the backend")?);
    process::wait_until("the backend", std::time::Duration::from_secs(20), || {
        Ok(std::net::TcpStream::connect(free).is_ok())
    })?;
    ensure!(backend.0.id() > 0, "the backend has no process");
    Ok((backend, format!("http://{free}")))
}
