"""The tensors of a scan: what is known of them already, and the measuring of the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from tensorpeek.analysis.devices import open_device
from tensorpeek.analysis.diagnosis import Diagnosis, Request, cost, scan
from tensorpeek.analysis.diagnosis.conv1d import with_outputs_known
from tensorpeek.analysis.diagnosis.kept_diagnosis import diagnosis_options, is_lasting
from tensorpeek.analysis.diagnosis.process_scan import scan_in_processes
from tensorpeek.analysis.result_cache import (
    ResultCache,
    ResultKey,
    find_record,
    keep_record,
    result_key,
)
from tensorpeek.analysis.result_cache.result_keys import FileVersions
from tensorpeek.loaders import Model, Tensor
from tensorpeek.tui.command.console import complain
from tensorpeek.tui.command.document import Json
from tensorpeek.tui.command.scan_journal import Journal, file_key
from tensorpeek.tui.command.scan_progress import ScanBar
from tensorpeek.tui.command.scan_record import record_of
from tensorpeek.tui.command.selection import Selection

Found = Iterator[tuple[int, Diagnosis]]


@dataclass(eq=False)
class Entry:
    """A tensor to scan, under which names its record is kept, and the record once it is known."""

    model: Model
    tensor: Tensor
    file: str = ""
    key: ResultKey | None = None
    record: Json | None = None


@dataclass(frozen=True)
class Workers:
    """Where tensors are measured: in this process, in ``jobs`` processes, on a Dask cluster."""

    jobs: int = 1
    dask: str | None = None


@dataclass(eq=False)
class ScanWork:
    """The tensors of a scan and where their records are kept."""

    request: Request
    cache: ResultCache
    journal: Journal | None = None
    entries: list[Entry] = field(default_factory=list)

    def collect(self, models: Sequence[Model], selection: Selection, *, everything: bool) -> None:
        """Take the selected tensors, each with its record if the journal or the cache has it."""
        versions, options = FileVersions(), diagnosis_options(self.request)
        for model in models:
            file = file_key(model) if self.journal is not None else ""
            tensors = selection.tensors(model, everything=everything)
            for tensor in _with_outputs_known(model, tensors):
                key = result_key(tensor, options, versions)
                self._know(Entry(model, tensor, file, key))

    def _know(self, entry: Entry) -> None:
        self.entries.append(entry)
        if self.journal is not None:
            entry.record = self.journal.find(entry.file, entry.tensor.name)
        if entry.record is None:
            kept = find_record(self.cache, entry.key, Diagnosis)
            if kept is not None:
                self._take(entry, kept)

    @property
    def missing(self) -> list[Entry]:
        """The tensors that have no record."""
        return [entry for entry in self.entries if entry.record is None]

    def finish(self, workers: Workers) -> None:
        """Measure the tensors that have no record; each record is kept as soon as it is there.

        Raises ClusterError, and DeviceError before anything is measured, or when a device fails.
        """
        entries = self.missing
        if not entries:
            return
        open_device(self.request.device)
        costs = [cost(entry.tensor, self.request) for entry in entries]
        bar = ScanBar(len(entries), sum(costs))
        tensors = [entry.tensor for entry in entries]
        try:
            with _diagnoses(tensors, self.request, workers, bar.wipe) as found:
                bar.show()
                for place, diagnosis in found:
                    self._keep(entries[place], diagnosis)
                    bar.advance(costs[place], tensors[place].name)
        finally:
            bar.wipe()

    def _keep(self, entry: Entry, diagnosis: Diagnosis) -> None:
        self._take(entry, diagnosis)
        if is_lasting(diagnosis):
            keep_record(self.cache, entry.key, diagnosis)

    def _take(self, entry: Entry, diagnosis: Diagnosis) -> None:
        entry.record = record_of(entry.tensor, self.request, diagnosis)
        if self.journal is not None and diagnosis.error is None:
            self.journal.add(entry.file, entry.record)


def _with_outputs_known(model: Model, tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return the tensors with GPT-2's as what they are, and say so."""
    known = with_outputs_known(tensors, model.tensors)
    count = sum(new is not old for new, old in zip(known, tensors, strict=True))
    if count:
        complain(model.path, f"{count:,} x GPT-2's Conv1D: weights are (in, out)")
    return known


@contextmanager
def _diagnoses(
    tensors: Sequence[Tensor], request: Request, workers: Workers, wipe: Callable[[], None]
) -> Iterator[Found]:
    """Begin the measuring; what is under way is ended when the block is left."""

    def tell_loss(count: int) -> None:
        wipe()
        complain("scan", f"a worker process ended abruptly; {count} tensors are tried again")

    if workers.dask is not None:
        from tensorpeek.analysis.diagnosis.dask_cluster import dask_cluster

        with dask_cluster(workers.dask) as cluster:
            found = scan(tensors, request, cluster.executor, lost=cluster.lost)
            with closing(found):
                yield found
        return
    jobs = min(workers.jobs, len(tensors))
    if jobs > 1:
        found = scan_in_processes(tensors, request, jobs, on_loss=tell_loss)
    else:
        found = scan(tensors, request)
    with closing(found):
        yield found
