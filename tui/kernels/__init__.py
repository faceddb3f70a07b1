"""The screen of convolution kernels: every filter a tile, one filter in numbers."""
