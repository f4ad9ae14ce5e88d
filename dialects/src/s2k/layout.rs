//! The order of a map's neurons on the chip.

/// A slice of a population that is a map of channels x rows x columns: some channels of some rows, all columns.
///
/// On the chip the channels of a place lie together, padded to a multiple of four, so that a kernel adds the weights of
/// all channels at a place with wide instructions: neuron `(row * width + column) * padded + channel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapLayout {
    /// Channels, rows and columns of the whole map.
    pub map: [usize; 3],
    /// First channel.
    pub channel: usize,
    /// Number of channels.
    pub channels: usize,
    /// Channels per place with padding.
    pub padded: usize,
    /// First row.
    pub row: usize,
    /// Number of rows.
    pub rows: usize,
}

impl MapLayout {
    /// The whole map without padding.
    pub fn whole(map: [usize; 3]) -> Self {
        Self { map, channel: 0, channels: map[0], padded: map[0], row: 0, rows: map[1] }
    }

    /// Number of neurons, without padding.
    pub fn neurons(&self) -> usize {
        self.channels * self.rows * self.map[2]
    }

    /// Number of neurons, padding included.
    pub fn count(&self) -> usize {
        self.padded * self.rows * self.map[2]
    }

    /// Index within the network's population of neuron `index` of the slice; `None` for padding.
    pub fn network_index(&self, index: usize) -> Option<usize> {
        let (place, channel) = (index / self.padded, index % self.padded);
        let [_, height, width] = self.map;
        let (row, column) = (place / width + self.row, place % width);
        (channel < self.channels).then(|| ((self.channel + channel) * height + row) * width + column)
    }

    /// Index within the slice of neuron `index` of the network's population, where it is in the slice.
    pub fn slice_index(&self, index: usize) -> Option<usize> {
        let [_, height, width] = self.map;
        let (channel, place) = (index / (height * width), index % (height * width));
        let (row, column) = (place / width, place % width);
        let channel = channel.checked_sub(self.channel).filter(|&channel| channel < self.channels)?;
        let row = row.checked_sub(self.row).filter(|&row| row < self.rows)?;
        Some((row * width + column) * self.padded + channel)
    }

    /// As the attribute of an op.
    pub fn to_attribute(&self) -> Vec<i64> {
        let [channels, height, width] = self.map;
        [channels, height, width, self.channel, self.channels, self.padded, self.row, self.rows]
            .map(|n| n as i64)
            .to_vec()
    }

    /// From the attribute of an op.
    pub fn from_attribute(attribute: &[i64]) -> Option<Self> {
        let numbers = attribute.iter().map(|&n| usize::try_from(n).ok()).collect::<Option<Vec<usize>>>()?;
        let [c, h, w, channel, channels, padded, row, rows] = numbers[..] else { return None };
        let fits = padded >= channels && channels > 0 && w > 0 && channel + channels <= c && row + rows <= h;
        fits.then_some(Self { map: [c, h, w], channel, channels, padded, row, rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_inverse() {
        let layout = MapLayout { map: [7, 5, 3], channel: 2, channels: 3, padded: 4, row: 1, rows: 2 };
        let there: Vec<_> = (0..layout.count()).filter_map(|index| layout.network_index(index)).collect();
        assert_eq!(there.len(), 3 * 2 * 3);
        for index in 0..layout.count() {
            if let Some(network) = layout.network_index(index) {
                assert_eq!(layout.slice_index(network), Some(index));
            }
        }
        assert_eq!(MapLayout::from_attribute(&layout.to_attribute()), Some(layout));
    }
}
