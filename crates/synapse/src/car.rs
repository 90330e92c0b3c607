//! Carbon applications: what the manifest inside of a `.car` names. Unpacking is the host's.

use crate::xml::{Document, Element, Limits};

/// An artifact of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Type, as in `synapse/api`.
    pub kind: String,
    /// Path of the file inside of the archive.
    pub path: String,
}

/// What an application is made of, in the order of its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Artifacts.
    pub members: Vec<Member>,
}

/// Artifacts of one application.
const MEMBERS: usize = 10_000;

impl Application {
    /// Reads the manifests: `artifacts.xml`, then `artifact.xml` in the folder of each dependency.
    ///
    /// # Errors
    /// What is missing or wrong, with the path.
    pub fn read(read: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let text = read("artifacts.xml").ok_or("artifacts.xml is missing")?;
        let document = Document::parse(&text, Limits::ARTIFACT).map_err(|e| format!("artifacts.xml: {e}"))?;
        let root = Element::root(&document).ok_or("artifacts.xml is empty")?;
        let application = if root.name() == "artifact" { Some(root) } else { root.child("artifact") };
        let application = application.ok_or("artifacts.xml names no application")?;
        let given = |element: Element<'_>, name: &str| element.given(name).unwrap_or_default().to_owned();
        let mut members = Vec::new();
        for dependency in application.children_named("dependency").take(MEMBERS) {
            let (name, version) = (given(dependency, "artifact"), given(dependency, "version"));
            let folder = format!("{name}_{version}");
            let path = format!("{folder}/artifact.xml");
            let text = read(&path).ok_or_else(|| format!("{path} is missing, which artifacts.xml names"))?;
            let document = Document::parse(&text, Limits::ARTIFACT).map_err(|e| format!("{path}: {e}"))?;
            let root = Element::root(&document).ok_or_else(|| format!("{path} is empty"))?;
            let file = root.child_text("file").unwrap_or_default();
            let outside = file.starts_with('/') || file.split(['/', '\\']).any(|part| part == "..");
            if outside {
                return Err(format!("{path} names a file outside of its folder: {file}"));
            }
            members.push(Member { name, version, kind: given(root, "type"), path: format!("{folder}/{file}") });
        }
        Ok(Self { name: given(application, "name"), version: given(application, "version"), members })
    }
}

#[cfg(test)]
mod tests {
    use super::Application;

    fn read(files: &[(&str, &str)]) -> Result<Application, String> {
        Application::read(&|path| files.iter().find(|(known, _)| *known == path).map(|(_, text)| (*text).to_owned()))
    }

    const MANIFEST: &str = "<artifacts><artifact name='a' version='1' type='carbon/application'>\
        <dependency artifact='b' version='2' include='true'/></artifact></artifacts>";

    #[test]
    fn manifests_are_read() {
        let artifact = "<artifact name='b' version='2' type='synapse/api'><file>b-2.xml</file></artifact>";
        let application = read(&[("artifacts.xml", MANIFEST), ("b_2/artifact.xml", artifact)]).unwrap();
        assert_eq!(application.members[0].path, "b_2/b-2.xml");
        assert_eq!(application.members[0].kind, "synapse/api");
    }

    #[test]
    fn broken_ones_say_what_is_missing() {
        assert!(read(&[]).unwrap_err().contains("artifacts.xml"));
        assert!(read(&[("artifacts.xml", MANIFEST)]).unwrap_err().contains("b_2/artifact.xml"));
        let outside = "<artifact type='synapse/api'><file>../../etc/passwd</file></artifact>";
        assert!(read(&[("artifacts.xml", MANIFEST), ("b_2/artifact.xml", outside)]).unwrap_err().contains("outside"));
    }
}
