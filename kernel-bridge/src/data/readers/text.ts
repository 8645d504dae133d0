/** Bytes of a text file as text. UTF-16 is told by its byte order mark, which Windows programs write; all else is UTF-8. */

const ENCODINGS: [mark: string, encoding: string][] = [
  ['fffe', 'utf-16le'],
  ['feff', 'utf-16be'],
];

const encodingOf = (start: Buffer): string => ENCODINGS.find(([mark]) => start.subarray(0, 2).toString('hex') === mark)?.[1] ?? 'utf-8';

/** Without the mark; what is not valid becomes U+FFFD. */
export async function* asText(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let decoder: TextDecoder | null = null;
  for await (const chunk of chunks) {
    decoder ??= new TextDecoder(encodingOf(chunk));
    yield decoder.decode(chunk, { stream: true });
  }
  if (decoder) yield decoder.decode();
}

/** The same as UTF-8; bytes that are not UTF-16 stay as they are, valid or not. */
export async function* asUtf8(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let decoder: TextDecoder | null | undefined;
  for await (const chunk of chunks) {
    if (decoder === undefined) decoder = encodingOf(chunk) === 'utf-8' ? null : new TextDecoder(encodingOf(chunk));
    yield decoder ? Buffer.from(decoder.decode(chunk, { stream: true })) : chunk;
  }
}
