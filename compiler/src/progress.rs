//! How far long work has come, as spans that a face may show.

use tracing::Span;
use tracing_indicatif::{span_ext::IndicatifSpanExt, style::ProgressStyle};

/// Makes the line of a span, which has not been entered yet, a bar of `count` ticks; [`tick`] moves it on.
pub fn expect_ticks(span: &Span, count: usize) {
    let style = ProgressStyle::with_template("{spinner} {span_name} {bar:40} {pos}/{len} ticks, {eta} left");
    span.pb_set_style(&style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    span.pb_set_length(count as u64);
}

/// A tick of a span is done.
pub fn tick(span: &Span) {
    span.pb_inc(1);
}
