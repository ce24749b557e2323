//! Hosts, of which the first label may be a star.

/// Whether two hosts have a name in common. Source: `pkg/config/host/name.go` (`Matches`).
pub fn overlap(one: &str, other: &str) -> bool {
    match (one.strip_prefix('*'), other.strip_prefix('*')) {
        (Some(one), Some(other)) if one.len() < other.len() => other.ends_with(one),
        (Some(one), Some(other)) => one.ends_with(other),
        (Some(one), None) => other.ends_with(one),
        (None, Some(other)) => one.ends_with(other),
        (None, None) => one == other,
    }
}
