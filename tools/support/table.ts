// Columns of text, for people.

import { stripVTControlCharacters } from 'node:util';

export interface Column {
  readonly title: string;
  /** Numbers read better to the right. */
  readonly align?: 'left' | 'right';
}

const widthOf = (cell: string) => stripVTControlCharacters(cell).length;

/** The rows under their titles, two spaces between the columns, no trailing spaces; one string a line. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const lines = [columns.map((column) => column.title), ...rows];
  const widths = columns.map((_, i) => Math.max(...lines.map((cells) => widthOf(cells[i] ?? ''))));
  return lines.map((cells) =>
    columns
      .map((column, i) => {
        const cell = cells[i] ?? '';
        const gap = ' '.repeat(widths[i]! - widthOf(cell));
        return column.align === 'right' ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd(),
  );
}
