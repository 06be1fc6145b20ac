// What cannot be read on a page, by WCAG 2.2 level AA (success criterion
// 1.4.3), and what is wider than the page. The browser runs it.
const parse = (text) => {
  const n = text.match(/[\d.]+/g).map(Number);
  return n.length < 4 ? [...n, 1] : n;
};
const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
const behind = (element) => {
  const layers = [];
  for (let one = element; one; one = one.parentElement) {
    const colour = parse(getComputedStyle(one).backgroundColor);
    layers.push(colour);
    if (colour[3] === 1) break;
  }
  return layers.reduceRight((under, top) => over(top, under), [255, 255, 255]);
};
const light = (colour) => {
  const [r, g, b] = colour.map((c) => {
    c /= 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const faint = [];
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  const field = element.matches("input:not([type=hidden]), select, textarea");
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  if (!(own || field) || box.width <= 1 || element.closest(".nhsuk-u-visually-hidden, noscript, [hidden], option, details:not([open]) > :not(summary)")) continue;
  if (style.visibility === "hidden") continue;
  const under = behind(element);
  const [a, b] = [light(over(parse(style.color), under)), light(under)].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 600);
  if (ratio < (large ? 3 : 4.5)) faint.push([ratio.toFixed(2), element.tagName, element.className, element.textContent.trim().slice(0, 40)]);
}
const root = document.documentElement;
const wide = root.scrollWidth > root.clientWidth ? [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > root.clientWidth + 1 && !e.closest(".nhsuk-u-visually-hidden, thead")).slice(0, 5).map((e) => [e.tagName, e.className, e.textContent.trim().slice(0, 40)]) : [];
return { faint, wide };
