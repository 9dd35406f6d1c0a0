"""Embed the PDF's one typeface, Noto Sans JP, with the letters that a document uses.

The package pylopdf-fonts-jp ships it with PostScript outlines, but reportlab reads TrueType: the
font is first cut to the letters, so that only a few hundred outlines need a conversion.
"""

import hashlib
import io

from fontTools import subset
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from pylopdf_fonts_jp import sans_path
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont as EmbeddedFont

FAMILY = "NotoSansJP"
_TOLERANCE = 1.0  # units of 1,000 an em by which a converted outline may differ
_JOINERS = "\u200b\u2060"  # invisible, without a glyph


def printable_text(text: str) -> str:
    """Return the text without invisible joiners, for which the font has no glyph."""
    return text.translate(dict.fromkeys(map(ord, _JOINERS)))


def register_font(letters: str) -> str:
    """Register the typeface with these letters in reportlab, and return its registered name.

    A letter that the typeface lacks prints as an empty box.
    """
    # The name is a hash of the letters: reportlab's registry is global to the process, and fonts
    # with other letters must not replace each other.
    wanted_letters = "".join(sorted(set(letters) | {chr(code) for code in range(0x20, 0x7F)}))
    name = f"{FAMILY}-{hashlib.sha256(wanted_letters.encode()).hexdigest()[:12]}"
    if name not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(EmbeddedFont(name, _truetype(wanted_letters, name)))
    return name


def _truetype(letters: str, name: str) -> io.BytesIO:
    """Return a TrueType font of the letters. reportlab treats two fonts of one name as equal."""
    options = subset.Options(layout_features=[], notdef_outline=True, hinting=False)
    source = subset.load_font(str(sans_path()), options)
    cutter = subset.Subsetter(options)
    cutter.populate(text=letters)
    cutter.subset(source)
    file = io.BytesIO()
    _with_quadratic_outlines(source, name).save(file)
    file.seek(0)
    return file


def _with_quadratic_outlines(source: TTFont, name: str) -> TTFont:
    """Return the font with quadratic outlines, which TrueType needs in place of cubic ones."""
    order, outlines = source.getGlyphOrder(), source.getGlyphSet()
    glyphs = {}
    for glyph in order:
        pen = TTGlyphPen(None)
        outlines[glyph].draw(Cu2QuPen(pen, _TOLERANCE, reverse_direction=True))
        glyphs[glyph] = pen.glyph()
    builder = FontBuilder(unitsPerEm=source["head"].unitsPerEm, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap(source.getBestCmap())
    builder.setupGlyf(glyphs)
    widths, table = source["hmtx"], builder.font["glyf"]
    builder.setupHorizontalMetrics(
        {glyph: (widths[glyph][0], getattr(table[glyph], "xMin", 0)) for glyph in order}
    )
    builder.setupHorizontalHeader(ascent=source["hhea"].ascent, descent=source["hhea"].descent)
    builder.setupNameTable({"familyName": name, "styleName": "Regular", "psName": name})
    builder.setupOS2(sTypoAscender=source["hhea"].ascent, usWinAscent=source["OS/2"].usWinAscent)
    builder.setupPost()
    return builder.font
