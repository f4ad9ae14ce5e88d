//! A value of some ticks before.

/// A ring of the last ticks' values; before they are there, zeros.
#[derive(Clone, Debug)]
pub struct DelayLine<T> {
    slots: Vec<Vec<T>>,
    next: usize,
}

impl<T: Copy + Default> DelayLine<T> {
    /// A line of `ticks` >= 1 ticks of `width` values.
    pub fn new(ticks: usize, width: usize) -> Self {
        Self { slots: vec![vec![T::default(); width]; ticks.max(1)], next: 0 }
    }

    /// The value that comes out in this tick.
    pub fn front(&self) -> &[T] {
        &self.slots[self.next]
    }

    /// Takes in this tick's value, at the end of the tick.
    pub fn push(&mut self, value: &[T]) {
        self.slots[self.next].copy_from_slice(value);
        self.next = (self.next + 1) % self.slots.len();
    }

    /// Back to zeros.
    pub fn reset(&mut self) {
        self.next = 0;
        self.slots.iter_mut().for_each(|slot| slot.fill(T::default()));
    }
}
