"""The names of all keys, and whether a user's keys fit together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.binding import Binding, BindingType

from tensorpeek.tui.tabs import TABS


def own_keys(bindings: Iterable[BindingType], keys: Mapping[str, str]) -> list[Binding]:
    """Return the bindings that say what they do, with the keys that a user gave them."""
    told = [each for each in bindings if isinstance(each, Binding) and each.tooltip]
    return [_with_own_keys(binding, keys.get(binding.id or "")) for binding in told]


def check_keys(keys: Mapping[str, str]) -> None:
    """Check the table ``keys`` of the settings: known names, and no key twice on a screen.

    Imports every screen. Raises ValueError, with one clause that says what is wrong.
    """
    if not keys:
        return
    screens = keys_by_screen()
    names = {each.id for bindings in screens.values() for each in own_keys(bindings, {})}
    unknown = next((name for name in keys if name not in names), None)
    if unknown is not None:
        raise ValueError(f"no key is named '{unknown}'; tensorpeek config lists the names")
    for title, bindings in screens.items():
        _check_screen(title, own_keys(bindings, keys))


def keys_by_screen() -> dict[str, list[BindingType]]:
    """Return the keys of every screen by its title; imports all of them."""
    from tensorpeek.tui.overlay.screen import OverlayScreen

    found = {tab.title: tab.load().all_bindings() for tab in TABS}
    return found | {"Overlay": OverlayScreen.all_bindings()}


def _with_own_keys(binding: Binding, keys: str | None) -> Binding:
    return binding if keys is None else binding.with_key(_normal(keys))


def _check_screen(title: str, bindings: list[Binding]) -> None:
    taken: dict[str, Binding] = {}
    for binding in bindings:
        for key in binding.key.split(","):
            other = taken.setdefault(key, binding)
            if other is not binding:
                raise ValueError(
                    f"'{other.id}' and '{binding.id}' both have the key '{key}' "
                    f"on the screen {title}"
                )


def _normal(keys: str) -> str:
    """Return keys as Textual names them: ``slash`` for ``/``."""
    return ",".join(each.key for each in Binding.make_bindings([Binding(keys, "any")]))
