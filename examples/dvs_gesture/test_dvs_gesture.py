"""Tests of the reader, of the binning and of a short training, on files that the tests write themselves."""

import contextlib
import io
import struct
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np

from examples.dvs_gesture import recordings
from examples.dvs_gesture.aedat import AedatError, read_aedat

HEADER = (
    b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n"
    b"#Start-Time: 2016-09-14 10:00:00 (TZ+0000)\r\n#!END-HEADER\r\n"
)


def packet(events, kind=1, overflow=0):
    """A packet of events (time, column, row, polarity, valid)."""
    words = [(column << 17 | row << 2 | polarity << 1 | valid, time) for time, column, row, polarity, valid in events]
    header = struct.pack("<hhiiiiii", kind, 1, 8, 4, overflow, len(words), len(words), sum(e[4] for e in events))
    return header + b"".join(struct.pack("<Ii", *word) for word in words)


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, *packets, header=HEADER, name="a.aedat"):
        path = self.folder / name
        path.write_bytes(header + b"".join(packets))
        return path


class Reader(Folder):
    def test_every_field_of_valid_polarity_events_is_read(self):
        path = self.write(
            packet([(10, 0, 0, 0, 1), (11, 127, 3, 1, 1), (12, 5, 127, 1, 0)]),
            packet([(13, 35, 35, 1, 1)], kind=0),
            packet([(7, 32767, 32767, 0, 1)], overflow=1),
        )
        time, column, row, polarity = read_aedat(path)
        self.assertEqual(time.tolist(), [10, 11, 2**31 + 7])
        self.assertEqual(column.tolist(), [0, 127, 32767])
        self.assertEqual(row.tolist(), [0, 3, 32767])
        self.assertEqual(polarity.tolist(), [False, True, False])

    def test_a_packet_may_begin_with_the_byte_that_begins_a_header_line(self):
        path = self.write(packet([(1, 2, 3, 1, 1)], kind=0x23), packet([(4, 5, 6, 0, 1)]))
        self.assertEqual([values.tolist() for values in read_aedat(path)], [[4], [5], [6], [False]])

    def test_a_file_without_events_is_empty(self):
        self.assertEqual([len(values) for values in read_aedat(self.write())], [0, 0, 0, 0])

    def test_damaged_files_are_refused_with_the_place(self):
        whole = packet([(1, 2, 3, 1, 1)])
        for content, header, message in [
            (b"", b"#!AER-DAT2.0\r\n", "not an AEDAT 3.1 file"),
            (b"", HEADER[:-14], "no line `#!END-HEADER`"),
            (whole[:-1], HEADER, "1 events of 8 bytes, but 7 bytes follow"),
            (whole + whole[:20], HEADER, f"packet header at byte {len(HEADER) + len(whole)}"),
            (struct.pack("<hhiiiiii", 1, 1, 8, 4, 0, 1, -1, 1), HEADER, "-1 events"),
            (struct.pack("<hhiiiiii", 1, 1, 4, 4, 0, 0, 0, 0), HEADER, "polarity events of 4 bytes"),
        ]:
            with self.subTest(message), self.assertRaisesRegex(AedatError, message):
                read_aedat(self.write(content, header=header))


class Frames(Folder):
    def test_events_fall_into_their_tick_and_square(self):
        path = self.write(
            packet([(99, 0, 0, 1, 1), (100, 0, 0, 1, 1), (149, 127, 4, 0, 1), (150, 3, 0, 1, 1), (200, 0, 0, 1, 1)])
        )
        spikes = recordings.frames(read_aedat(path), 100, 200, ticks=2, size=32)
        self.assertEqual(np.argwhere(spikes).tolist(), [[0, 0, 1, 31], [0, 1, 0, 0], [1, 1, 0, 0]])

    def test_classes_outside_the_data_set_are_refused(self):
        path = self.folder / "labels.csv"
        for row in ("12,0,5", "0,0,5", "3,5,5"):
            path.write_text(f"class,startTime_usec,endTime_usec\n{row}\n")
            with self.subTest(row), self.assertRaisesRegex(ValueError, "classes are 1 to 11"):
                recordings.labels_of(path)


class Training(Folder):
    def test_a_short_training_writes_a_network_on_its_grid_and_a_test_set(self):
        try:
            import nir
            from examples.dvs_gesture import train
        except ImportError as error:
            self.skipTest(str(error))
        random = np.random.default_rng(0)
        for part, users in (("train", 2), ("test", 1)):
            names = [f"{part}{user}_led" for user in range(users)]
            (self.folder / f"trials_to_{part}.txt").write_text("".join(f"{name}.aedat\n" for name in names))
            for name in names:
                rows = [f"{label},{1000 * label},{1000 * label + 900}" for label in range(1, 12)]
                (self.folder / f"{name}_labels.csv").write_text("\n".join(["class,startTime_usec,endTime_usec", *rows]))
                events = [
                    (int(time), int(column), int(row), int(polarity), 1)
                    for time, column, row, polarity in zip(
                        np.sort(random.integers(1000, 12000, 5000)), *random.integers(0, 128, (2, 5000)),
                        random.integers(0, 2, 5000), strict=True,
                    )
                ]
                self.write(packet(events[:2000]), packet(events[2000:]), name=f"{name}.aedat")
        output = self.folder / "out"
        options = "--ticks 5 --channels 4 8 --epochs 1 --bits 4 --quantized-epochs 1 --output".split()
        with mock.patch.object(sys, "argv", ["train", str(self.folder), *options, str(output)]):
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                train.main()
        self.assertRegex(printed.getvalue(), r"qat4: \d+ of 11 test gestures right")

        with np.load(output / "test.npz") as test:
            self.assertEqual(test["shape"].tolist(), [11, 5, 2, 32, 32])
            self.assertEqual(test["spikes_packed"].shape, (11, 5 * 2 * 32 * 32 // 8))
            self.assertEqual(sorted(test["labels"].tolist()), list(range(11)))
        graph = nir.read(output / "qat4.nir")
        self.assertEqual(graph.nodes["lif2"].tau.shape, (8, 8, 8))
        for name in ("conv1", "conv2", "dense"):
            rows = graph.nodes[name].weight.reshape(len(graph.nodes[name].weight), -1)
            whole = rows / np.abs(rows).max(1, keepdims=True) * 7
            np.testing.assert_allclose(whole, whole.round(), atol=1e-5)
            self.assertTrue((np.abs(whole.round()).max(1) == 7).all())


if __name__ == "__main__":
    unittest.main()
