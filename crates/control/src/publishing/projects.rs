//! Importing and exporting API projects.

use bytes::Bytes;
use model::snapshot::Lifecycle;
use model::{ApiDocument, ApiId};
use serde_json::{Map, Value};
use store::UnitOfWork;
use store::repository::api::{self, ApiRow};
use store::repository::artifact::{self, ArtifactRow};
use store::repository::document::{self, DocumentRow};
use store::repository::revision;

use super::create::{DEFINITION, Definition};
use super::definitions::{apply_definition, definition_file, refused};
use super::load::{load, parse, store_document};
use super::thumbnails::{THUMBNAIL, picture_type};
use crate::archive::project::{Project, ProjectDocument};
use crate::archive::{Files, read_zip, write_zip};
use crate::definition::OpenApi;
use crate::document::{ViewContext, strip_secrets, view};
use crate::lifecycle::code;
use crate::publishing::DeploymentRequest;
use crate::workflow::api_state;
use crate::{Actor, Change, Control, ControlError, FaultKind, LifecycleOptions, lifecycle};

/// How a project is imported.
#[derive(Clone, Copy, Debug)]
pub struct ImportOptions {
    /// Whether an API of that name and version is replaced instead of refused.
    pub overwrite: bool,
    /// Whether the provider of the project stays; otherwise the importing user becomes the provider.
    pub preserve_provider: bool,
    /// Whether the oldest revision gives way when there are five.
    pub rotate_revision: bool,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self { overwrite: false, preserve_provider: true, rotate_revision: false }
    }
}

impl Control {
    /// Imports a project from a zip archive.
    ///
    /// # Errors
    /// 400 naming file and line; 409 when the API exists and shall not be replaced. Nothing is half imported.
    pub async fn import_project(
        &self,
        actor: &Actor,
        zip: Bytes,
        options: ImportOptions,
    ) -> Result<ApiDocument, ControlError> {
        let files = self.heavy(move || read_zip(&zip)).await??;
        self.import_project_files(actor, files, options).await
    }

    /// Imports a project from its files by relative path, as read from a folder.
    ///
    /// # Errors
    /// As [`Control::import_project`].
    pub async fn import_project_files(
        &self,
        actor: &Actor,
        files: Files,
        options: ImportOptions,
    ) -> Result<ApiDocument, ControlError> {
        let (project, definition) = self.heavy(move || read_project(&files)).await??;
        self.ensure_tenant_defaults(actor.tenant()).await?;
        let mut work = self.begin().await?;
        let mut row = self.put_project_api(&mut work, actor, &project, definition, options).await?;
        self.put_project_files(&mut work, actor, &mut row, &project).await?;
        if !project.deployments.is_empty() {
            self.deploy_project(&mut work, actor, &row, &project.deployments, options).await?;
        }
        self.reach_state(&mut work, actor, &mut row, project.api.lifecycle()).await?;
        let target = format!("api/{}", row.id);
        self.commit(work, actor, Change::of_api("publisher.apis.import", &target, row.id)).await?;
        view(&row, ViewContext::default())
    }

    async fn put_project_api(
        &self,
        work: &mut UnitOfWork,
        actor: &Actor,
        project: &Project,
        parsed: Option<OpenApi>,
        options: ImportOptions,
    ) -> Result<ApiRow, ControlError> {
        let mut document = project.api.clone();
        if !options.preserve_provider || !actor.is_admin() {
            document.set("provider", actor.name());
        }
        let definition = match (&project.definition, parsed) {
            (Some(bytes), Some(parsed)) => {
                if document.operations().is_empty() {
                    apply_definition(&mut document, &parsed);
                }
                let file = definition_file(bytes);
                Some(Definition { media_type: file.media_type, bytes: file.bytes })
            }
            _ => None,
        };
        let existing = api::find_version(work, actor.tenant(), document.name(), document.version()).await?;
        let Some(existing) = existing else {
            return self.insert_api(work, actor, document, definition).await;
        };
        if !options.overwrite {
            return Err(ControlError::new(
                FaultKind::Conflict,
                900_300,
                "The API already exists.",
                format!(
                    "{} {} exists already. Import it with overwrite to replace it.",
                    document.name(),
                    document.version()
                ),
            ));
        }
        let mut row = load(work, actor, existing.id).await?;
        self.replace_document(work, actor, &mut row, document).await?;
        if let Some(definition) = definition {
            let file =
                ArtifactRow { name: DEFINITION.to_owned(), media_type: definition.media_type, bytes: definition.bytes };
            artifact::put(work, &row.id.to_string(), &file).await?;
        }
        Ok(row)
    }

