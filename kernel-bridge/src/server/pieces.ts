/**
 * Long answers, made as they are taken: what a client has not taken yet is neither read nor written, and between two pieces the process does
 * what else it has to do.
 */
import type { Json } from '../files/json-parts.ts';
import { Rota } from './rota.ts';

export const PIECES = {
  /** Characters of a piece, or more where one part is longer. */
  length: 16 << 10,
  /** Bytes that were made and not taken, above which no further piece is made. */
  untaken_bytes: 1 << 20,
  retry_ms: 10,
};

/** An answer whose lists may be read while it is sent, and of which parts may be JSON already. */
export type Lazy<T> =
  Json<T> | (T extends readonly (infer E)[] ? Iterable<Lazy<E>> : T extends object ? { [K in keyof T]: Lazy<T[K]> } : T);

function* gathered(parts: Iterable<string>): Generator<string> {
  let piece = '';
  for (const part of parts) {
    piece += part;
    if (piece.length < PIECES.length) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

const rota = new Rota();

/** Pieces of all answers together that were made and not taken yet. */
export const untaken = {
  bytes: 0,
  /** Answers of which the next piece waits for room. */
  waiting: 0,
  get isShort(): boolean {
    return this.waiting > 0 && this.bytes > PIECES.untaken_bytes;
  },
};

/** An answer of these parts: whole, where it is one piece. */
export function inPieces(parts: Iterable<string>, init: ResponseInit & { headers: Record<string, string> }): Response {
  const pieces = gathered(parts);
  const first = pieces.next().value ?? '';
  const second = pieces.next().value;
  if (second === undefined) return new Response(first, init);
  return new Response(streamOf([first, second], pieces), { ...init, headers: { ...init.headers, 'transfer-encoding': 'chunked' } });
}

function streamOf(made: string[], pieces: Generator<string>): ReadableStream {
  const encoder = new TextEncoder();
  let held = 0;
  let left = false;
  const hold = (bytes: number): void => {
    untaken.bytes += bytes - held;
    held = bytes;
  };
  const next = async (): Promise<string | undefined> => {
    hold(0); // what was asked for before has gone
    untaken.waiting++;
    try {
      do await turn();
      while (untaken.bytes > PIECES.untaken_bytes);
    } finally {
      untaken.waiting--;
    }
    return pieces.next().value as string | undefined;
  };
  hold(made[0].length + made[1].length);
  return new ReadableStream(
    {
      async pull(controller) {
        const piece = made.shift() ?? (await next());
        if (left) return;
        if (piece === undefined) return controller.close();
        hold(piece.length + (made[0]?.length ?? 0));
        controller.enqueue(encoder.encode(piece));
      },
      cancel() {
        left = true;
        hold(0);
        pieces.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

const turn = (): Promise<void> =>
  new Promise((come) => (untaken.bytes > PIECES.untaken_bytes ? setTimeout(come, PIECES.retry_ms) : rota.ask({ turn: come })));
