//! Records of connections are read to their end whatever is in them: each line is a record, left out, or a problem with its place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringwall_input::flows::read_flows;

fuzz_target!(|bytes: &[u8]| {
    let flows = read_flows(bytes, "fuzz").expect("memory can be read");
    let seen: u64 = flows.flows.values().sum();
    assert_eq!(seen + flows.left_out, flows.records, "a record is a connection or left out");
    assert!(flows.flows.keys().all(|flow| flow.port > 0));
    let lines = bytes.split(|byte| *byte == b'\n').count() as u64;
    assert!(flows.records + flows.problems.len() as u64 <= lines + 1);
});
