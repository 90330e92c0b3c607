//! Writes the list of the program's parts (CycloneDX 1.6) for `portcullis version --sbom`: every package that the binary is
//! built of on this target, from the resolution that cargo itself uses.

#![expect(clippy::disallowed_methods, reason = "a build script gets its arguments and the time from the environment")]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../..");
    for watched in ["Cargo.lock", "Cargo.toml", "crates/server/Cargo.toml", "crates/server/build.rs"] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    // A build that shall come out the same again says when it was made.
    let built = match env::var("SOURCE_DATE_EPOCH") {
        Ok(seconds) => seconds.parse()?,
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
    };
    println!("cargo::rustc-env=PORTCULLIS_BUILT_AT={built}");
    let target = env::var("TARGET")?;
    println!("cargo::rustc-env=PORTCULLIS_TARGET={target}");
    let document = document(&metadata(&target)?, &checksums(&fs::read_to_string(root.join("Cargo.lock"))?), &target)?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("sbom.json"), serde_json::to_vec(&document)?)?;
    Ok(())
}

/// What cargo resolved. Tried without the network first, which is enough after a build from the lock file.
fn metadata(target: &str) -> Result<Value, Box<dyn Error>> {
    let run = |more: &[&str]| {
        let mut command = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
        command.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", target]).args(more).output()
    };
    let mut output = run(&["--offline"])?;
    if !output.status.success() {
        output = run(&[])?;
    }
    if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout)?)
    } else {
        Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

/// Checksums of the registry's packages by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let mut found = BTreeMap::new();
    for package in lock.split("[[package]]") {
        let value = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
            line.map(|text| text.trim().trim_matches('"').to_owned())
        };
        if let (Some(name), Some(version), Some(sum)) = (value("name"), value("version"), value("checksum")) {
            found.insert((name, version), sum);
        }
    }
    found
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

type Checksums = BTreeMap<(String, String), String>;

/// The document, without the time: that is added when it is printed.
fn document(metadata: &Value, checksums: &Checksums, target: &str) -> Result<Value, Box<dyn Error>> {
    let packages: BTreeMap<&str, &Value> = list(metadata, "packages").iter().map(|p| (text(p, "id"), p)).collect();
    let nodes = metadata.get("resolve").map(|resolve| list(resolve, "nodes")).unwrap_or_default();
    let nodes: BTreeMap<&str, Vec<&str>> = nodes.iter().map(|node| (text(node, "id"), linked(node))).collect();
    let own = packages.values().find(|p| text(p, "name") == "server" && p.get("source").is_some_and(Value::is_null));
    let own = text(own.ok_or("cargo metadata does not know this package")?, "id");
    let (mut reached, mut open) = (BTreeSet::from([own]), vec![own]);
    while let Some(id) = open.pop() {
        open.extend(nodes.get(id).into_iter().flatten().filter(|next| reached.insert(*next)));
    }
    let reference = |id: &str| packages.get(id).map(|p| purl(p)).unwrap_or_default();
    let components = reached.iter().filter(|id| **id != own).filter_map(|id| packages.get(id));
    let components: Vec<Value> = components.map(|package| component(package, checksums)).collect();
    let depends = |id: &&str| {
        let mut on: Vec<String> = nodes.get(id).into_iter().flatten().map(|next| reference(next)).collect();
        on.sort();
        on.dedup();
        let of = if *id == own { PROGRAM.to_owned() } else { reference(id) };
        json!({ "ref": of, "dependsOn": on })
    };
    let version = env::var("CARGO_PKG_VERSION")?;
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "lifecycles": [{ "phase": "build" }],
            "component": {
                "type": "application", "bom-ref": PROGRAM, "name": "portcullis", "version": version,
                "licenses": licenses(packages.get(own).copied().unwrap_or(&Value::Null)),
                "properties": [{ "name": "cargo:target", "value": target }],
            },
        },
        "components": components,
        "dependencies": reached.iter().map(depends).collect::<Vec<_>>(),
    }))
}

/// How the document refers to the program.
const PROGRAM: &str = "portcullis";

/// What a package links: neither what only its tests nor what only its build needs.
fn linked(node: &Value) -> Vec<&str> {
    let normal = |dep: &&Value| list(dep, "dep_kinds").iter().any(|kind| kind.get("kind").is_some_and(Value::is_null));
    list(node, "deps").iter().filter(normal).map(|dep| text(dep, "pkg")).collect()
}

fn purl(package: &Value) -> String {
    format!("pkg:cargo/{}@{}", text(package, "name"), text(package, "version").replace('+', "%2B"))
}

fn licenses(package: &Value) -> Value {
    match text(package, "license") {
        "" => json!([]),
        // Older packages write a slash for OR.
        expression => json!([{ "expression": expression.replace('/', " OR ") }]),
    }
}

fn component(package: &Value, checksums: &Checksums) -> Value {
    let (name, version) = (text(package, "name"), text(package, "version"));
    let mut made = json!({
        "type": "library", "bom-ref": purl(package), "name": name, "version": version, "purl": purl(package),
        "scope": "required", "licenses": licenses(package),
    });
    if let (Some(sum), Some(map)) = (checksums.get(&(name.to_owned(), version.to_owned())), made.as_object_mut()) {
        map.insert("hashes".to_owned(), json!([{ "alg": "SHA-256", "content": sum }]));
    }
    made
}
