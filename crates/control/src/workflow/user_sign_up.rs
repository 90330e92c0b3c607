//! People who want an account. Crate `identity` keeps their requests, because it keeps their passwords.

use super::{Kind, Properties};

/// The kind.
pub(crate) const KIND: Kind = Kind {
    code: "AM_USER_SIGNUP",
    element: "UserSignUp",
    executor: "UserSignUp",
    title: "Sign-up",
    properties: Properties::None,
    carry_out: None,
};