    async fn put_project_files(
        &self,
        work: &mut UnitOfWork,
        actor: &Actor,
        row: &mut ApiRow,
        project: &Project,
    ) -> Result<(), ControlError> {
        for old in document::list(work, row.id).await? {
            document::delete(work, row.id, &old.id).await?;
        }
        for entry in &project.documents {
            self.put_project_document(work, actor, row.id, entry).await?;
        }
        let Some(image) = &project.image else { return Ok(()) };
        let media_type = picture_type(image)
            .ok_or_else(|| ControlError::invalid("Image/icon is not a PNG, JPEG, GIF or WebP picture."))?;
        let file = ArtifactRow { name: THUMBNAIL.to_owned(), media_type: media_type.to_owned(), bytes: image.clone() };
        artifact::put(work, &row.id.to_string(), &file).await?;
        let mut document = parse(row)?;
        document.set("hasThumbnail", true);
        store_document(row, &document)?;
        api::update(work, row).await?;
        Ok(())
    }

    async fn put_project_document(
        &self,
        work: &mut UnitOfWork,
        actor: &Actor,
        id: ApiId,
        entry: &ProjectDocument,
    ) -> Result<(), ControlError> {
        let mut fields = super::documents::checked(&entry.body)?;
        let now = self.now().rfc3339();
        for field in ["createdTime", "lastUpdatedTime"] {
            fields.insert(field.to_owned(), now.clone().into());
        }
        for field in ["createdBy", "lastUpdatedBy"] {
            fields.insert(field.to_owned(), actor.name().into());
        }
        let inline = super::documents::take_inline(&mut fields);
        if let Some(name) = entry.body.get("fileName").and_then(Value::as_str).and_then(super::documents::file_name) {
            fields.insert("fileName".to_owned(), name.into());
        }
        let name = fields.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let row = DocumentRow { id: self.uuid().to_string(), api: id, name, body: Value::Object(fields).to_string() };
        document::insert(work, &row).await?;
        let content = entry.content.clone().map(|bytes| super::documents::content_file(&entry.body, bytes));
        if let Some(file) = content.or(inline) {
            artifact::put(work, &row.id, &file).await?;
        }
        super::documents::make_findable(work, &row).await
    }

    async fn deploy_project(
        &self,
        work: &mut UnitOfWork,
        actor: &Actor,
        row: &ApiRow,
        requests: &[DeploymentRequest],
        options: ImportOptions,
    ) -> Result<(), ControlError> {
        if options.rotate_revision {
            let revisions = revision::list(work, row.id).await?;
            if let (5.., Some(oldest)) = (revisions.len(), revisions.first()) {
                for deployment in revision::deployments(work, row.id).await? {
                    if deployment.revision == oldest.id {
                        revision::undeploy(work, row.id, &deployment.environment).await?;
                    }
                }
                revision::delete(work, oldest.id).await?;
            }
        }
        let made = self.insert_revision(work, actor, row, "Imported").await?;
        self.deploy_or_ask(work, actor, (row, &made), requests).await.map(|_| ())
    }

