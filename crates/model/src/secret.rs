//! A value that cannot be printed.

use zeroize::Zeroize;

/// Wraps a secret: no `Debug`, no `Display`, no serialisation, no comparison; wiped when dropped.
///
/// The one way to the value is [`Secret::expose`], which is easy to find in a review.
///
/// ```compile_fail
/// let password = model::Secret::new(String::from("s3cret"));
/// println!("{password:?}");
/// ```
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Keep the borrow short and never copy it into a longer-lived place.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}
