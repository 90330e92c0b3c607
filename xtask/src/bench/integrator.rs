//! CPU time of one message through the integrator, on the shapes that WSO2 publishes figures for.
//!
//! `integrator run` has one core to itself, plain HTTP and 64 kept-alive connections; the backend and the load have the other.
//! Each message is an XML document of the given size that is posted; the backend answers with about as much.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::load::{Cost, GATEWAY_CORE, Target, load_with, pinned};
use super::{mebibytes, peers};
use crate::process::{self, Running, free_port, resident};
use crate::workspace;

/// Sizes of messages in bytes, with the path of the backend that answers with about as much.
const SIZES: [(usize, &str); 4] = [(500, "/b50"), (1024, "/item"), (10 * 1024, "/b10k"), (100 * 1024, "/b100k")];

/// A flow, and the requests per second that WSO2 publishes for it at 1 KB on two cores of Micro Integrator 4.
struct Shape {
    name: &'static str,
    path: &'static str,
    published: f64,
}

const SHAPES: [Shape; 4] = [
    Shape { name: "direct API", path: "/direct", published: 8528.0 },
    Shape { name: "direct proxy", path: "/services/Direct", published: 9292.0 },
    Shape { name: "content-based routing", path: "/services/Route", published: 4252.0 },
    Shape { name: "XSLT", path: "/services/Transform", published: 1713.0 },
];

/// CPU seconds that a published request took: two busy cores.
fn published_cost(requests_per_second: f64) -> f64 {
    2.0e6 / requests_per_second
}

/// How many times less CPU time a message has to take than the published one.
const TIMES: f64 = 5.0;
/// Resident memory under load, MiB.
const MEMORY: f64 = 60.0;

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Seconds of load for each measurement, after two seconds of warming up.
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// Measure this program instead of building one.
    #[arg(long, value_name = "PORTCULLIS")]
    bin: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> Result<()> {
    for (program, package) in [("wrk", "wrk"), ("nginx", "nginx-core"), ("taskset", "util-linux")] {
        ensure!(workspace::find_program(program).is_some(), "{program} is missing: apt-get install {package}");
    }
    let program = super::program(options.bin.as_ref())?;
    let scratch = tempfile::Builder::new().prefix("portcullis-bench-").tempdir()?;
    let upstream = peers::upstream(scratch.path())?;
    let artifacts = scratch.path().join("artifacts");
    let port = free_port()?;
    let mut faults = Vec::new();
    println!("{:>9} {:>9} {:>9} {:>10}  message", "us/msg", "user", "system", "msg/s");
    for (size, answer) in SIZES {
        write_artifacts(&artifacts, &format!("http://127.0.0.1:{}{answer}", upstream.port))?;
        let script = write_script(scratch.path(), size)?;
        let mut command = std::process::Command::new(&program);
        command.args(["integrator", "run"]).arg(&artifacts).args(["--port", &port.to_string()]);
        let log = fs::File::create(scratch.path().join("integrator.log"))?;
        let child = pinned(GATEWAY_CORE, &command).stdout(log.try_clone()?).stderr(log).spawn()?;
        let running = Running(child);
        process::wait_until("the integrator listens", Duration::from_secs(20), || {
            Ok(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok())
        })?;
        for shape in &SHAPES {
            let url = format!("http://127.0.0.1:{port}{}", shape.path);
            let target = Target { name: shape.name.to_owned(), pid: running.0.id(), url, tokens: Vec::new() };
            load_with(&target, 2, scratch.path(), Some(&script))?;
            let cost = load_with(&target, options.seconds, scratch.path(), Some(&script))?;
            show(shape, size, cost, &mut faults);
        }
        let memory = mebibytes(resident(running.0.id())?);
        println!("{memory:30.1} MiB resident after the load with {size} bytes");
        if memory > MEMORY && size <= 10 * 1024 {
            faults.push(format!("{memory:.1} MiB resident with {size} bytes, promised are {MEMORY}"));
        }
    }
    ensure!(faults.is_empty(), "not as promised:\n{}", faults.join("\n"));
    Ok(())
}

fn show(shape: &Shape, size: usize, cost: Cost, faults: &mut Vec<String>) {
    println!(
        "{:9.1} {:9.1} {:9.1} {:10.0}  {}, {size} bytes",
        cost.total(),
        cost.user,
        cost.system,
        cost.calls_per_second,
        shape.name
    );
    if size == 1024 {
        let published = published_cost(shape.published);
        let times = published / cost.total();
        println!(
            "{:50} WSO2 publishes {:.0} requests/s on two cores: {published:.0} us each, {times:.1} times as much",
            "", shape.published
        );
        if times < TIMES {
            faults.push(format!("{}: {times:.1} times less CPU time than published, promised are {TIMES}", shape.name));
        }
    }
}

/// A message: the routed element first, then records until the size is reached.
fn message(size: usize) -> String {
    let record = "<symbol>ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef</symbol>";
    let (head, tail) = ("<m><to>first</to>", "</m>");
    let count = size.saturating_sub(head.len() + tail.len()) / record.len();
    format!("{head}{}{tail}", record.repeat(count))
}

fn write_script(folder: &Path, size: usize) -> Result<PathBuf> {
    let script = folder.join(format!("post-{size}.lua"));
    let text = format!(
        "wrk.method = \"POST\"\nwrk.headers[\"Content-Type\"] = \"application/xml\"\nwrk.body = [[{}]]\n",
        message(size)
    );
    fs::write(&script, text).with_context(|| format!("cannot write {}", script.display()))?;
    Ok(script)
}

fn write_artifacts(folder: &Path, backend: &str) -> Result<()> {
    fs::create_dir_all(folder)?;
    let namespace = "xmlns=\"http://ws.apache.org/ns/synapse\"";
    let endpoint = format!("<endpoint><http method=\"post\" uri-template=\"{backend}\"/></endpoint>");
    let proxy = |name: &str, inside: &str| {
        format!(
            "<proxy {namespace} name=\"{name}\" transports=\"http\"><target><inSequence>{inside}</inSequence>\
             <outSequence><respond/></outSequence></target></proxy>"
        )
    };
    let call = format!("<call>{endpoint}</call><respond/>");
    let route =
        format!("<switch source=\"//to\"><case regex=\"first\">{call}</case><default><drop/></default></switch>");
    for (file, text) in [
        (
            "api.xml",
            format!(
                "<api {namespace} name=\"direct\" context=\"/direct\"><resource methods=\"POST\"><inSequence>{call}</inSequence></resource></api>"
            ),
        ),
        ("direct.xml", proxy("Direct", &call)),
        ("route.xml", proxy("Route", &route)),
        ("transform.xml", proxy("Transform", &format!("<xslt key=\"sheet\"/>{call}"))),
        (
            "sheet.xml",
            format!(
                "<localEntry {namespace} key=\"sheet\"><xsl:stylesheet xmlns=\"\" xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" \
                 version=\"1.0\"><xsl:template match=\"/\"><out><xsl:for-each select=\"//symbol\"><s><xsl:value-of select=\".\"/></s>\
                 </xsl:for-each></out></xsl:template></xsl:stylesheet></localEntry>"
            ),
        ),
    ] {
        fs::write(folder.join(file), text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{message, published_cost};

    #[test]
    fn messages_have_about_their_size() {
        for size in [500, 1024, 10 * 1024, 100 * 1024] {
            let length = message(size).len();
            assert!(length <= size && length + 50 > size, "{size}: {length}");
        }
        assert!((published_cost(8528.0) - 234.5).abs() < 0.1);
    }
}
