//! A value of some ticks before.

/// A ring of the last ticks' values; before they are there, zeros.
#[derive(Clone, Debug)]
pub struct DelayLine<T> {
    slots: Vec<T>,
    next: usize,
}

impl<T: Clone> DelayLine<T> {
    /// A line of `ticks` >= 1 ticks.
    pub fn new(ticks: usize, zeros: T) -> Self {
        Self { slots: vec![zeros; ticks.max(1)], next: 0 }
    }

    /// The value that comes out in this tick.
    pub fn front(&self) -> &T {
        &self.slots[self.next]
    }

    /// Takes in this tick's value, at the end of the tick.
    pub fn push(&mut self, value: &T) {
        self.slots[self.next].clone_from(value);
        self.next = (self.next + 1) % self.slots.len();
    }

    /// Back to zeros.
    pub fn reset(&mut self, zeros: &T) {
        self.next = 0;
        self.slots.iter_mut().for_each(|slot| slot.clone_from(zeros));
    }
}
