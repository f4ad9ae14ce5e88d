//! `s2c report`: one page of HTML about a binary and its run, without scripts and without anything from elsewhere.
//!
//! Pictures are SVG in the text, so that the page prints; colours follow the reader's light or dark setting; every PE in
//! a picture is a link to its row in the table, so that all can be reached from the keyboard.

mod charts;
mod chips;
mod material;
mod network;

pub use material::Material;
use material::{add, escape, grouped, missing, number};

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
