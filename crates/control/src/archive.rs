//! Archives: zip files and folders under caps, API projects in apictl's layout, definitions in several files.

pub(crate) mod definition;
mod files;
pub(crate) mod project;

pub(crate) use files::{Files, read_zip, write_zip};
