// A drawing in plain characters, for terminals and mails.

import type { Drawing, DrawnTree } from './drawing.ts';

/** What stands between two trees, with the sign in the middle. */
const GAP = 7;
/** Wider than this, the trees stand one below the other. */
const MOST_WIDTH = 100;

/**
 * The drawing as lines without a newline. Where the trees differ, the box is drawn with double lines:
 *
 *     9 entries                             17 entries
 *     signed 2026-09-21 14:13:20 UTC        signed 2026-09-21 14:14:20 UTC
 *
 *                                                   77b0e1d2…
 *                                                 /           \
 *       0b12f9aa…                  ≠        51aa03f7…           \
 *        /     \                             /     \             \
 *     +===========+                         +===========+-----------+
 *     |  0 to 8   |                         |  0 to 8   |  9 to 16  |
 *     +===========+                         +===========+-----------+
 */
export function drawText({ trees, sign }: Drawing): readonly string[] {
  // Room for a root above the one that is compared, where any tree has one.
  const nested = trees.some(({ prefixRoot }) => prefixRoot !== undefined);
  const [first, second] = trees.map((tree) => linesOf(tree, nested));
  if (first === undefined || second === undefined) return first ?? [];
  const width = widthOf(first);
  if (width + GAP + widthOf(second) > MOST_WIDTH) return [...first, '', sign, '', ...second];
  const signRow = nested ? 5 : 3;
  const rows = Math.max(first.length, second.length);
  return Array.from({ length: rows }, (_, row) => {
    const between = centred(row === signRow ? sign : '', GAP);
    return `${(first[row] ?? '').padEnd(width)}${between}${second[row] ?? ''}`.trimEnd();
  });
}

function widthOf(lines: readonly string[]): number {
  return Math.max(...lines.map(({ length }) => length));
}

function linesOf(tree: DrawnTree, nested: boolean): readonly string[] {
  const boxes = tree.spans.map(({ label }) => Math.max(label.length, tree.root.length) + 2);
  // Borders are shared: one before each box and one at the end.
  const total = boxes.reduce((sum, box) => sum + box + 1, 1);
  return [
    tree.title,
    tree.signed,
    '',
    ...(tree.prefixRoot === undefined
      ? [...(nested ? ['', ''] : []), centred(tree.root, total), slopes(total)]
      : overPrefix(tree.root, tree.prefixRoot, boxes[0]! + 2, total)),
    border(tree, boxes),
    `|${tree.spans.map(({ label }, i) => centred(label, boxes[i]!)).join('|')}|`,
    border(tree, boxes),
    ...tree.below,
  ].map((line) => line.trimEnd());
}

/** The signed root over all boxes, and the root of the first box alone on its left slope. */
function overPrefix(root: string, prefixRoot: string, prefixWidth: number, total: number): readonly string[] {
  const middle = total / 2;
  const right = (prefixWidth + total) / 2;
  const rightSlope = (step: number): number => Math.round(middle + ((right - middle) * step) / 3) + 1;
  return [
    centred(root, total),
    placed([
      [Math.round((prefixWidth / 2 + middle) / 2), '/'],
      [rightSlope(1), '\\'],
    ]),
    placed([
      [Math.floor((prefixWidth - prefixRoot.length) / 2), prefixRoot],
      [rightSlope(2), '\\'],
    ]),
    placed([
      [0, slopes(prefixWidth)],
      [rightSlope(3), '\\'],
    ]),
  ];
}

function slopes(width: number): string {
  return placed([
    [Math.floor(width / 4), '/'],
    [width - 1 - Math.floor(width / 4), '\\'],
  ]);
}

/** These texts, each from its column on. */
function placed(texts: readonly (readonly [column: number, text: string])[]): string {
  return texts.reduce((line, [column, text]) => line.padEnd(column) + text, '');
}

function border({ spans }: DrawnTree, boxes: readonly number[]): string {
  return `+${spans.map(({ differs }, i) => (differs ? '=' : '-').repeat(boxes[i]!)).join('+')}+`;
}

function centred(text: string, width: number): string {
  const left = Math.max(0, Math.floor((width - text.length) / 2));
  return `${' '.repeat(left)}${text}`.padEnd(width);
}
