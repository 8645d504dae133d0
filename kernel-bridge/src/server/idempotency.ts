import { createHash } from 'node:crypto';
import { errors } from '../runs/errors.ts';

/** Answers by request id: a request that is sent again gets its first answer and changes nothing. The stores know the ids of earlier servers. */
export class RepeatedRequests {
  private readonly known = new Map<string, { digest: string; made: Promise<unknown> }>();

  /** `asked`: all that the request is about. Throws REQUEST_ID_USED where the id came with something else. */
  once<T>(key: string | undefined | '', asked: unknown, answer: () => T | Promise<T>): Promise<T> | T {
    if (!key) return answer();
    const first = this.known.get(key);
    if (first && first.digest !== digestOf(asked)) throw errors.requestUsed();
    if (first) return first.made as Promise<T>;
    const made = Promise.resolve().then(answer);
    this.known.set(key, { digest: digestOf(asked), made });
    made.catch(() => this.known.delete(key)); // a refusal may be tried again
    if (this.known.size > 1000) this.known.delete(this.known.keys().next().value!);
    return made;
  }
}

/** In place of what was asked, which may be long and is kept of a thousand requests. */
const digestOf = (asked: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(asked) ?? '')
    .digest('base64');
