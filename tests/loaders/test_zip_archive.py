"""Zip archives: damaged, truncated and crafted ones are refused with one clause."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tensorpeek.loaders import LoadError, open_model
from tensorpeek.loaders.registry import look_at
from tensorpeek.loaders.torch_format.reader import recognizes
from tensorpeek.loaders.zip_archive import ZipArchive, parse_archive, read_directory
from tensorpeek.loaders.zip_fields import ZipDamage


def archive_bytes(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


MEMBERS = {"m/data.pkl": b"\x80\x02}.", "m/data/0": b"0123456789abcdef", "m/version": b"3\n"}


def parse(path: Path) -> ZipArchive:
    file = look_at(path)
    return parse_archive(file, read_directory(file))


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "archive.pt"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"]
)
def test_members_read_as_zipfile_reads_them(tmp_path: Path, compression: int) -> None:
    contents = {**MEMBERS, "m/größe": bytes(3000), "m/empty": b""}
    path = write(tmp_path, archive_bytes(contents, compression))
    archive = parse(path)
    assert list(archive.members) == list(contents)
    with archive.places() as places:
        assert {name: places.read(name, 1 << 20) for name in archive.members} == contents


def test_zip64_records_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 4)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    path = write(tmp_path, archive_bytes(MEMBERS))
    assert b"PK\x06\x06" in path.read_bytes()
    archive = parse(path)
    with archive.places() as places:
        assert {name: places.read(name, 1 << 20) for name in archive.members} == MEMBERS


def test_a_comment_that_looks_like_an_end_record_does_not_mislead(tmp_path: Path) -> None:
    content = archive_bytes(MEMBERS)
    comment = b"PK\x05\x06 is not the end"
    path = write(tmp_path, content[:-2] + struct.pack("<H", len(comment)) + comment)
    assert list(parse(path).members) == list(MEMBERS)


def test_other_zip_archives_are_left_to_other_formats(tmp_path: Path) -> None:
    path = write(tmp_path, archive_bytes({"word/document.xml": b"<xml/>"}))
    assert not recognizes(look_at(path))
    with pytest.raises(LoadError, match="not a model file"):
        open_model(path)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.999])
def test_a_truncated_archive_says_so(tmp_path: Path, share: float) -> None:
    content = archive_bytes({**MEMBERS, "m/data/1": bytes(5000)})
    path = write(tmp_path, content[: int(len(content) * share)])
    with pytest.raises(LoadError, match="truncated"):
        open_model(path)


def change_end(offset: int, form: str, value: int) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        at = content.rfind(b"PK\x05\x06") + offset
        width = struct.calcsize(form)
        return content[:at] + struct.pack(form, value) + content[at + width :]

    return change


def change_entry(number: int, offset: int, form: str, value: int) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        at = -1
        for _ in range(number + 1):
            at = content.find(b"PK\x01\x02", at + 1)
        at += offset
        return content[:at] + struct.pack(form, value) + content[at + struct.calcsize(form) :]

    return change


DAMAGES = {
    "a directory behind the file": change_end(16, "<I", 1 << 30),
    "a directory larger than the file": change_end(12, "<I", 1 << 30),
    "a zip64 offset without its record": change_end(16, "<I", 0xFFFFFFFF),
    "a shifted directory": change_end(16, "<I", 3),
    "a member behind the directory": change_entry(2, 42, "<I", 1 << 20),
    "two members in one place": change_entry(1, 42, "<I", 0),
    "a member larger than its place": change_entry(0, 20, "<I", 500),
    "a name longer than the directory": change_entry(2, 28, "<H", 60000),
    "a 64-bit size that is not there": change_entry(1, 20, "<I", 0xFFFFFFFF),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_directory_is_one_clear_error(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = write(tmp_path, damage(archive_bytes(MEMBERS)))
    with pytest.raises(LoadError, match="damaged central directory"):
        parse(path)


def bomb(packed_zeros: int) -> bytes:
    return archive_bytes({**MEMBERS, "m/data/0": bytes(packed_zeros)}, zipfile.ZIP_DEFLATED)


def test_a_member_that_claims_to_inflate_beyond_reason_is_not_inflated(tmp_path: Path) -> None:
    path = write(tmp_path, change_entry(1, 24, "<I", 0xF0000000)(bomb(100_000)))
    with parse(path).places() as places, pytest.raises(ZipDamage, match="would inflate"):
        places.storage("m/data/0")


def test_a_member_that_inflates_to_more_than_it_says_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, change_entry(1, 24, "<I", 1000)(bomb(100_000)))
    with parse(path).places() as places:
        storage = places.storage("m/data/0")
        with pytest.raises(LoadError, match="size it states"), storage.open():
            pass


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (change_entry(1, 8, "<H", 1), "encrypted"),
        (change_entry(1, 10, "<H", 12), "unknown way"),
        (change_entry(1, 24, "<I", 5), "two different sizes"),
        (lambda content: content.replace(b"PK\x03\x04", b"PKxx", 2), "local header"),
        (lambda content: content.replace(b"m/data/0", b"m/data/9", 1), "another name"),
    ],
    ids=["encrypted", "unknown method", "two sizes", "no local header", "another local name"],
)
def test_a_member_that_cannot_be_read_says_why(
    tmp_path: Path, damage: Callable[[bytes], bytes], reason: str
) -> None:
    path = write(tmp_path, damage(archive_bytes(MEMBERS)))
    with parse(path).places() as places, pytest.raises(ZipDamage, match=reason):
        places.storage("m/data/0")


def test_a_member_listed_twice_is_noted(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("m/data.pkl", b"first")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("m/data.pkl", b"second")
    archive = parse(write(tmp_path, stream.getvalue()))
    assert archive.repeated == ("m/data.pkl",)
    with archive.places() as places:
        assert places.read("m/data.pkl", 100) == b"first"


def test_a_file_that_was_replaced_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path, archive_bytes(MEMBERS))
    file = look_at(path)
    path.write_bytes(archive_bytes({**MEMBERS, "m/more": b"x"}))
    with pytest.raises(LoadError, match="replaced or changed"):
        read_directory(file)


def test_a_compressed_pickle_has_a_size_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tensorpeek.loaders.torch_format.archive.MAX_PACKED_PICKLE", 3)
    path = tmp_path / "m.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in MEMBERS.items():
            archive.writestr(name, content)
    with pytest.raises(LoadError, match=r"its data\.pkl is compressed and larger than 3 bytes"):
        open_model(path)
