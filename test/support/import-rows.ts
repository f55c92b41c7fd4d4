// The import table as the README shows it: the parts that there are, in the table's order.

import { TABLE, partOf, sourceFiles } from './import-table.ts';

/** Rows of cells: part, what it may import, which packages. */
export function importTableRows(): string[][] {
  const present = new Set(sourceFiles().map(partOf));
  const parts = Object.keys(TABLE).filter((part) => present.has(part) && part !== 'bytes' && part !== 'errors');
  return parts.map((part, i) => {
    const { parts: allowed, types = [], packages = [] } = TABLE[part]!;
    const above = parts.slice(0, i).filter((other) => !other.startsWith('adapters/'));
    const known = allowed.filter((other) => present.has(other));
    const all = part.startsWith('adapters/') && above.every((other) => known.includes(other));
    const imports = allowed.includes('*')
      ? 'everything'
      : all
        ? 'everything above but adapters'
        : [...known, ...types.filter((other) => present.has(other)).map((other) => `types of ${other}`)].join(', ');
    return [`\`${part}\``, imports, packages.join(', ')];
  });
}
