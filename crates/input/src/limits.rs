//! What is taken from strangers before it is refused.

/// Bounds on what one input may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest file or stream, in bytes. More is refused unread. At most `u32::MAX`.
    pub bytes: u64,
    /// Deepest nesting of one document. The reference's own bound is 10,000.
    pub depth: usize,
    /// Most nodes that one document may have after its aliases are expanded.
    pub nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 512 << 20, depth: 10_000, nodes: 32 << 20 }
    }
}
