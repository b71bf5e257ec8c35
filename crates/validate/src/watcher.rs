//! Who hears what a validation is doing.

/// Hears what is going on.
pub trait Watcher: Sync {
    /// What is going on now; replaced by the next.
    fn now(&self, text: &str);
    /// A step that is done.
    fn done(&self, text: &str);
}
