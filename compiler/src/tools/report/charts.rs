//! Ticks, spikes, divergence, passes and warnings.

use super::material::{Material, add, escape, grouped, items, missing, number};
use serde_json::Value;

const WIDTH: f64 = 900.0;
/// Levels of an evaluation, in order.
const LEVELS: [&str; 3] = ["float", "quantized", "chip"];
/// What an evaluation says of a population, and how it is called here.
const COLUMNS: &[(&str, &str)] = &[
    ("neurons", "Neurons"),
    ("float_spikes", "Spikes, float"),
    ("quantized_spikes", "Spikes, integers"),
    ("cells", "Cells"),
    ("differing", "Differing"),
    ("distance", "Distance"),
    ("membrane_error", "Membrane error"),
    ("dead", "Dead"),
    ("always", "Always"),
    ("saturated", "Saturated"),
    ("bits", "Bits"),
    ("effective_bits", "Entropy"),
];

/// Cycles of the busiest PE and packets, tick by tick.
pub(super) fn ticks(material: &Material<'_>) -> String {
    let ticks = items(material.stats.as_ref(), "tick");
    if ticks.is_empty() {
        return missing("Ticks come from a run:", "s2c run out.bin --input x.npy --stats stats.json");
    }
    [("Cycles of the busiest PE", "max_cycles"), ("Packets sent by PEs", "packets")]
        .map(|(title, key)| bars(title, &ticks.iter().map(|tick| number(tick, key)).collect::<Vec<_>>()))
        .concat()
}

fn bars(title: &str, values: &[u64]) -> String {
    const HEIGHT: f64 = 110.0;
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let step = WIDTH / values.len() as f64;
    let mut svg = format!(
        "<figure><figcaption>{title} in the chip's ticks 0 to {}; most: {}</figcaption>\n<svg width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title} by tick\">\n",
        grouped(values.len() as u64 - 1),
        grouped(most)
    );
    for (tick, &value) in values.iter().enumerate() {
        let height = value as f64 / most as f64 * (HEIGHT - 2.0);
        add(
            &mut svg,
            format_args!(
                "<rect class=\"ink\" x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{height:.2}\"><title>tick {tick}: {}</title></rect>\n",
                tick as f64 * step,
                HEIGHT - 1.0 - height,
                step * 0.85,
                grouped(value)
            ),
        );
    }
    add(&mut svg, format_args!("<path class=\"axis\" d=\"M0 {0}H{WIDTH}\"/></svg></figure>\n", HEIGHT - 0.5));
    svg
}

/// A picture of each population's spikes: a line per spike, time to the right.
pub(super) fn rasters(material: &Material<'_>) -> String {
    let rasters = items(material.stats.as_ref(), "rasters");
    if rasters.is_empty() {
        return missing("Spikes come from a run with", "s2c run out.bin --input x.npy --stats stats.json --rasters");
    }
    rasters.iter().map(raster).collect()
}

fn raster(raster: &Value) -> String {
    let (neurons, ticks) = (number(raster, "neurons").max(1), number(raster, "ticks").max(1));
    let height = (neurons as f64 * 3.0).clamp(40.0, 260.0);
    let (column, row) = (WIDTH / ticks as f64, height / neurons as f64);
    let name = escape(raster.get("node").and_then(Value::as_str).unwrap_or("?"));
    let spikes = items(Some(raster), "spikes");
    let mut path = String::new();
    for spike in spikes {
        let at = |index: usize| spike.get(index).and_then(Value::as_u64).unwrap_or(0) as f64;
        add(&mut path, format_args!("M{:.1} {:.1}v{:.1}", (at(0) + 0.5) * column, at(1) * row, row.max(1.0)));
    }
    let left_out = match number(raster, "left_out") {
        0 => String::new(),
        count => format!(", {} more are left out", grouped(count)),
    };
    format!(
        "<figure><figcaption>{name}: {} spikes of {} neurons in {} ticks{left_out}</figcaption>\n\
         <svg width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Spikes of {name}\">\
         <rect class=\"axis\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\"/><path class=\"spikes\" d=\"{path}\"/></svg></figure>\n",
        grouped(spikes.len() as u64),
        grouped(neurons),
        grouped(ticks),
        WIDTH - 1.0,
        height - 1.0
    )
}

