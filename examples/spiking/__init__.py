"""What the training examples share: neurons, quantization-aware weights, and the files that s2c reads."""
