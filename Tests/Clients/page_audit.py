"""What can be checked of a page's accessibility without judgement: names, roles, contrast, targets, structure."""

CONTROLS = "a[href], button, input:not([type=hidden]), textarea, select, summary, [tabindex='0']"

STRUCTURE = """
  const problems = [];
  const seen = element => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) problems.push('id twice: ' + id);
  for (const name of ['aria-labelledby', 'aria-describedby', 'aria-controls', 'for', 'list'])
    for (const element of document.querySelectorAll('[' + name + ']'))
      for (const id of element.getAttribute(name).split(' '))
        if (!ids.includes(id)) problems.push(name + ' of nothing: ' + id);
  if (!document.documentElement.lang) problems.push('no language');
  if (document.querySelectorAll('main').length !== 1) problems.push('not one main');
  for (const landmark of ['header', 'nav', 'aside', 'main'])
    if (!document.querySelector(landmark)) problems.push('no ' + landmark);
  let level = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
    if (!seen(heading) && getComputedStyle(heading).display === 'none') continue;
    if (heading.closest('[hidden], dialog:not([open])')) continue;
    const next = Number(heading.tagName[1]);
    if (level > 0 && next > level + 1) problems.push('heading level skipped: ' + heading.textContent);
    level = next;
  }
  for (const svg of document.querySelectorAll('svg'))
    if (svg.getAttribute('aria-hidden') !== 'true' && !svg.getAttribute('aria-label')) problems.push('a picture without a label');
  for (const list of document.querySelectorAll('ul, ol'))
    for (const child of list.children) if (child.tagName !== 'LI') problems.push('a list holds ' + child.tagName);
  for (const control of document.querySelectorAll('button, a, input, textarea, summary')) {
    if (!seen(control) || control.classList.contains('skip') || control.closest('.prose p, .prose li')) continue;
    const box = control.getBoundingClientRect();
    if (box.width < 24 || box.height < 20) problems.push('a small target: ' + (control.id || control.textContent) + ' ' + Math.round(box.width) + 'x' + Math.round(box.height));
  }
  return [...new Set(problems)];
"""

# WCAG 2.2: 4.5 to 1, for large text 3 to 1; what is behind a text is the nearest opaque background.
CONTRAST = """
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const parse = color => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const behind = element => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color[3] > 0) layers.push(color);
      if (color[3] === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const luminance = color => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
    const c = color[i] / 255;
    return sum + weight * (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  }, 0);
  const problems = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    if (element.closest('.hidden, .skip, button:disabled, option, datalist')) continue;
    const style = getComputedStyle(element);
    const isSVG = element.namespaceURI.includes('svg');
    if (element.tagName === 'title') continue;
    const back = behind(isSVG ? element.closest('svg').parentElement : element);
    const front = over(parse(isSVG ? style.fill : style.color), back);
    const [a, b] = [luminance(front), luminance(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) problems.push(ratio.toFixed(2) + ': ' + node.data.trim().slice(0, 30));
  }
  return [...new Set(problems)];
"""


def audit(browser, check, where):
    """Reports each kind of fault that the page has in its present state."""
    nameless = [
        element.get_attribute("outerHTML")[:80]
        for element in browser.all(("dialog[open] :is(" + CONTROLS + ")") if browser.all("dialog[open]") else CONTROLS) if not element.accessible_name.strip()]
    check(f"{where}: every control has a name", not nameless, str(nameless[:3]))
    for name, script in (("structure", STRUCTURE), ("contrast", CONTRAST)):
        problems = browser.js(script)
        check(f"{where}: {name}", not problems, str(problems[:6]))
