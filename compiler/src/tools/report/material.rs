//! What a page is made of, and how text and numbers come into it.

use s2c_backend::emit::manifest::Manifest;
use s2c_dialects::shown::shown;
use serde_json::Value;
use std::fmt::Write;

/// What a page is made of. All but the manifest may be missing; its part of the page then says how to get it.
pub struct Material<'a> {
    /// What the binary says of itself.
    pub manifest: &'a Manifest,
    /// Of `s2c run --stats`.
    pub stats: Option<Value>,
    /// Of `s2c evaluate --json`.
    pub evaluation: Option<Value>,
    /// Of `s2c compile --report`.
    pub compile: Option<Value>,
}

/// Text in HTML.
pub(super) fn escape(text: &str) -> String {
    shown(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Appends to a text, which can't fail.
pub(super) fn add(text: &mut String, more: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(more);
}

/// A whole number with thin spaces between groups of three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join("\u{202f}")
}

pub(super) fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or(0)
}

pub(super) fn items<'v>(value: Option<&'v Value>, key: &str) -> &'v [Value] {
    value.and_then(|value| value.get(key)).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// How to get what is missing.
pub(super) fn missing(what: &str, how: &str) -> String {
    format!("<p class=\"note\">{what} <code>{}</code></p>\n", escape(how))
}
