//! One file per page.

pub(crate) mod home;
pub(crate) mod set_up;
