//! What the set-up page needs from the user store; the composition root implements it over crate `identity`.

use model::Secret;
use web::BoxFuture;

/// Fields of the set-up form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// User name.
    Name,
    /// Password.
    Password,
    /// Password again.
    Repeat,
}

impl Field {
    /// Its element id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Password => "password",
            Self::Repeat => "repeat",
        }
    }
}

/// What is wrong with one field, said to the person.
#[derive(Clone, Debug)]
pub struct FieldFault {
    /// The field.
    pub field: Field,
    /// A sentence.
    pub message: String,
}

/// Why no administrator was made.
#[derive(Debug)]
pub enum SetUpFault {
    /// The link is unknown, used, replaced or too old: one answer for all.
    Link,
    /// The form needs changes; the link still works.
    Fields(Vec<FieldFault>),
    /// Our fault; the text is for the log.
    Unavailable(String),
}

/// Making the first administrator.
pub trait FirstAdministrator: Send + Sync + 'static {
    /// Whether nobody has been set up yet.
    fn is_pending(&self) -> BoxFuture<'_, Result<bool, String>>;

    /// Whether the link works at this moment. Does not use it up.
    fn link_works<'a>(&'a self, token: &'a Secret<String>) -> BoxFuture<'a, Result<bool, String>>;

    /// Uses the link: makes the account, or says what to change.
    fn complete<'a>(
        &'a self,
        token: &'a Secret<String>,
        name: &'a str,
        password: Secret<String>,
    ) -> BoxFuture<'a, Result<(), SetUpFault>>;

    /// The password policy in one sentence, for the hint.
    fn password_policy(&self) -> String;
}
