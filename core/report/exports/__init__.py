"""Write a document as a file, PPTX, PDF or XLSX, with the same figures in each.

The first export imports the libraries: the page imports this module, and python-pptx takes 130 ms
of processor time to import, reportlab 80 ms, XlsxWriter 60 ms, too long for a page to wait.
"""

import importlib

from core.errors import SettingsError
from core.report.document import ReportDocument

EXPORT_FORMATS = {
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def export_document(document: ReportDocument, form: str) -> bytes:
    """Return the document as a file of one of EXPORT_FORMATS. Raises SettingsError for another."""
    if form not in EXPORT_FORMATS:
        raise SettingsError("report.unknown_format", form=form, allowed=list(EXPORT_FORMATS))
    module = importlib.import_module(f"core.report.exports.{form}")
    return getattr(module, f"write_{form}")(document)
