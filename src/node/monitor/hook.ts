// Who is told of an alert: a program, or an address on the web. Both get the same JSON, at least once; what they get
// twice has the same key.

/** Somewhere that an alert is sent to. */
export interface Hook {
  /** For the operator's log: never holds a secret, as a webhook's path may. */
  readonly name: string;
  /** Resolves once the other side has taken the message; rejects with `hook-failed` otherwise. */
  deliver(message: string, signal?: AbortSignal): Promise<void>;
}
