//! Counters of turns in assembly text.

/// A register that counts the turns that are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// A core register.
    Core(u32),
    /// A floating-point register; r2 is overwritten wherever it counts.
    Float(u32),
}

impl Counter {
    fn name(self) -> String {
        match self {
            Self::Core(register) => format!("r{register}"),
            Self::Float(register) => format!("s{register}"),
        }
    }

    /// Begins with a constant.
    pub fn start(self, turns: u32) -> Vec<String> {
        match self {
            Self::Core(register) => vec![format!("movw r{register}, #{turns}")],
            Self::Float(_) => vec![format!("movw r2, #{turns}"), self.copy("r2")],
        }
    }

    /// Begins with what a register holds.
    pub fn copy(self, from: &str) -> String {
        let both = [self.name(), from.to_owned()];
        let operation = match both.each_ref().map(|register| register.starts_with('s')) {
            [false, false] => "mov",
            [true, true] => "vmov.f32",
            _ => "vmov",
        };
        format!("{operation} {}, {}", both[0], both[1])
    }

    /// A turn less; goes back to a numbered label if any is left.
    pub fn turn(self, label: u32) -> Vec<String> {
        let back = format!("bne {label}b");
        match self {
            Self::Core(register) => vec![format!("subs r{register}, r{register}, #1"), back],
            Self::Float(register) => {
                vec![
                    format!("vmov r2, s{register}"),
                    "subs r2, r2, #1".to_owned(),
                    format!("vmov s{register}, r2"),
                    back,
                ]
            }
        }
    }
}
