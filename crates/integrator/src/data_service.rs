//! Data services: SQL and CSV as operations and resources below `/services/NAME`.

mod csv;
mod output;
mod request;
mod run;

use std::path::PathBuf;
use std::sync::Arc;

use synapse::artifact::{Artifact, DataService};
use synapse::host::Reply;
use synapse::soap::{self, Version};
use synapse::xml::{Document, NodeId};
use synapse::{Body, Configuration, Headers, Message, media_type};

use self::output::{Content, Node, Scalar};
use self::run::{Given, Runner};
use crate::sql::{Databases, SqlError};

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    status: u16,
    /// WSO2's code.
    code: &'static str,
    /// What the client sees.
    shown: String,
    /// What only the log sees.
    logged: Option<String>,
}

impl Problem {
    const fn client(status: u16, code: &'static str, shown: String) -> Self {
        Self { status, code, shown, logged: None }
    }

    fn ours(status: u16, code: &'static str, logged: String) -> Self {
        let shown = "The request could not be carried out. The log of the integrator holds the reason.".to_owned();
        Self { status, code, shown, logged: Some(logged) }
    }

    /// The request is not one of the service's.
    const fn request(shown: String) -> Self {
        Self::client(400, "INCOMPATIBLE_PARAMETERS_ERROR", shown)
    }

    /// A value breaks a condition.
    const fn validation(shown: String) -> Self {
        Self::client(400, "VALIDATION_ERROR", shown)
    }

    /// There is no such operation or resource.
    const fn unknown(shown: String) -> Self {
        Self::client(404, "UNKNOWN_ERROR", shown)
    }

    /// A cap of ours.
    const fn bound(shown: String) -> Self {
        Self::client(413, "UNKNOWN_ERROR", shown)
    }

    /// The artifact asks for what is not there.
    fn artifact(logged: String) -> Self {
        Self::ours(500, "UNKNOWN_ERROR", logged)
    }

    /// The database or file is not there.
    fn source(logged: String) -> Self {
        Self::ours(503, "CONNECTION_UNAVAILABLE_ERROR", logged)
    }
}

impl From<SqlError> for Problem {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Source(reason) => Self::source(reason),
            SqlError::Value(reason) => Self::request(reason),
            // The words of a database tell tables and values: they are for the log.
            SqlError::Database(reason) => Self::ours(500, "DATABASE_ERROR", reason),
            SqlError::Bound(reason) => Self::bound(reason),
        }
    }
}

/// Data services of a deployment over the integrator's databases.
pub(crate) struct DataServices {
    databases: Arc<Databases>,
    /// Where CSV files are.
    folder: PathBuf,
}

impl DataServices {
    pub(crate) fn new(databases: Arc<Databases>, folder: PathBuf) -> Self {
        Self { databases, folder }
    }

