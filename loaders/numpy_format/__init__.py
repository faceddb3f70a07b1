"""Open NumPy's files: one array in an .npy, several in an .npz."""
