/**
 * A cleaner of /tmp may remove the socket of a living server, or its server.json: nobody finds it then. Both are looked at every second and
 * made again.
 */
import { chmodSync, existsSync, lstatSync, mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import type { Server as HttpServer } from 'node:http';
import { dirname } from 'node:path';

const LOOK_MS = 1000;

/** Calls `again` whenever `path` is not there. Returns the function that ends it. */
export function keep(path: string, again: () => Promise<void> | void, look_ms = LOOK_MS): () => void {
  let busy = false;
  let said = '';
  const say = (line: string): void => {
    if (line !== said) process.stderr.write(`${line}\n`);
    said = line;
  };
  const timer = setInterval(async () => {
    if (busy || existsSync(path)) return;
    busy = true;
    try {
      await again();
      say(`${path} was removed by somebody and is there again`);
      said = '';
    } catch (error) {
      say(`${path} was removed by somebody and cannot be made again: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      busy = false;
    }
  }, look_ms);
  timer.unref();
  return () => clearInterval(timer);
}

/**
 * Further doors to a server whose socket was removed: it still listens, but nobody can name where. What comes in is handed to it as if it
 * had come by its own socket. Only the newest door is kept open.
 */
export class Door {
  readonly #http: HttpServer;
  readonly #path: string;
  #open: Server | null = null;

  constructor(http: HttpServer, path: string) {
    this.#http = http;
    this.#path = path;
  }

  async reopen(): Promise<void> {
    privateFolder(dirname(this.#path));
    this.#open?.close(); // before the next one listens: closing removes what lies under the name
    const door = createServer((stream) => this.#http.emit('connection', stream));
    await new Promise<void>((resolve, reject) => {
      door.once('error', reject);
      door.listen(this.#path, resolve);
    });
    chmodSync(this.#path, 0o600);
    this.#open = door;
  }

  close(): void {
    this.#open?.close();
  }
}

/**
 * Makes the folder of a socket where it is missing, for its owner alone. Throws when somebody else has made it since: whoever owns the folder
 * could put a socket of his own under the name and be told the secret.
 */
export function privateFolder(path: string): void {
  if (!existsSync(path)) mkdirSync(path, { mode: 0o700 });
  const { uid } = lstatSync(path);
  if (process.getuid && uid !== process.getuid() && uid !== 0) throw new Error(`${path} belongs to user ${uid}`);
}
