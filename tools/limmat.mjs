#!/usr/bin/env node
// The command `limmat`. Plain JavaScript in syntax that Node 12 reads, so that a Node that is too old gets one clear
// line instead of a syntax error. In a checkout it runs the TypeScript sources, which needs a Node that strips types;
// an older one hands over to the Node that `npm ci` installed. In an installed package it runs the bundle.

import { spawn } from 'child_process';
import { existsSync } from 'fs';
import { dirname, join } from 'path';
import { fileURLToPath, pathToFileURL } from 'url';

/** The oldest Node that the bundle runs on (package.json: engines). */
const OLDEST = [20, 19];
/** The first Node that runs .ts files as they are. */
const STRIPS_TYPES = [22, 18];
const EXIT_USAGE = 2;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sources = join(root, 'tools', 'cli.ts');
const bundle = join(root, 'dist', 'limmat.js');
const bundledNode = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');

function atLeast(version, wanted) {
  const parts = version.replace(/^v/, '').split('.').map(Number);
  return parts[0] > wanted[0] || (parts[0] === wanted[0] && parts[1] >= wanted[1]);
}

function refuse(line) {
  process.stderr.write('limmat: ' + line + '\n');
  process.exit(EXIT_USAGE);
}

function crash(error) {
  process.stderr.write('limmat: ' + (error && error.stack ? error.stack : String(error)) + '\n');
  process.exit(1);
}

async function run(file) {
  const cli = await import(pathToFileURL(file).href);
  await cli.run(process.argv.slice(2));
}

/** Starts this file again with the installed Node; `otherwise` when that does not start at all. */
function handOver(otherwise) {
  const env = Object.assign({}, process.env, { LIMMAT_HANDED_OVER: '1' });
  const child = spawn(bundledNode, [fileURLToPath(import.meta.url)].concat(process.argv.slice(2)), {
    stdio: 'inherit',
    env: env,
  });
  // Whoever stops this process means the one that does the work. A second signal from the terminal does no harm.
  ['SIGINT', 'SIGTERM', 'SIGHUP'].forEach(function (signal) {
    process.on(signal, function () {
      child.kill(signal);
    });
  });
  child.on('error', otherwise);
  child.on('exit', function (code, signal) {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** Without a Node that strips types there may still be a bundle. */
function runBundle() {
  if (existsSync(bundle)) {
    run(bundle).catch(crash);
  } else if (inCheckout) {
    refuse(
      'runs from a checkout with Node ' +
        STRIPS_TYPES.join('.') +
        ' or newer, and this is ' +
        process.version +
        ': "npm ci" installs one on Linux',
    );
  } else {
    refuse('is not complete: neither ' + sources + ' nor ' + bundle + ' is there');
  }
}

const inCheckout = existsSync(sources);
const wasHandedOver = process.env.LIMMAT_HANDED_OVER !== undefined;
// Not for the processes that this one starts.
delete process.env.LIMMAT_HANDED_OVER;

if (!atLeast(process.version, OLDEST)) {
  refuse('needs Node ' + OLDEST.join('.') + ' or newer, and this is ' + process.version);
} else if (inCheckout && atLeast(process.version, STRIPS_TYPES)) {
  run(sources).catch(crash);
} else if (inCheckout && !wasHandedOver && existsSync(bundledNode)) {
  handOver(runBundle);
} else {
  runBundle();
}
