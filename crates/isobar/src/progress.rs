//! What a long command is doing: a spinner on a terminal, a line for each step elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

/// Shows steps. Everything goes to standard error; results go to standard output.
pub struct Progress {
    bar: Option<ProgressBar>,
    begun: Instant,
    quiet: bool,
}

impl Progress {
    /// Starts showing; `quiet` shows nothing.
    pub fn new(quiet: bool) -> Progress {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Progress { bar, begun: Instant::now(), quiet }
    }

    /// What is going on now; replaced by the next.
    pub fn now(&self, text: impl Into<String>) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.into());
        }
    }

    /// A step that is done; stays on the screen.
    pub fn done(&self, text: impl AsRef<str>) {
        let line = format!("{:6.1} s  {}", self.begun.elapsed().as_secs_f64(), text.as_ref());
        match &self.bar {
            Some(bar) => bar.println(line),
            None if !self.quiet => output::complain(&line),
            None => {}
        }
    }

    /// Where something stands; elsewhere than on a terminal each is a line.
    pub fn step(&self, text: String) {
        match &self.bar {
            Some(_) => self.now(text),
            None => self.done(text),
        }
    }

    /// No more steps.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
