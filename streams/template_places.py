"""Finds the line of a template's file that a trail of keys and indexes leads to."""

from collections.abc import Sequence

import yaml

_MERGED = "<<"


def position(text: str, trail: Sequence[str | int]) -> tuple[int, int]:
    """Return line and column, counted from 1, of the last place of the trail that there is."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    mark = node.start_mark if node is not None else None
    for step in trail:
        found = _inside(node, step)
        if found is None:
            break
        mark, node = found
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _inside(node: yaml.Node | None, step: str | int) -> tuple[yaml.Mark, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode):
        if isinstance(step, int) and step < len(node.value):
            return node.value[step].start_mark, node.value[step]
        return None
    if not isinstance(node, yaml.MappingNode):
        return None
    for key, value in node.value:
        if key.value == str(step):
            return key.start_mark, value
    # A key that came in from an anchor stands where the anchor is.
    for key, value in node.value:
        if key.value == _MERGED:
            found = _inside(value, step)
            if found is not None:
                return found
    return None