    /// Finds the service of a path such as `/services/NAME/resource`. Names may hold slashes; the longest one fits.
    pub(crate) fn find(configuration: &Configuration, target: &str) -> Option<Arc<Artifact>> {
        let path = target.split('?').next().unwrap_or_default();
        let below = path.strip_prefix("/services/")?;
        let fits = |service: &DataService| {
            below
                .strip_prefix(service.name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
        };
        let services = configuration.others.iter().filter(|artifact| match artifact.as_ref() {
            Artifact::DataService(service) => service.closed.is_none() && fits(service),
            _ => false,
        });
        services.max_by_key(|artifact| artifact.name().len()).cloned()
    }

    /// Serves a request.
    pub(crate) async fn serve(
        &self,
        configuration: &Configuration,
        artifact: &Artifact,
        method: &str,
        target: &str,
        mut message: Message,
    ) -> Reply {
        let Artifact::DataService(service) = artifact else { return Reply { status: 404, ..empty() } };
        let format = Format::of(&message);
        let asked = request::read(service, method, target, &mut message);
        let format = format.of_body(&message);
        let runner = Runner { service, databases: &self.databases, configuration, folder: &self.folder };
        let given = match asked {
            Ok(asked) => runner.run(asked).await,
            Err(problem) => Err(problem),
        };
        match given {
            Ok(Given::Nothing) => Reply { status: 202, ..empty() },
            Ok(Given::Nodes(nodes)) => format.write(200, &nodes),
            Err(problem) => fault(&service.name, format, &problem),
        }
    }
}

fn empty() -> Reply {
    Reply { status: 200, headers: Headers::new(), body: bytes::Bytes::new() }
}

fn fault(service: &str, format: Format, problem: &Problem) -> Reply {
    if let Some(reason) = &problem.logged {
        tracing::error!(target: "integrator::data_service", service, code = problem.code, reason, "a request failed");
    }
    let leaf = |name: &str, text: &str| Node::new(name, run::NAMESPACE, Content::Value(text.to_owned(), Scalar::Text));
    let nodes = vec![Node::new(
        "DataServiceFault",
        run::NAMESPACE,
        Content::Nodes(vec![
            leaf("data_service_name", service),
            leaf("ds_code", problem.code),
            leaf("nested_exception", &problem.shown),
        ]),
    )];
    if let Format::Soap(version) = format {
        let detail = Some(Arc::new(output::xml(&nodes)));
        let code = if problem.status < 500 { "Client" } else { "Server" };
        let fault =
            soap::Fault { code: code.to_owned(), reason: problem.shown.clone(), detail, ..soap::Fault::default() };
        return format.reply(500, &soap::fault_envelope(version, &fault));
    }
    format.write(problem.status, &nodes)
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Xml,
    Json,
    Soap(Version),
}

impl Format {
    /// What the client accepts, else what it sent.
    fn of(message: &Message) -> Self {
        let accept = message.headers.get("Accept").unwrap_or_default().to_ascii_lowercase();
        let place = |name: &str| accept.find(name).unwrap_or(usize::MAX);
        let (json, xml) = (place("json"), place("xml"));
        if json != xml {
            return if json < xml { Self::Json } else { Self::Xml };
        }
        let sent = media_type(message.headers.get("Content-Type").unwrap_or_default());
        if sent.ends_with("json") { Self::Json } else { Self::Xml }
    }

    /// An envelope is answered by an envelope.
    fn of_body(self, message: &Message) -> Self {
        let sent = media_type(message.headers.get("Content-Type").unwrap_or_default());
        let enveloped =
            sent == "application/soap+xml" || message.headers.get("SOAPAction").is_some() && sent == "text/xml";
        match message.body() {
            Body::Xml(envelope) if enveloped && self != Self::Json => Self::Soap(soap::version_of(envelope)),
            _ => self,
        }
    }

    fn write(self, status: u16, nodes: &[Node]) -> Reply {
        match self {
            Self::Json => {
                let mut headers = Headers::new();
                headers.set("Content-Type", "application/json");
                Reply { status, headers, body: output::json(nodes).to_string().into() }
            }
            Self::Xml => self.reply(status, &output::xml(nodes)),
            Self::Soap(version) => {
                let mut envelope = soap::envelope(version);
                if let Some(body) = soap::body_of(&envelope) {
                    envelope.append_copy(body, &output::xml(nodes), NodeId::DOCUMENT);
                }
                self.reply(status, &envelope)
            }
        }
    }

    fn reply(self, status: u16, document: &Document) -> Reply {
        let kind = match self {
            Self::Soap(Version::Soap11) => "text/xml; charset=UTF-8",
            Self::Soap(Version::Soap12) => "application/soap+xml; charset=UTF-8",
            Self::Xml | Self::Json => "application/xml; charset=UTF-8",
        };
        let mut headers = Headers::new();
        headers.set("Content-Type", kind);
        Reply { status, headers, body: document.write(NodeId::DOCUMENT).into() }
    }
}

#[cfg(test)]
mod tests;
