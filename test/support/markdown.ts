// Reads what the documentation promises: its code blocks, tables and links.

import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** The pages for users, from the root of the project. */
export const PAGES: readonly string[] = [
  'README.md',
  'SECURITY.md',
  'NEWS.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

export function page(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** The content of the page's code blocks in this language ('' for those that name none), in order. */
export function blocks(file: string, language: string): string[] {
  const found: string[] = [];
  let open: string | undefined;
  let lines: string[] = [];
  for (const line of page(file).split('\n')) {
    if (!line.startsWith('```')) lines.push(line);
    else if (open === undefined) [open, lines] = [line.slice(3), []];
    else {
      if (open === language) found.push(`${lines.join('\n')}\n`);
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`${file}: a code block has no end`);
  return found;
}

/** The rows of the tables with this first header cell: trimmed cells, without the header. */
export function tableRows(file: string, firstHeader: string): string[][] {
  const rows: string[][] = [];
  let inside = false;
  for (const line of page(file).split('\n')) {
    if (!line.startsWith('|')) {
      inside = false;
      continue;
    }
    const cells = line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (inside && !/^-+$/.test(cells[0] ?? '')) rows.push(cells);
    if (cells[0] === firstHeader) inside = true;
  }
  return rows;
}

/** Every `code span` of the page, outside code blocks. */
export function codeSpans(file: string): string[] {
  const prose = page(file).replaceAll(/^```[^]*?^```/gm, '');
  return [...prose.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
}

/** The targets of the page's links that are no URLs: [path from the root, fragment]. */
export function relativeLinks(file: string): (readonly [path: string, fragment: string | undefined])[] {
  const targets = [...page(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', fragment] = target.split('#');
      return [path === '' ? file : join(dirname(file), path), fragment];
    });
}

/** The fragments that the page's headings have. */
export function anchors(file: string): string[] {
  return [...page(file).matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^a-z0-9 _-]/g, '')
      .replaceAll(' ', '-'),
  );
}
