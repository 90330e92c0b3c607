//! SOAP APIs: their WSDL.

use model::{ApiDocument, ApiId};
use quick_xml::Reader;
use quick_xml::events::Event;
use store::repository::artifact::{self, ArtifactRow};

use super::definitions::{DefinitionSource, is_archive};
use super::load::load;
use crate::archive::read_zip;
use crate::{Actor, Change, Control, ControlError, FaultKind};

/// Name of the artifact that holds the WSDL.
const WSDL: &str = "wsdl";
/// Media type of an archive.
const ARCHIVE: &str = "application/zip";
/// Deepest nesting of elements.
const MAX_DEPTH: usize = 100;

impl Control {
    /// Creates a SOAP API from a WSDL 1.1 or 2.0 document. Calls are passed through as they are.
    ///
    /// # Errors
    /// 400 for a broken WSDL or wrong fields, and for conversions to REST, which this gateway does not make; 409 when
    /// name, version or context is taken.
    pub async fn import_wsdl(
        &self,
        actor: &Actor,
        source: DefinitionSource,
        implementation: &str,
        properties: ApiDocument,
    ) -> Result<ApiDocument, ControlError> {
        if !implementation.eq_ignore_ascii_case("SOAP") {
            return Err(ControlError::invalid(format!(
                "implementationType {implementation} is not supported: use SOAP, which passes calls through."
            )));
        }
        let bytes = self.fetch_file(source).await?;
        let media_type = if is_archive(&bytes) {
            let archive = bytes.clone();
            self.heavy(move || check_archive(&archive)).await??;
            ARCHIVE
        } else {
            check(&bytes)?;
            "text/xml"
        };
        let mut document = properties;
        document.set("type", "SOAP");
        self.ensure_tenant_defaults(actor.tenant()).await?;
        let mut work = self.begin().await?;
        let mut row = self.insert_api(&mut work, actor, document, None).await?;
        let mut stored = super::load::parse(&row)?;
        stored.set("wsdlUrl", registry_path(actor, &stored));
        super::load::store_document(&mut row, &stored)?;
        store::repository::api::update(&mut work, &row).await?;
        let file = ArtifactRow { name: WSDL.to_owned(), media_type: media_type.to_owned(), bytes: bytes.to_vec() };
        artifact::put(&mut work, &row.id.to_string(), &file).await?;
        let target = format!("api/{}", row.id);
        self.commit(work, actor, Change::managed("publisher.apis.import-wsdl", &target)).await?;
        crate::document::view(&row, crate::document::ViewContext::default())
    }

    /// The WSDL of an API with its media type: XML, or the archive that it came in.
    ///
    /// # Errors
    /// 403; 404 as well for an API without one.
    pub async fn wsdl(&self, actor: &Actor, id: ApiId) -> Result<(String, Vec<u8>), ControlError> {
        let mut work = self.read().await?;
        load(&mut work, actor, id).await?;
        let file = artifact::find(&mut work, &id.to_string(), WSDL).await?;
        file.map(|f| (f.media_type, f.bytes)).ok_or_else(|| {
            ControlError::new(FaultKind::NotFound, 900_330, "API definition not found", "This API has no WSDL")
        })
    }
}

/// Where WSO2 keeps the file in its registry; its clients read the name of the file from it.
fn registry_path(actor: &Actor, document: &ApiDocument) -> String {
    let provider = document.provider().replace('@', "-AT-");
    let (name, version) = (document.name(), document.version());
    format!(
        "{}/registry/resource/_system/governance/apimgt/applicationdata/provider/{provider}/{name}/{version}/{provider}--{name}{version}.wsdl",
        actor.tenant_info().domain.context_prefix()
    )
}

