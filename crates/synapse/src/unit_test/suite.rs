//! Reading suites and mock services.

use crate::xml::{Document, Element, Limits};

/// Why a suite cannot run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SuiteError(pub String);

/// A suite.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Path of the tested artifact.
    pub artifact: String,
    /// Paths of the artifacts that it needs.
    pub supporting: Vec<String>,
    /// Registry resources: path and key.
    pub resources: Vec<(String, String)>,
    /// Cases.
    pub cases: Vec<Case>,
    /// Mock services.
    pub mocks: Vec<MockService>,
}

/// A case.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// Name.
    pub name: String,
    /// Path below the context of the API.
    pub path: Option<String>,
    /// HTTP method.
    pub method: Option<String>,
    /// `http` or `https`.
    pub protocol: Option<String>,
    /// Body.
    pub payload: Option<String>,
    /// Name, scope and value.
    pub properties: Vec<(String, String, String)>,
    /// What has to hold.
    pub assertions: Vec<Assertion>,
}

/// What has to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assertion {
    /// `assertEquals`
    Equals {
        /// Expression.
        actual: String,
        /// Text.
        expected: String,
        /// What to say when it does not hold.
        message: String,
    },
    /// `assertNotNull`
    NotNull {
        /// Expression.
        actual: String,
        /// What to say when it does not hold.
        message: String,
    },
}

/// A service that answers in place of an endpoint.
#[derive(Clone, Debug)]
pub struct MockService {
    /// Name of the endpoint.
    pub name: String,
    /// Path prefix.
    pub context: String,
    /// What it answers.
    pub resources: Vec<MockResource>,
}

/// What a mock service answers.
#[derive(Clone, Debug)]
pub struct MockResource {
    /// Path below the context, with query.
    pub path: String,
    /// Method.
    pub method: String,
    /// Body that the request has to have; any when none.
    pub request: Option<String>,
    /// Headers that the request has to have.
    pub request_headers: Vec<(String, String)>,
    /// Status of the answer.
    pub status: u16,
    /// Body of the answer.
    pub body: String,
    /// Headers of the answer.
    pub headers: Vec<(String, String)>,
}

fn error(reason: impl Into<String>) -> SuiteError {
    SuiteError(reason.into())
}

/// True for the text of a suite.
fn root<'a>(document: &'a Document, name: &str) -> Result<Element<'a>, SuiteError> {
    match Element::root(document) {
        Some(root) if root.name() == name => Ok(root),
        _ => Err(error(format!("the root element is not {name}"))),
    }
}

fn texts<'a>(element: Option<Element<'a>>, name: &'a str) -> Vec<String> {
    element
        .into_iter()
        .flat_map(|element| element.children_named(name))
        .map(|child| child.text().trim().to_owned())
        .collect()
}

impl Suite {
    /// Reads a suite and the mock services that it names.
    ///
    /// # Errors
    /// Not a suite, or a mock service that cannot be read.
    pub fn parse(text: &str, read: &dyn Fn(&str) -> Option<String>) -> Result<Self, SuiteError> {
        let document = Document::parse(text, Limits::ARTIFACT).map_err(|e| error(e.to_string()))?;
        let root = root(&document, "unit-test")?;
        let artifacts = root.child("artifacts").ok_or_else(|| error("artifacts is missing"))?;
        let artifact = texts(artifacts.child("test-artifact"), "artifact").into_iter().next();
        let artifact = artifact.ok_or_else(|| error("the test-artifact is missing"))?;
        let supporting = texts(artifacts.child("supportive-artifacts"), "artifact");
        let mut resources = Vec::new();
        for resource in
            artifacts.child("registry-resources").into_iter().flat_map(|all| all.children_named("registry-resource"))
        {
            let file = resource.child_text("artifact").or_else(|| resource.child_text("file-name")).unwrap_or_default();
            let name = resource.child_text("file-name").unwrap_or_default();
            let place = resource.child_text("registry-path").unwrap_or_default();
            resources.push((file, format!("{}/{name}", place.trim_end_matches('/'))));
        }
        let cases =
            root.child("test-cases").into_iter().flat_map(|all| all.children_named("test-case")).map(case).collect();
        let mut mocks = Vec::new();
        for path in texts(root.child("mock-services"), "mock-service") {
            let text = read(&path).ok_or_else(|| error(format!("the mock service {path} does not exist")))?;
            mocks.push(MockService::parse(&text).map_err(|e| error(format!("{path}: {e}")))?);
        }
        Ok(Self { artifact, supporting, resources, cases, mocks })
    }
}

fn case(element: Element<'_>) -> Case {
    let mut case = Case { name: element.given("name").unwrap_or_default().to_owned(), ..Case::default() };
    if let Some(input) = element.child("input") {
        case.path = input.child_text("request-path").filter(|text| !text.is_empty());
        case.method = input.child_text("request-method").filter(|text| !text.is_empty());
        case.protocol = input.child_text("request-protocol").filter(|text| !text.is_empty());
        case.payload = input.child_text("payload").filter(|text| !text.is_empty());
        for property in input.child("properties").into_iter().flat_map(|all| all.children_named("property")) {
            let scope = property.given("scope").unwrap_or("default").to_owned();
            let value = property.attribute("value").map_or_else(|| property.text(), str::to_owned);
            case.properties.push((property.given("name").unwrap_or_default().to_owned(), scope, value));
        }
    }
    for assertion in element.child("assertions").into_iter().flat_map(|all| all.children().collect::<Vec<_>>()) {
        let actual = assertion.child_text("actual").unwrap_or_default();
        let message = assertion.child_text("message").unwrap_or_default();
        match assertion.name() {
            "assertEquals" => {
                let expected = assertion.child_text("expected").unwrap_or_default();
                case.assertions.push(Assertion::Equals { actual, expected, message });
            }
            "assertNotNull" => case.assertions.push(Assertion::NotNull { actual, message }),
            _ => {}
        }
    }
    case
}

impl MockService {
    /// Reads a mock service.
    ///
    /// # Errors
    /// Not one.
    pub fn parse(text: &str) -> Result<Self, SuiteError> {
        let document = Document::parse(text, Limits::ARTIFACT).map_err(|e| error(e.to_string()))?;
        let root = root(&document, "mock-service")?;
        let headers = |element: Option<Element<'_>>| -> Vec<(String, String)> {
            element
                .and_then(|element| element.child("headers"))
                .into_iter()
                .flat_map(|all| all.children_named("header"))
                .filter_map(|header| Some((header.given("name")?.to_owned(), header.given("value")?.to_owned())))
                .collect()
        };
        let resources =
            root.child("resources").into_iter().flat_map(|all| all.children_named("resource")).map(|resource| {
                let (request, response) = (resource.child("request"), resource.child("response"));
                MockResource {
                    path: resource.child_text("sub-context").unwrap_or_default(),
                    method: resource.child_text("method").unwrap_or_default().to_ascii_uppercase(),
                    request: request.and_then(|request| request.child_text("payload")).filter(|text| !text.is_empty()),
                    request_headers: headers(request),
                    status: response
                        .and_then(|response| response.child_text("status-code"))
                        .and_then(|text| text.parse().ok())
                        .unwrap_or(200),
                    body: response.and_then(|response| response.child_text("payload")).unwrap_or_default(),
                    headers: headers(response),
                }
            });
        Ok(Self {
            name: root.child_text("service-name").unwrap_or_default(),
            context: root.child_text("context").unwrap_or_default(),
            resources: resources.collect(),
        })
    }
}
