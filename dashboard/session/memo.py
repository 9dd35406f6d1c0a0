"""What was made before of the same things: frames, tables and figures that all sessions share.

Words, numbers and choices are the same where they are equal; counts and frames where they are the
same object, since those come out of caches themselves, and comparing a frame's content on every run
would cost what is to be saved. New data are new counts, so nothing here grows old. Knows no
Streamlit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial

# results, the latest used; each a few hundred kilobytes at most, and each keeps alive what it was
# made from
KEPT = 64


def kept(make: Callable, *args: object) -> object:
    """Return make(*args), made once for the same arguments and shared: never change it. Raises
    whatever `make` raises.

    Not for what depends on the threshold: a thousand of those would push out everything else.
    """
    return _made(_Call((make, *map(_known_by, args)), partial(make, *args)))


@dataclass(frozen=True)
class _Call:
    known_by: tuple
    # holds the arguments, so none of their addresses is used again
    run: Callable[[], object] = field(compare=False)


@dataclass(frozen=True, eq=False)
class _Itself:
    """An object that is equal to itself only."""

    it: object

    def __hash__(self) -> int:
        return id(self.it)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self.it is other.it


@lru_cache(maxsize=KEPT)
def _made(call: _Call) -> object:
    return call.run()


def _known_by(arg: object) -> object:
    if isinstance(arg, Mapping):
        return tuple((name, _known_by(value)) for name, value in arg.items())
    try:
        hash(arg)
    except TypeError:
        return _Itself(arg)
    return type(arg), arg
