"""Looks at a page as a viewer would: is any text cut, covered, too small or too faint?"""

import re

from playwright.sync_api import Page

MEASURE = """
() => {
  const seen = [];
  const clear = /rgba\\(\\d+, \\d+, \\d+, 0\\)|transparent/;
  // The colour of the nearest surface below; a scrim counts as solid.
  const ground = (element) => {
    for (let up = element; up; up = up.parentElement) {
      const colour = getComputedStyle(up).backgroundColor;
      if (!clear.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const faded = (element) => {
    let left = 1;
    for (let up = element; up; up = up.parentElement) left *= Number(getComputedStyle(up).opacity);
    return left < 1;
  };
  // What filters above an element leave of its light.
  const lit = (element) => {
    let left = 1;
    for (let up = element; up; up = up.parentElement) {
      const dimmed = /brightness\\(([\\d.]+)\\)/.exec(getComputedStyle(up).filter);
      if (dimmed) left *= Number(dimmed[1]);
    }
    return left;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.nodeValue.trim()) continue;
    const element = node.parentElement;
    if (element.closest('script, style, .map__list, #banner, .js-plotly-plot, footer')) continue;
    const style = getComputedStyle(element);
    if (style.visibility === 'hidden' || !element.getClientRects().length) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    // The box of a font is taller than its letters: measure the letters.
    const size = parseFloat(style.fontSize);
    const full = range.getBoundingClientRect();
    const spare = Math.max(0, (range.getClientRects()[0].height - size * 1.05) / 2);
    const box = {
      left: full.left, right: full.right, top: full.top + spare, bottom: full.bottom - spare,
    };
    let clip = null;
    for (let up = element; up && up !== document.body; up = up.parentElement) {
      const s = getComputedStyle(up);
      if (s.overflowX === 'visible' && s.overflowY === 'visible') continue;
      const r = up.getBoundingClientRect();
      const ends = s.textOverflow === 'ellipsis';
      const cut = box.top < r.top - 2 || box.bottom > r.bottom + 2 ||
        (!ends && (box.left < r.left - 2 || box.right > r.right + 2));
      if (cut) { clip = up.id || up.className; break; }
      if (ends) break;
    }
    const holder = element.closest('.may-clip') || element;
    const room = holder.getBoundingClientRect();
    seen.push({
      text: node.nodeValue, size: size, color: style.color, clip: clip,
      ground: ground(element), faded: faded(element), lit: lit(element),
      onMap: Boolean(element.closest('.map__overlay')),
      left: Math.max(box.left, room.left), right: Math.min(box.right, room.right),
      top: box.top, bottom: box.bottom,
      outside: box.top < -1 || box.bottom > innerHeight + 1 ||
        (!element.closest('.may-clip, em') && (box.left < -1 || box.right > innerWidth + 1)),
    });
  }
  return seen;
}
"""


def texts(page: Page) -> list[dict[str, object]]:
    """Every visible piece of text with its place, size and what cuts it."""
    measured: list[dict[str, object]] = page.evaluate(MEASURE)
    return measured


def faults(page: Page, *, smallest_px: float) -> list[str]:
    """What is wrong with the text of the page, in words; empty when nothing is."""
    found = []
    seen = texts(page)
    for text in seen:
        if text["clip"] is not None:
            found.append(f"{text['text']!r} is cut by {text['clip']!r}")
        if text["outside"]:
            found.append(f"{text['text']!r} is outside the screen")
        if float(str(text["size"])) < smallest_px:
            found.append(f"{text['text']!r} is only {text['size']} px")
    fixed = [t for t in seen if not t["onMap"]]
    for i, a in enumerate(fixed):
        found.extend(
            f"{a['text']!r} lies on {b['text']!r}" for b in fixed[i + 1 :] if _overlap(a, b)
        )
    return found


def faint(page: Page, *, least: float) -> list[str]:
    """The texts of boxes whose contrast to their ground is less than ``least`` to one."""
    found = []
    for text in texts(page):
        if text["onMap"]:
            continue
        ratio = contrast(str(text["color"]), str(text["ground"]), lit=_n(text, "lit"))
        if ratio < least or text["faded"]:
            found.append(f"{text['text']!r} has a contrast of {ratio:.1f}")
    return found


def contrast(one: str, other: str, *, lit: float = 1.0) -> float:
    """The contrast of two colours as a browser names them (WCAG 2.1), dimmed to a share."""
    light, dark = sorted((_luminance(one, lit), _luminance(other, lit)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str, lit: float) -> float:
    """Of ``rgb(17, 26, 33)``, or of a mixed colour, ``color(srgb 0.05 0.1 0.13)``."""
    most = 1 if colour.startswith("color(srgb") else 255
    channels = [lit * float(n) / most for n in re.findall(r"[\d.]+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def scrolls(page: Page) -> bool:
    """True when the page is larger than the screen."""
    larger: bool = page.evaluate(
        "() => document.documentElement.scrollHeight > innerHeight + 1"
        " || document.documentElement.scrollWidth > innerWidth + 1"
    )
    return larger


def _overlap(a: dict[str, object], b: dict[str, object]) -> bool:
    # Line boxes are taller than letters: only an overlap of a third of a line is one.
    width = min(_n(a, "right"), _n(b, "right")) - max(_n(a, "left"), _n(b, "left"))
    height = min(_n(a, "bottom"), _n(b, "bottom")) - max(_n(a, "top"), _n(b, "top"))
    line = min(_n(a, "bottom") - _n(a, "top"), _n(b, "bottom") - _n(b, "top"))
    return width > 2 and height > line / 3


def _n(text: dict[str, object], key: str) -> float:
    return float(str(text[key]))
