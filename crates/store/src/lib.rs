//! Repositories, unit of work and migrations on SQLite (embedded) and PostgreSQL.
//!
//! Every statement is written once, with `$1` placeholders, and runs on both backends through [`UnitOfWork`]; only the
//! migrations exist twice. Depends on `model` alone.
//!
//! To add a repository: a file in `repository/` with the row type and its functions over `&mut UnitOfWork`, each taking
//! the tenant, and a table in the next migration of both folders. The conformance suite in `tests/it` runs each test
//! against both backends.

mod database;
mod error;
mod migration;
mod plan;
pub mod repository;
mod row;
mod work;

pub use database::{Database, PostgresSettings, RowSink};
pub use error::StoreError;
pub use migration::{Migration, MigrationReport, SchemaState};
pub use row::{Arg, Row};
pub use work::UnitOfWork;
