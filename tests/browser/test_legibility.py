"""The looking-glass itself: it must see what is wrong."""

import pytest

from tests.browser.legibility import faults

pytestmark = pytest.mark.browser

PAGE = "<body style='margin:0;font:20px sans-serif'><div style='position:relative'>{}</div>"


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<p>fine</p>", None),
        ("<p style='width:20px;overflow:hidden;white-space:nowrap'>far too long</p>", "is cut"),
        ("<p style='height:8px;overflow:hidden'>too low</p>", "is cut"),
        ("<p style='position:absolute;left:-30px'>gone</p>", "outside"),
        ("<p style='font-size:9px'>tiny</p>", "only 9 px"),
        ("<p style='position:absolute'>one</p><p style='position:absolute'>two</p>", "lies on"),
    ],
)
def test_a_fault_is_seen(chromium, body, fault):
    page = chromium.new_page()
    page.set_content(PAGE.format(body))

    found = faults(page, smallest_px=17)
    page.close()

    assert bool(found) == (fault is not None)
    assert fault is None or any(fault in line for line in found)
