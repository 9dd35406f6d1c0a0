"""A case's text, shortened for reading. Pure: text in, plain text out; nothing of it becomes HTML."""

import re

EXCERPT_LETTERS = 400
_HIDDEN = re.compile(r"<(style|script)\b[^>]*(>.*?(</\1\s*>|$)|$)", re.IGNORECASE | re.DOTALL)
_NAMES = (
    "a|abbr|address|b|base|big|blockquote|body|br|button|center|code|col|dd|div|dl|dt|em|font|form"
    "|frame|h[1-6]|head|hr|html|i|iframe|img|input|label|li|link|map|meta|nobr|object|ol|option|p"
    "|param|pre|s|select|small|span|strong|sub|sup|table|tbody|td|tfoot|th|thead|title|tr|tt|u|ul"
)
# By name, since "<5 mm>" and "<name@example.com>" are words; the last one may have lost its end.
_TAG = re.compile(
    rf"</?({_NAMES})(\s[^<>]*|\s*/)?(>|$)|<!(--.*?(-->|$)|doctype[^>]*(>|$))", re.I | re.S
)


def readable_excerpt(text: str) -> str:
    """Return the beginning of a text without the marks of HTML, at most EXCERPT_LETTERS and "…".

    The text itself, with its lines, if it is short and has no such mark.

    >>> readable_excerpt("<html><P>Pump <b>leaks</b> 5 mm, ask <kim@example.com>")
    'Pump leaks 5 mm, ask <kim@example.com>'
    """
    line = " ".join(text.split())
    plain = " ".join(_TAG.sub(" ", _HIDDEN.sub(" ", line)).split()) or line
    if len(plain) <= EXCERPT_LETTERS:
        return text.strip() if plain == line else plain
    # a word too long for the excerpt is cut
    beginning = plain[: EXCERPT_LETTERS + 1].rsplit(" ", 1)[0][:EXCERPT_LETTERS]
    return f"{beginning}…"
