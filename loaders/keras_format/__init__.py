"""Keras files: HDF5 weights and models (.h5, .weights.h5) and Keras 3 archives (.keras)."""
