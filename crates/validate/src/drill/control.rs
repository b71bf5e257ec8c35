//! Who stops and starts nodes: a local cluster's processes, or commands of the user.

/// Who can stop and start a node.
pub trait NodeControl: Sync {
    /// Stops a node as a power cut would, and returns when it has stopped.
    ///
    /// # Errors
    /// In words.
    fn stop(&self, node: &str) -> std::result::Result<(), String>;
    /// Starts it again.
    ///
    /// # Errors
    /// In words.
    fn start(&self, node: &str) -> std::result::Result<(), String>;
    /// The commands a person would use, for the report: to stop and to start.
    fn commands(&self, node: &str) -> (String, String);
    /// Whether every node is up and all data has its full redundancy.
    ///
    /// # Errors
    /// In words, when it cannot be known now.
    fn is_whole(&self) -> std::result::Result<bool, String>;
}

/// Who stops and starts nodes, or why nobody can.
pub type Control<'a> = std::result::Result<&'a dyn NodeControl, String>;
