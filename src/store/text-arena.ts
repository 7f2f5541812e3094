/** A text that is stored as UTF-8. */
export interface EncodedText {
  /** Returns the bytes of the text as a `latin1` string, in which each character is one byte. */
  toString(): string;
}

/** An {@link EncodedText} in an arena. */
export interface ArenaText extends EncodedText {
  /**
   * Returns the bytes from offset `start` up to but not including `end`, as a `latin1` string.
   * Reads only these bytes. `end` defaults to the end of the text.
   */
  slice(start: number, end?: number): string;
}

/** Copies a text into an arena. */
export type StoreText = (text: string) => ArenaText;

/**
 * The size of a chunk, in bytes. A chunk stays in memory as long as any of its texts is in use.
 * Chunks are small, so that a few remaining texts do not hold on to much memory.
 */
const chunkSize = 1 << 18;

/**
 * Creates an arena for very many texts, and returns the function that stores a text in it.
 *
 * The arena is outside V8's heap. On the heap, long-lived texts would be copied twice before they
 * reach the old generation, and would meanwhile take up space for short-lived objects.
 */
export function createTextArena(): StoreText {
  let chunk = Buffer.alloc(0);
  let used = 0;
  return (text) => {
    const size = Buffer.byteLength(text);
    if (size > chunk.length - used) {
      chunk = Buffer.allocUnsafeSlow(Math.max(size, chunkSize));
      used = 0;
    }
    const start = used;
    used += chunk.write(text, start);
    return new ChunkSlice(chunk, start, used);
  };
}

// A class, because there may be very many instances: they share its methods.
class ChunkSlice implements ArenaText {
  readonly #chunk: Buffer;
  readonly #start: number;
  readonly #end: number;

  constructor(chunk: Buffer, start: number, end: number) {
    this.#chunk = chunk;
    this.#start = start;
    this.#end = end;
  }

  toString(): string {
    return this.slice(0);
  }

  slice(start: number, end = this.#end - this.#start): string {
    return this.#chunk.toString("latin1", this.#start + start, this.#start + end);
  }
}
