// Who may import whom (DESIGN §5), as a check over every import in src/, type-only ones included:
//   node test/support/import-table.ts
// prints what breaks the table and exits 1. A new part, or a new package for a part, is a row here.

import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { codeOf, importsOf } from './source-scan.ts';

/** What one part of src/ may use besides itself, `bytes` and `errors`. */
export interface Row {
  /** Parts it may import; `*` is every part. */
  readonly parts: readonly string[];
  /** Parts of which it may import types only. */
  readonly types?: readonly string[];
  /** Packages it may import; subpaths are included. */
  readonly packages?: readonly string[];
  /** False: a pure part, which gets no clock, no network and no timers, not even as a default. */
  readonly effects?: boolean;
}

const ABOVE_ADAPTERS = [
  'signing-clock',
  'crypto',
  'merkle',
  'note',
  'cose',
  'record',
  'storage',
  'client',
  'log',
  'witness',
  'mirror',
  'monitor',
];

/** The table. A part is a folder of src/, a file right in it, or one adapter. */
export const TABLE: Readonly<Record<string, Row>> = {
  bytes: { parts: [], effects: false },
  errors: { parts: [], effects: false },
  'signing-clock': { parts: [] },
  crypto: { parts: [], packages: ['@noble/curves', '@noble/hashes', '@noble/post-quantum'], effects: false },
  merkle: { parts: [], packages: ['@noble/hashes'], effects: false },
  note: { parts: ['crypto', 'merkle'], effects: false },
  cose: { parts: ['crypto', 'merkle'], effects: false },
  record: { parts: ['merkle', 'cose'], effects: false },
  storage: { parts: [], types: ['merkle', 'note'], effects: false },
  client: { parts: ['crypto', 'merkle', 'note', 'cose', 'record'] },
  log: { parts: ['crypto', 'merkle', 'note', 'cose', 'record', 'storage'] },
  witness: { parts: ['crypto', 'merkle', 'note', 'storage', 'signing-clock'] },
  mirror: { parts: ['merkle', 'note', 'client', 'storage', 'signing-clock'] },
  monitor: { parts: ['crypto', 'merkle', 'note', 'cose', 'record', 'client', 'storage'] },
  'adapters/memory': { parts: ABOVE_ADAPTERS },
  'adapters/level': { parts: ABOVE_ADAPTERS, packages: ['level', 'cbor-x'] },
  'adapters/guard': { parts: ABOVE_ADAPTERS, packages: ['level'] },
  'adapters/node-crypto': { parts: ABOVE_ADAPTERS },
  'adapters/monitor-store': { parts: ABOVE_ADAPTERS, packages: ['level'] },
  'adapters/witness-store': { parts: ABOVE_ADAPTERS, packages: ['level'] },
  'adapters/durable-object': { parts: ABOVE_ADAPTERS },
  'adapters/http': { parts: ABOVE_ADAPTERS, packages: ['hono', '@hono/node-server', 'valibot'] },
  index: { parts: ['crypto', 'merkle', 'note', 'cose', 'record', 'client'] },
  browser: { parts: ['index'] },
  node: { parts: ['*'], packages: ['hono', '@hono/node-server', 'pino', 'smol-toml', 'valibot'] },
  worker: { parts: ['*'], packages: ['hono'] },
};

/** Files and folders of src/ that may use Node's modules and globals. tsconfig.json leaves out the same ones. */
export const NODE_ONLY: readonly string[] = [
  'node.ts',
  'node',
  'adapters/level.ts',
  'adapters/level',
  'adapters/guard.ts',
  'adapters/node-crypto.ts',
  'adapters/node-crypto',
  'adapters/monitor-store.ts',
  'adapters/monitor-store',
  'adapters/witness-store.ts',
  'adapters/http/node-listener.ts',
  'adapters/http/raw-request.ts',
  'adapters/http/witness-listener.ts',
];

/** Packages that only work in Node, so only Node-only files import them. */
const NODE_PACKAGES: readonly string[] = ['level', '@hono/node-server', 'pino', 'smol-toml'];

const NODE_GLOBALS =
  /(?<![.\w$])(?:Buffer|process|__dirname|__filename|setImmediate)\b(?!\s*:)|\bglobalThis\s*\.\s*(?:Buffer|process)\b/;

