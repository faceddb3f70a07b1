"""The tree of modules: every tensor once, totals that add up, folds that hide."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tensorpeek.tui.layers.module_tree import DEEPEST, Line, Modules, ModuleTree, Sizes

NAMES = ["a.b.0.weight", "a.b.0.bias", "top", "a.b.1.weight", "c/d/kernel:0", "a.b.1.bias"]


def lines(tree: ModuleTree, folded: set[int] | None = None) -> list[Line]:
    return [tree.line(entry) for entry in tree.entries(folded or set())]


def drawn(tree: ModuleTree, folded: set[int] | None = None) -> list[str]:
    return ["  " * line.depth + line.label for line in lines(tree, folded)]


def test_modules_stand_where_their_first_tensor_stands_and_chains_share_a_line() -> None:
    tree = ModuleTree(Modules(NAMES), range(6))
    assert drawn(tree) == [
        *("a.b", "  0", "    weight", "    bias", "  1", "    weight", "    bias"),
        *("top", "c/d/kernel:0"),
    ]


def test_the_order_of_the_tensors_is_that_of_the_lines() -> None:
    tree = ModuleTree(Modules(NAMES), [4, 5, 0])
    assert drawn(tree) == ["c/d/kernel:0", "a.b", "  1.bias", "  0.weight"]


def test_a_filter_that_leaves_one_tensor_leaves_one_line() -> None:
    tree = ModuleTree(Modules(NAMES), [3])
    assert drawn(tree) == ["a.b.1.weight"]


def test_folded_modules_hide_what_is_in_them() -> None:
    tree = ModuleTree(Modules(NAMES), range(6))
    first = lines(tree)[0].module
    assert first is not None
    assert drawn(tree, {first}) == ["a.b", "top", "c/d/kernel:0"]
    assert tree.places(first) == [0, 1, 3, 5]
    assert drawn(tree, set(tree.modules())) == ["a.b", "top", "c/d/kernel:0"]


def test_totals_add_up() -> None:
    sizes = Sizes([1, 2, 4, 8, 16, 32], [10] * 6, [32, 64, 99, 99, 99, 99], [True] * 5 + [False])
    tree = ModuleTree(Modules(NAMES), range(6))
    totals = tree.totals(sizes)
    module = lines(tree)[0].module
    assert module is not None
    found = totals[module]
    assert (found.tensors, found.params, found.nbytes, found.stored_bits) == (4, 11, 40, 195)
    assert found.bits_per_weight == 195 / 11
    assert totals[0] == sizes.total(range(6))
    assert sizes.total([5]).bits_per_weight is None


def test_very_deep_names_take_few_modules() -> None:
    modules = Modules([".".join("abc"[i % 3] for i in range(10_000)), "..", "/", ".x", "x..y"])
    assert len(modules) <= DEEPEST + 5
    tree = ModuleTree(modules, range(5))
    assert [line.place for line in lines(tree) if line.place is not None] == list(range(5))


NAME = st.text("ab./", min_size=1, max_size=9)


@given(names=st.lists(NAME, max_size=15, unique=True), data=st.data())
def test_every_tensor_has_one_line_under_its_modules(names: list[str], data: st.DataObject) -> None:
    places = list(range(len(names)))
    order = data.draw(st.permutations(places)) if places else []
    chosen = order[: data.draw(st.integers(0, len(order)))]
    modules = Modules(names)
    tree = ModuleTree(modules, chosen)
    path: list[str] = []
    seen = []
    for line in lines(tree):
        del path[line.depth :]
        path.append(line.label)
        if line.place is not None:
            seen.append(line.place)
            spelled = names[line.place]
            assert spelled.replace("/", ".") == ".".join(path).replace("/", ".")
    assert sorted(seen) == sorted(chosen)
    sizes = Sizes(places, places, places, [True] * len(places))
    for module, totals in tree.totals(sizes).items():
        inside = tree.places(module)
        assert (totals.tensors, totals.params) == (len(inside), sum(inside))
    outermost = lines(tree, set(tree.modules()))
    assert {line.depth for line in outermost} <= {0}
    inside = [tree.places(line.module) for line in outermost if line.module is not None]
    shown = [line.place for line in outermost if line.place is not None]
    assert sorted(sum(inside, shown)) == sorted(chosen)


@given(names=st.lists(NAME, max_size=12, unique=True), marked=st.sets(st.integers(0, 11)))
def test_marks_are_counted_in_every_module_above(names: list[str], marked: set[int]) -> None:
    marked = {place for place in marked if place < len(names)}
    modules = Modules(names)
    tree = ModuleTree(modules, range(len(names)))
    counts = modules.count(marked)
    for module in tree.modules():
        assert counts[module] == len(marked & set(tree.places(module)))
