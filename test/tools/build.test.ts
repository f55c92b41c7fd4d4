import { expect, test } from 'vitest';

import { packagedSpecifiers } from '../../tools/build.ts';

test('relative specifiers of declarations name the files of the package', () => {
  expect(packagedSpecifiers("export * from './a.ts';\nimport type { B } from '../b/index.ts';")).toBe(
    "export * from './a.js';\nimport type { B } from '../b/index.js';",
  );
  expect(packagedSpecifiers('type C = import("./c.ts").C; import "./d.ts";')).toBe(
    'type C = import("./c.js").C; import "./d.js";',
  );
});

test('other specifiers and texts stay as they are', () => {
  const text = "import { Level } from 'level'; declare const path: './a.ts'; // see b.ts";
  expect(packagedSpecifiers(text)).toBe(text);
});
