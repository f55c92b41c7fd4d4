import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const root = new URL('../', import.meta.url);

/** The package's exports: subpath → built file. */
const exported = readExports();
const subpaths = [...exported.keys()].filter((subpath) => subpath !== './package.json');

function readExports(): ReadonlyMap<string, unknown> {
  const manifest: unknown = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  if (typeof manifest !== 'object' || manifest === null || !('exports' in manifest)) throw new Error('no exports');
  return new Map(Object.entries(manifest.exports ?? {}));
}

async function namesOf(subpath: string): Promise<readonly string[]> {
  const module: unknown = await import(sourceOf(subpath).href);
  return typeof module === 'object' && module !== null ? Object.keys(module).toSorted() : [];
}

/** "./merkle" → src/merkle/index.ts; "." and "./node" are files of their own. */
function sourceOf(subpath: string): URL {
  if (subpath === '.') return new URL('src/index.ts', root);
  if (subpath === './node') return new URL('src/node.ts', root);
  return new URL(`src/${subpath.slice(2)}/index.ts`, root);
}

describe('the package', () => {
  // A name that is added, removed or renamed shows up in the diff of exports.txt, and is a choice.
  test('exports these names', async () => {
    const lines: string[] = [];
    for (const subpath of subpaths) {
      const names = await namesOf(subpath);
      lines.push(subpath === '.' ? 'limmat' : `limmat/${subpath.slice(2)}`, ...names.map((name) => `  ${name}`), '');
    }
    await expect(lines.join('\n')).toMatchFileSnapshot('./exports.txt');
  });

  test('names its built files after the parts', () => {
    expect(subpaths.map((subpath) => exported.get(subpath))).toEqual(
      subpaths.map((subpath) => `./dist/${subpath === '.' ? 'index' : subpath.slice(2)}.js`),
    );
  });

  test('gives a verifier every part that checks, under one name each', async () => {
    const all = new Set(await namesOf('.'));
    for (const part of ['client', 'merkle', 'note', 'cose', 'record']) {
      const names = await namesOf(`./${part}`);
      expect(names.filter((name) => !all.has(name))).toEqual([]);
    }
    for (const name of ['verifyProofFile', 'parseTrust', 'LimmatError', 'portableCrypto', 'externalStatementSigner']) {
      expect(all).toContain(name);
    }
  });
});