/// An archive with a WSDL and the files it includes. Each is checked, and nothing else may be in it.
fn check_archive(bytes: &[u8]) -> Result<(), ControlError> {
    let files = read_zip(bytes)?;
    let refused = |reason: String| {
        ControlError::new(FaultKind::Invalid, 900_677, "Invalid WSDL", format!("The archive cannot be used: {reason}."))
    };
    let mut found = false;
    for (path, content) in &files {
        if path.ends_with(".wsdl") {
            found = true;
            check(content).map_err(|e| refused(format!("{path}: {}", e.description)))?;
        } else if !path.ends_with(".xsd") {
            return Err(refused(format!("{path} is neither a .wsdl nor a .xsd file")));
        } else if String::from_utf8_lossy(content).contains("<!DOCTYPE") {
            return Err(refused(format!("{path}: a document type is not accepted")));
        }
    }
    if found { Ok(()) } else { Err(refused("it has no .wsdl file".to_owned())) }
}

/// Well-formed XML whose root is a WSDL's, without a document type: entities are a way to read files and fill memory.
fn check(bytes: &[u8]) -> Result<(), ControlError> {
    let refused = |reason: String| {
        ControlError::new(FaultKind::Invalid, 900_677, "Invalid WSDL", format!("The WSDL cannot be used: {reason}."))
    };
    let text = std::str::from_utf8(bytes).map_err(|_| refused("it is not UTF-8 text".to_owned()))?;
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = Reader::from_str(text);
    let mut depth = 0_usize;
    let mut seen_root = false;
    loop {
        let before = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        // Counted for a fault only: counting for every event would make a large document take hours.
        let line = || text.get(..before).map_or(1, |t| t.matches('\n').count().saturating_add(1));
        let event = reader.read_event().map_err(|e| refused(format!("line {}: {e}", line())))?;
        match event {
            Event::DocType(_) => return Err(refused(format!("line {}: a document type is not accepted", line()))),
            Event::Start(element) => {
                if depth == 0 {
                    let local = element.local_name();
                    seen_root = matches!(local.as_ref(), "definitions" | "description");
                    if !seen_root {
                        return Err(refused(format!("line {}: the root element is not a WSDL's", line())));
                    }
                }
                depth = depth.saturating_add(1);
                if depth > MAX_DEPTH {
                    return Err(refused(format!("line {}: nested deeper than {MAX_DEPTH} levels", line())));
                }
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof if seen_root && depth == 0 => return Ok(()),
            Event::Eof => return Err(refused("it ends too early".to_owned())),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{check, check_archive};
    use crate::archive::{Files, write_zip};

    #[test]
    fn every_file_of_an_archive_is_looked_at() {
        let zip = |files: &[(&str, &str)]| {
            let files: Files =
                files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
            write_zip(&files).unwrap()
        };
        let good = ("a/one.wsdl", "<definitions><a/></definitions>");
        assert!(check_archive(&zip(&[good, ("a/types.xsd", "<schema/>")])).is_ok());
        for (bad, why) in [
            (vec![("types.xsd", "<schema/>")], "no .wsdl file"),
            (vec![good, ("b.wsdl", "<definitions>")], "b.wsdl: "),
            (vec![good, ("run.sh", "#!/bin/sh")], "run.sh is neither"),
            (
                vec![good, ("t.xsd", "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x/>")],
                "t.xsd: a document type",
            ),
        ] {
            let refused = check_archive(&zip(&bad)).unwrap_err();
            assert!(refused.description.contains(why), "{}", refused.description);
        }
        assert!(check_archive(b"PK\x03\x04").is_err());
    }

    #[test]
    fn only_complete_wsdl_without_a_document_type_is_accepted() {
        assert!(
            check(
                b"<?xml version='1.0'?><w:definitions xmlns:w='http://schemas.xmlsoap.org/wsdl/'><a/></w:definitions>"
            )
            .is_ok()
        );
        for bad in [
            "",
            "text",
            "<a/>",
            "<a></a>",
            "<definitions>",
            "<definitions></b>",
            "<definitions><a></definitions>",
            "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><definitions></definitions>",
        ] {
            assert!(check(bad.as_bytes()).is_err(), "{bad}");
        }
        let deep = format!("<definitions>{}{}</definitions>", "<a>".repeat(200), "</a>".repeat(200));
        assert!(check(deep.as_bytes()).is_err());
    }
}