    /// Walks the lifecycle to the state of the project, where the rules allow it.
    async fn reach_state(
        &self,
        work: &mut UnitOfWork,
        actor: &Actor,
        row: &mut ApiRow,
        wanted: &str,
    ) -> Result<(), ControlError> {
        let Some(target) = lifecycle::parse(wanted) else { return Ok(()) };
        if code(target) == row.lifecycle {
            return Ok(());
        }
        let path: &[Lifecycle] = match target {
            Lifecycle::Created => return Ok(()),
            Lifecycle::Prototyped => &[Lifecycle::Prototyped],
            Lifecycle::Published => &[Lifecycle::Published],
            Lifecycle::Blocked => &[Lifecycle::Published, Lifecycle::Blocked],
            Lifecycle::Deprecated => &[Lifecycle::Published, Lifecycle::Deprecated],
            Lifecycle::Retired => &[Lifecycle::Published, Lifecycle::Deprecated, Lifecycle::Retired],
        };
        super::lifecycle::check_publishable(row)?;
        for state in path.iter().copied().filter(|state| code(*state) != row.lifecycle).collect::<Vec<_>>() {
            let from = super::lifecycle::state_of(row)?;
            let transition = lifecycle::transitions(from).iter().find(|transition| transition.target == state);
            if let Some(transition) = transition
                && api_state::ask(self, work, actor, row, (transition.event, LifecycleOptions::default())).await?
            {
                // What comes after it can be asked for when it was decided.
                return Ok(());
            }
            self.enter_state(work, actor, row, state).await?;
        }
        Ok(())
    }

    /// Exports an API as a project in a zip archive, without secrets.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn export_project(&self, actor: &Actor, id: ApiId, as_json: bool) -> Result<Vec<u8>, ControlError> {
        let mut work = self.read().await?;
        let row = load(&mut work, actor, id).await?;
        let mut api = view(&row, ViewContext::default())?;
        strip_secrets(&mut api);
        for field in ["createdTime", "createdTimestamp", "lastUpdatedTime", "lastUpdatedTimestamp", "updatedBy"] {
            api.fields_mut().shift_remove(field);
        }
        let mut documents = Vec::new();
        for row in document::list(&mut work, id).await? {
            let mut body: Map<String, Value> = serde_json::from_str(&row.body).unwrap_or_default();
            for field in ["createdTime", "createdBy", "lastUpdatedTime", "lastUpdatedBy"] {
                body.shift_remove(field);
            }
            let content = artifact::find(&mut work, &row.id, "content").await?.map(|f| f.bytes);
            documents.push(ProjectDocument { body: Value::Object(body), content });
        }
        let deployments = revision::deployments(&mut work, id)
            .await?
            .into_iter()
            .map(|d| DeploymentRequest {
                environment: d.environment,
                vhost: d.vhost,
                display_on_devportal: d.display_on_devportal,
            })
            .collect();
        let project = Project {
            api,
            definition: artifact::find(&mut work, &id.to_string(), DEFINITION).await?.map(|f| f.bytes),
            documents,
            image: artifact::find(&mut work, &id.to_string(), THUMBNAIL).await?.map(|f| f.bytes),
            deployments,
        };
        self.heavy(move || write_zip(&project.write(as_json)?)).await?
    }

    /// The id of an API by name and version, for exports.
    ///
    /// # Errors
    /// 404.
    pub async fn find_api(&self, actor: &Actor, name: &str, version: &str) -> Result<ApiId, ControlError> {
        let mut work = self.read().await?;
        let found = api::find_version(&mut work, actor.tenant(), name, version).await?;
        match found {
            Some(row) => Ok(row.id),
            None => Err(super::load::api_not_found(&format!("{name}:{version}"))),
        }
    }
}

/// A project with its definition parsed, for the kinds that have an OpenAPI definition.
fn read_project(files: &Files) -> Result<(Project, Option<OpenApi>), ControlError> {
    let project = Project::read(files)?;
    let has_definition = matches!(project.api.kind(), "" | "HTTP" | "SOAP" | "SOAPTOREST");
    let definition = match &project.definition {
        Some(bytes) if has_definition => Some(OpenApi::parse(bytes).map_err(refused)?),
        _ => None,
    };
    Ok((project, definition))
}
