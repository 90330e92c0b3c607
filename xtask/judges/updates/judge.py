"""Repositories of The Update Framework made by PyPI `tuf`, honest and hostile, and what `portcullis update` does with them.

Every hostile repository is also shown to `tuf`'s own client: where that refuses, ours has to refuse, with nothing changed.
Arguments: the program, a directory for scratch files.
"""
import datetime, hashlib, http.server, io, json, os, random, shutil, signal, socket, ssl, subprocess, sys, threading, time, zipfile
from pathlib import Path

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import MetaFile, Metadata, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient import FetcherInterface, Updater
from tuf.api.exceptions import DownloadHTTPError

PROGRAM, SCRATCH = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
PLATFORM = f"{os.uname().machine}-linux"
ROLES = ["root", "timestamp", "snapshot", "targets"]
failed = []


def reason(err):
    """What a refusal says, without what was done and where."""
    try:
        return json.loads(err)["errors"][0]["why"][:110]
    except (ValueError, KeyError, IndexError):
        return " ".join(err.split())[:110]


def in_days(days):
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=days)


def says(version, rest):
    """A program that says it is a version, and does `rest` for every other command."""
    return f'#!/bin/sh\ncase "$*" in "--output json version") echo \'{{"version":"{version}"}}\';; *) {rest};; esac\n'.encode()


class Repository:
    """Signed metadata and targets in a folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        for part in ["metadata", "targets"]:
            (self.folder / part).mkdir(parents=True)
        self.signers = {role: [CryptoSigner.generate_ed25519()] for role in ROLES}
        self.signers["targets"] = [CryptoSigner.generate_ecdsa()]
        self.signers["snapshot"] = [CryptoSigner.generate_rsa(scheme="rsassa-pss-sha256")]
        self.root = Root(version=1, expires=in_days(365), consistent_snapshot=True)
        for role in ROLES:
            for signer in self.signers[role]:
                self.root.add_key(signer.public_key, role)
        self.targets, self.snapshot, self.timestamp = Targets(expires=in_days(90)), Snapshot(expires=in_days(7)), Timestamp(expires=in_days(1))
        self.write_root()

    def path(self, name):
        return self.folder / "metadata" / name

    def sign(self, role, signed, name, signers=None):
        metadata = Metadata(signed)
        for signer in self.signers[role] if signers is None else signers:
            metadata.sign(signer, append=True)
        data = metadata.to_bytes()
        self.path(name).write_bytes(data)
        return data

    def write_root(self, signers=None):
        return self.sign("root", self.root, f"{self.root.version}.root.json", signers)

    def rotate(self, role, signers=None):
        """A new key for a role; the root is signed by the keys of before and after."""
        before = list(self.signers["root"])
        for signer in self.signers[role]:
            self.root.revoke_key(signer.public_key.keyid, role)
        self.signers[role] = [CryptoSigner.generate_ed25519()]
        self.root.add_key(self.signers[role][0].public_key, role)
        self.root.version += 1
        both = before + ([] if role != "root" else self.signers["root"])
        self.write_root(both if signers is None else signers)

    def target(self, name, data):
        self.targets.targets[name] = TargetFile.from_data(name, data, ["sha256"])
        digest = hashlib.sha256(data).hexdigest()
        path = self.folder / "targets" / name
        if path.resolve().is_relative_to((self.folder / "targets").resolve()):
            path.parent.mkdir(parents=True, exist_ok=True)
            (path.parent / f"{digest}.{path.name}").write_bytes(data)
        return digest

    def release(self, version, data=None):
        return self.target(f"portcullis-{version}-{PLATFORM}", says(version, f'exec {PROGRAM} "$@"') if data is None else data)

    def advisories(self, entries):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            for name, text in entries.items():
                archive.writestr(name, text)
        self.target("advisories.zip", data.getvalue())

    def publish(self, targets=None, snapshot=None, timestamp=None):
        """Writes targets, snapshot and timestamp, each one version on; signers can be given."""
        self.targets.version += self.path(f"{self.targets.version}.targets.json").exists()
        self.snapshot.version += self.path(f"{self.snapshot.version}.snapshot.json").exists()
        self.timestamp.version += self.path("timestamp.json").exists()
        self.sign("targets", self.targets, f"{self.targets.version}.targets.json", targets)
        self.snapshot.meta["targets.json"] = MetaFile(self.targets.version)
        self.sign("snapshot", self.snapshot, f"{self.snapshot.version}.snapshot.json", snapshot)
        self.timestamp.snapshot_meta = MetaFile(self.snapshot.version)
        self.sign("timestamp", self.timestamp, "timestamp.json", timestamp)


class Files(FetcherInterface):
    """The folder of a repository, for tuf's own client."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def _fetch(self, url):
        path = self.folder / url.removeprefix("https://repository/")
        if not path.is_file():
            raise DownloadHTTPError("not there", 404)
        yield path.read_bytes()


