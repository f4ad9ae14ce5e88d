//! `s2c report`: one page of HTML about a binary and its run, without scripts and without anything from elsewhere.
//!
//! Pictures are SVG in the text, so that the page prints; colours follow the reader's light or dark setting; every PE in
//! a picture is a link to its row in the table, so that all can be reached from the keyboard.

mod charts;
mod chips;
mod network;

use s2c_backend::emit::manifest::Manifest;
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

/// The whole page.
pub fn page(material: &Material<'_>) -> String {
    let name = escape(&material.manifest.name);
    let sections: [(&str, &str, String); 8] = [
        ("summary", "Summary", summary(material)),
        ("network", "Network", network::graph(material.manifest)),
        ("chips", "Chips", chips::maps(material)),
        ("ticks", "Ticks", charts::ticks(material)),
        ("rasters", "Spikes", charts::rasters(material)),
        ("divergence", "Float against integers", charts::divergence(material)),
        ("passes", "Passes and warnings", charts::passes(material)),
        ("pes", "Processing elements", chips::table(material)),
    ];
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{name}: report of s2c</title>\n<style>\n{}</style>\n</head>\n\
         <body>\n<h1>{name} on {}</h1>\n<nav aria-label=\"Sections\">",
        include_str!("style.css"),
        escape(&material.manifest.target.name)
    );
    for (id, title, _) in &sections {
        add(&mut html, format_args!("<a href=\"#{id}\">{title}</a>"));
    }
    html.push_str("</nav>\n<main>\n");
    for (id, title, content) in &sections {
        add(
            &mut html,
            format_args!("<section id=\"{id}\" aria-label=\"{title}\">\n<h2>{title}</h2>\n{content}</section>\n"),
        );
    }
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

/// Text in HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Appends to a text, which can't fail.
fn add(text: &mut String, more: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(more);
}

/// A whole number with thin spaces between groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join("\u{202f}")
}

fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or(0)
}

fn items<'v>(value: Option<&'v Value>, key: &str) -> &'v [Value] {
    value.and_then(|value| value.get(key)).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// How to get what is missing.
fn missing(what: &str, how: &str) -> String {
    format!("<p class=\"note\">{what} <code>{}</code></p>\n", escape(how))
}

fn summary(material: &Material<'_>) -> String {
    let manifest = material.manifest;
    let count = |number: usize| grouped(number as u64);
    let mut cards = vec![
        ("Neurons", count(manifest.neurons())),
        ("Synapses", grouped(manifest.synapses())),
        ("Processing elements", count(manifest.pes.len())),
        ("Memory in bytes", grouped(manifest.sram_bytes())),
        ("Router entries", count(manifest.routes.len())),
        ("Tick in seconds", manifest.dt.to_string()),
    ];
    if let Some(stats) = &material.stats {
        for (title, key) in [
            ("Chip ticks", "ticks"),
            ("Instructions", "instructions"),
            ("Cycles", "cycles"),
            ("Synaptic events", "synaptic_events"),
            ("Packets", "packets"),
            ("Dropped packets", "dropped_packets"),
            ("Hops", "hops"),
            ("Most cycles in a tick", "max_cycles_per_tick"),
        ] {
            cards.push((title, grouped(number(stats, key))));
        }
    }
    let mut html = String::from("<dl class=\"cards\">\n");
    for (title, value) in cards {
        add(&mut html, format_args!("<div><dt>{title}</dt><dd>{value}</dd></div>\n"));
    }
    html.push_str("</dl>\n<p class=\"note\">Options: ");
    for (name, value) in &manifest.options {
        add(&mut html, format_args!("{} <b>{}</b>; ", escape(name), escape(value)));
    }
    add(&mut html, format_args!("s2c {}.</p>\n", escape(&manifest.producer)));
    if material.stats.is_none() {
        html.push_str(&missing("What a run costs:", "s2c run out.bin --input x.npy --stats stats.json --rasters"));
    }
    html
}
