"""The app in a browser: one page, one process for each visit, nothing that writes."""
