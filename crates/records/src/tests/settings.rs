//! Settings.

use crate::testing::TestDatabase;

async fn a_setting_is_what_was_set_last(database: TestDatabase) {
    let records = database.open().await;
    let mut tx = records.begin().await.unwrap();
    assert_eq!(tx.setting("name").await.unwrap(), None);
    tx.set_setting("name", "a").await.unwrap();
    tx.set_setting("name", "b").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(records.read().await.unwrap().setting("name").await.unwrap().as_deref(), Some("b"));
}

async fn programs_that_start_together_agree_on_a_setting(database: TestDatabase) {
    let (one, other) = (database.open().await, database.open().await);
    let choose = |records: crate::Records, value: &'static str| async move {
        let mut tx = records.begin().await.unwrap();
        let chosen = tx.setting_or("instance", value).await.unwrap();
        tx.commit().await.unwrap();
        chosen
    };
    let (a, b) = tokio::join!(choose(one, "a"), choose(other, "b"));
    assert_eq!(a, b);
}

crate::on_both_databases!(a_setting_is_what_was_set_last, programs_that_start_together_agree_on_a_setting,);
