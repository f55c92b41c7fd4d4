// What the figures were measured on.

import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly openssl: string;
}

/** This machine, in one line's worth of facts. */
export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    openssl: process.versions.openssl ?? 'unknown',
  };
}

export function formatMachine(facts: Machine): string {
  const { cpu, cores, memoryGiB, system, node, openssl } = facts;
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}, OpenSSL ${openssl}`;
}

/** Resident memory of a process in MB (10^6 bytes); undefined where the system does not tell. */
export function residentMegabytes(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : (Number(kib) * 1024) / 1e6;
  } catch {
    return undefined;
  }
}
