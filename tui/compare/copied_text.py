"""A comparison as lines of text, for the clipboard."""

from __future__ import annotations

from tensorpeek.tui.compare.known_comparison import KnownComparison
from tensorpeek.tui.compare.pair_words import origin_words, pair_blocks
from tensorpeek.tui.number_text import number

COLUMNS = "a\tb\tmatched by\tSQNR dB\trelative error\tmax |b-a|\tcosine"


def comparison_text(known: KnownComparison) -> str:
    """Return the ranked pairs with tabs between columns, then the numbers of the chosen one."""
    ranking = known.ranking
    if ranking is None:
        return ""
    if known.is_unmatched_shown:
        lines = [f"{letter}\t{tensor.name}\t{tensor.role}" for letter, tensor in known.unmatched]
        return "\n".join(["model\ttensor\trole", *lines]) + "\n"
    lines = [COLUMNS]
    for pair in ranking.order:
        found = ranking.found.get(pair)
        difference = found.difference if found is not None else None
        cells = [pair.first.name, pair.second.name, pair.rule]
        if difference is not None:
            measures = (difference.sqnr, difference.relative_error, difference.max_delta)
            cells += [number(value, 6) for value in (*measures, difference.cosine)]
        elif found is not None:
            cells.append(found.error or "")
        lines.append("\t".join(cells))
    if known.view is not None:
        comparison = known.view.comparison
        lines += ["", f"{comparison.pair.first.name}\t{origin_words(comparison)}"]
        for block in pair_blocks(known.view):
            lines += ["\t".join(row) for row in block]
    return "\n".join(lines) + "\n"
