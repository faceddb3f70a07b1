"""What each opcode of the pickle language (protocols 0 to 5) does to the machine.

The language is that of CPython's ``pickletools``. Opcodes that would import, call or set
something only note down what they would have done.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from tensorpeek.loaders.inert_pickle.machine_state import (
    MAX_KEPT,
    MAX_KEPT_BYTES,
    MAX_TEXT_LINE,
    Machine,
    PickleDamage,
    PickleEnd,
    PickleTooLarge,
)
from tensorpeek.loaders.inert_pickle.values import (
    Global,
    Group,
    Numbers,
    Pairs,
    Persistent,
    Record,
    Span,
)

MAX_INTEGER = 1024
"""Bytes of an integer beyond which it is refused: printing it would take quadratic time."""

Operation = Callable[[Machine], None]

_RUN = re.compile(rb"(?:K.|M..|J.{4}|G.{8}|\x8a\x01.){64,}(?=[elt])", re.DOTALL)
"""Numbers that go into a list or tuple: those of a long list are not kept one by one."""

_NUMBER_STARTS = b"KMJG\x8a"


def _integer(machine: Machine, length: int) -> int:
    if length > MAX_INTEGER:
        raise PickleDamage(f"has an integer of {length:,} bytes")
    return int.from_bytes(machine.take(length), "little", signed=True)


def _text_integer(machine: Machine) -> object:
    line = machine.line()
    if line in (b"00", b"01"):
        return line == b"01"
    return int(line.rstrip(b"L"))


def _utf8(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")


def _quoted(machine: Machine) -> str:
    line = machine.line()
    if len(line) < 2 or line[:1] not in b"'\"" or line[-1:] != line[:1]:
        raise PickleDamage("has text without quotes")
    return line[1:-1].decode("latin-1")


def _text_line(machine: Machine) -> None:
    at, content = machine.at, machine.content
    if len(content) - at >= MAX_TEXT_LINE and content.find(b"\n", at, at + MAX_TEXT_LINE) < 0:
        raise PickleTooLarge(f"has texts of more than {MAX_TEXT_LINE:,} bytes in protocol 0")
    machine.stack.append(machine.line().decode("raw-unicode-escape"))


def _global_line(machine: Machine) -> Global:
    return machine.name(_utf8(machine.line()), _utf8(machine.line()))


def _binint2(machine: Machine) -> None:
    machine.stack.append(machine.number(2))


def _binint1(machine: Machine) -> None:
    machine.stack.append(machine.content[machine.at])
    machine.at += 1


def _binint(machine: Machine) -> None:
    at = machine.at
    content = machine.content[at : at + 4]
    if len(content) < 4:
        raise PickleEnd("ends too early")
    machine.stack.append(int.from_bytes(content, "little", signed=True))
    machine.at = at + 4


def _text(width: int) -> Operation:
    """Push a text in UTF-8 after its length in ``width`` bytes."""

    def operation(machine: Machine) -> None:
        count = machine.number(width)
        if count <= MAX_KEPT:
            machine.stack.append(machine.take(count).decode("utf-8", "surrogatepass"))
        else:
            span = machine.skip(count)
            machine.stack.append(Span(span.offset, span.nbytes, utf8=True))

    return operation


def _latin(width: int) -> Operation:
    """Push a string of Python 2, which is text or bytes."""

    def operation(machine: Machine) -> None:
        count = machine.number(width)
        kept = count <= MAX_KEPT
        machine.stack.append(machine.take(count).decode("latin-1") if kept else machine.skip(count))

    return operation


def _bytes(width: int) -> Operation:
    def operation(machine: Machine) -> None:
        count = machine.number(width)
        kept = count <= MAX_KEPT_BYTES
        machine.stack.append(machine.take(count) if kept else machine.skip(count))

    return operation


def _binput(machine: Machine) -> None:
    machine.memo[machine.content[machine.at]] = machine.stack[-1]
    machine.at += 1


def _binget(machine: Machine) -> None:
    machine.stack.append(machine.memo[machine.content[machine.at]])
    machine.at += 1


def _long_binput(machine: Machine) -> None:
    at = machine.at
    index = int.from_bytes(machine.content[at : at + 4], "little")
    machine.memo[index] = machine.stack[-1]
    machine.at = at + 4


def _long_binget(machine: Machine) -> None:
    at = machine.at
    index = int.from_bytes(machine.content[at : at + 4], "little")
    machine.stack.append(machine.memo[index])
    machine.at = at + 4


def _mark(machine: Machine) -> None:
    machine.marks.append(machine.stack)
    machine.stack = []
    at, content = machine.at, machine.content
    if content[at : at + 1] in _NUMBER_STARTS and (run := _RUN.match(content, at)) is not None:
        machine.stack.append(Numbers())
        machine.at = run.end()


def _tuple(machine: Machine) -> None:
    items, machine.stack = machine.stack, machine.marks.pop()
    machine.stack.append(tuple(items))


def _short_tuple(count: int) -> Operation:
    def operation(machine: Machine) -> None:
        stack = machine.stack
        if len(stack) < count:
            raise PickleDamage("takes more off its stack than there is")
        stack[-count:] = [tuple(stack[-count:])]

    return operation


def _constant(value: object) -> Operation:
    return lambda machine: machine.stack.append(value)


def _empty_list(machine: Machine) -> None:
    machine.stack.append([])


def _empty_dict(machine: Machine) -> None:
    machine.stack.append(Pairs())


def _refer(machine: Machine) -> None:
    stack = machine.stack
    stack[-1] = machine.refer(stack[-1])


def _push(make: Callable[[Machine], object]) -> Operation:
    return lambda machine: machine.stack.append(make(machine))


def _append(machine: Machine) -> None:
    item = machine.stack.pop()
    machine.append(machine.stack[-1], [item])


def _appends(machine: Machine) -> None:
    items = machine.since_mark()
    machine.append(machine.stack[-1], items)


def _setitem(machine: Machine) -> None:
    stack = machine.stack
    value, key = stack.pop(), stack.pop()
    target = stack[-1]
    if isinstance(target, Pairs):
        target.pairs.append((key, value))
    else:
        machine.set_items(target, [key, value])


def _setitems(machine: Machine) -> None:
    items = machine.since_mark()
    machine.set_items(machine.stack[-1], items)


def _dict(machine: Machine) -> None:
    items = machine.since_mark()
    machine.stack.append(Pairs())
    machine.set_items(machine.stack[-1], items)


def _since_mark_as(make: Callable[[list[object]], object]) -> Operation:
    def operation(machine: Machine) -> None:
        items = machine.since_mark()
        machine.stack.append(make(items))

    return operation


def _reduce(machine: Machine) -> None:
    stack = machine.stack
    arguments = stack.pop()
    record = stack[-1] = Record(stack[-1], arguments)
    machine.records.append(record)


def _newobj_ex(machine: Machine) -> None:
    keywords, arguments = machine.stack.pop(), machine.stack.pop()
    callee = machine.stack.pop()
    machine.call(callee, (arguments, keywords))


def _build(machine: Machine) -> None:
    state, target = machine.stack.pop(), machine.stack[-1]
    if isinstance(target, Record):
        target.state = state


def _inst(machine: Machine) -> None:
    callee, arguments = _global_line(machine), machine.since_mark()
    machine.call(callee, tuple(arguments))


def _obj(machine: Machine) -> None:
    items = machine.since_mark()
    machine.call(items[0], tuple(items[1:]))


def _stack_global(machine: Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(machine.name(module, name))


def _extension(width: int) -> Operation:
    def operation(machine: Machine) -> None:
        code = machine.number(width)
        machine.stack.append(machine.name("copyreg", f"extension {code}"))

    return operation


def _proto(machine: Machine) -> None:
    if machine.number(1) > 5:
        raise PickleDamage("is of an unknown protocol")


def _frame(machine: Machine) -> None:
    if machine.number(8) > machine.size - machine.place:
        raise PickleEnd("ends too early")


def _pop(machine: Machine) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.since_mark()


def _pop_mark(machine: Machine) -> None:
    machine.since_mark()


def _text_put(machine: Machine) -> None:
    machine.remember(int(machine.line()))


def _text_get(machine: Machine) -> None:
    machine.stack.append(machine.memo[int(machine.line())])


def _real(machine: Machine) -> object:
    return struct.unpack(">d", machine.take(8))[0]


OPERATIONS: dict[int, Operation] = {
    ord("("): _mark,
    ord("0"): _pop,
    ord("1"): _pop_mark,
    ord("2"): lambda machine: machine.stack.append(machine.stack[-1]),
    ord("F"): _push(lambda machine: float(machine.line())),
    ord("I"): _push(_text_integer),
    ord("L"): _push(_text_integer),
    ord("J"): _binint,
    ord("K"): _binint1,
    ord("M"): _binint2,
    0x8A: _push(lambda machine: _integer(machine, machine.number(1))),
    0x8B: _push(lambda machine: _integer(machine, machine.number(4))),
    ord("G"): _push(_real),
    ord("N"): _constant(None),
    0x88: _constant(value=True),
    0x89: _constant(value=False),
    ord("S"): _push(_quoted),
    ord("T"): _latin(4),
    ord("U"): _latin(1),
    ord("V"): _text_line,
    ord("X"): _text(4),
    0x8C: _text(1),
    0x8D: _text(8),
    ord("B"): _bytes(4),
    ord("C"): _bytes(1),
    0x8E: _bytes(8),
    0x96: _bytes(8),
    0x97: _push(lambda _: Persistent("out-of-band buffer")),
    0x98: lambda _: None,
    ord(")"): _constant(()),
    ord("t"): _tuple,
    0x85: _short_tuple(1),
    0x86: _short_tuple(2),
    0x87: _short_tuple(3),
    ord("]"): _empty_list,
    ord("l"): _since_mark_as(lambda items: items),
    ord("a"): _append,
    ord("e"): _appends,
    ord("}"): _empty_dict,
    ord("d"): _dict,
    ord("s"): _setitem,
    ord("u"): _setitems,
    0x8F: _push(lambda _: Group()),
    0x90: _appends,
    0x91: _since_mark_as(Group),
    ord("c"): _push(_global_line),
    0x93: _stack_global,
    ord("R"): _reduce,
    0x81: _reduce,
    0x92: _newobj_ex,
    ord("b"): _build,
    ord("i"): _inst,
    ord("o"): _obj,
    0x82: _extension(1),
    0x83: _extension(2),
    0x84: _extension(4),
    ord("P"): _push(lambda machine: machine.refer(_utf8(machine.line()))),
    ord("Q"): _refer,
    ord("p"): _text_put,
    ord("q"): _binput,
    ord("r"): _long_binput,
    0x94: lambda machine: machine.remember(len(machine.memo)),
    ord("g"): _text_get,
    ord("h"): _binget,
    ord("j"): _long_binget,
    0x80: _proto,
    0x95: _frame,
}
"""Every opcode but STOP."""