// What a pure part must get as a parameter. `new Date(x)` computes; `new Date()` looks at the clock.
const EFFECTS =
  /\bDate\s*\.\s*now\b|\bnew\s+Date\s*(?:\(\s*\)|(?![\s(\w]))|\bperformance\s*\.|(?<![.\w$])(?:fetch|setTimeout|setInterval|queueMicrotask)\s*\(|\bMath\s*\.\s*random\b|\bgetRandomValues\b/;

/** One thing that breaks the table. */
export interface Violation {
  /** From src/ on, with forward slashes. */
  readonly file: string;
  readonly message: string;
}

/** The part that a file of src/ belongs to. */
export function partOf(file: string): string {
  const [first = '', second = ''] = file.split('/');
  const part = first === 'adapters' ? `adapters/${second}` : first;
  return part.replace(/\.ts$/, '');
}

function isNodeOnly(file: string): boolean {
  return NODE_ONLY.some((path) => file === path || file.startsWith(`${path}/`));
}

/** `@noble/hashes/sha2.js` → `@noble/hashes` */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** What breaks the table in one file; `file` counts from src/ on. */
export function violationsOf(file: string, source: string): Violation[] {
  const part = partOf(file);
  const row = TABLE[part];
  if (row === undefined) return [{ file, message: `part ${part} has no row in the import table` }];
  const messages: string[] = [];
  for (const { specifier, typeOnly } of importsOf(source)) {
    const message =
      specifier === undefined
        ? 'imports a name that is computed, which nobody can check'
        : specifier.startsWith('.')
          ? judgePart(file, part, row, specifier, typeOnly)
          : judgePackage(file, part, row, specifier);
    if (message !== undefined) messages.push(message);
  }
  const code = codeOf(source);
  const global = isNodeOnly(file) ? null : NODE_GLOBALS.exec(code);
  if (global !== null) messages.push(`uses ${global[0]}, which only Node has`);
  const effect = row.effects === false ? EFFECTS.exec(code) : null;
  if (effect !== null)
    messages.push(`uses ${effect[0].trim()}: part ${part} gets time, randomness and fetch as parameters`);
  return messages.map((message) => ({ file, message }));
}

function judgePart(file: string, part: string, row: Row, specifier: string, typeOnly: boolean): string | undefined {
  const target = join(dirname(file), specifier).split(sep).join('/');
  if (target.startsWith('../')) return `imports ${specifier}, which is outside src`;
  const to = partOf(target);
  if (to === part || to === 'bytes' || to === 'errors' || row.parts.includes(to)) return undefined;
  if (row.parts.includes('*') && to in TABLE) return undefined;
  if (row.types?.includes(to) === true) {
    return typeOnly ? undefined : `imports ${specifier}: part ${part} may import only types of ${to}`;
  }
  return `imports ${specifier}: part ${part} may not import ${to}`;
}

function judgePackage(file: string, part: string, row: Row, specifier: string): string | undefined {
  if (specifier.startsWith('node:')) {
    return isNodeOnly(file) ? undefined : `imports ${specifier}, which only Node has`;
  }
  const name = packageOf(specifier);
  if (row.packages?.includes(name) !== true) return `imports ${specifier}: part ${part} may not use package ${name}`;
  if (NODE_PACKAGES.includes(name) && !isNodeOnly(file)) return `imports ${specifier}, which only works in Node`;
  return undefined;
}

const ROOT = join(import.meta.dirname, '..', '..');

/** Every .ts file of src/, from src/ on, sorted. */
export function sourceFiles(src: string = join(ROOT, 'src')): string[] {
  return readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?tsx?$/.test(entry.name))
    .map((entry) => relative(src, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .toSorted();
}

/** Everything in a source folder that breaks the table. */
export function importViolations(src: string = join(ROOT, 'src')): Violation[] {
  return sourceFiles(src).flatMap((file) => violationsOf(file, readFileSync(join(src, file), 'utf8')));
}

if (import.meta.main) {
  const violations = importViolations();
  for (const { file, message } of violations) console.error(`src/${file} ${message}`);
  if (violations.length > 0) process.exitCode = 1;
}
