//! Data services of WSO2's public repositories, run on SQLite and on PostgreSQL where there is one. What a service
//! answers and leaves in the tables is compared with the same statements run directly on a second database.

mod corpus;
mod fixture;
mod requests;
