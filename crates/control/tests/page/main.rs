//! The page in a real browser against a real control plane: Chromium without a window, over chromedriver.
//!
//! Both are Debian's packages `chromium` and `chromium-driver`. Where they are missing they are installed if
//! ISOBAR_INSTALL is set (as `./test` does) and root runs the tests; else the tests with them say so in one
//! line and pass.

mod accessible;
mod asking;
mod browser;
mod clusters;
mod clusters_that_failed;
#[allow(dead_code, reason = "the other program of tests uses more of it")]
#[path = "../control/common/mod.rs"]
mod common;
mod driver;
mod groups;
mod keyboard;
mod login;
mod people;
mod readiness;
mod scripts;
mod served;
mod table;
