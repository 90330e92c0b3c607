//! The REST APIs over a real embedded database, called through the router in memory.

mod apis;
mod subscriptions;
mod portal;
mod keys;
mod fake_keys;
mod applications;
mod administration;
mod corpus;
mod definitions;
mod hostile;
mod lifecycle;
mod projects;
mod revisions;
mod world;
