//! chromedriver: found, installed, started.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const DRIVER: &str = "/usr/bin/chromedriver";
const BROWSER: &str = "/usr/bin/chromium";
/// How long installing may take.
const INSTALL_SECONDS_MAX: &str = "600";

/// How long it may take to go.
const FAREWELL_MAX: Duration = Duration::from_secs(10);

/// A driver that runs; dropped, it is stopped with its browsers.
pub struct Driver {
    child: Child,
    pub url: String,
}

/// Whether both are there; installs them if that is wanted, once.
fn is_there() -> bool {
    static THERE: OnceLock<bool> = OnceLock::new();
    *THERE.get_or_init(|| {
        let both = || Path::new(DRIVER).exists() && Path::new(BROWSER).exists();
        if !both() && std::env::var_os("ISOBAR_INSTALL").is_some() {
            for arguments in
                [&["update", "-qq"][..], &["install", "-y", "-qq", "chromium", "chromium-driver"]]
            {
                let mut install = Command::new("timeout");
                install.args([INSTALL_SECONDS_MAX, "apt-get"]).args(arguments);
                // What it says matters to nobody; whether the files are there is looked at.
                let _ = install.env("DEBIAN_FRONTEND", "noninteractive").output();
            }
        }
        both()
    })
}

impl Driver {
    /// Starts one on a port of its own, or says that there is none.
    pub fn start() -> Option<Driver> {
        if !is_there() {
            // The test's own output is shown only when it fails.
            let line = "chromium and chromedriver are not there (ISOBAR_INSTALL=1 installs them): the test of the page is skipped";
            writeln!(std::io::stderr(), "{line}").expect("a line");
            return None;
        }
        let mut child = Command::new(DRIVER)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver runs");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let port = loop {
            let line = lines.next().expect("it tells its port").expect("text");
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        // Nobody reads on, so it must not wait for that.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Driver { child, url: format!("http://127.0.0.1:{port}") })
    }
}

impl Driver {
    /// Asks it to go, and its browsers with it: they would outlive one that is killed.
    fn ask_to_go(&self) -> std::io::Result<()> {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(FAREWELL_MAX))?;
        stream.write_all(format!("GET /shutdown HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes())?;
        // Its answer, or its end.
        stream.read(&mut [0; 256]).map(drop)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let asked = self.ask_to_go();
        let begun = Instant::now();
        while asked.is_ok() && begun.elapsed() < FAREWELL_MAX && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
