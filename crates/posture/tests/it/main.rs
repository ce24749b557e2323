//! What all rings say of whole snapshots, against what others say of them.

mod beside;
mod control_plane;
mod examples;
mod fix;
mod mesh_config;
mod network;
mod planted;
mod reduce;
