//! The process.

/// The process that serves, or that is about to.
#[derive(Clone, Debug, Default)]
pub struct ProcessFacts {
    /// Effective user id.
    pub uid: u32,
    /// Most open files.
    pub open_files: Option<u64>,
    /// Open files that the configuration can need.
    pub open_files_needed: u64,
    /// Memory that this process may use, bytes; `None` = no ceiling is set.
    pub memory_ceiling: Option<u64>,
    /// Memory that the configured buffers can need, bytes.
    pub memory_needed: u64,
    /// Free bytes where the data lies.
    pub free_bytes: Option<u64>,
    /// Size of what lies there, bytes.
    pub data_bytes: u64,
}
