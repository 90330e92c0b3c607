//! Registry resources and property files on disk.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;

use crate::settings::Tree;

/// Largest resource, bytes.
const RESOURCE: u64 = 32 << 20;

/// A resource by its path: `conf:a/b`, `gov:a/b`, `resources:a`, or without a scheme below `registry/local`.
pub(crate) fn read(tree: &Tree, path: &str) -> Option<Bytes> {
    let file = locate(tree, path)?;
    let size = std::fs::metadata(&file).ok().filter(std::fs::Metadata::is_file)?.len();
    if size > RESOURCE {
        tracing::warn!(path, "the registry resource is too large and is not read");
        return None;
    }
    std::fs::read(file).ok().map(Bytes::from)
}

/// A property of a resource: of the file of the same name with `.properties` behind it.
pub(crate) fn property(tree: &Tree, path: &str, property: &str) -> Option<String> {
    let mut file = locate(tree, path)?.into_os_string();
    file.push(".properties");
    properties_of(Path::new(&file)).remove(property)
}

/// Where a resource is; none for a path that leads out of the registry, by name or by link.
fn locate(tree: &Tree, path: &str) -> Option<PathBuf> {
    let Tree::Home(home) = tree else { return None };
    let registry = home.join("registry");
    let path = path.trim();
    let (folder, rest) =
        if let Some(rest) = path.strip_prefix("conf:").or_else(|| path.strip_prefix("/_system/config/")) {
            ("config", rest.to_owned())
        } else if let Some(rest) = path.strip_prefix("gov:").or_else(|| path.strip_prefix("/_system/governance/")) {
            ("governance", rest.to_owned())
        } else if let Some(rest) = path.strip_prefix("resources:") {
            ("governance", format!("mi-resources/{}", rest.trim_start_matches('/')))
        } else {
            ("local", path.strip_prefix("local:").unwrap_or(path).to_owned())
        };
    let rest = Path::new(rest.trim_start_matches('/'));
    let plain = rest.components().all(|part| matches!(part, Component::Normal(_)));
    if !plain || rest.as_os_str().is_empty() {
        return None;
    }
    let file = registry.join(folder).join(rest).canonicalize().ok()?;
    file.starts_with(registry.canonicalize().ok()?).then_some(file)
}

/// Entries of `conf/file.properties`, which artifacts read with the scope `file`.
#[derive(Debug, Default)]
pub(crate) struct Properties(HashMap<String, String>);

impl Properties {
    /// Reads the file; without one there are no entries.
    pub(crate) fn read(tree: &Tree) -> Self {
        match tree {
            Tree::Home(home) => Self(properties_of(&home.join("conf/file.properties"))),
            Tree::Folder(_) => Self::default(),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

/// The entries of a properties file, as far as configurations use the format: one to a line, `#` and `!` for comments.
fn properties_of(file: &Path) -> HashMap<String, String> {
    let Ok(about) = std::fs::metadata(file) else { return HashMap::new() };
    if about.len() > 1 << 20 {
        return HashMap::new();
    }
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', '!']));
    let entries = lines.filter_map(|line| line.split_once('=').or_else(|| line.split_once(':')));
    entries.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::{Properties, property, read};
    use crate::settings::Tree;

    #[test]
    fn resources_are_found_and_nothing_outside_of_the_registry() {
        let home = tempfile::tempdir().unwrap();
        let at = |path: &str| home.path().join(path);
        for folder in ["registry/config/a", "registry/governance/mi-resources/json", "registry/local", "conf"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        std::fs::write(at("registry/config/a/b.xml"), "<b/>").unwrap();
        std::fs::write(at("registry/config/a/b.xml.properties"), "# note\nowner = me\n").unwrap();
        std::fs::write(at("registry/governance/mi-resources/json/s.json"), "{}").unwrap();
        std::fs::write(at("secret"), "no").unwrap();
        std::fs::write(at("conf/file.properties"), "host=a.example\n").unwrap();
        std::os::unix::fs::symlink(at("secret"), at("registry/config/link")).unwrap();
        let tree = Tree::Home(home.path().to_owned());
        for path in ["conf:a/b.xml", "conf:/a/b.xml", "/_system/config/a/b.xml"] {
            assert_eq!(read(&tree, path).as_deref(), Some(&b"<b/>"[..]), "{path}");
        }
        assert_eq!(read(&tree, "resources:json/s.json").as_deref(), Some(&b"{}"[..]));
        assert_eq!(property(&tree, "conf:a/b.xml", "owner").as_deref(), Some("me"));
        for path in ["conf:../secret", "conf:link", "conf:../../etc/passwd", "/etc/passwd", "conf:", "conf:a", ".."] {
            assert!(read(&tree, path).is_none(), "{path}");
        }
        assert_eq!(Properties::read(&tree).get("host").as_deref(), Some("a.example"));
    }
}
