//! The control plane's sealer over the vault's keyring.

use std::sync::Arc;

use control::Sealer;
use model::{Rng, Secret};
use vault::Keyring;

/// Seals and opens for the control plane.
pub(crate) struct VaultSealer {
    keyring: Arc<Keyring>,
    rng: Arc<dyn Rng>,
}

impl VaultSealer {
    /// Over a keyring.
    pub(crate) fn new(keyring: Arc<Keyring>, rng: Arc<dyn Rng>) -> Self {
        Self { keyring, rng }
    }
}

impl Sealer for VaultSealer {
    fn seal(&self, plain: &[u8], context: &str) -> Result<String, String> {
        self.keyring.seal(plain, context, self.rng.as_ref()).map_err(|e| e.to_string())
    }

    fn open(&self, sealed: &str, context: &str) -> Result<Secret<Vec<u8>>, String> {
        self.keyring.open(sealed, context).map_err(|e| e.to_string())
    }
}
