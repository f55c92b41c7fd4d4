// A body as a stream of bytes that is looked at piece by piece. Memory holds what was asked for and one chunk more.

/** The next chunk, or undefined at the end. */
export type NextChunk = () => Promise<Uint8Array | undefined>;

/** 64 KiB is what a package of small entries takes. */
const FIRST_BYTES = 64 * 1024;

export class BodyReader {
  readonly #next: NextChunk;
  #buffer = new Uint8Array(FIRST_BYTES);
  #start = 0;
  #end = 0;
  #isOver = false;

  constructor(next: NextChunk) {
    this.#next = next;
  }

  /** True when so many bytes are there to be looked at; false when the body ends before. */
  async ensure(count: number): Promise<boolean> {
    while (this.#end - this.#start < count) {
      const chunk = this.#isOver ? undefined : await this.#next();
      if (chunk === undefined) {
        this.#isOver = true;
        return false;
      }
      this.#add(chunk);
    }
    return true;
  }

  /** Byte number i of what is there, i < what was ensured. */
  at(i: number): number {
    return this.#buffer[this.#start + i]!;
  }

  /** Bytes [from, to) of what is there, until the next call of another method. */
  view(from: number, to: number): Uint8Array {
    return this.#buffer.subarray(this.#start + from, this.#start + to);
  }

  /** The first `count` bytes of what is there, as a copy; they are gone from here then. */
  take(count: number): Uint8Array {
    const bytes = this.#buffer.slice(this.#start, this.#start + count);
    this.#start += count;
    if (this.#start === this.#end) this.#shrink();
    return bytes;
  }

  /** Nothing is left: what a large package needed is not kept for the small ones behind it. */
  #shrink(): void {
    this.#start = 0;
    this.#end = 0;
    if (this.#buffer.length > FIRST_BYTES) this.#buffer = new Uint8Array(FIRST_BYTES);
  }

  #add(chunk: Uint8Array): void {
    const held = this.#end - this.#start;
    const wanted = held + chunk.length;
    if (this.#end + chunk.length > this.#buffer.length) {
      let size = this.#buffer.length;
      while (size < wanted) size *= 2;
      const buffer = size === this.#buffer.length ? this.#buffer : new Uint8Array(size);
      buffer.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = buffer;
      this.#start = 0;
      this.#end = held;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }
}
