"""From tensors to exact numbers: tables of counts, summaries, histograms, range counts."""
