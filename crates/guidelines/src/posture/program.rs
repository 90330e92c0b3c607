//! The program itself.

/// The program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Version.
    pub version: String,
    /// Days since it was built; `None` = not known.
    pub age_days: Option<i64>,
    /// Known advisories that concern its parts: id and part; `None` = no list of advisories was read.
    pub advisories: Option<Vec<(String, String)>>,
    /// Age of that list in days; `None` = there is none.
    pub advisories_age_days: Option<i64>,
    /// Text that it sends as `Server` header; `None` = none.
    pub server_header: Option<String>,
    /// `file:line` of that setting.
    pub server_header_place: String,
    /// Nodes that share the work, this one included; `None` = not known.
    pub nodes: Option<u32>,
}