/// Accuracy by level, and what `evaluate` says of each layer.
pub(super) fn divergence(material: &Material<'_>) -> String {
    let Some(evaluation) = &material.evaluation else {
        return missing(
            "The comparison comes from an evaluation, with --evaluation e.json:",
            "s2c evaluate model.nir --data test.npz --json > e.json",
        );
    };
    let mut html = String::new();
    if let Some(levels) = evaluation.get("levels").and_then(Value::as_object) {
        html.push_str(
            "<table><thead><tr><th>Level</th><th class=\"n\">Right</th><th class=\"n\">Samples</th>\
                       <th class=\"n\">Accuracy</th></tr></thead><tbody>\n",
        );
        for (level, score) in LEVELS.iter().filter_map(|level| Some((level, levels.get(*level)?))) {
            add(
                &mut html,
                format_args!(
                    "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{:.2} %</td></tr>\n",
                    escape(level),
                    grouped(number(score, "correct")),
                    grouped(number(score, "total")),
                    100.0 * score.get("accuracy").and_then(Value::as_f64).unwrap_or(0.0)
                ),
            );
        }
        html.push_str("</tbody></table>\n");
    }
    html.push_str(&layers(items(Some(evaluation), "layers")));
    html
}

/// What `evaluate` says of each population; in pairs, float comes first.
fn layers(layers: &[Value]) -> String {
    if layers.is_empty() {
        return String::new();
    }
    let mut html = String::from("<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th>Population</th>");
    COLUMNS.iter().for_each(|(_, title)| add(&mut html, format_args!("<th class=\"n\">{title}</th>")));
    html.push_str("</tr></thead><tbody>\n");
    for layer in layers {
        let name = layer.get("node").and_then(Value::as_str).unwrap_or("?");
        add(&mut html, format_args!("<tr><td>{}</td>", escape(name)));
        for (key, _) in COLUMNS {
            let text = match layer.get(*key) {
                Some(Value::Number(number)) => match number.as_u64() {
                    Some(whole) => grouped(whole),
                    None => format!("{:.4}", number.as_f64().unwrap_or(f64::NAN)),
                },
                Some(Value::Array(pair)) => {
                    pair.iter().filter_map(Value::as_u64).map(grouped).collect::<Vec<_>>().join(" > ")
                }
                _ => "-".to_owned(),
            };
            add(&mut html, format_args!("<td class=\"n\">{text}</td>"));
        }
        html.push_str("</tr>\n");
    }
    html.push_str(
        "</tbody></table></div>\n<p class=\"note\">Differing: cells (neuron and tick) with other spikes. Distance: van Rossum, \
         1 is as far as silence. Membrane error: root mean square, in thresholds. Dead, always: neurons that never fire, or \
         in every tick, as float &gt; integers. Saturated: cells whose membrane stands at an end of its range. Entropy: of \
         the weights' integers, in bits.</p>\n",
    );
    html
}

/// Time and size after each pass, and what the compile had to say.
pub(super) fn passes(material: &Material<'_>) -> String {
    let Some(compile) = &material.compile else {
        return missing(
            "Passes come from the compile, with --compile c.json:",
            "s2c compile model.nir -o out.bin --report c.json",
        );
    };
    let mut html = times(items(Some(compile), "passes"));
    let warnings = items(Some(compile), "warnings");
    if warnings.is_empty() {
        html.push_str("<p>No warnings.</p>\n");
    }
    for warning in warnings {
        let field = |name: &str| escape(warning.get(name).and_then(Value::as_str).unwrap_or_default());
        let node = match field("node") {
            node if node.is_empty() => node,
            node => format!(" ({node})"),
        };
        let (severity, code, title) = (field("severity"), field("code"), field("title"));
        add(&mut html, format_args!("<p class=\"{severity}\"><b>{severity}[{code}]: {title}</b>{node}"));
        for line in ["text", "hint"].map(field).iter().filter(|line| !line.is_empty()) {
            add(&mut html, format_args!("<br>{line}"));
        }
        html.push_str("</p>\n");
    }
    html
}

/// The passes with the module's size behind each, and a bar for the share of the time.
fn times(passes: &[Value]) -> String {
    const BAR: f64 = 220.0;
    let time = |pass: &Value| pass.get("milliseconds").and_then(Value::as_f64).unwrap_or(0.0).max(0.0);
    let all: f64 = passes.iter().map(time).sum();
    let word = |pass: &Value, key: &str| escape(pass.get(key).and_then(Value::as_str).unwrap_or_default());
    let mut html = String::from(
        "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th>Pass</th><th>Gives</th><th class=\"n\">Operations</th>\
         <th class=\"n\">Milliseconds</th><th>Share of the time</th></tr></thead><tbody>\n",
    );
    for pass in passes {
        add(
            &mut html,
            format_args!(
                "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{:.3}</td><td><svg width=\"{BAR}\" \
                 height=\"12\" aria-hidden=\"true\"><rect class=\"ink\" width=\"{:.1}\" height=\"12\"/></svg></td></tr>\n",
                word(pass, "name"),
                word(pass, "phase"),
                grouped(number(pass, "operations")),
                time(pass),
                BAR * time(pass) / all.max(f64::MIN_POSITIVE)
            ),
        );
    }
    add(
        &mut html,
        format_args!(
            "</tbody><tfoot><tr><td>all</td><td></td><td></td><td class=\"n\">{all:.3}</td><td></td></tr></tfoot></table></div>\n"
        ),
    );
    html
}
