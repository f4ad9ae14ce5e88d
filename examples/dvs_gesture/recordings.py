"""Gestures of the DVS128 Gesture data set as frames of spikes.

The data set (A. Amir et al., "A Low Power, Fully Event-Based Gesture Recognition System", CVPR 2017) is a folder with
one AEDAT 3.1 file per user and lighting, `userNN_LIGHTING.aedat`, the gestures in it, `userNN_LIGHTING_labels.csv`
(class 1 to 11, start and end in microseconds), and `trials_to_train.txt` and `trials_to_test.txt` with the files of each
part.
"""

import csv
from pathlib import Path

import numpy as np

from examples.dvs_gesture.aedat import read_aedat

CAMERA = 128  # Rows and columns.
CLASSES = 11


def frames(events, start, end, ticks, size):
    """Events from start to end (microseconds) as spikes (ticks, 2, size, size): 1 where a pixel had at least one.

    The time is cut into equal ticks, the image into equal squares; channel 0 is darker, 1 is brighter.
    """
    time, column, row, polarity = events
    inside = (time >= start) & (time < end) & (column < CAMERA) & (row < CAMERA)
    tick = (time[inside] - start) * ticks // (end - start)
    spikes = np.zeros((ticks, 2, size, size), np.uint8)
    pixel = [np.int64(place[inside]) * size // CAMERA for place in (row, column)]
    spikes[tick, polarity[inside].astype(np.int64), pixel[0], pixel[1]] = 1
    return spikes


def labels_of(path):
    """Rows (class from 0, start, end) of a file of labels."""
    with open(path, newline="") as file:
        rows = [[int(cell) for cell in row[:3]] for row in list(csv.reader(file))[1:] if row]
    for label, start, end in rows:
        if not 1 <= label <= CLASSES or end <= start:
            raise ValueError(f"{path}: class {label} from {start} to {end}; classes are 1 to {CLASSES}")
    return [(label - 1, start, end) for label, start, end in rows]


def load(folder, part, ticks, size, limit=None):
    """Spikes (gestures, ticks, 2, size, size) and classes of a part, `train` or `test`; `limit` files at most."""
    folder = Path(folder)
    names = (folder / f"trials_to_{part}.txt").read_text().split()[:limit]
    if not names:
        raise ValueError(f"{folder}: trials_to_{part}.txt names no files")
    spikes, labels = [], []
    for name in names:
        events = read_aedat(folder / name)
        for label, start, end in labels_of(folder / f"{name.removesuffix('.aedat')}_labels.csv"):
            spikes.append(frames(events, start, end, ticks, size))
            labels.append(label)
        print(f"{name}: {len(labels)} gestures so far", flush=True)
    return np.stack(spikes), np.array(labels)
