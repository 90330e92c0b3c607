//! Work that is counted in instructions: a test does it as often as it is asked to, and the difference between few and many
//! times is what one time costs. `cargo xtask test --only instructions` asks, under callgrind.

/// Environment of a counted test: how often it does its work.
pub const TIMES: &str = "PORTCULLIS_COUNTED_TIMES";

/// How often a counted test does its work: a few times in an ordinary run, which shows that it still does.
#[expect(clippy::disallowed_methods, reason = "how xtask speaks to a test")]
pub fn times() -> usize {
    std::env::var(TIMES).ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

/// Environment of a counted test that works on two kinds of things: how many of the second kind there are.
pub const MORE: &str = "PORTCULLIS_COUNTED_MORE";

/// How many of the second kind there are.
#[expect(clippy::disallowed_methods, reason = "how xtask speaks to a test")]
pub fn more() -> usize {
    std::env::var(MORE).ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}
