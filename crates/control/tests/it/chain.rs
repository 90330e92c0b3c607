//! Tampering with the audit log in the database: every way to do it is named by the verification, on both databases.

use control::{AuditChain, AuditFault};

use crate::world::{CREATOR, World, pizza};

/// Makes a log of five or more records and a checkpoint, and two records after it; the number of records.
async fn filled(world: &World) -> i64 {
    for name in ["One", "Two", "Three", "Four", "Five"] {
        world.create(CREATOR, pizza(name)).await;
    }
    assert!(world.control.checkpoint_audit_log().await.unwrap().is_some());
    assert!(world.control.checkpoint_audit_log().await.unwrap().is_none(), "nothing happened since");
    world.create(CREATOR, pizza("Six")).await;
    world.create(CREATOR, pizza("Seven")).await;
    whole(world).await.records.try_into().unwrap()
}

async fn whole(world: &World) -> AuditChain {
    world.control.verify_audit_log().await.unwrap().unwrap()
}

async fn fault(world: &World) -> AuditFault {
    world.control.verify_audit_log().await.unwrap().unwrap_err()
}

async fn run(world: &World, statements: &[&'static str]) {
    let mut work = world.database.begin().await.unwrap();
    for statement in statements {
        work.execute(statement, []).await.unwrap();
    }
    work.save().await.unwrap();
}

#[tokio::test]
async fn a_log_that_nobody_touched_is_whole() {
    World::each(async |world: World| {
        let records = filled(&world).await;
        let chain = whole(&world).await;
        assert_eq!(chain.sealed_to, records - 2);
        assert!(chain.sealed_at.is_some());
        assert!(world.control.checkpoint_audit_log().await.unwrap().is_some());
        assert_eq!(whole(&world).await.sealed_to, records);
    })
    .await;
}

#[tokio::test]
async fn every_way_to_change_the_log_is_named() {
    for (what, statements, expected) in [
        ("change", vec!["UPDATE audit_log SET principal = 'x' WHERE sequence = 3"], AuditFault::Changed(3)),
        ("change of the time", vec!["UPDATE audit_log SET at = at + 1 WHERE sequence = 1"], AuditFault::Changed(1)),
        ("change of the tenant", vec!["UPDATE audit_log SET tenant_id = 7 WHERE sequence = 2"], AuditFault::Changed(2)),
        ("removal", vec!["DELETE FROM audit_log WHERE sequence = 3"], AuditFault::Missing(3, 3)),
        ("removal of the first", vec!["DELETE FROM audit_log WHERE sequence < 3"], AuditFault::Missing(1, 2)),
        (
            "exchange",
            vec![
                "UPDATE audit_log SET sequence = -2 WHERE sequence = 2",
                "UPDATE audit_log SET sequence = 2 WHERE sequence = 3",
                "UPDATE audit_log SET sequence = 3 WHERE sequence = -2",
            ],
            AuditFault::Changed(2),
        ),
        (
            "a head that was moved",
            vec!["UPDATE audit_head SET sequence = sequence + 1"],
            AuditFault::Cut { last: 0, known: 1 },
        ),
        (
            "a forged checkpoint",
            vec!["UPDATE audit_checkpoint SET sealed = 'x' WHERE number = 1"],
            AuditFault::Forged(1),
        ),
        ("a removed head", vec!["UPDATE audit_head SET sequence = 2"], AuditFault::Appended(3)),
    ] {
        World::each(async |world: World| {
            let records = filled(&world).await;
            run(&world, &statements).await;
            let expected = match &expected {
                AuditFault::Cut { .. } => AuditFault::Cut { last: records, known: records + 1 },
                other => other.clone(),
            };
            assert_eq!(fault(&world).await, expected, "{what}");
        })
        .await;
    }
}

#[tokio::test]
async fn an_end_that_was_cut_off_with_everything_that_tells_of_it_is_named() {
    World::each(async |world: World| {
        let records = filled(&world).await;
        // Who can write to the database removes the end, mends the head and removes the checkpoint: what was kept outside
        // of it still tells.
        let mut work = world.database.begin().await.unwrap();
        work.execute("DELETE FROM audit_log WHERE sequence > 3", []).await.unwrap();
        work.execute(
            "UPDATE audit_head SET sequence = 3, hash = (SELECT hash FROM audit_log WHERE sequence = 3) WHERE id = 1",
            [],
        )
        .await
        .unwrap();
        work.save().await.unwrap();
        let cut = AuditFault::Cut { last: 3, known: records - 2 };
        assert_eq!(fault(&world).await, cut);
        assert_eq!(
            cut.to_string(),
            format!("records 4 to {} are missing: the end of the log was cut off", records - 2)
        );
        assert!(world.control.checkpoint_audit_log().await.unwrap().is_none(), "what is shorter is not sealed");
        run(&world, &["DELETE FROM audit_checkpoint WHERE number > 0"]).await;
        assert_eq!(fault(&world).await, cut, "by the checkpoint beside the database");
    })
    .await;
}

#[tokio::test]
async fn a_log_that_was_written_anew_with_right_hashes_is_named() {
    World::each(async |world: World| {
        let records = filled(&world).await;
        let mut work = world.database.begin().await.unwrap();
        let mut all = store::repository::audit::after(&mut work, 0, 1000).await.unwrap();
        let mut previous = String::new();
        for record in &mut all {
            if record.sequence == 2 {
                record.principal = "somebody else".into();
            }
            record.previous_hash = previous;
            record.hash = store::repository::audit::hash_of(record);
            previous = record.hash.clone();
            work.execute(
                "UPDATE audit_log SET principal = $2, previous_hash = $3, hash = $4 WHERE sequence = $1",
                [
                    record.sequence.into(),
                    (&record.principal).into(),
                    (&record.previous_hash).into(),
                    (&record.hash).into(),
                ],
            )
            .await
            .unwrap();
        }
        work.execute("UPDATE audit_head SET hash = $1 WHERE id = 1", [previous.into()]).await.unwrap();
        work.save().await.unwrap();
        assert_eq!(fault(&world).await, AuditFault::Rewritten(records - 2));
    })
    .await;
}

#[tokio::test]
async fn a_checkpoint_that_is_missing_between_others_is_named() {
    World::each(async |world: World| {
        for name in ["One", "Two", "Three"] {
            world.create(CREATOR, pizza(name)).await;
            world.control.checkpoint_audit_log().await.unwrap().unwrap();
        }
        run(&world, &["DELETE FROM audit_checkpoint WHERE number = 2"]).await;
        assert_eq!(fault(&world).await, AuditFault::CheckpointsMissing(2, 2));
        run(&world, &["UPDATE audit_checkpoint SET number = 2 WHERE number = 3"]).await;
        assert_eq!(fault(&world).await, AuditFault::Forged(2), "a number is sealed too");
    })
    .await;
}
