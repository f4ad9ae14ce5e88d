//! Arithmetic of sliding windows, as PyTorch documents it for `Conv2d` and `AvgPool2d` in floor mode.

use s2c_dialects::diagnostic::{Diagnostic, Result};

/// A window that slides over one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Number of taps.
    pub(super) kernel: usize,
    /// Step between windows.
    pub(super) stride: usize,
    /// Zeros before and after the axis, together.
    pub(super) padding: usize,
    /// Distance between taps.
    pub(super) dilation: usize,
}

impl Window {
    /// Length of the axis after the window has passed: ⌊(n + padding − dilation·(kernel − 1) − 1) / stride⌋ + 1.
    pub(super) fn output(self, input: usize) -> Result<usize> {
        let padded = input.saturating_add(self.padding);
        let extent = self.dilation.saturating_mul(self.kernel.saturating_sub(1)).saturating_add(1);
        match (padded.checked_sub(extent), self.stride) {
            (Some(room), stride @ 1..) => Ok(room / stride + 1),
            _ => Err(Diagnostic::error("window-too-large", "a kernel does not fit into its input")
                .text(format!(
                    "The kernel of {} taps with dilation {} covers {extent} elements; the input has {input}, {padded} with padding.",
                    self.kernel, self.dilation
                ))
                .hint("check the input shape, the kernel and the padding")
                .into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(input: usize, kernel: usize, stride: usize, padding: usize, dilation: usize) -> Option<usize> {
        Window { kernel, stride, padding, dilation }.output(input).ok()
    }

    #[test]
    fn matches_the_formula_of_pytorch() {
        assert_eq!(output(34, 5, 2, 2, 1), Some(16));
        assert_eq!(output(8, 3, 1, 2, 1), Some(8));
        assert_eq!(output(7, 2, 2, 0, 1), Some(3));
        assert_eq!(output(10, 3, 1, 0, 4), Some(2));
        assert_eq!(output(2, 3, 1, 0, 1), None);
    }
}
