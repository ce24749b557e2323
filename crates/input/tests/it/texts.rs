//! What is refused before it is decoded.

use ringwall_input::{Limits, Options, load};

use crate::{Dir, config_map};

#[test]
fn a_file_above_the_limit_is_not_read() {
    let dir = Dir::with(&[("a.yaml", &config_map("a")), ("b.yaml", &config_map(&"b".repeat(300)))]);
    let options = Options { limits: Limits { bytes: 200, ..Limits::default() }, ..Options::default() };
    let seen = dir.read_with(&["."], &options);
    assert_eq!(seen.objects, ["a.yaml: ConfigMap a"]);
    assert_eq!(seen.problems, ["b.yaml: too large: 350 bytes, where at most 200 bytes are read"]);
    assert_eq!(seen.input.counts.bytes, config_map("a").len() as u64);
}

#[test]
fn standard_input_above_the_limit_is_refused() {
    let options = Options { limits: Limits { bytes: 5, ..Limits::default() }, ..Options::default() };
    let input = load(&["-".into()], &mut std::io::repeat(b'a'), &options, &());
    assert_eq!(input.problems[0].to_string(), "<stdin>: too large: more than the 5 bytes that are read");
}

#[test]
fn what_is_no_utf8_is_named_once_a_file() {
    let dir = Dir::new();
    let utf16: Vec<u8> = "\u{feff}a: 1\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    dir.write("utf16.yaml", utf16);
    dir.write("latin1.yaml", b"a: 1\nname: M\xfcller \xfc\n");
    dir.write("binary.json", b"\x1f\x8b\x08\0\0\xff\xfe");
    dir.write("bom.yaml", format!("\u{feff}{}", config_map("bom")));
    let seen = dir.read(&["."]);
    assert_eq!(seen.objects, ["bom.yaml: ConfigMap bom"]);
    assert_eq!(
        seen.problems,
        [
            "binary.json: binary file",
            "latin1.yaml:2:8: not valid UTF-8",
            "utf16.yaml: UTF-16 text: save it as UTF-8 (PowerShell's `>` writes UTF-16)",
        ]
    );
}

#[test]
fn one_bad_document_ends_neither_the_file_nor_the_run() {
    let text = format!("{}---\na: b: c\n---\n{}", config_map("a"), config_map("b"));
    let dir = Dir::with(&[("a.yaml", &text), ("b.yaml", &config_map("c"))]);
    let seen = dir.read(&["."]);
    assert_eq!(seen.objects, ["a.yaml: ConfigMap a", "a.yaml: ConfigMap b", "b.yaml: ConfigMap c"]);
    assert!(seen.problems.len() == 1 && seen.problems[0].starts_with("a.yaml:6:"), "{:?}", seen.problems);
    assert_eq!(seen.input.counts.documents, 4);
}

#[test]
fn a_separator_that_is_none_is_a_problem() {
    let dir = Dir::with(&[("a.yaml", &format!("{}---\na: 1\n--- b\nc: 1\n", config_map("a")))]);
    let seen = dir.read(&["."]);
    assert_eq!(seen.objects, ["a.yaml: ConfigMap a"]);
    assert!(seen.problems.len() == 1 && seen.problems[0].starts_with("a.yaml:7:1: "), "{:?}", seen.problems);
}
