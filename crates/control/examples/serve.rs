//! A control plane in a directory of this machine, to look at its page: prints where it is and how to log in.
//!
//! `cargo run --release -p isobar-control --example serve -- DIRECTORY [ADDRESS]`

use isobar_control::{Control, ControlOptions};

#[tokio::main]
async fn main() {
    let mut given = std::env::args().skip(1);
    let directory = given.next().expect("a directory");
    let address = given.next().unwrap_or_else(|| "127.0.0.1:7443".to_owned());
    let mut options = ControlOptions::new(address.parse().expect("an address"), directory);
    options.locations = [("local", "This machine"), ("uksouth", "UK South")]
        .map(|(name, words)| (name.to_owned(), words.to_owned()))
        .into();
    options.renew_secret = true;
    let running = Control::start(options).await.expect("it starts");
    println!("{}", running.url);
    if let Some(first) = &running.first_secret {
        println!("{}\n{}", first.client_id, first.secret);
    }
    std::future::pending::<()>().await;
}
