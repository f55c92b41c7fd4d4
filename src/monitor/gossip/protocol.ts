// The words that the parts of the gossip protocol have in common: its paths, its requests, and what it needs of a log.

import type { LimmatError } from '../../errors.ts';
import type { HeadBook } from '../heads.ts';
import type { OwnTree } from '../judge.ts';
import type { LogIdentity } from '../watched-log.ts';
import type { SignedRequest } from './credential.ts';
import type { Peer } from './peer.ts';

/** The paths of the protocol, below the prefix that it is mounted under. */
export const EXCHANGE_PATH = '/gossip/v1/exchange';
export const EVIDENCE_PATH = '/gossip/v1/evidence';
export const CHECKPOINT_PATH = '/gossip/v1/checkpoint';

/** A log that is watched, as gossip needs it. */
export interface GossipLog {
  /** A head needs a line of each of its keys; `retired` ones count for evidence only. */
  readonly log: LogIdentity;
  readonly book: HeadBook;
  /** The monitor's own tree of it, as far as it has been checked; undefined before the first one. */
  tree(): OwnTree | undefined;
}

/** A request between peers, with the credential that its header carries. */
export interface PeerRequest extends SignedRequest {
  readonly credential?: string | undefined;
}

/** What is answered. Every status but 200 and 204 is thrown instead, as a LimmatError. */
export interface PeerAnswer {
  readonly status: 200 | 204;
  readonly body: Uint8Array;
  /** Of the answer, where a peer asked. */
  readonly credential?: string | undefined;
}

/**
 * Sends a request to a peer that has a URL, and brings the answer. LimmatError `network` or `bad-response` when there is
 * none, or another status than 200 and 204, or more than maxBytes; redirects are not followed.
 */
export type PeerSend = (peer: Peer, request: PeerRequest, maxBytes: number) => Promise<PeerAnswer>;

/** What happened, for logs and metrics. Nothing in it names a client. */
export type GossipEvent =
  | { readonly kind: 'called'; readonly peer: string; readonly exchanges: number; readonly heads: number }
  | { readonly kind: 'call-failed'; readonly peer: string; readonly error: LimmatError }
  | { readonly kind: 'heard'; readonly peer: string; readonly heads: number }
  | { readonly kind: 'head-refused'; readonly peer?: string; readonly origin: string; readonly error: LimmatError }
  | { readonly kind: 'evidence'; readonly peer?: string; readonly origin: string; readonly id: string }
  | { readonly kind: 'evidence-refused'; readonly peer?: string; readonly error: LimmatError };

/** What a call came to. */
export type CallResult = { readonly ok: true } | { readonly ok: false; readonly error: LimmatError };
