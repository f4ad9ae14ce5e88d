//! Plots of an evaluation as SVG.

use super::{Point, Report};
use s2c_dialects::shown::shown;
use std::fmt::Write;

/// Side of a panel's square, in pixels.
const SIDE: f64 = 200.0;
/// Room around a panel for its labels.
const MARGIN: f64 = 50.0;

/// Names and contents of all plots; `front` is what a search for widths went through.
pub fn all(report: &Report, front: &[Point]) -> Vec<(&'static str, String)> {
    let mut plots = vec![("rates.svg", rates(report)), ("divergence.svg", divergence(report))];
    if !front.is_empty() {
        let points = front.iter().map(|point| (point.sram_bytes as f64 / 1024.0, point.distance)).collect();
        plots.push(("front.svg", document(1, &panel(0, "search for widths", "SRAM (KiB)", "distance", points, false))));
    }
    plots
}

/// Spikes per tick of each neuron, float network across, integer network up: all on the diagonal where nothing is lost.
fn rates(report: &Report) -> String {
    let mut body = String::new();
    for (position, layer) in report.layers.iter().enumerate() {
        let ticks = (layer.cells / layer.neurons.max(1) as u64).max(1) as f64;
        let pairs = layer.spikes[0].iter().zip(&layer.spikes[1]);
        let points = pairs.map(|(&float, &quantized)| (float as f64 / ticks, quantized as f64 / ticks)).collect();
        body += &panel(position, &layer.node, "float (spikes per tick)", "quantized", points, true);
    }
    document(report.layers.len(), &body)
}

/// Distance of spike trains and membrane error, a pair of bars for each population.
fn divergence(report: &Report) -> String {
    let highest =
        report.layers.iter().map(|layer| layer.distance.min(2.0).max(layer.membrane_error)).fold(0.0, f64::max);
    let mut body = String::new();
    for (position, layer) in report.layers.iter().enumerate() {
        let left = MARGIN + position as f64 * (SIDE + MARGIN);
        for (bar, (name, value)) in
            [("distance", layer.distance.min(2.0)), ("membrane", layer.membrane_error)].into_iter().enumerate()
        {
            let height = if highest > 0.0 { SIDE * value / highest } else { 0.0 };
            let (x, y) = (left + 20.0 + 90.0 * bar as f64, MARGIN + SIDE - height);
            _ = writeln!(body, r##"<rect x="{x:.1}" y="{y:.1}" width="70" height="{height:.1}" fill="#4477aa"/>"##);
            _ = writeln!(body, r#"<text x="{:.1}" y="{:.1}">{value:.4}</text>"#, x + 35.0, y - 4.0);
            _ = writeln!(body, r#"<text x="{:.1}" y="{:.1}">{name}</text>"#, x + 35.0, MARGIN + SIDE + 15.0);
        }
        let (middle, top) = (left + SIDE / 2.0, MARGIN - 25.0);
        _ = writeln!(body, r#"<text x="{middle:.1}" y="{top:.1}">{}</text>"#, escaped(&layer.node));
    }
    document(report.layers.len(), &body)
}

/// Points in a square from 0 to the largest value of each axis, of both where they are `alike`.
fn panel(position: usize, title: &str, across: &str, up: &str, points: Vec<(f64, f64)>, alike: bool) -> String {
    let (left, bottom) = (MARGIN + position as f64 * (SIDE + MARGIN), MARGIN + SIDE);
    let mut most = points.iter().fold((0.0_f64, 0.0_f64), |most, point| (most.0.max(point.0), most.1.max(point.1)));
    if alike {
        most = (most.0.max(most.1), most.0.max(most.1));
    }
    let mut text = format!(
        "<rect x=\"{left}\" y=\"{MARGIN}\" width=\"{SIDE}\" height=\"{SIDE}\" fill=\"none\" stroke=\"black\"/>\n"
    );
    if alike {
        let right = left + SIDE;
        _ = writeln!(text, r#"<line x1="{left}" y1="{bottom}" x2="{right}" y2="{MARGIN}" stroke="silver"/>"#);
    }
    let place = |value: f64, most: f64| if most > 0.0 { SIDE * value / most } else { 0.0 };
    for (x, y) in points {
        let (x, y) = (left + place(x, most.0), bottom - place(y, most.1));
        _ = writeln!(text, r##"<circle cx="{x:.1}" cy="{y:.1}" r="2" fill="#4477aa"/>"##);
    }
    let middle = left + SIDE / 2.0;
    _ = writeln!(text, r#"<text x="{middle}" y="{}">{}</text>"#, MARGIN - 10.0, escaped(title));
    _ = writeln!(text, r#"<text x="{middle}" y="{}">{across}, to {:.4}</text>"#, bottom + 15.0, most.0);
    _ = writeln!(text, r#"<text x="{middle}" y="{}">up: {up}, to {:.4}</text>"#, bottom + 30.0, most.1);
    text
}

fn document(panels: usize, body: &str) -> String {
    let (width, height) = (MARGIN + panels.max(1) as f64 * (SIDE + MARGIN), SIDE + 2.0 * MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"11\" text-anchor=\"middle\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}</svg>\n"
    )
}

fn escaped(text: &str) -> String {
    shown(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
