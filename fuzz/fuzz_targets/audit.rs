//! A stream of audit events is read to its end whatever is in it, the same however it comes in pieces, with what is held in memory bounded.
#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use ringwall_input::audit::{Options, Summary, read_events};

/// Gives few bytes at a time.
struct Drops<'t>(&'t [u8], usize);

impl Read for Drops<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(into.len()).min(self.0.len());
        into[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn read(bytes: &[u8], size: usize, options: &Options) -> (Vec<String>, Summary) {
    let mut events = Vec::new();
    let summary = read_events(Drops(bytes, size), "fuzz", options, |event, place| {
        for body in [event.request_object, event.response_object].into_iter().flatten() {
            assert!(body.len() <= options.event_bytes, "an event is longer than is allowed");
        }
        events.push(format!("{place} {event:?}"));
    });
    (events, summary)
}

fuzz_target!(|bytes: &[u8]| {
    // Small bounds are met by small inputs.
    for options in [
        Options { event_bytes: 200, depth: 6, bodies: true, named: 1000 },
        Options { named: 3, ..Options::default() },
    ] {
        let (events, summary) = read(bytes, usize::MAX, &options);
        assert_eq!(summary.events, events.len() as u64);
        assert!(summary.problems.len() <= options.named + 2);
        assert_eq!(summary.broken == 0, summary.problems.is_empty());
        assert!(summary.whole || !summary.problems.is_empty());
        if !bytes.starts_with(&[0x1F, 0x8B]) {
            // Nothing is told twice, and nothing that is not there.
            assert!(summary.events * 14 <= bytes.len() as u64 && summary.bytes <= bytes.len() as u64);
            assert!(summary.broken <= bytes.len() as u64 + 1);
        }
        for size in [usize::MAX, 1, 5] {
            let again = read(bytes, size, &options);
            // With damage, what was unpacked in one go with it is lost.
            if summary.whole || size == usize::MAX {
                assert_eq!(again, (events.clone(), summary.clone()));
            }
        }
    }
});
