/**
 * A connection that is read in sips. The kernel hands over 64 KiB at once, in which a client that floods has two thousand frames, and a websocket
 * makes messages of all of them before it can be paused: with sixty such clients, 60 MB. What is not sipped yet stays bytes.
 */
import { Duplex } from 'node:stream';

/** Room for a page's longest message; a flood's shortest ones make sixty of it. */
const SIP_BYTES = 2 << 10;

/** `head`: what had come with the request that opened the connection. */
export function inSips(stream: Duplex, head: Buffer): Duplex {
  let rest = head;
  let wanted = false;
  let ended = false;
  const give = (): void => {
    while (wanted && rest.length > 0) {
      const sip = rest.subarray(0, SIP_BYTES);
      rest = rest.subarray(SIP_BYTES);
      wanted = sips.push(sip);
    }
    if (ended && rest.length === 0) sips.push(null);
    else if (wanted) stream.resume();
    else stream.pause();
  };
  const sips = new Duplex({
    readableHighWaterMark: 1,
    read: () => {
      wanted = true;
      give();
    },
    write: (chunk, encoding, written) => void stream.write(chunk, encoding, written),
    final: (done) => void stream.end(done),
    destroy: (error, destroyed) => {
      stream.destroy();
      destroyed(error);
    },
  });
  stream.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    give();
  });
  stream.on('end', () => {
    ended = true;
    give();
  });
  stream.on('error', (error) => sips.destroy(error));
  stream.on('close', () => sips.destroy());
  return sips;
}
