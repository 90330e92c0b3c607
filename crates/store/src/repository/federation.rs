//! Accounts of people who sign in at an identity provider outside, by the provider's name for them.

use model::{TenantId, Timestamp, UserId};

use crate::{StoreError, UnitOfWork};

/// The account of a provider's subject; `None` when nobody came as this subject yet.
pub async fn find(
    work: &mut UnitOfWork,
    tenant: TenantId,
    provider: &str,
    subject: &str,
) -> Result<Option<UserId>, StoreError> {
    work.find(
        "SELECT user_id FROM federated_account WHERE tenant_id = $1 AND provider_id = $2 AND subject = $3",
        [tenant.into(), provider.into(), subject.into()],
    )
    .await?
    .map(|row| row.parse("user_id"))
    .transpose()
}

/// Links an account to a subject for good.
///
/// # Errors
/// [`StoreError::Conflict`] when the subject or the account is linked already.
pub async fn link(
    work: &mut UnitOfWork,
    tenant: TenantId,
    (provider, subject): (&str, &str),
    user: UserId,
    now: Timestamp,
) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO federated_account (provider_id, subject, tenant_id, user_id, linked_at, signed_in_at) \
         VALUES ($1, $2, $3, $4, $5, $5)",
        [provider.into(), subject.into(), tenant.into(), user.into(), now.into()],
    )
    .await?;
    Ok(())
}

/// Notes a sign-in.
pub async fn touch(work: &mut UnitOfWork, user: UserId, now: Timestamp) -> Result<(), StoreError> {
    work.execute("UPDATE federated_account SET signed_in_at = $2 WHERE user_id = $1", [user.into(), now.into()])
        .await?;
    Ok(())
}

/// The accounts of a provider's subjects.
pub async fn accounts_of(work: &mut UnitOfWork, tenant: TenantId, provider: &str) -> Result<Vec<UserId>, StoreError> {
    let rows = work
        .query(
            "SELECT user_id FROM federated_account WHERE tenant_id = $1 AND provider_id = $2 LIMIT 1000000",
            [tenant.into(), provider.into()],
        )
        .await?;
    rows.iter().map(|row| row.parse("user_id")).collect()
}
