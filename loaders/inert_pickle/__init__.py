"""An unpickler that runs nothing: it builds inert records of what a pickle says."""
