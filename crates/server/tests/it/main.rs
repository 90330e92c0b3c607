//! The one integration test of this crate.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod config;
#[cfg(test)]
mod directories;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod first_boot;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod installation;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod quickstart;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod running;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod vault_keys;
