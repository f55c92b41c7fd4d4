import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NODE_ONLY, importViolations, partOf, sourceFiles, violationsOf } from './support/import-table.ts';
import { codeOf, importsOf } from './support/source-scan.ts';

const ROOT = join(import.meta.dirname, '..');

/** What the table says about a file of this content. */
const judge = (file: string, source: string): string[] => violationsOf(file, source).map(({ message }) => message);

describe('the import table', () => {
  it('holds for everything in src', () => {
    expect(sourceFiles().length).toBeGreaterThan(10);
    expect(importViolations()).toEqual([]);
  });

  it('finds what is planted in a source folder', () => {
    const src = mkdtempSync(join(tmpdir(), 'limmat-imports-'));
    const plant = (file: string, source: string): void => {
      mkdirSync(join(src, dirname(file)), { recursive: true });
      writeFileSync(join(src, file), source);
    };
    try {
      plant(
        'merkle/fine.ts',
        "import { sha256 } from '@noble/hashes/sha2.js';\nimport { concat } from '../bytes.ts';\n",
      );
      plant('merkle/deep/bad.ts', "import type {\n  Log,\n} from '../../log/log.ts';\n");
      plant('unknown.ts', '');
      expect(importViolations(src)).toEqual([
        { file: 'merkle/deep/bad.ts', message: 'imports ../../log/log.ts: part merkle may not import log' },
        { file: 'unknown.ts', message: 'part unknown has no row in the import table' },
      ]);
    } finally {
      rmSync(src, { recursive: true });
    }
  });

  it('lets a part use itself, the base and its row, by any kind of import', () => {
    for (const source of [
      "import { a } from './other.ts';",
      "import { LimmatError } from '../errors.ts';",
      "import type { Hash } from '../merkle/hash.ts';",
      "export * from '../crypto/suite.ts';",
    ]) {
      expect([source, judge('note/key.ts', source)]).toEqual([source, []]);
    }
    expect(judge('adapters/level.ts', "import { Level } from 'level';\nimport x from './level/keys.ts';")).toEqual([]);
    expect(judge('node.ts', "import './log/log.ts';\nimport fs from 'node:fs';")).toEqual([]);
  });

  it('refuses any other part by any kind of import', () => {
    for (const source of [
      "import { a } from '../log/log.ts';",
      "import type { A } from '../log/log.ts';",
      "import { type A } from '../log/log.ts';",
      "import a, { b } from '../log/log.ts';",
      "import * as a from '../log/log.ts';",
      "import '../log/log.ts';",
      "export { a } from '../log/log.ts';",
      "export * as a from '../log/log.ts';",
      "export type { A } from '../log/log.ts';",
      "const a = await import('../log/log.ts');",
      "type A = import('../log/log.ts').A;",
      "const a = `${await import('../log/log.ts')}`;",
    ]) {
      const expected = ['imports ../log/log.ts: part note may not import log'];
      expect([source, judge('note/key.ts', source)]).toEqual([source, expected]);
    }
    expect(judge('note/key.ts', 'await import(name);')).toEqual([
      'imports a name that is computed, which nobody can check',
    ]);
    expect(judge('note/key.ts', "await import('../me' + 'rkle');").length).toBe(1);
    expect(judge('adapters/memory.ts', "import x from './level.ts';").length).toBe(1);
    expect(judge('log/log.ts', "import x from '../adapters/memory.ts';").length).toBe(1);
    expect(judge('log/log.ts', "import x from '../index.ts';").length).toBe(1);
    expect(judge('index.ts', "export * from './log/log.ts';").length).toBe(1);
    expect(judge('node.ts', "import x from '../tools/cli.ts';")).toEqual([
      'imports ../tools/cli.ts, which is outside src',
    ]);
  });

  it('tells a type from a value where only types may be imported', () => {
    for (const source of [
      "import type { TilePath } from './merkle/tile.ts';",
      "import { type TilePath, type HashTilePath } from './merkle/tile.ts';",
      "export type { TilePath } from './merkle/tile.ts';",
    ]) {
      expect([source, judge('storage.ts', source)]).toEqual([source, []]);
    }
    for (const source of [
      "import { TILE_WIDTH } from './merkle/tile.ts';",
      "import { type TilePath, TILE_WIDTH } from './merkle/tile.ts';",
      "import type from './merkle/tile.ts';",
      "import './merkle/tile.ts';",
    ]) {
      const expected = ['imports ./merkle/tile.ts: part storage may import only types of merkle'];
      expect([source, judge('storage.ts', source)]).toEqual([source, expected]);
    }
  });

  it('knows the packages of each part', () => {
    expect(judge('cose/cbor.ts', "import { encode } from 'cbor-x';")).toEqual([
      'imports cbor-x: part cose may not use package cbor-x',
    ]);
    expect(judge('merkle/hash.ts', "import { ed25519 } from '@noble/curves/ed25519.js';").length).toBe(1);
    expect(judge('merkle/hash.ts', "import x from '@noble/hashes-but-not-quite';").length).toBe(1);
    expect(judge('adapters/http/app.ts', "import { Hono } from 'hono';\nimport { html } from 'hono/html';")).toEqual(
      [],
    );
    expect(judge('adapters/http/app.ts', "import { serve } from '@hono/node-server';")).toEqual([
      'imports @hono/node-server, which only works in Node',
    ]);
  });

  it('keeps Node out of portable files', () => {
    const portable = 'log/log.ts';
    expect(judge(portable, "import type { Stats } from 'node:fs';")).toEqual(['imports node:fs, which only Node has']);
    expect(judge(portable, "import fs from 'fs';").length).toBe(1);
    for (const source of ['Buffer.from(x)', 'const y = process.env;', 'let b: Buffer', 'globalThis.process.exit()']) {
      expect([source, judge(portable, source).length]).toEqual([source, 1]);
    }
    for (const source of [
      'new ArrayBuffer(8)',
      'this.process(x)',
      '// Buffer\n/* process.env */',
      '"Buffer"',
      '`process.env`',
    ]) {
      expect([source, judge(portable, source)]).toEqual([source, []]);
    }
    for (const file of ['node.ts', 'node/serve.ts', 'adapters/level/keys.ts', 'adapters/node-crypto.ts']) {
      expect(judge(file, "import fs from 'node:fs';\nBuffer.alloc(process.pid);")).toEqual([]);
    }
    expect(judge('adapters/http/app.ts', 'Buffer.alloc(1);').length).toBe(1);
  });

  it('keeps clocks, chance and the network out of pure parts', () => {
    for (const source of [
      'Date.now()',
      'new Date()',
      'performance.now()',
      'fetch(url)',
      'Math.random()',
      'setTimeout(f, 1)',
    ]) {
      expect([source, judge('record/build.ts', source).length]).toEqual([source, 1]);
      expect([source, judge('log/log.ts', source).length]).toEqual([source, 0]);
    }
    for (const source of ['new Date(1000 * seconds)', 'reader.fetch(url)', 'const x: Date = y']) {
      expect([source, judge('record/build.ts', source)]).toEqual([source, []]);
    }
  });

  it('names the same Node-only files as tsconfig.json', () => {
    const text = readFileSync(join(ROOT, 'tsconfig.json'), 'utf8').replaceAll(/^\s*\/\/.*$/gm, '');
    const { exclude }: { exclude: string[] } = JSON.parse(text);
    expect(exclude.toSorted()).toEqual(NODE_ONLY.map((path) => `src/${path}`).toSorted());
  });

  it('takes the part from the path', () => {
    expect(['bytes.ts', 'merkle/a/b.ts', 'adapters/level.ts', 'adapters/level/x.ts'].map(partOf)).toEqual([
      'bytes',
      'merkle',
      'adapters/level',
      'adapters/level',
    ]);
  });
});

describe('the source scan', () => {
  it('sees no import in comments, strings, templates and regular expressions', () => {
    const source = [
      "// import a from './1.ts';",
      "/* import b from './2.ts'; */",
      'const c = "import c from \'./3.ts\'";',
      "const d = `import d from './4.ts' ${`${'`'}`} import('./5.ts')`;",
      "const e = /['\"`/]import('.\\/6.ts')/g;",
      'const f = 4 / 2 / 1; // not a regular expression',
      "const it = 'it\\'s';",
      "import g from './7.ts';",
    ].join('\n');
    expect(importsOf(source)).toEqual([{ specifier: './7.ts', typeOnly: false }]);
  });

  it('keeps code inside templates, with braces of any depth', () => {
    expect(codeOf("`a ${{ b: { c: 'd' } }.b} e ${process.env} f`")).toContain('process.env');
    expect(codeOf('`process.env`')).not.toContain('process');
    expect(() => codeOf('const a = `no end')).toThrow('cannot be read');
  });
});
