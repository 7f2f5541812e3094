/**
 * A text that is kept as its UTF-8. `toString()` returns these bytes, each as one character (`latin1`).
 */
export interface EncodedText {
  toString(): string;
}

/** A {@link EncodedText} of which a part can be had, with no work for the rest. */
export interface ArenaText extends EncodedText {
  /** Returns the bytes from `start` on, to before `end` or all, each as one character. */
  slice(start: number, end?: number): string;
}

/** Keeps a text. */
export type StoreText = (text: string) => ArenaText;

/**
 * How many bytes are kept in one piece. One text holds the piece with all others in it, so it is
 * short enough that a few left over do not hold much.
 */
const pieceSize = 1 << 18;

/**
 * Creates a {@link StoreText} for very many texts. They are kept outside of V8's heap, where
 * they would be moved twice before they stay, and would take the room of short-lived objects meanwhile.
 */
export function createTextArena(): StoreText {
  let piece = Buffer.alloc(0);
  let used = 0;
  return (text) => {
    const size = Buffer.byteLength(text);
    if (size > piece.length - used) {
      piece = Buffer.allocUnsafeSlow(Math.max(size, pieceSize));
      used = 0;
    }
    const start = used;
    used += piece.write(text, start);
    return new ArenaSlice(piece, start, used);
  };
}

// A class, for there may be very many: what they share is there once.
class ArenaSlice implements ArenaText {
  readonly #piece: Buffer;
  readonly #start: number;
  readonly #end: number;

  constructor(piece: Buffer, start: number, end: number) {
    this.#piece = piece;
    this.#start = start;
    this.#end = end;
  }

  toString(): string {
    return this.slice(0);
  }

  slice(start: number, end = this.#end - this.#start): string {
    return this.#piece.toString("latin1", this.#start + start, this.#start + end);
  }
}
