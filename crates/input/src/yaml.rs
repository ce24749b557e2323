//! One YAML document into a tree.