class Case:
    """A home, a program to exchange, a repository, and tuf's own client beside ours."""

    def __init__(self, name):
        self.name, self.folder = name, SCRATCH / name.replace(" ", "-")
        self.folder.mkdir(parents=True)
        self.repository = Repository(self.folder / "repository")
        self.home, self.program = self.folder / "home", self.folder / "bin/portcullis"
        shutil.copytree(SCRATCH / "home", self.home)
        (self.home / "updates").mkdir(mode=0o700)
        shutil.copy(self.repository.path("1.root.json"), self.home / "updates/first-root.json")
        self.program.parent.mkdir()
        self.program.write_bytes(says("0.1.0", f'exec {PROGRAM} "$@"'))
        self.program.chmod(0o755)
        self.theirs = self.folder / "tuf"
        self.theirs.mkdir()

    def run(self, *arguments, place=None):
        command = [str(PROGRAM), "--home", str(self.home), "--output", "json", "update", *arguments]
        if arguments[0] != "rollback":
            command += ["--repository", place or str(self.repository.folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def apply(self, *arguments):
        return self.run("apply", "--program", str(self.program), *arguments)

    def state(self):
        files = [self.program, *sorted((self.home / "advisories").rglob("*"))]
        return [(str(path), path.read_bytes()) for path in files if path.is_file()]

    def tuf(self):
        """Whether tuf's own client trusts the repository as far as its newest program."""
        try:
            updater = Updater(str(self.theirs), "https://repository/metadata/", str(self.theirs), "https://repository/targets/",
                              fetcher=Files(self.repository.folder), bootstrap=(self.home / "updates/first-root.json").read_bytes())
            updater.refresh()
            for name in ["advisories.zip", *self.repository.targets.targets]:
                if (info := updater.get_targetinfo(name)) and ".." not in name:
                    updater.download_target(info, str(self.theirs / "download"))
            return True
        except Exception as problem:  # whatever it is, it does not trust
            return f"{type(problem).__name__}"

    def expect(self, ok, why):
        if not ok:
            failed.append(f"{self.name}: {why}")
            print(f"FAILED {self.name}: {why}")

    def trusted(self):
        theirs = self.tuf()
        code, out, err = self.run("check")
        self.expect(theirs is True, f"tuf's client says {theirs}")
        self.expect(code == 0, f"check ended with {code}: {err}")
        return json.loads(out) if code == 0 else {}

    def refused(self, say, alone=False):
        """Both clients refuse, and nothing is changed. `alone`: tuf's client cannot know."""
        if alone:
            # The advisories beside the program are sound, and taken.
            self.trusted()
        before, theirs = self.state(), self.tuf()
        code, _, err = self.run("check")
        if code == 0:
            code, _, err = self.apply()
        self.expect(alone or theirs is not True, "tuf's client trusts it: this attack is none")
        self.expect(code in (8, 10), f"ended with {code}: {err}")
        self.expect(any(word in err.lower() for word in say), f"says {err!r}")
        self.expect(self.state() == before, "something was changed")
        print(f"{self.name:44} refused ({code}), as tuf: {theirs}; {reason(err)}")


ADVISORY = '```toml\n[advisory]\nid = "RUSTSEC-2031-0001"\npackage = "hyper"\n[versions]\npatched = [">= 99.0.0"]\n```\n\n# Title\n'


def honest():
    case = Case("honest")
    repository = case.repository
    repository.advisories({"crates/hyper/RUSTSEC-2031-0001.md": ADVISORY, "crates/other/RUSTSEC-2031-0002.md": ADVISORY})
    for version in ["0.0.9", "0.1.0", "0.2.0", "0.10.0", "0.3.0"]:
        repository.release(version)
    repository.target("portcullis-9.9.9-sparc-solaris", b"for another machine")
    repository.target("../../etc/evil", b"x")
    repository.publish()
    found = case.trusted()
    case.expect(found.get("newest") == "0.10.0", f"newest is {found.get('newest')}")
    case.expect([entry["id"] for entry in found.get("advisories", [])] == ["RUSTSEC-2031-0001"], f"advisories {found.get('advisories')}")
    before = case.program.read_bytes()
    code, out, err = case.apply()
    case.expect(code == 0 and b"0.10.0" in case.program.read_bytes(), f"apply: {code} {err}")
    case.expect(Path(f"{case.program}.previous").read_bytes() == before, "the former program is kept")
    code, _, err = case.run("rollback", "--program", str(case.program))
    case.expect(code == 0 and case.program.read_bytes() == before, f"rollback: {code} {err}")
    case.expect(case.run("rollback", "--program", str(case.program))[0] == 9, "a second rollback finds nothing")
    code, _, _ = case.apply()
    Path(f"{case.program}.previous").write_bytes(b"exchanged by somebody")
    code, _, err = case.run("rollback", "--program", str(case.program))
    case.expect(code == 8, f"a foreign former program is not put back: {code} {err}")
    print("honest                                       checked, applied, taken back")


def rotation():
    case = Case("rotation")
    repository = case.repository
    repository.advisories({"crates/hyper/A.md": ADVISORY})
    repository.publish()
    case.trusted()
    for role in ["timestamp", "targets", "root", "snapshot"]:
        repository.rotate(role)
        repository.publish()
        case.expect(case.trusted().get("root") == repository.root.version, f"the root after rotating {role}")
    # A mirror that shows the beginning only: what was taken back stays so.
    for version in range(2, 6):
        repository.path(f"{version}.root.json").unlink()
    case.expect(case.trusted().get("root") == 5, "the newest root is remembered")
    print("rotation                                     of every role is followed and remembered")


def attacks():
    def case(name):
        made = Case(name)
        made.repository.advisories({"crates/hyper/A.md": ADVISORY})
        made.repository.release("0.2.0")
        made.repository.publish()
        return made

    one = case("timestamp rolled back")
    old = one.repository.path("timestamp.json").read_bytes()
    one.trusted()
    one.repository.publish()
    one.trusted()
    one.repository.path("timestamp.json").write_bytes(old)
    one.refused(["older", "version", "rollback"])

    one = case("snapshot rolled back")
    one.repository.publish()
    one.trusted()
    one.repository.timestamp.version += 1
    one.repository.timestamp.snapshot_meta = MetaFile(1)
    one.repository.sign("timestamp", one.repository.timestamp, "timestamp.json")
    one.refused(["older", "version", "rollback"])

    one = case("targets rolled back")
    one.repository.publish()
    one.trusted()
    one.repository.snapshot.version += 1
    one.repository.snapshot.meta["targets.json"] = MetaFile(1)
    one.repository.sign("snapshot", one.repository.snapshot, f"{one.repository.snapshot.version}.snapshot.json")
    one.repository.timestamp.version += 1
    one.repository.timestamp.snapshot_meta = MetaFile(one.repository.snapshot.version)
    one.repository.sign("timestamp", one.repository.timestamp, "timestamp.json")
    one.refused(["older", "version", "rollback"])

    for role in ["timestamp", "snapshot", "targets", "root"]:
        one = case(f"frozen {role}")
        getattr(one.repository, role).expires = in_days(-1)
        if role == "root":
            one.repository.root.version += 1
            one.repository.write_root()
        one.repository.publish()
        one.refused(["expired"])

    one = case("mix and match")
    one.repository.publish()
    first, second = one.repository.path("1.targets.json"), one.repository.path("2.targets.json")
    second.write_bytes(first.read_bytes())
    one.refused(["version"])

    one = case("one signature of two")
    one.repository.signers["targets"].append(CryptoSigner.generate_ed25519())
    one.repository.root.add_key(one.repository.signers["targets"][1].public_key, "targets")
    one.repository.root.roles["targets"].threshold = 2
    one.repository.root.version += 1
    one.repository.write_root()
    one.repository.publish()
    one.trusted()
    one.repository.publish(targets=one.repository.signers["targets"][:1])
    one.refused(["threshold", "signature"])

    one = case("the same signature twice")
    one.repository.signers["targets"].append(CryptoSigner.generate_ed25519())
    one.repository.root.add_key(one.repository.signers["targets"][1].public_key, "targets")
    one.repository.root.roles["targets"].threshold = 2
    one.repository.root.version += 1
    one.repository.write_root()
    one.repository.publish(targets=one.repository.signers["targets"][:1])
    path = one.repository.path(f"{one.repository.targets.version}.targets.json")
    document = json.loads(path.read_bytes())
    document["signatures"] = document["signatures"] * 2
    path.write_text(json.dumps(document))
    one.refused(["threshold", "signature", "duplicate"])

    stranger = CryptoSigner.generate_ed25519()
    for role in ["timestamp", "snapshot", "targets"]:
        one = case(f"{role} signed by a stranger")
        one.repository.publish(**{role: [stranger]})
        one.refused(["threshold", "signature", "key"])

    one = case("root signed by its new keys only")
    one.repository.rotate("root", signers=[])
    one.repository.write_root(one.repository.signers["root"])
    one.repository.publish()
    one.refused(["threshold", "signature", "key"])

    one = case("root with a version left out")
    one.repository.root.version = 3
    data = one.repository.write_root()
    one.repository.path("3.root.json").unlink()
    one.repository.path("2.root.json").write_bytes(data)
    one.refused(["version", "older"])

    one = case("old keys after they were taken back")
    old = one.repository.signers["timestamp"]
    one.repository.rotate("timestamp")
    one.repository.publish()
    one.trusted()
    one.repository.publish(timestamp=old)
    one.refused(["threshold", "signature", "key"])

    one = case("endless timestamp")
    one.repository.path("timestamp.json").write_bytes(b" " * (50 << 20))
    one.refused(["size", "maximum", "max"])

    for name, change in [("truncated", lambda data: data[: len(data) // 2]), ("altered", lambda data: data[:-1] + b"!"),
                         ("longer", lambda data: data + b"\n# more")]:
        one = case(f"{name} target")
        for path in (one.repository.folder / "targets").iterdir():
            path.write_bytes(change(path.read_bytes()))
        one.refused(["hash", "size", "mismatch", "maximum", "exceed"])

    one = case("metadata that is no metadata")
    one.repository.path("1.snapshot.json").write_bytes(b"<html>404</html>")
    one.refused(["parse", "json", "expected"])

    for name, data in [("garbage", b"\x7fELF garbage"), ("another version", says("0.1.9", "exit 0")), ("refuses the configuration", says("0.3.0", "exit 3")),
                       ("never ends", says("0.3.0", "exec sleep 1000"))]:
        one = case(f"signed program: {name}")
        one.repository.release("0.3.0", data)
        one.repository.publish()
        one.refused(["does not work"], alone=True)


def killed():
    """kill -9 while the program is exchanged: its path is a whole program at every moment, and the next try works."""
    case = Case("killed")
    old = says("0.1.0", f'exec {PROGRAM} "$@"') + b"#" * (8 << 20)
    new = says("0.2.0", f'exec {PROGRAM} "$@"') + b"#" * (8 << 20)
    case.program.write_bytes(old)
    case.repository.release("0.2.0", new)
    case.repository.publish()
    ends = {"old": 0, "new": 0}
    for round in range(25):
        case.program.write_bytes(old)
        child = subprocess.Popen([str(PROGRAM), "--home", str(case.home), "update", "apply", "--program", str(case.program), "--repository",
                                  str(case.repository.folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.random() * 0.8)
        child.send_signal(signal.SIGKILL)
        child.wait()
        now = case.program.read_bytes()
        case.expect(now in (old, new), f"kill {round} left {len(now)} bytes")
        ends["new" if now == new else "old"] += 1
    case.program.write_bytes(old)
    code, _, err = case.apply()
    case.expect(code == 0, f"after the kills: {err}")
    print(f"killed 25 times while exchanging             whole each time: {ends}")


def over_tls():
    case = Case("over TLS")
    case.repository.advisories({"crates/hyper/A.md": ADVISORY})
    case.repository.release("0.2.0")
    case.repository.publish()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE",
                    "-keyout", str(case.folder / "key.pem"), "-out", str(case.folder / "cert.pem")], check=True, capture_output=True)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, directory=str(case.repository.folder), **named)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(case.folder / "cert.pem", case.folder / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"https://localhost:{server.server_port}"
    code, _, err = case.run("check", place=place)
    case.expect(code == 10 and "certificate" in err.lower(), f"an unknown authority: {code} {err}")
    shutil.copy(case.folder / "cert.pem", case.home / "updates-ca.pem")
    with open(case.home / "deployment.toml", "a") as configuration:
        configuration.write('\n[truststore]\nfile_name = "updates-ca.pem"\ntype = "PEM"\n')
    code, out, err = case.run("check", place=place)
    case.expect(code == 0 and json.loads(out)["newest"] == "0.2.0", f"over TLS: {code} {err}")
    code, _, err = case.run("apply", "--program", str(case.program), place=place)
    case.expect(code == 0 and b"0.2.0" in case.program.read_bytes(), f"apply over TLS: {code} {err}")
    server.shutdown()
    print("over TLS                                     checked and applied; an unknown authority refused")


def serving():
    """A real server: exchanged and restarted; one that does not serve is taken back by itself."""
    case = Case("serving")
    real = PROGRAM.read_bytes()
    case.program.write_bytes(real)
    # The same program under another version: the number stands in it as text.
    case.repository.release("0.2.0", real.replace(b"0.1.0", b"0.2.0"))
    case.repository.publish()
    restart = case.folder / "restart"
    restart.write_text(
        f"""#!{sys.executable}
import os, signal, subprocess, sys, time
home, program = {str(case.home)!r}, {str(case.program)!r}
try:
    pid = int(open(home + "/run/portcullis.pid").read())
    os.kill(pid, signal.SIGTERM)
    while os.path.exists(home + "/run/portcullis.sock"):
        time.sleep(0.05)
except (FileNotFoundError, ProcessLookupError, ValueError):
    pass
subprocess.Popen([program, "--home", home, "serve"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
""")
    restart.chmod(0o755)
    pid = lambda: int((case.home / "run/portcullis.pid").read_text())
    try:
        subprocess.run([str(restart)], check=True)
        deadline = time.time() + 60
        while not (case.home / "run/portcullis.sock").exists() and time.time() < deadline:
            time.sleep(0.1)
        first = pid()
        code, out, err = case.apply("--restart", str(restart), "--wait", "60")
        case.expect(code == 0 and json.loads(out or "{}").get("restarted") is True, f"exchange and restart: {code} {err}")
        case.expect(pid() != first and os.stat(f"/proc/{pid()}/exe").st_ino == case.program.stat().st_ino, "the new program serves")
        # From here on the installed program answers as 0.2.0, and 0.3.0 starts but never serves.
        second, good = pid(), case.program.read_bytes()
        case.repository.release("0.3.0", says("0.3.0", f'case "$*" in *serve*) exit 1;; *) exec {case.program}.previous "$@";; esac'))
        case.repository.publish()
        command = [str(case.program), "--home", str(case.home), "update", "apply", "--program", str(case.program), "--repository", str(case.repository.folder),
                   "--restart", str(restart), "--wait", "5"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        case.expect(done.returncode == 8 and "was put back and serves" in done.stderr, f"taken back: {done.returncode} {done.stderr}")
        case.expect(case.program.read_bytes() == good and pid() != second, "the former program serves again")
        print("serving                                      exchanged and restarted; a release that does not serve is taken back")
    finally:
        os.kill(pid(), signal.SIGTERM)


def free_offset():
    """Something to add to the ports so that all of them are free."""
    while True:
        offset, taken = random.randrange(2000, 40000), []
        try:
            for port in [9443, 8243, 9201]:
                taken.append(socket.create_server(("127.0.0.1", port + offset)))
            return offset
        except OSError:
            continue
        finally:
            for one in taken:
                one.close()


(SCRATCH / "home").mkdir(mode=0o750)
(SCRATCH / "home/deployment.toml").write_text(f"[server]\noffset = {free_offset()}\n")
subprocess.run([str(PROGRAM), "init", "--home", str(SCRATCH / "home")], check=True, capture_output=True)
for judged in [honest, rotation, attacks, killed, over_tls, serving]:
    judged()
print(f"{len(failed)} differences" if failed else "every repository was judged as it should be")
sys.exit(1 if failed else 0)
