//! Log files and the audit log.

/// One log file with its rotation, as configured.
#[derive(Clone, Debug, Default)]
pub struct LogSink {
    /// Name of the appender or of the setting.
    pub name: String,
    /// `file:line`.
    pub place: String,
    /// What stands before the names of its settings, as in `appender.CARBON_LOGFILE`.
    pub prefix: String,
    /// Whether it is the log of administrative actions.
    pub audit: bool,
    /// Whether a closed file is made at a size.
    pub by_size: bool,
    /// Whether a closed file is made after a time.
    pub by_time: bool,
    /// How many closed files are kept; `None` = all.
    pub keep: Option<u64>,
    /// Whether two closed files of one day get different names.
    pub distinct_names: bool,
    /// Whether a record carries an id that text inside it cannot forge.
    pub record_id: bool,
    /// Whether a record names the tenant.
    pub tenant: bool,
    /// Whether line ends inside a record are escaped.
    pub escapes: bool,
    /// Whether anything is written to it.
    pub attached: bool,
}

/// The tamper-evident audit log.
#[derive(Clone, Debug, Default)]
pub struct AuditTrail {
    /// Records whose chain was followed.
    pub records: u64,
    /// The first record whose hash does not follow from the one before.
    pub broken_at: Option<String>,
}
