//! Databases for tests, of this crate and of others: every test is written once and runs on both.
//!
//! ```text
//! async fn what_it_does(database: TestDatabase) {
//!     let records = database.open().await;
//!     …
//! }
//! isobar_records::on_both_databases!(what_it_does);
//! ```
//!
//! makes the tests `what_it_does::sqlite` and `what_it_does::postgres`. Where PostgreSQL is not installed
//! the second one says so in one line and passes. What goes wrong here panics.

mod database;
mod postgres;

pub use database::{TestDatabase, on_postgres, on_sqlite};

/// Makes two tests of each `async fn(TestDatabase)`.
#[macro_export]
macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {
        $(
            mod $test {
                #[test]
                fn sqlite() {
                    $crate::testing::on_sqlite(super::$test);
                }

                #[test]
                fn postgres() {
                    $crate::testing::on_postgres(super::$test);
                }
            }
        )+
    };
}
