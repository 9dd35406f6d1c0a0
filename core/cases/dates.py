"""A column of written dates -> moments: it decides the order of day and month, and the zone.

1/2/2024 takes the order that all other cells of the column allow; if they leave it open, the user
must name it. Moments have no zone: they are the wall clock of the zone that the user names, else of
the one zone that all cells carry, else of UTC. core.cases.written_dates reads single cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.cases.cells import CellError
from core.cases.table import ORDERS, Notice
from core.cases.written_dates import TypedMoment, WrittenDate, read_date_cell
from core.errors import CasesError


@dataclass(frozen=True)
class ColumnMoments:
    """A column's moments (None: a missing cell, CellError: no date) and the notices about them."""

    moments: list[datetime | CellError | None]
    notices: tuple[Notice, ...] = ()


def parse_dates(
    values: Sequence[object],
    order: str | None = None,
    timezone_name: str | None = None,
    epoch_1904: bool = False,
) -> ColumnMoments:
    """Return each cell's moment without zone, to the microsecond.

    values: the cells, in order. order: one of ORDERS; None lets the column decide. timezone_name:
    IANA zone of times that carry none; the others are converted to it; None leaves them.
    epoch_1904: whether serial numbers count from 1904. Raises CasesError with the readings of a
    cell if the column leaves the order open, or if times with and without a zone meet and none is
    named.
    """
    zone = None if timezone_name is None else named_zone(timezone_name)
    # Columns repeat their days, and reading a text tries a dozen expressions.
    cache_of_texts: dict[str, WrittenDate | TypedMoment | CellError | None] = {}
    cells: list[WrittenDate | TypedMoment | CellError | None] = []
    for value in values:
        if isinstance(value, str):
            if value not in cache_of_texts:
                cache_of_texts[value] = read_date_cell(value, epoch_1904)
            cells.append(cache_of_texts[value])
        else:
            cells.append(read_date_cell(value, epoch_1904))
    written = [cell for cell in cells if isinstance(cell, WrittenDate)]
    chosen_order = order or _decide_order(written, values, cells)
    placed = [_place_cell(cell, chosen_order) for cell in cells]
    return _in_one_zone(placed, zone)


def named_zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name. Raises CasesError for an unknown one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise CasesError("cases.zone_unknown", zone=name) from e


def _decide_order(written: list[WrittenDate], values: Sequence[object], cells: list) -> str:
    """Return the order that every cell allows; "" if none does and no cell depends on it.

    Raises CasesError if several orders remain and differ, or if none does and a cell is ambiguous.
    """
    unclear = [cell for cell in written if len(set(cell.days.values())) > 1]
    allowed = [o for o in ORDERS if all(o in cell.days for cell in written)]
    if not unclear or len(allowed) == 1:
        return allowed[0] if allowed else ""
    place = next(i for i, cell in enumerate(cells) if cell is unclear[0])
    readings = [f"{o}: {unclear[0].days[o].isoformat()}" for o in ORDERS if o in unclear[0].days]
    code = "cases.date_order_unclear" if allowed else "cases.date_orders_mixed"
    raise CasesError(code, value=str(values[place]), readings=readings, place=place)


def _place_cell(
    cell: WrittenDate | TypedMoment | CellError | None, order: str
) -> TypedMoment | CellError | None:
    """Return a cell's moment, zone and whether it has a time of day, under the column's order."""
    if not isinstance(cell, WrittenDate):
        return cell
    day = cell.days.get(order)
    # Without an order of the column, a cell with a single reading still counts.
    if day is None and len(set(cell.days.values())) == 1:
        day = next(iter(cell.days.values())) if not order else None
    if day is None:
        return CellError("cases.cell_date")
    return datetime.combine(day, cell.clock), cell.zone, cell.has_time


def _in_one_zone(placed: list, zone: tzinfo | None) -> ColumnMoments:
    """Return the wall clock of all cells in one zone.

    The zone is the named one, the only one, or the only one besides UTC, so that one morning does
    not fall on two days. Raises CasesError if no zone is named and several are left, or some times
    have none.
    """
    places = [place for place, cell in enumerate(placed) if isinstance(cell, tuple)]
    zoned = [place for place in places if placed[place][1] is not None]
    zones = {_zone_key(placed[place]): placed[place][1] for place in zoned}
    # UTC next to one local zone converts to it; two local zones have no right answer.
    local = [key for key in zones if key not in ("UTC", "Etc/UTC", "GMT")]
    bare = [place for place in places if placed[place][1] is None and placed[place][2]]
    if zone is None and zones and bare:
        value = placed[bare[0]][0].isoformat(sep=" ")
        raise CasesError("cases.zone_needed", value=value, zones=sorted(zones), place=bare[0])
    if zone is None and len(local) > 1:
        raise CasesError("cases.zones_unclear", zones=sorted(zones), place=zoned[0])
    notices: tuple[Notice, ...] = ()
    if zone is None and len(zones) > 1:
        zone, values = zones[local[0]], {"zones": sorted(zones), "zone": local[0]}
        notices = (Notice("cases.mixed_zones", values),)
    moments = [_wall_clock(cell, zone) if isinstance(cell, tuple) else cell for cell in placed]
    return ColumnMoments(moments, notices)


def _zone_key(cell: tuple[datetime, tzinfo, bool]) -> str:
    """Return the key that tells zones apart: the name of a named zone, else the offset."""
    moment, zone, _ = cell
    return getattr(zone, "key", None) or str(timezone(zone.utcoffset(moment) or timedelta()))


def _wall_clock(cell: tuple, zone: tzinfo | None) -> datetime | CellError:
    moment, own_zone, _ = cell
    if own_zone is None or zone is None:
        return moment
    try:
        return moment.replace(tzinfo=own_zone).astimezone(zone).replace(tzinfo=None)
    except OverflowError:  # year 1 or 9999, moved over its edge by the zone
        return CellError("cases.cell_date")
