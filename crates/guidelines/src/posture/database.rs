//! The database.

/// What the server may do in its database.
#[derive(Clone, Debug, Default)]
pub struct DatabaseFacts {
    /// Rights of the runtime role.
    pub role: RoleRights,
}

/// What the runtime role of the database may do beside reading and writing rows.
#[derive(Clone, Debug, Default)]
pub struct RoleRights {
    /// Role name.
    pub name: String,
    /// Is superuser.
    pub superuser: bool,
    /// May create databases.
    pub create_database: bool,
    /// May create roles.
    pub create_role: bool,
    /// May create objects in the schema.
    pub create_in_schema: bool,
    /// Owns tables of the product.
    pub owns_tables: bool,
    /// May read every change as a replica.
    pub replication: bool,
    /// Is not bound by row security.
    pub bypass_row_security: bool,
    /// May read or write files of the server, or run its programs.
    pub server_files: bool,
}

/// Removal of expired data.
#[derive(Clone, Debug)]
pub struct Cleanup {
    /// Whether it runs.
    pub enabled: bool,
    /// How often, seconds.
    pub every_seconds: u64,
    /// Most rows in one transaction.
    pub chunk: u64,
    /// `file:line` of the settings, or of the file.
    pub place: String,
    /// Rows whose time is over by more than two intervals.
    pub overdue_rows: Option<u64>,
}
