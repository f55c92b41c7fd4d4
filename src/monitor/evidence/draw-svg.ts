// A drawing as SVG: one file of its own, without scripts, styles or anything from elsewhere, so that it can be shown
// under the strictest rules of a page.

import type { Drawing, DrawnSpan, DrawnTree } from './drawing.ts';
import { printable } from './words.ts';

const COLUMN = 330;
const GAP = 60;
const MARGIN = 24;
const BASE = 232;
const BOX = 34;
const LINE = 20;
/** Where the root that is compared stands, over the apex of its tree. */
const ROOT_Y = 128;
/** Where the signed root stands when another root is compared. */
const OUTER_ROOT_Y = 84;

const INK = '#1b1f24';
const QUIET = '#57606a';
const PLAIN = '#eef1f4';
const DIFFERENT = '#ffd8d3';
const ALARM = '#b42318';

/** The drawing as the text of an SVG file (SVG 1.1), with its caption as title. */
export function drawSvg({ caption, trees, sign }: Drawing): string {
  const width = MARGIN * 2 + trees.length * COLUMN + (trees.length - 1) * GAP;
  const below = Math.max(...trees.map((tree) => tree.below.length));
  const height = BASE + BOX + MARGIN + below * LINE;
  const parts = trees.map((tree, i) => treeParts(tree, MARGIN + i * (COLUMN + GAP)));
  const between = MARGIN + COLUMN + GAP / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="sans-serif" font-size="15" fill="${INK}">`,
    `<title>${escaped(caption)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...parts.flat(),
    ...(trees.length > 1 && sign !== '' ? [text(sign, between, ROOT_Y, `font-size="30" fill="${ALARM}"`)] : []),
    '</svg>',
    '',
  ].join('\n');
}

function treeParts(tree: DrawnTree, left: number): readonly string[] {
  const boxes = boxesOf(tree.spans, left);
  const parts = [
    text(tree.title, left, 36, 'font-size="18" font-weight="bold"', 'start'),
    text(tree.signed, left, 58, `font-size="13" fill="${QUIET}"`, 'start'),
    ...(tree.prefixRoot === undefined
      ? [triangle(left, COLUMN), hash(tree.root, left + COLUMN / 2, ROOT_Y)]
      : rootsOver(tree.root, tree.prefixRoot, left, boxes)),
  ];
  for (const { start, width, span } of boxes) {
    const fill = span.differs ? DIFFERENT : PLAIN;
    const stroke = span.differs ? ALARM : QUIET;
    parts.push(`<rect x="${start}" y="${BASE}" width="${width}" height="${BOX}" fill="${fill}" stroke="${stroke}"/>`);
    parts.push(text(span.label, start + width / 2, BASE + 22, fitting(span.label, width)));
  }
  for (const [i, words] of tree.below.entries()) {
    parts.push(text(words, left, BASE + BOX + LINE * (i + 1), 'font-size="14"', 'start'));
  }
  return parts;
}

interface Box {
  readonly start: number;
  readonly width: number;
  readonly span: DrawnSpan;
}

/** The spans side by side: equally wide, because what matters is their order. */
function boxesOf(spans: readonly DrawnSpan[], left: number): readonly Box[] {
  const width = COLUMN / spans.length;
  return spans.map((span, i) => ({ start: left + i * width, width, span }));
}

/** Long numbers in smaller letters, so that they stay in their box. */
function fitting(label: string, width: number): string {
  const size = Math.min(15, Math.floor((width - 10) / (0.6 * label.length)));
  return `font-size="${Math.max(6, size)}"`;
}

/** The signed root, with a branch to the root of the first box and one to the rest of the tree. */
function rootsOver(root: string, prefixRoot: string, left: number, boxes: readonly Box[]): readonly string[] {
  const middle = left + COLUMN / 2;
  const tops = boxes.map(({ start, width }) => start + width / 2);
  return [
    // Down to the plate of the prefix root, and to the top of the rest.
    ...tops.map((top, i) => line(middle, OUTER_ROOT_Y + 8, top, i === 0 ? ROOT_Y - 15 : ROOT_Y + 8)),
    ...boxes.map(({ start, width }) => triangle(start, width)),
    hash(root, middle, OUTER_ROOT_Y),
    hash(prefixRoot, tops[0]!, ROOT_Y),
  ];
}

function triangle(start: number, width: number): string {
  const points = `${start},${BASE} ${start + width / 2},${ROOT_Y + 8} ${start + width},${BASE}`;
  return `<polygon points="${points}" fill="none" stroke="${QUIET}"/>`;
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${QUIET}"/>`;
}

function hash(label: string, x: number, y: number): string {
  // On white, because a line may pass behind it.
  const plate = `<rect x="${x - 52}" y="${y - 15}" width="104" height="21" fill="#ffffff"/>`;
  return `${plate}${text(label, x, y, 'font-family="monospace" font-size="16" font-weight="bold"')}`;
}

function text(content: string, x: number, y: number, attributes: string, anchor = 'middle'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" ${attributes}>${escaped(content)}</text>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(content: string): string {
  return printable(content).replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}
