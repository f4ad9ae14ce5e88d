//! What is done at the moment: a line on a terminal while something takes long, and a log for those who ask for one.

use std::io::IsTerminal;
use tracing_indicatif::{IndicatifLayer, filter::IndicatifFilter, style::ProgressStyle};
use tracing_subscriber::{
    EnvFilter, Layer, filter::LevelFilter, fmt::format::FmtSpan, layer::SubscriberExt, util::SubscriberInitExt,
};

/// Sends spans to the terminal, and to the log that `--verbose` or `RUST_LOG` asks for.
pub fn begin(verbose: bool) {
    let filter = match EnvFilter::try_from_default_env() {
        Ok(filter) => filter,
        Err(_) => EnvFilter::new(if verbose { "s2c=info" } else { "off" }),
    };
    let style = ProgressStyle::with_template("{spinner} {span_name} {span_fields} {elapsed}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
    let show = std::io::stderr().is_terminal();
    let lines = IndicatifLayer::new().with_progress_style(style);
    let log = tracing_subscriber::fmt::layer()
        .with_ansi(show)
        .with_target(false)
        .log_internal_errors(false)
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(lines.get_stderr_writer());
    let lines = lines.with_span_child_prefix_indent("").with_filter(IndicatifFilter::new(true));
    let lines = lines.with_filter(if show { LevelFilter::INFO } else { LevelFilter::OFF });
    // A second subscriber, as a program that embeds this one may have, is left alone.
    let _ = tracing_subscriber::registry().with(log.with_filter(filter)).with(lines).try_init();
}
