"""The example against its own claims: `python -m unittest examples.python.test_from_snntorch`, with `s2c` in the path
or named by the environment variable S2C."""

import unittest

import numpy as np
import torch
from snntorch.export_nir import export_to_nir

from examples.python import from_snntorch as example


class FromSnnTorch(unittest.TestCase):
    def test_spikes_are_those_of_snntorch(self):
        spikes = np.random.default_rng(2).random((100, example.INPUTS)) < 0.2
        layers = example.network()
        expected = example.forward(layers, spikes)
        graph = export_to_nir(layers, torch.zeros(example.INPUTS))
        options = ["--dt", example.DT, "--convention", "snntorch", "--reset", "subtract", "--reset-delay", 0]
        found = example.on_chip(graph, spikes, *options, "--weight-bits", 16)
        self.assertEqual(found.shape, expected.shape)
        self.assertGreater(expected.sum(), 50)
        self.assertLessEqual(np.count_nonzero(found != expected), 2)


if __name__ == "__main__":
    unittest.main()
