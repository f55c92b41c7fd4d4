// What node:http does on this machine with nothing behind it: GET answers the bytes of a tile, POST takes a body and
// answers a number. Prints its port, and ends when its standard input does.

import { createServer } from 'node:http';

const TILE = Buffer.alloc(8192, 7);
const TILE_HEADERS = ['Content-Type', 'application/octet-stream', 'Content-Length', String(TILE.length)];
const ADD_HEADERS = ['Content-Type', 'text/plain; charset=utf-8', 'Content-Length', '7'];

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.writeHead(200, TILE_HEADERS);
    response.end(TILE);
    return;
  }
  request.on('data', () => undefined);
  request.on('end', () => {
    response.writeHead(200, ADD_HEADERS);
    response.end('1000000', 'latin1');
  });
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port number');
  process.stdout.write(`${address.port}\n`);
});
process.stdin.on('end', () => process.exit(0)).resume();
