//! Ticks, spikes, divergence, passes and warnings.

use super::{Material, add, escape, grouped, items, missing, number};
use serde_json::Value;

const WIDTH: f64 = 900.0;

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
        "<figure><figcaption>{title}, by chip tick; most: {}</figcaption>\n<svg width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title} by tick\">\n",
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
        for (level, score) in levels {
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
    html.push_str(&table(items(Some(evaluation), "layers")));
    html
}

/// Objects as rows: strings and numbers as columns, in the order of the first row.
fn table(rows: &[Value]) -> String {
    let simple = |value: &Value| value.is_string() || value.is_number();
    let Some(first) = rows.first().and_then(Value::as_object) else { return String::new() };
    let columns: Vec<&String> = first.iter().filter(|(_, value)| simple(value)).map(|(name, _)| name).collect();
    let mut columns = columns;
    columns.sort_by_key(|name| !first[*name].is_string());
    let mut html = String::from("<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>");
    for name in &columns {
        let class = if first[*name].is_string() { "" } else { " class=\"n\"" };
        add(&mut html, format_args!("<th{class}>{}</th>", escape(&name.replace('_', " "))));
    }
    html.push_str("</tr></thead><tbody>\n");
    for row in rows {
        html.push_str("<tr>");
        for name in &columns {
            let cell = match row.get(name.as_str()) {
                Some(Value::String(text)) => format!("<td>{}</td>", escape(text)),
                Some(Value::Number(number)) => match number.as_u64() {
                    Some(whole) => format!("<td class=\"n\">{}</td>", grouped(whole)),
                    None => format!("<td class=\"n\">{:.4}</td>", number.as_f64().unwrap_or(f64::NAN)),
                },
                _ => "<td></td>".to_owned(),
            };
            html.push_str(&cell);
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div>\n");
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
    let mut html = table(items(Some(compile), "passes"));
    let warnings = items(Some(compile), "warnings");
    if warnings.is_empty() {
        html.push_str("<p>No warnings.</p>\n");
    }
    for warning in warnings {
        let field = |name: &str| escape(warning.get(name).and_then(Value::as_str).unwrap_or_default());
        add(
            &mut html,
            format_args!(
                "<p class=\"warning\"><b>warning[{}]: {}</b><br>{}<br>{}</p>\n",
                field("code"),
                field("title"),
                field("text"),
                field("hint")
            ),
        );
    }
    html
}
