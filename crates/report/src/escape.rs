//! Makes text from strangers harmless to show.

use std::borrow::Cow;

/// Whether a terminal, or a reader, can be deceived by this character: control characters (a terminal obeys
/// them), line and paragraph separators (they break a line in two), and characters that are invisible or turn the
/// direction of writing (they show a text as another).
pub(crate) fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// The text with every control, invisible or direction-turning character written as a visible escape: `\n`,
/// `\u{1b}`, `\u{202e}`. The result is one line. Backslashes stay as they are, since paths may hold them, so the
/// result is for reading and not for reading back.
pub fn escape(text: &str) -> Cow<'_, str> {
    // Most texts are plain ASCII, which is told a block of bytes at a time.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || !text.contains(is_deceptive) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_deceptive(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_stays_as_it_is() {
        let plain = r#"C:\k8s\größe "x" 日本 👍.yaml"#;
        assert!(matches!(escape(plain), Cow::Borrowed(text) if text == plain));
    }

    #[test]
    fn what_deceives_is_shown() {
        assert_eq!(escape("a\u{1b}[31mb\nc\td\u{7f}\u{9b}2J"), r"a\u{1b}[31mb\nc\td\u{7f}\u{9b}2J");
        assert_eq!(
            escape("user\u{202e}nimda\u{2066}\u{200b}\u{2028}"),
            r"user\u{202e}nimda\u{2066}\u{200b}\u{2028}"
        );
    }
}
