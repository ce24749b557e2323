//! What a check says of itself, as Markdown. The documentation and other tools' help are made from it.

use std::fmt::Write as _;

use ringwall_model::check::Check;

/// The sections of the page of a check, from what it finds to its references, without a title.
pub fn check_page(check: &Check) -> String {
    let mut text = String::new();
    for (heading, body) in
        [("What it finds", check.what), ("Why it matters", check.why), ("How to mend it", check.fix)]
    {
        let _ = writeln!(text, "## {heading}\n\n{}\n", body.trim());
    }
    let _ = writeln!(text, "## Example\n\n```yaml\n{}\n```\n", check.bad.trim_end());
    let _ = writeln!(text, "Use instead:\n\n```yaml\n{}\n```\n", check.good.trim_end());
    let _ = writeln!(text, "## Versions\n\n{}\n", check.versions.trim());
    if !check.controls.is_empty() {
        text.push_str("## Controls\n\n");
        for control in check.controls {
            let title = control.title().map(|title| format!(" {title}")).unwrap_or_default();
            let _ = writeln!(text, "- {}: {}{title}", control.framework.title(), control.id);
        }
        text.push('\n');
    }
    text.push_str("## References\n\n");
    for reference in check.references {
        let _ = writeln!(text, "- <{reference}>");
    }
    text
}

/// Where the page of a check can be read.
pub(crate) fn page_address(check: &Check) -> String {
    format!("{}/blob/main/docs/checks/{}.md", env!("CARGO_PKG_REPOSITORY"), check.id)
}

/// A text with a capital at its beginning.
pub fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The first paragraph of a Markdown text, in one line.
pub(crate) fn first_paragraph(markdown: &str) -> std::borrow::Cow<'_, str> {
    let text = markdown.trim();
    if !text.contains('\n') {
        return text.into();
    }
    let lines: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    lines.join(" ").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_paragraph_is_one_line() {
        assert_eq!(first_paragraph("\nSet it\nto `false`.\n\nMore.\n"), "Set it to `false`.");
        assert_eq!(first_paragraph("Set it."), "Set it.");
    }
}
