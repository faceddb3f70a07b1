"""PyTorch archives: checkpoints, pickled modules, TorchScript; nothing in them is run."""
