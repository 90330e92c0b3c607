//! What the portals ask for beyond the built-in fields: attributes of applications, properties of APIs.

use super::context::Context;
use super::diagnostic::codes;
use super::section::{Section, read_many, section};
use super::tree::At;

section! {
    /// An attribute that applications of the Developer Portal have. Backends learn the values in their token (`[apim.jwt]`).
    pub struct ApplicationAttributeSection in "apim.devportal.application_attributes[]" {
        /// Name, unique, at most 100 characters.
        wso2 "name" name: String = "";
        /// What to fill in.
        wso2 "description" description: Option<String> = "";
        /// Whether an application without it is refused.
        wso2 "required" required: bool = "false";
        /// Whether the pages leave it out; the REST API takes it all the same.
        wso2 "hidden" hidden: bool = "false";
        /// Value when none is given.
        wso2 "default" default: Option<String> = "";
    }
}

section! {
    /// A property that APIs have in the Publisher.
    pub struct ApiPropertySection in "apim.publisher.custom_properties[]" {
        /// Name, unique, at most 80 characters without blanks.
        wso2 "name" name: String = "";
        /// What to fill in.
        wso2 "description" description: Option<String> = "";
        /// Whether an API is refused that has the property without a value, or is changed without it.
        wso2 "required" required: bool = "false";
    }
}

/// Most attributes and most properties: each is a field of a page, and attributes travel with every call.
const MOST: usize = 20;

/// The attributes of applications.
pub(super) fn application_attributes(cx: &mut Context<'_>) -> Option<Vec<ApplicationAttributeSection>> {
    let sections = read_many::<ApplicationAttributeSection>(cx)?;
    let names: Vec<&str> = sections.iter().map(|section| section.name.as_str()).collect();
    distinct::<ApplicationAttributeSection>(&names, |name| name.chars().count() <= 100, cx).then_some(sections)
}

/// The properties of APIs.
pub(super) fn api_properties(cx: &mut Context<'_>) -> Option<Vec<ApiPropertySection>> {
    let sections = read_many::<ApiPropertySection>(cx)?;
    let names: Vec<&str> = sections.iter().map(|section| section.name.as_str()).collect();
    let usable = |name: &str| name.chars().count() <= 80 && !name.contains(char::is_whitespace);
    distinct::<ApiPropertySection>(&names, usable, cx).then_some(sections)
}

/// Whether the names can be told apart and are not too many; says what is wrong otherwise.
fn distinct<S: Section>(names: &[&str], usable: impl Fn(&str) -> bool, cx: &mut Context<'_>) -> bool {
    let section = S::NAME.trim_end_matches("[]");
    let at = cx.root().find(section).map_or_else(At::default, |node| node.at);
    let mut right = true;
    for (index, name) in names.iter().enumerate() {
        let reason = if names.iter().take(index).any(|other| other.eq_ignore_ascii_case(name)) {
            format!("\"{name}\" is there already")
        } else if !usable(name) {
            format!("\"{name}\" is too long or has blanks where none may be")
        } else if index >= MOST {
            format!("there are more than {MOST}")
        } else {
            continue;
        };
        let path = format!("{section}[{}].name", index + 1);
        let fix = format!("give each [[{section}]] a short name of its own, at most {MOST} in all");
        cx.fault_at(&path, at, codes::BAD_VALUE, "the name cannot be used", &reason, &fix);
        right = false;
    }
    right
}
